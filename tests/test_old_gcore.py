# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores without the first page of any module and without the thread register: old gdb's gcore."""

import os
import shutil
import struct

import pytest

import old_gcore
import oracle
from corewriter import EHDR, PHDR, PHDR_BYTES
from test_layouts import ALONE, counts, lone_cores, unlike  # noqa: F401  (a fixture)

PT_DYNAMIC, DT_STRSZ = 2, 10


@pytest.fixture
def old_core(mixed_core):
    path = os.path.join(mixed_core.directory, "old-gcore")
    if not os.path.exists(path):
        old_gcore.rewrite(mixed_core.name, path)
    return path


def ask(core, *arguments):
    return oracle.necropy(arguments[0], core, *arguments[1:], "--json")


def test_files_are_recognised_by_their_dynamic_sections(mixed_core, old_core):
    whole, old = mixed_core.ask("info"), ask(old_core, "info")
    assert old.document["target"]["build_id"] == whole.document["target"]["build_id"]
    assert old.document["target"]["layout"] == whole.document["target"]["layout"]


def test_types_are_the_same(mixed_core, old_core):
    old = ask(old_core, "types", "-n", "all")
    assert counts(old) == counts(mixed_core.ask("types", "-n", "all"))
    assert old.status == mixed_core.ask("types", "-n", "all").status


@pytest.mark.parametrize("command", ("bt", "threads"))
def test_threads_are_the_same(mixed_core, old_core, command):
    assert ask(old_core, command).rows == mixed_core.ask(command).rows


def test_types_are_found_where_no_file_is(mixed_core, lone_cores, tmp_path):  # noqa: F811
    old_gcore.rewrite(lone_cores(mixed_core), str(tmp_path / "core"))
    found = ask(str(tmp_path / "core"), "types", "-n", "all", *ALONE)
    assert found.status == 3
    wrong, missing = unlike(counts(found), counts(mixed_core.ask("types", "-n", "all")))
    # in .bss, the end of which is not known, are types, found only where something refers to them,
    # and to 3.8 the ints from -5 to 256
    for name, most in (("type", 20), ("int", 262 if mixed_core.python.version < (3, 9) else 0)):
        some, every = wrong.pop(name, (0, 0))
        assert every - most <= some <= every
    assert wrong == {} and 0 <= missing < 5


def test_threads_are_found_where_no_file_is(mixed_core, lone_cores, tmp_path):  # noqa: F811
    old_gcore.rewrite(lone_cores(mixed_core), str(tmp_path / "core"))
    found, whole = ask(str(tmp_path / "core"), "bt", *ALONE), mixed_core.ask("bt")
    named = [(row["tid"], row["thread"], row["function"], row["line"]) for row in found.rows]
    assert named == [(row["tid"], row["thread"], row["function"], row["line"])
                     for row in whole.rows]


def test_file_of_another_build_is_refused(lab, debian, tmp_path):
    core = lab.target(debian, "mixed")
    old_gcore.rewrite(core.name, str(tmp_path / "core"))
    other = shutil.copy(debian.image, str(tmp_path / "python"))
    assert oracle.necropy("info", str(tmp_path / "core"), "--exe", other).status == 0
    with open(other, "r+b") as file:  # another build has another table of strings
        file.seek(dynamic_value(file.read(), DT_STRSZ))
        file.write(b"\x01")
    answer = oracle.necropy("info", str(tmp_path / "core"), "--exe", other)
    assert answer.status == 2 and "is another build" in answer.err


def dynamic_value(data, tag):
    """Where in an ELF file the value is that its dynamic section gives to `tag`."""
    header = struct.unpack_from(EHDR, data)
    phdrs = [struct.unpack_from(PHDR, data, header[5] + i * PHDR_BYTES) for i in range(header[10])]
    at = next(phdr[2] for phdr in phdrs if phdr[0] == PT_DYNAMIC)
    while struct.unpack_from("<Q", data, at)[0] != tag:
        at += 16
    return at + 8
