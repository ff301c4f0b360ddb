# SPDX-License-Identifier: GPL-2.0-or-later
"""info, gc, maps and shm against what CPython and the kernel say."""

import os
import re

import pytest

import oracle
from oracle import LEAKY_APP, number

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


def described(target):
    return {row["key"]: row["value"] for row in target.ask("gc").rows}


def test_info_names_the_version_and_the_process(mixed):
    target = mixed.ask("info").document["target"]
    assert target["python"] == ".".join(str(n) for n in mixed.truth["python"])
    assert target["pid"] == mixed.truth["pid"]
    assert target["kind"] == ("process" if mixed.way == "alive" else "core")
    assert target["free_threaded"] is mixed.python.free_threaded


def test_an_interpreter_that_the_loader_was_told_to_run_is_found(debian, way):
    target = oracle.Target(debian.run_by_loader(), "mixed", way)
    try:
        assert os.path.basename(target.command[0]).startswith("ld-")
        answer = target.ask("types", "--gc", "-n", "all")
        assert {row["type"]: row["count"] for row in answer.rows} == target.truth.counts
        info = {row["key"]: row["value"] for row in target.ask("info").rows}
        assert info["interpreter"] == debian.image
        named = target.run("types", "--exe", debian.image)
        assert named.status == 0, named.err
    finally:
        target.close()


def test_info_rests_on_debug_information(mixed):
    assert mixed.ask("info").document["target"]["layout"] == "dwarf"


def test_info_shows_the_command_line(leaky):
    shown = re.search(r"^command +(.*)$", leaky.run("info").out, re.MULTILINE).group(1)
    assert leaky.command[-2:] == [LEAKY_APP, "--wait"]
    assert shown == " ".join(leaky.command)


def test_layout_lists_each_field_with_its_offset_and_source(mixed_core):
    rows = mixed_core.ask("info", "--layout", "-n", "all").rows
    assert len(rows) > 50
    assert {"field", "offset", "source"} <= set(rows[0])


def test_gc_settings_are_those_of_the_process(mixed):
    truth, found = mixed.truth, described(mixed)
    assert bool(int(found["enabled"])) == truth["gc"]["enabled"]
    for generation, threshold in enumerate(truth["gc"]["threshold"]):
        assert found["threshold%d" % generation] == threshold
    # the youngest count moves with every object that the recording frees
    assert [found["count1"], found["count2"]] == truth["count"][1:]
    assert abs(found["count0"] - truth["count"][0]) <= 16


def test_gc_knows_an_enabled_collector(leaky_core):
    assert int(described(leaky_core)["enabled"]) == 1


def test_maps_of_a_living_process_are_those_of_the_kernel(lab, python):
    target = lab.target(python, "mixed", "alive")
    with open("/proc/%d/maps" % target.pid) as maps:
        truth = mappings_of(maps.read())
    rows = target.ask("maps", "-n", "all").rows
    found = [(number(row["start"]), number(row["end"]), row["perms"]) for row in rows]
    assert [row for row in found if row[0] < 1 << 63] == truth


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


@pytest.mark.parametrize("command", [("info",), ("types",), ("count", "DB"), ("objects", "DB"),
                                     ("why", "DB"), ("shm",), ("maps",), ("gc",)])
def test_every_command_answers_for_people_as_well(leaky_core, command):
    answer = leaky_core.run(*command)
    assert answer.status == 0
    assert answer.err == ""
    assert answer.out.endswith("\n")


def test_show_gives_the_attributes_of_an_object(leaky_core):
    row = leaky_core.ask("objects", "DB").rows[0]
    answer = leaky_core.run("show", row["addr"])
    assert answer.status == 0
    for attribute in ("path", "tables", "cache_address", ".db"):
        assert attribute in answer.out
