# SPDX-License-Identifier: GPL-2.0-or-later
"""maps and shm against what the kernel says."""

import collections
import re
import subprocess

import pytest

from oracle import necropy, number, read_text

pytestmark = pytest.mark.by_family

SEGMENT = re.compile(r"^(\w+)-(\w+) (\S{4}) (\w+) \S+ +\d+ +(/SYSV\w+)", re.MULTILINE)


def mappings_of(maps):
    """[(start, end, permissions)] of a /proc/PID/maps, without the kernel's own page."""
    found = []
    for line in maps.splitlines():
        span, permissions = line.split()[:2]
        start, end = (int(part, 16) for part in span.split("-"))
        if start < 1 << 63:
            found.append((start, end, permissions))
    return found
USAGE = {"Rss": "rss", "Pss": "pss", "Shared_Dirty": "dirty", "Private_Dirty": "dirty"}


def usage_of(smaps):
    """{start: {"rss": bytes, "pss": …, "dirty": …}} of a /proc/PID/smaps."""
    found, usage = {}, None
    for line in smaps.splitlines():
        mapping = re.match(r"(\w+)-\w+ ", line)
        key, _, value = line.partition(":")
        if mapping:
            usage = found.setdefault(int(mapping.group(1), 16), collections.Counter())
        elif key in USAGE:
            usage[USAGE[key]] += int(value.split()[0]) * 1024
    return found


def usage_in(rows):
    return {number(row["start"]): {key: row[key] for key in ("rss", "pss", "dirty")}
            for row in rows}


def test_maps_of_a_living_process_are_those_of_the_kernel(lab, python):
    target = lab.target(python, "mixed", "alive")
    with open("/proc/%d/maps" % target.pid) as maps:
        truth = mappings_of(maps.read())
    rows = target.ask("maps", "-n", "all").rows
    found = [(number(row["start"]), number(row["end"]), row["perms"]) for row in rows]
    assert [row for row in found if row[0] < 1 << 63] == truth


def test_offsets_in_maps_are_numbers_as_the_kernel_has_them(lab, python):
    target = lab.target(python, "mixed", "alive")
    with open("/proc/%d/maps" % target.pid) as maps:
        truth = {int(line.split("-")[0], 16): int(line.split()[2], 16) for line in maps}
    rows = target.ask("maps", "-n", "all").rows
    assert {number(row["start"]): row["offset"] for row in rows
            if row["kind"] == "file"} == {start: truth[start] for start in
                                          [number(row["start"]) for row in rows
                                           if row["kind"] == "file"]}


def test_maps_of_a_core_are_those_of_the_process(lab, python):
    target = lab.target(python, "mixed", "kernel")
    rows = target.ask("maps", "-n", "all").rows
    found = [(number(row["start"]), number(row["end"]), row["perms"][:3]) for row in rows]
    # the kernel saves no [vvar]; a core does not say shared or private, the fourth letter
    unsaved = {int(start, 16) for start in re.findall(r"^(\w+)-.*\[vvar.*\]$", target.maps, re.M)}
    truth = [(start, end, perms[:3]) for start, end, perms in mappings_of(target.maps)
             if start not in unsaved]
    assert [row for row in found if row[0] < 1 << 63 and row[0] not in unsaved] == truth


def test_sizes_in_maps_are_their_extents(mixed):
    for row in mixed.ask("maps", "-n", "all").rows:
        assert row["size"] == number(row["end"]) - number(row["start"])
        assert row["saved"] is None or 0 <= row["saved"] <= row["size"]


def test_shm_counts_every_attach_of_the_segment(leaky):
    attached = SEGMENT.findall(leaky.maps)
    names = {match[-1] for match in attached}
    assert len(attached) > 1 and len(names) == 1
    size = sum(int(end, 16) - int(start, 16) for start, end, _, _, _ in attached)
    rows = [row for row in leaky.ask("shm", "-n", "all").rows if row["kind"] == "sysv"]
    assert len(rows) == 1
    segment = rows[0]
    assert segment["attaches"] == len(attached)
    assert segment["mapped"] == size
    assert segment["size"] * segment["attaches"] == size
    assert number(segment["key"]) == int(names.pop()[len("/SYSV"):], 16)
    assert segment["verdict"], "repeated attaches stand out"


def test_shm_of_a_program_without_shared_memory_is_empty(mixed):
    kinds = {row["kind"] for row in mixed.ask("shm", "-n", "all").rows}
    assert "sysv" not in kinds and "posix" not in kinds


def test_usage_of_a_process_is_what_the_kernel_counts(lab, python):
    target = lab.target(python, "mixed", "alive")
    rows = necropy("maps", target.name, "-n", "all", "--json").rows
    truth = usage_of(read_text("/proc/%d/smaps" % target.pid))
    found = usage_in(rows)
    assert set(found) == set(truth)
    # the rest of this machine may drop or share a page of a file between the two
    anonymous = [number(row["start"]) for row in rows if row["kind"] in ("anon", "heap", "stack")]
    assert anonymous
    assert {start: found[start] for start in anonymous} == {
        start: {key: truth[start][key] for key in found[start]} for start in anonymous}


