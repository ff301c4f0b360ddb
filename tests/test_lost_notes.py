# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores whose notes are gone: no threads, no registers, no list of files.

gdb's gcore writes them last, so that any cut takes them; a kernel's may be overwritten. What the
list of files said is then found in memory.
"""

import os
import random
import re
import shutil
import struct
import subprocess

import pytest

import oracle
from corewriter import EHDR, NT_FILE, PHDR, PHDR_BYTES, PT_LOAD, PT_NOTE
from old_gcore import each_note
from test_layouts import ALONE, counts, unlike

pytestmark = pytest.mark.by_family

INCOMPLETE = 3


def read(path):
    with open(path, "rb") as core:
        return core.read()


def headers(data):
    """(kind, flags, offset, address, size in the file) of each program header."""
    header = struct.unpack_from(EHDR, data)
    phdrs = [struct.unpack_from(PHDR, data, header[5] + i * PHDR_BYTES) for i in range(header[10])]
    return [(p[0], p[1], p[2], p[3], p[5]) for p in phdrs]


def before_the_notes(data):
    [offset] = [p[2] for p in headers(data) if p[0] == PT_NOTE]
    assert offset > max(p[2] for p in headers(data) if p[0] == PT_LOAD), "not as gcore writes it"
    return data[:offset]


def overwritten_notes(data, seed):
    [(_, _, offset, _, size)] = [p for p in headers(data) if p[0] == PT_NOTE]
    junk = random.Random(seed).getrandbits(8 * size).to_bytes(size, "little") if seed else \
        bytes(size)
    return data[:offset] + junk + data[offset + size:]


def entries_of_files(data):
    """(offset, start, end) of each in the list of files."""
    [(_, _, offset, _, size)] = [p for p in headers(data) if p[0] == PT_NOTE]
    at = data.index(next(desc for kind, _, desc in each_note(data[offset:offset + size])
                         if kind == NT_FILE), offset)
    count, = struct.unpack_from("<Q", data, at)
    return [(entry,) + struct.unpack_from("<QQ", data, entry)
            for entry in range(at + 16, at + 16 + 24 * count, 24)]


def without_elf_headers(data):
    """As a kernel writes it where bit 4 of coredump_filter is off."""
    data, header = bytearray(data), struct.unpack_from(EHDR, data)
    for i in range(header[10]):
        phdr = header[5] + i * PHDR_BYTES
        kind, _, offset = struct.unpack_from("<IIQ", data, phdr)
        if kind == PT_LOAD and data[offset:offset + 4] == b"\x7fELF":
            struct.pack_into("<Q", data, phdr + 32, 0)
    return bytes(data)


def without_files(data, core):
    """The same, of a process of whose files none is here."""
    for name in sorted(set(re.findall(r" (/\S+)$", core.maps, re.M)) | {core.python.path}):
        data = data.replace(name.encode() + b"\0", b"/_" + name[2:].encode() + b"\0")
    return data


def ask(path, command, *arguments):
    """The answer; it must say that it is not complete, and why."""
    answer = oracle.necropy(command, path, *(arguments + ("--json",)))
    assert answer.status == INCOMPLETE, answer.err
    kinds = [damage["kind"] for damage in answer.document["damage"]]
    assert answer.document["complete"] is False and "missing-notes" in kinds
    assert [note for note in answer.document["notes"] if "the core's notes" in note]
    return answer


@pytest.fixture
def gcore(lab, python):
    return lab.target(python, "mixed", "gcore")


@pytest.fixture
def cut(tmp_path):
    """cut(data): the path of a core of that content, and the next one in its place."""
    path = str(tmp_path / "core")

    def write(data):
        with open(path, "wb") as core:
            core.write(data)
        return path
    yield write
    if os.path.exists(path):
        os.unlink(path)


def of_modules(answer):
    """Chains from modules; those from other roots may begin in registers."""
    return [[(row["addr"], row["type"], row["label"]) for row in chain]
            for chain in oracle.chains(answer) if chain[0]["type"] == "module"]


def test_all_but_threads_is_known_where_only_notes_are_missing(gcore, cut):
    path = cut(before_the_notes(read(gcore.name)))
    whole = gcore.ask("types", "-n", "all")
    found = ask(path, "types", "-n", "all")
    assert found.rows == whole.rows
    assert found.document["target"]["build_id"] == whole.document["target"]["build_id"]
    assert ask(path, "types", "--gc", "-n", "all").rows == gcore.ask("types", "--gc", "-n",
                                                                     "all").rows
    for wanted in ("__main__.Plain", "function"):
        chains = of_modules(gcore.run("why", wanted, "--json"))
        assert chains and of_modules(ask(path, "why", wanted)) == chains
    files = {row["name"] for row in gcore.ask("maps", "-n", "all").rows if row["saved"]
             and row["name"].endswith(".so")}
    # the dynamic linker's list has the names that it was given, which may be links
    assert files <= {os.path.realpath(row["name"]) for row in ask(path, "maps", "-n", "all").rows}


def test_threads_of_python_are_shown_without_the_machines(gcore, cut):
    path = cut(before_the_notes(read(gcore.name)))
    frames = [(row["function"], row["line"]) for row in ask(path, "bt").rows]
    assert frames and frames == [(row["function"], row["line"]) for row in gcore.ask("bt").rows]
    threads = ask(path, "threads")
    assert [row["depth"] for row in threads.rows] == [row["depth"]
                                                      for row in gcore.ask("threads").rows]
    assert any("threads do is not known" in note for note in threads.document["notes"])
    rows = {row["key"]: row["value"] for row in ask(path, "report", "crash").rows}
    assert "not known" in rows["signal"]
    assert "not in the core" in {row["key"]: row["value"] for row in ask(path, "info").rows}[
        "notes"]


@pytest.mark.parametrize("seed", [0, 1])
def test_overwritten_notes_of_a_kernel(lab, debian, cut, seed):
    core = lab.target(debian, "mixed")
    path = cut(overwritten_notes(read(core.name), seed))
    assert ask(path, "types", "-n", "all").rows == core.ask("types", "-n", "all").rows


@pytest.mark.parametrize("field, wrong", [(0, 4096), (8, (1 << 47) - 8192)],
                         ids=["start", "end"])
def test_a_file_that_seems_to_be_mapped_to_all_of_memory(lab, debian, cut, field, wrong):
    core = lab.target(debian, "mixed")
    data, maps, types = read(core.name), core.ask("maps", "-n", "all"), core.ask("types", "-n",
                                                                                 "all")
    entries = entries_of_files(data)
    for entry, _, _ in (entries[0], entries[3], entries[len(entries) // 2], entries[-1]):
        path = cut(data[:entry + field] + struct.pack("<Q", wrong) + data[entry + field + 8:])
        assert ask(path, "types", "-n", "all").rows == types.rows
        found = ask(path, "maps", "-n", "all").rows
        assert [row["start"] for row in found] == [row["start"] for row in maps.rows]
        assert [row for row in maps.rows if row["name"] and row not in found] == []


def test_neither_notes_nor_elf_headers(mixed_core, cut):
    data = without_elf_headers(read(mixed_core.name))
    path = cut(overwritten_notes(data, 0))
    found, whole = ask(path, "types", "-n", "all"), mixed_core.ask("types", "-n", "all")
    assert found.document["target"]["build_id"] == whole.document["target"]["build_id"]
    assert counts(found) == counts(whole)


def test_nothing_but_the_core(gcore, cut):
    path = cut(without_files(before_the_notes(read(gcore.name)), gcore))
    found = ask(path, "types", "-n", "all", *ALONE)
    wrong, missing = unlike(counts(found), counts(gcore.ask("types", "-n", "all")))
    assert wrong == {} and 0 <= missing < 5


def test_the_executable_is_enough(gcore, cut):
    path = cut(without_files(before_the_notes(read(gcore.name)), gcore))
    found = ask(path, "types", "-n", "all", "--exe", gcore.python.image)
    whole = counts(gcore.ask("types", "-n", "all"))
    assert found.document["target"]["layout"] == "dwarf"
    names = [name for name in whole if name.startswith("__main__.")]
    assert names and {name: counts(found).get(name) for name in names} == {
        name: whole[name] for name in names}


def test_cut_anywhere_gives_what_is_there(lab, debian, cut):
    core = lab.target(debian, "mixed", "gcore")
    data = read(core.name)
    whole = counts(core.ask("types", "-n", "all"))
    for hundredth in (90, 60, 30):
        part = data[:len(data) * hundredth // 100]
        for options in ((), ("--exe", core.python.image)):
            path = cut(without_files(part, core))
            found = ask(path, "types", "-n", "all", *options)
            # of a class whose module is cut off, "?." stands for it
            known = {name: n for name, n in counts(found).items() if not name.startswith("<")}
            assert counts(found) and {name: n for name, n in known.items() if n > sum(
                count for full, count in whole.items()
                if full == name or name.startswith("?.") and full.endswith(name[1:]))} == {}
            assert any("cut off" in note for note in found.document["notes"])
            assert ask(path, "bt", *options).status == INCOMPLETE
            assert sum(counts(found).values()) < sum(whole.values())


@pytest.mark.skipif(not shutil.which("zstd"), reason="there is no program zstd here")
def test_compressed_and_cut(lab, debian, cut, tmp_path):
    core = lab.target(debian, "mixed", "gcore")
    packed = str(tmp_path / "core.zst")
    with open(packed, "wb") as out:
        subprocess.run(["zstd", "-1", "-c", "-q", core.name], stdout=out, check=True)
    data = read(packed)
    found = ask(cut(data[:len(data) * 9 // 10]), "types")
    assert found.rows and any("compressed with zstd" in note for note in found.document["notes"])
