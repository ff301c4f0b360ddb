# SPDX-License-Identifier: GPL-2.0-or-later
"""What each kind of mapping has in a core, by coredump_filter, of the kernel and of gcore.

How much is saved is read from the core's own program headers; the table below says what is to be
expected of it, so that a kernel that does otherwise is noticed.
"""

import json
import os
import re
import shutil
import struct
import subprocess

import pytest

from oracle import PROGRAMS, Process, necropy, number, read_text

PT_LOAD = 1
FULL, PAGE, NONE = "full", "one page", "nothing"
FILTERS = (0x33, 0x3b, 0x7b, 0x7f)
# by filter of the kernel's cores, then gcore at 0x33
TABLE = {
    "private anonymous": (FULL, FULL, FULL, FULL, FULL),
    "sysv": (FULL, FULL, FULL, FULL, FULL),
    "sysv read-only": (PAGE, PAGE, PAGE, FULL, FULL),
    "posix linked": (NONE, FULL, FULL, FULL, NONE),
    "posix unlinked": (FULL, FULL, FULL, FULL, FULL),
    "memfd": (FULL, FULL, FULL, FULL, FULL),
    "shared anonymous": (FULL, FULL, FULL, FULL, FULL),
    "hugetlb private": (FULL, FULL, FULL, FULL, FULL),
    "hugetlb shared": (NONE, NONE, FULL, FULL, NONE),
    "hugetlb sysv": (NONE, NONE, FULL, FULL, NONE),
    "hugetlb memfd": (NONE, NONE, FULL, FULL, NONE),
    "file shared": (NONE, FULL, FULL, FULL, NONE),
    "file private untouched": (NONE, NONE, NONE, FULL, NONE),
    "file private written": (FULL, FULL, FULL, FULL, FULL),
}
COLUMNS = [("kernel", mask) for mask in FILTERS] + [("gcore", 0x33)]
KINDS = {"sysv": "sysv", "posix": "posix", "memfd": "memfd", "shared": "anon", "private": "anon",
         "hugetlb": None, "file": "file"}


class Filtered(Process):
    """A process whose coredump_filter is `mask`."""

    mask = core = notes = None

    def take(self, way):
        with open("/proc/%d/coredump_filter" % self.pid, "w") as core_filter:
            core_filter.write(hex(self.mask))
        self.core = self.abort() if way == "kernel" else self.gcore()
        self.close()


@pytest.fixture(scope="module", params=COLUMNS, ids=lambda column: "%s-%#x" % column)
def core(request, debian, tmp_path_factory):
    way, mask = request.param
    if way == "gcore" and not shutil.which("gdb"):
        pytest.skip("gdb is not installed")
    directory = str(tmp_path_factory.mktemp("coredump"))
    process = Filtered([debian.path, "-E", "-s", "-B", os.path.join(PROGRAMS, "coredump.py"),
                        "truth.json"], directory)
    try:
        process.mask, process.column = mask, COLUMNS.index(request.param)
        process.notes = json.loads(read_text(os.path.join(directory, "truth.json")))["notes"]
        process.take(way)
        process.rows = {number(row["start"]): row for row in
                        necropy("maps", process.core, "-n", "all", "--json").rows}
        yield process
    finally:
        process.close()
        if process.notes:
            os.unlink(process.notes["linked"])
        shutil.rmtree(directory)


@pytest.mark.parametrize("mask", (0, 0x12, 0x14))
def test_a_core_without_private_memory_is_said_to_be_that(debian, tmp_path, mask):
    process = Filtered([debian.path, "-E", "-s", "-B", os.path.join(PROGRAMS, "frozen.py"),
                        "truth.json"], str(tmp_path))
    try:
        process.mask = mask
        process.take("kernel")
    finally:
        process.close()
    answer = necropy("types", process.core)
    assert (answer.status, answer.out) == (2, "") and "coredump_filter" in answer.err


def saved_in(path, start, size):
    """Bytes of [start, start + size) that the program headers of the core say are in it."""
    with open(path, "rb") as core:
        header = core.read(64)
        table, = struct.unpack_from("<Q", header, 32)
        entry, count = struct.unpack_from("<HH", header, 54)
        if count == 0xffff:
            pytest.skip("a core of so many mappings is not read here")
        saved = 0
        for i in range(count):
            core.seek(table + i * entry)
            kind, _, _, addr, _, in_file = struct.unpack("<IIQQQQ", core.read(40))
            if kind == PT_LOAD:
                saved += max(0, min(addr + in_file, start + size) - max(addr, start))
    return saved


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_saved_is_what_the_core_has(core, kind):
    if kind in core.notes["missing"]:
        pytest.skip("no such mapping here: " + core.notes["missing"][kind])
    start, size = core.notes["mappings"][kind]
    saved = saved_in(core.core, start, size)
    # neighbours may have become one mapping
    row = [row for at, row in core.rows.items() if at <= start < number(row["end"])][0]
    whole = saved_in(core.core, number(row["start"]), row["size"])
    assert row["saved"] == whole
    expected = TABLE[kind][core.column]
    assert saved == {FULL: size, PAGE: 4096, NONE: 0}[expected]
    wanted = KINDS[kind.split()[0]]
    assert wanted is None or row["kind"] == wanted