def test_a_saved_smaps_beside_the_core_tells_the_usage(lab, python, tmp_path):
    target = lab.target(python, "mixed", "gcore")
    core = tmp_path / "core"
    core.symlink_to(target.name)
    (tmp_path / "core.smaps").write_text(target.smaps)
    truth = usage_of(target.smaps)
    found = usage_in(necropy("maps", str(core), "-n", "all", "--json").rows)
    known = {start: usage for start, usage in found.items() if usage["rss"] is not None}
    assert len(known) > len(truth) * 3 // 4
    for start, usage in known.items():
        assert usage == {key: truth[start][key] for key in usage}


def test_usage_is_not_known_of_a_core_alone(mixed_core):
    for row in mixed_core.ask("maps", "-n", "all").rows:
        assert row["rss"] is None and row["pss"] is None and row["dirty"] is None


@pytest.mark.parametrize("by, column", [("kind", "kind"), ("file", "name")])
def test_maps_put_together_have_the_sums_of_their_parts(mixed, by, column):
    every = mixed.ask("maps", "-n", "all").rows
    sizes, counts = collections.Counter(), collections.Counter()
    for row in every:
        sizes[row[column] or row["kind"]] += row["size"]
        counts[row[column] or row["kind"]] += 1
    rows = mixed.ask("maps", "--by", by, "-n", "all").rows
    assert {row[column]: row["size"] for row in rows} == dict(sizes)
    assert {row[column]: row["mappings"] for row in rows} == dict(counts)


def holders_of(row):
    return {number(address) for address in re.findall(r"0x[0-9a-f]+", row["holders"] or "")}


def test_shm_names_the_objects_that_point_into_a_segment(lab, python, way):
    target = lab.target(python, "shared", way)
    truth = target.truth["notes"]["holders"]
    rows = target.ask("shm", "-n", "all").rows
    shared = [row for row in rows if row["kind"] in ("anon", "posix", "memfd")]
    # kinds differ by how the segment was made; who holds it says which one it is
    for kind, ids in truth.items():
        assert [row for row in shared if holders_of(row) & set(ids)], kind
    if "named" in truth:  # a SharedMemory, which has no pointer of its own, comes first
        assert [row for row in shared if truth["named"][0] in holders_of(row)
                and row["holders"].startswith("multiprocessing.shared_memory.SharedMemory 0x")]
    segment_of = {}
    for row in shared:
        for holder in holders_of(row):
            segment_of.setdefault(holder, []).append(row["name"])
    assert all(len(names) == 1 for names in segment_of.values())
    anonymous = [row for row in shared if row["size"] == 1 << 20]
    assert len(anonymous) == 1
    shown = holders_of(anonymous[0])
    more = re.search(r"(\d+) more", anonymous[0]["holders"])
    assert len(shown) + int(more.group(1) if more else 0) >= len(truth["anon"])


def test_shm_says_when_no_object_points_into_a_segment(lab, python, way):
    target = lab.target(python, "shared", way)
    rows = [row for row in target.ask("shm", "-n", "all").rows if row["kind"] == "sysv"]
    assert sum(row["attaches"] for row in rows) == target.truth["notes"]["sysv attaches"]
    for row in rows:
        assert row["holders"] is None
        assert "no Python object points into it" in row["verdict"]


def test_a_maps_file_of_another_process_is_refused(lab, debian, tmp_path):
    target, other = lab.target(debian, "mixed"), lab.target(debian, "shared")
    maps = tmp_path / "other.maps"
    maps.write_text(other.maps)
    answer = necropy("maps", target.name, "--maps", maps)
    assert answer.status == 2
    assert "is of another process" in answer.err and str(maps) in answer.err
    assert necropy("maps", target.name, "--maps", tmp_path / "none").status == 2
    # one that only lies there is not what the user asked for
    core = tmp_path / "core"
    core.symlink_to(target.name)
    (tmp_path / "core.maps").write_text(other.maps)
    document = necropy("maps", core, "-n", "all", "--json").document
    assert [note for note in document["notes"] if "saved maps not used" in note]
    assert document["rows"] == target.ask("maps", "-n", "all").rows


@pytest.mark.parametrize("kind", ["maps", "smaps"])
def test_saved_maps_tell_what_a_core_does_not(lab, debian, tmp_path, kind):
    target = lab.target(debian, "shared")
    saved = tmp_path / "saved"
    saved.write_text(getattr(target, kind))
    rows = necropy("maps", target.name, "--maps", saved, "-n", "all", "--json").rows
    truth = {start: (end, perms) for start, end, perms in mappings_of(target.maps)}
    found = {number(row["start"]): (number(row["end"]), row["perms"]) for row in rows}
    assert {start: found[start] for start in truth} == truth


def test_a_large_segment_that_one_object_holds_is_told(debian):
    code = ("import mmap, time\nkept = [mmap.mmap(-1, 64 << 20), mmap.mmap(-1, 8)]\n"
            "print('ready', flush=True); time.sleep(1000)")
    child = subprocess.Popen([debian.path, "-c", code], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"ready\n"
        rows = necropy("shm", child.pid, "-n", "all", "--json").rows
    finally:
        child.kill()
        child.communicate()
    verdicts = {row["size"]: row["verdict"] for row in rows if row["kind"] == "anon"}
    assert verdicts == {64 << 20: "large, and held by one object", 4096: None}
