# SPDX-License-Identifier: GPL-2.0-or-later
"""A thread that is stopped inside of pymalloc leaves one count off by one: no corruption.

The block that it is about to hand out is counted already, and is on the pool's chain still.
"""

import os
import shutil
import struct
import subprocess
import tempfile

import pytest

from oracle import necropy, number
from test_mutated_cores import Core

INSIDE = "inside of the allocator"


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


def pools_of(python, path, n):
    """Of `n` pools that hold objects, in which blocks are free, the offsets in the core."""
    size = 4096 if python.version < (3, 10) else 16384
    core, found = Core(path), []
    rows = [row for name in ("list", "dict", "function")  # none of which is ever large
            for row in necropy("objects", path, name, "-n", "all", "--json").rows]
    for row in rows:
        pool = number(row["addr"]) // size * size
        for off, in_file, start in core.loads:
            at = off + pool - start
            if start <= pool < start + in_file and at not in found and core.word_at(at + 8):
                found.append(at)
    core.file.close()
    assert len(found) >= n
    return found[:n]


@pytest.mark.parametrize("pools", [1, 2])
def test_one_count_that_is_off_by_one_is_a_thread_inside(lab, python, directory, pools):
    if python.free_threaded:
        pytest.skip("free-threaded builds have mimalloc")
    path = os.path.join(directory, "core")
    subprocess.run(["cp", "--sparse=always", lab.target(python, "mixed").name, path], check=True)
    before = necropy("types", path, "--json")
    assert before.status == 0 and INSIDE not in before.out
    with open(path, "r+b") as core:
        for off in pools_of(python, path, pools):
            core.seek(off)
            count, = struct.unpack("<I", core.read(4))
            core.seek(off)
            core.write(struct.pack("<I", count + 1))
    after = necropy("types", path, "--json")
    assert after.rows == before.rows
    assert (INSIDE in after.out) == (pools == 1)
    assert after.status == (0 if pools == 1 else 3)
    assert ("bad-pool" in after.out) == (pools == 2)