def test_shared_segments_have_their_bytes_and_what_was_saved(core):
    rows = necropy("shm", core.core, "-n", "all", "--json").rows
    sysv = [row for row in rows if row["kind"] == "sysv" and row["size"] == 16 * 4096]
    both = [core.notes["mappings"][kind] for kind in ("sysv", "sysv read-only")]
    assert sum(row["attaches"] for row in sysv) == len(both)
    assert sum(row["saved"] for row in sysv) == sum(saved_in(core.core, *one) for one in both)
    names = {row["name"].split("/")[-1].split(" ")[0]: row for row in rows}
    linked = names[os.path.basename(core.notes["linked"])]
    assert "unlinked" not in (linked["verdict"] or "")
    unlinked = [row for row in rows if row["kind"] == "posix" and row is not linked]
    assert ["unlinked, but still mapped" in row["verdict"] for row in unlinked] == [True]


# --- a living process, beside what ipcs says

def ipcs(*options):
    """{shmid: words of its line}."""
    said = subprocess.run(["ipcs"] + list(options), stdout=subprocess.PIPE, check=True).stdout
    lines = [line.split() for line in said.decode().splitlines()]
    return {int(words[i]): words for words in lines for i in (0, 1)
            if len(words) > 3 and words[i].isdigit() and (i == 0 or words[0].startswith("0x"))}


needs_ipcs = pytest.mark.skipif(not shutil.which("ipcs"), reason="ipcs is not installed")


KEYED = """
import ctypes, os, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0x4e450000 | os.getpid() & 0xffff, 65536, 0o1600)
for _ in range(3):
    libc.shmat(segment, None, 0)
print("segment", segment, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def keyed(debian):
    """(process, shmid) of a segment with a key, attached three times."""
    child = subprocess.Popen([debian.path, "-c", KEYED], stdout=subprocess.PIPE)
    shmid = None
    try:
        shmid = int(child.stdout.readline().split()[1])
        if shmid < 0:
            pytest.skip("System V shared memory is not to be had here")
        yield child, shmid
    finally:
        child.kill()
        child.communicate()
        if shmid is not None and shmid >= 0:
            subprocess.run(["ipcrm", "-m", str(shmid)], stderr=subprocess.DEVNULL)


def sysv_row(pid):
    row, = [row for row in necropy("shm", pid, "-n", "all", "--json").rows
            if row["kind"] == "sysv"]
    return row


@needs_ipcs
def test_a_keyed_segment_is_what_ipcs_says_of_it(keyed):
    child, shmid = keyed
    row = sysv_row(child.pid)
    key, _, _, _, size, attaches = ipcs("-m")[shmid][:6]
    assert (row["key"], row["shmid"]) == (key, shmid)
    assert (row["size"], row["attaches"]) == (int(size), int(attaches)) == (65536, 3)
    assert int(ipcs("-mp")[shmid][2]) == child.pid
    assert "attached 3 times" in row["verdict"]
    assert "marked for removal" not in row["verdict"]
    subprocess.run(["ipcrm", "-m", str(shmid)], check=True)
    assert "marked for removal, but still mapped" in sysv_row(child.pid)["verdict"]


@needs_ipcs
def test_a_segment_marked_for_removal_is_told(lab, debian):
    target = lab.target(debian, "shared", "alive")
    row, = [row for row in target.ask("shm", "-n", "all").rows if row["kind"] == "sysv"]
    words = ipcs("-m")[row["shmid"]]
    assert words[-1] == "dest" and int(words[5]) == row["attaches"]
    assert "marked for removal, but still mapped" in row["verdict"]


@pytest.mark.parametrize("way", ["kernel", "gcore"])
def test_saved_maps_tell_private_segments_apart(lab, debian, tmp_path, way):
    target = lab.target(debian, "shared", way)
    (tmp_path / "maps").write_text(target.maps)
    answer = necropy("shm", target.name, "--maps", tmp_path / "maps", "-n", "all", "--json")
    truth = {}
    for inode in re.findall(r"^\S+ \S+ 00000000 \S+ (\d+) +/SYSV", target.maps, re.MULTILINE):
        truth[int(inode)] = truth.get(int(inode), 0) + 1
    rows = [row for row in answer.rows if row["kind"] == "sysv"]
    assert {row["shmid"]: row["attaches"] for row in rows} == truth
    assert not any(row["inferred"] for row in rows)
    # from the core alone it is a conclusion, and said to be one
    alone = [row for row in target.ask("shm", "-n", "all").rows if row["kind"] == "sysv"]
    assert all(row["inferred"] for row in alone)
    assert sum(row["attaches"] for row in alone) == sum(truth.values())
