# SPDX-License-Identifier: GPL-2.0-or-later
"""Compressed cores: the same answers as from the plain core, whole or cut off."""

import gzip
import lzma
import os
import resource
import shutil
import subprocess

import pytest

from oracle import necropy


def by_program(name):
    def compress(plain, packed):
        why_not = None if shutil.which(name) else "there is no program %s here" % name
        if why_not:
            pytest.skip(why_not)
        with open(plain, "rb") as source, open(packed, "wb") as target:
            subprocess.run([name, "-1", "-c"], stdin=source, stdout=target, check=True)
    return compress


def by_module(module, **options):
    def compress(plain, packed):
        with open(plain, "rb") as source, module.open(packed, "wb", **options) as target:
            shutil.copyfileobj(source, target)
    return compress


COMPRESS = {"gzip": by_module(gzip, compresslevel=1), "xz": by_module(lzma, preset=0),
            "zstd": by_program("zstd"), "lz4": by_program("lz4")}


@pytest.fixture(scope="module", params=sorted(COMPRESS))
def packed(request, lab, debian, tmp_path_factory):
    """(path of a core, path of the same compressed, name of the format)"""
    plain = lab.target(debian, "mixed").name
    path = str(tmp_path_factory.mktemp("packed") / ("core." + request.param))
    COMPRESS[request.param](plain, path)
    return plain, path, request.param


def document_of(core, *options):
    document = necropy("types", core, "-n", "all", "--json", *options).document
    document["target"]["path"] = None
    return document


def test_the_answer_is_that_of_the_plain_core(packed, tmp_path):
    plain, path, name = packed
    document, expected = document_of(path, "--tmp-dir", str(tmp_path)), document_of(plain)
    notes = document.pop("notes")
    assert any("compressed with %s" % name in note for note in notes)
    assert not set(expected.pop("notes")) - set(notes)
    assert document == expected
    assert os.listdir(str(tmp_path)) == [], "nothing is left behind"


def test_a_core_that_is_cut_off_gives_what_came_before(packed, tmp_path):
    plain, path, name = packed
    cut = tmp_path / "core"
    with open(path, "rb") as source:
        cut.write_bytes(source.read(os.path.getsize(path) * 9 // 10))
    answer = necropy("info", str(cut), "--json")
    assert answer.status == 3
    assert answer.document["complete"] is False
    assert any(note["kind"] == "truncated-core" for note in answer.document["damage"])
    assert any("cut off" in note or "corrupt" in note for note in answer.document["notes"])


def test_two_streams_are_one_core(packed, tmp_path):
    plain, path, name = packed
    half = os.path.getsize(plain) // 2
    whole = b""
    for number, part in enumerate((slice(None, half), slice(half, None))):
        piece, small = tmp_path / str(number), tmp_path / ("%d.packed" % number)
        with open(plain, "rb") as source:
            piece.write_bytes(source.read()[part])
        COMPRESS[name](str(piece), str(small))
        whole += small.read_bytes()
    core = tmp_path / "core"
    core.write_bytes(whole)
    document, expected = document_of(str(core)), document_of(plain)
    assert document["rows"] == expected["rows"]
    assert document["complete"] == expected["complete"]


def test_garbage_after_the_magic_is_an_error(packed, tmp_path):
    plain, path, name = packed
    with open(path, "rb") as source:
        magic = source.read(8)
    core = tmp_path / "core"
    core.write_bytes(magic + b"no stream of any kind" * 100)
    answer = necropy("types", str(core))
    assert answer.status == 2
    assert "not an ELF core" in answer.err


def test_magic_without_a_stream_is_an_error(packed, tmp_path):
    plain, path, name = packed
    core = tmp_path / "core"
    with open(path, "rb") as source:
        core.write_bytes(source.read(6))
    answer = necropy("types", str(core))
    assert (answer.status, answer.out) == (2, "")
    assert "compressed with %s" % name in answer.err and "cut off" in answer.err


def test_no_room_for_the_decompressed(packed, tmp_path):
    plain, path, name = packed

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    answer = necropy("types", path, "--tmp-dir", str(tmp_path), preexec_fn=little_room)
    assert answer.status == 2, (answer.status, answer.err)
    assert str(tmp_path) in answer.err and len(answer.err.splitlines()) == 1
    assert os.listdir(str(tmp_path)) == []


def test_a_folder_that_is_not_there_is_named(packed, tmp_path):
    plain, path, name = packed
    missing = str(tmp_path / "missing")
    answer = necropy("types", path, "--tmp-dir", missing)
    assert answer.status == 2
    assert missing in answer.err and "--tmp-dir" in answer.err
