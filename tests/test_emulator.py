# SPDX-License-Identifier: GPL-2.0-or-later
"""Types that only their own code knows: tp_traverse and __sizeof__, emulated.

The truth is the process's own: gc.get_referents() with its repetitions, and sys.getsizeof().
"""

import collections
import os
import shutil
import struct

import pytest

from oracle import address, necropy, number
from test_references import Binding

# Only its own code knows how many handlers it has.
PARSER = "pyexpat.xmlparser"
NO_LIBRARY = dict(os.environ, NECROPY_UNICORN="/nonexistent/libunicorn.so.2")


@pytest.fixture(scope="session", params=["kernel", "gcore"])
def way(request):
    return request.param


@pytest.fixture(scope="module")
def extensions_core(lab, python, way):
    """A program full of extension types, as each kind of core."""
    return lab.target(python, "extensions", way)


@pytest.fixture(scope="module")
def emulated(extensions_core):
    """{address: references as (to, kind, source)} of all recorded objects, and the truth."""
    binding = Binding(extensions_core.name)
    answers = {}
    for addr in extensions_core.truth.objects:
        with binding.session.run(["refs", hex(addr), "-n", "all"]) as result:
            columns = result.columns()
            answers[addr] = list(zip(columns["addr"], columns["kind"], columns["source"]))
    binding.session.close()
    return answers


def test_references_are_repeated_as_often_as_the_collector_sees_them(extensions_core, emulated):
    truth, wrong = extensions_core.truth, {}
    for addr, name in truth.objects.items():
        wanted = collections.Counter(truth["edges"].get(str(addr), ()))
        found = collections.Counter(to for to, kind, _ in emulated[addr] if kind == "visit")
        # the dict of interned strings, where the collector knows it, holds none of them
        weak = set(to for to, kind, _ in emulated[addr] if kind == "weak")
        if found != wanted and name != "frame" and not (name == "dict" and weak == set(wanted)):
            wrong[name, hex(addr)] = found
    assert wrong == {}
    assert len(truth.objects) > 5000


def test_code_of_many_types_was_asked(extensions_core, emulated):
    truth = extensions_core.truth
    asked = set(truth.objects[addr] for addr, edges in emulated.items()
                if any(source == "emulated" for _, _, source in edges))
    assert PARSER in asked
    assert not any(kind == "visit" and source == "guess"
                   for edges in emulated.values() for _, kind, source in edges)


def test_sizes_are_those_that_python_says(extensions_core):
    truth = extensions_core.truth
    compared, wrong = set(), {}
    for row in extensions_core.run("objects", "*", "-n", "all", "--json").rows:
        addr = number(row["addr"])
        size = truth.sizes.get(addr, -1)
        if size < 0 or row.get("estimated"):
            continue
        compared.add(truth.type_of[addr])
        if row["size"] != size:
            wrong[truth.type_of[addr], row["addr"]] = row["size"], size
    assert wrong == {}
    assert {"array.array", "collections.deque"} <= compared


def test_without_the_library_it_is_said_and_guesses_are_marked(extensions_core):
    info = necropy("info", extensions_core.name, "--json", env=NO_LIBRARY)
    said = dict((row["key"], row["value"]) for row in info.rows)
    assert "libunicorn" in said["emulator"]
    assert info.status == 0
    kinds = collections.Counter()
    for addr, name in extensions_core.truth.objects.items():
        if name == PARSER:
            answer = necropy("refs", extensions_core.name, address(addr), "--json",
                             env=NO_LIBRARY)
            kinds.update((row["kind"], row["source"]) for row in answer.rows)
    assert ("guess", "guess") in kinds
    assert not any(source == "emulated" for _, source in kinds)


def test_the_number_of_threads_does_not_change_the_answer(extensions_core):
    one = necropy("types", extensions_core.name, "-n", "all", "--json", "--threads", "1").document
    two = necropy("types", extensions_core.name, "-n", "all", "--json", "--threads", "4").document
    for document in one, two:
        document.pop("seconds", None)
    assert one == two
    assert one["rows"]


# --- code that does not behave, put into a core by hand

def segments(path):
    """(address, file offset, bytes in file, flags) of each loaded segment of an ELF core."""
    with open(path, "rb") as core:
        header = core.read(64)
        table, count = struct.unpack_from("<32xQ16xH", header)
        core.seek(table)
        for _ in range(count):
            kind, flags, offset, addr, size = struct.unpack("<IIQQ8xQ16x", core.read(56))
            if kind == 1:
                yield addr, offset, size, flags


def poke(path, addr, data):
    """Overwrite the bytes at `addr`; False when the core has not saved them."""
    for start, offset, size, _ in segments(path):
        if start <= addr and addr + len(data) <= start + size:
            with open(path, "r+b") as core:
                core.seek(offset + addr - start)
                core.write(data)
            return True
    return False


def peek(path, addr, count):
    for start, offset, size, _ in segments(path):
        if start <= addr and addr + count <= start + size:
            with open(path, "rb") as core:
                core.seek(offset + addr - start)
                return core.read(count)
    return None


def room_for_code(path, size):
    """An address in a saved segment that may be executed, or in any that is saved."""
    for wanted in (1, 0):
        for start, _, saved, flags in segments(path):
            if saved >= 4096 and flags & 1 == wanted and saved > size + 64:
                return start + 64
    return None


ENDLESS = b"\xeb\xfe"                          # jmp .
FAULT = b"\x48\xc7\xc0\x10\x00\x00\x00\x8b\x00"  # mov $0x10,%rax; mov (%rax),%eax
WRITES_ITSELF = b"\xc6\x05\x01\x00\x00\x00\xc3\x90\x90"  # movb $0xc3,1(%rip); nop; (nop -> ret)
SYSTEM_CALL = b"\xb8\x00\x00\x00\x00\x0f\x05\xc3"  # read()
# A free-threaded object's header is two words longer.
OFFSET_OF_OB_TYPE = {False: 8, True: 24}
OFFSET_OF_TP_TRAVERSE = {False: 184, True: 200}


@pytest.mark.by_family
@pytest.mark.parametrize("code", [ENDLESS, FAULT, SYSTEM_CALL, WRITES_ITSELF],
                         ids=["endless", "fault", "system call", "writes itself"])
def test_code_that_cannot_be_run_is_damage_and_the_rest_goes_on(lab, python, tmp_path, code):
    target = lab.target(python, "extensions", "gcore")
    core = shutil.copy(target.name, str(tmp_path / "core"))
    victims = [addr for addr, found in target.truth.objects.items() if found == PARSER]
    type_addr = struct.unpack("<Q", peek(
        core, victims[0] + OFFSET_OF_OB_TYPE[python.free_threaded], 8))[0]
    room = room_for_code(core, len(code))
    assert poke(core, room, code)
    assert poke(core, type_addr + OFFSET_OF_TP_TRAVERSE[python.free_threaded],
                struct.pack("<Q", room))
    answer = necropy("objects", core, PARSER, "-n", "all", "--json")
    os.unlink(core)
    assert answer.status == 3
    damage = dict((d["kind"], d) for d in answer.document["damage"])
    assert damage["emulation"]["count"] >= len(victims)
    assert number(damage["emulation"]["first"]) in victims
    assert {number(row["addr"]) for row in answer.rows} >= set(victims)


