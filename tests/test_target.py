# SPDX-License-Identifier: GPL-2.0-or-later
"""info and gc against what CPython says."""

import os
import re

import pytest

import oracle
from oracle import LEAKY_APP


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
