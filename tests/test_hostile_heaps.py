# SPDX-License-Identifier: GPL-2.0-or-later
"""Heaps made to multiply work: every tuple claims what lies behind it, every type's code is slow.

Each object then would take what one honest object may take. What all of them may take together is
limited, and the answer says that it is partial. The limits are generous: without them each of
these takes many minutes.
"""

import json
import os
import shutil
import struct
import subprocess
import tempfile

import pytest

from oracle import DEBIAN_PYTHON, NECROPY, clean_environment
from test_mutated_cores import Core, ask

PF_R, PF_RWX = 4, 7
PT_LOAD = 1
# Where nothing is: a segment of our own, as large as the heap.
OURS, OURS_BYTES = 0x10000000000, 2 << 20
CODE = OURS + 0x100
PATIENCE = 20  # seconds of processor time

# Machine code of tp_traverse: a loop that takes nearly as many steps as one call may, and then
# returns 0; and one that visits the object a hundred thousand times.
SLOW = b"\xb9" + struct.pack("<I", 1800000) + bytes.fromhex("ffc975fc31c0c3")
VISITS = (bytes.fromhex("5355415441554883ec084889fb4889f54989d441bd")
          + struct.pack("<I", 100000)
          + bytes.fromhex("4889df4c89e6ffd541ffcd75f331c04883c408415d415c5d5bc3"))


class Heap(Core):
    """A core with a segment of our own, and its objects."""

    def __init__(self, path):
        Core.__init__(self, path)
        self.offsets = {row["field"]: int(row["offset"], 16)
                        for row in rows_of(path, "info", "--layout")
                        if row["offset"]}
        self.objects, self.types = {}, set()
        for row in rows_of(path, "objects", "*"):
            addr = int(row["addr"], 16)
            self.objects.setdefault(row["type"], []).append(addr)
            self.types.add(self.word(addr + 8))
        self._add_segment()

    def _add_segment(self):
        for i in range(self.header_n):
            at = self.headers_at + i * self.header_size
            kind, flags, _, _, _, in_file = struct.unpack("<IIQQQQ", self.read(at, 40))
            if kind == PT_LOAD and not in_file and flags == PF_R:
                spare = at
        self.first = (self.size + 4095) // 4096 * 4096
        self.size = self.first + OURS_BYTES
        self.file.truncate(self.size)
        self.file.seek(spare)
        self.file.write(struct.pack("<IIQQQQQQ", PT_LOAD, PF_RWX, self.first, OURS, 0, OURS_BYTES,
                                    OURS_BYTES, 4096))
        self.loads.append((self.first, OURS_BYTES, OURS))

    def _offset(self, addr):
        return next((off + addr - start for off, n, start in self.loads
                     if start <= addr < start + n), None)

    def word(self, addr):
        off = self._offset(addr)
        return 0 if off is None else self.word_at(off)

    def set(self, addr, word):
        off = self._offset(addr)
        if off is not None:
            self.put(off, word)


def rows_of(path, command, *arguments):
    said = subprocess.check_output([NECROPY, command, path, "-n", "all", "--json"]
                                   + list(arguments), env=clean_environment())
    return json.loads(said)["rows"]


def all_lists_are_absurdly_long(heap):
    for addr in heap.objects["list"]:
        heap.set(addr + 16, 1 << 40)
        heap.set(addr + 32, 1 << 40)


def all_tuples_reach_to_the_end(heap):
    for addr in heap.objects["tuple"]:
        for _, n, start in heap.loads:
            if start <= addr < start + n:
                heap.set(addr + 16, (start + n - addr - 24) // 8)


def all_types_have(code):
    def mutate(heap):
        at = heap.offsets["PyTypeObject.tp_traverse"]
        heap.write(heap.first + CODE - OURS, code)
        for addr in heap.types:
            if heap.word(addr + at):
                heap.set(addr + at, CODE)
    return mutate


def all_types_have_many_members(heap):
    """Classes of our own, each the base of the one before, with as many members as are read."""
    at, size, class_n, member_n = heap.offsets, 512, 1500, 4096
    model = heap.word(heap.objects["dict"][0] + 8)
    image = bytearray(OURS_BYTES)
    image[-16:-14] = b"a\0"
    for i in range(class_n):
        for off in range(0, at["PyTypeObject.tp_del"], 8):
            struct.pack_into("<Q", image, i * size + off, heap.word(model + off))
        struct.pack_into("<Q", image, i * size + at["PyTypeObject.tp_basicsize"], 8192)
        struct.pack_into("<Q", image, i * size + at["PyTypeObject.tp_members"],
                         OURS + class_n * size)
        struct.pack_into("<Q", image, i * size + at["PyTypeObject.tp_base"],
                         OURS + (i + 1) * size if (i + 1) % 900 and i + 1 < class_n else model)
    for i in range(member_n):
        struct.pack_into("<QQQ", image, class_n * size + i * 40, OURS + OURS_BYTES - 16, 6, 16 + i)
    heap.write(heap.first, bytes(image))
    mine = sorted(addr for name, found in heap.objects.items() if name != "type" for addr in found)
    for i, addr in enumerate(mine):
        heap.set(addr + 8, OURS + i % class_n * size)


HOSTILE = {
    "members": all_types_have_many_members,
    "absurd lengths": all_lists_are_absurdly_long,
    "to the end": all_tuples_reach_to_the_end,
    "slow code": all_types_have(SLOW),
    "visits": all_types_have(VISITS),
}


@pytest.fixture(scope="module")
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def heap(lab, python, directory):
    if python.path != DEBIAN_PYTHON and not os.environ.get("NECROPY_LONG"):
        pytest.skip("one CPython is enough")
    path = os.path.join(directory, python.name)
    subprocess.run(["cp", "--sparse=always", lab.target(python, "mixed").name, path], check=True)
    heap = Heap(path)
    yield heap
    heap.file.close()
    os.unlink(path)


@pytest.mark.parametrize("hostile, question, patience", [
    ("absurd lengths", ("gc", "--cycles"), PATIENCE),
    ("members", ("types",), PATIENCE / 4),
    ("slow code", ("verify",), PATIENCE),
    ("to the end", ("verify",), PATIENCE),
    ("visits", ("verify",), PATIENCE),
], ids=lambda value: value if isinstance(value, str) else str(value))
def test_work_on_hostile_heap_is_limited(heap, directory, hostile, question, patience):
    HOSTILE[hostile](heap)
    try:
        status, said, _, took = ask(heap.path, question, directory, NECROPY)
    finally:
        heap.restore()
    assert took < patience
    assert status == 3, said[-3000:]
