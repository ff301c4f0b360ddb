# SPDX-License-Identifier: GPL-2.0-or-later
"""All objects: what nothing reaches is found too, and nothing that is none.

The targets are those of the other tests, and one that holds objects by a count alone (programs/
universe.py), each also with the allocators that PYTHONMALLOC chooses.
"""

import collections
import os
import re
import subprocess

import pytest

import oracle
from oracle import number

ALL = ("-n", "all")
PROGRAMS = ("mixed", "finalizer", "handling", "threads", "subinterpreters")


def rows_by_address(target, pattern, *options):
    rows = target.ask("objects", pattern, *(options + ALL)).rows
    found = {number(row["addr"]): row for row in rows}
    assert len(found) == len(rows), "an object is listed twice"
    return found


@pytest.fixture
def universe(lab, python):
    return lab.target(python, "universe")


def assert_types_counts_what_objects_lists(target):
    counts, sizes = collections.Counter(), collections.Counter()
    for row in rows_by_address(target, "*").values():
        counts[row["type"]] += 1
        sizes[row["type"]] += row["size"]
    rows = target.ask("types", *ALL).rows
    assert {row["type"]: (row["count"], row["size"]) for row in rows} == {
        name: (counts[name], sizes[name]) for name in counts}


@pytest.mark.parametrize("program", PROGRAMS)
def test_types_counts_what_objects_lists(lab, python, program):
    """The first counts while it sweeps the allocators, the other follows all references."""
    assert_types_counts_what_objects_lists(lab.target(python, program))


def test_compiled_objects_are_found_where_their_refcount_is_an_address(lab, debian):
    assert_types_counts_what_objects_lists(lab.target(debian, "low_memory"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_object_is_known_by_a_reference_alone(lab, python, program):
    found = rows_by_address(lab.target(python, program), "*")
    assert [row for row in found.values() if row["found"] in ("reference", "guess")] == []


def test_what_the_collector_tracks_is_found_on_its_lists(mixed_core):
    found = rows_by_address(mixed_core, "*")
    assert {a for a, row in found.items() if row["found"] == "gc"} == set(mixed_core.truth.objects)


def test_what_only_c_holds_is_found_with_type_and_size(universe):
    found = rows_by_address(universe, "*")
    held = universe.truth.notes["held"]
    assert len(held) > 60
    wrong = [(name, hex(i), found.get(i)) for i, cls, size, name in held
             if i not in found or (found[i]["type"], found[i]["size"]) != (cls, size)]
    assert wrong == []


@pytest.mark.parametrize("name", ["Slotted", "TwoSlots", "Plain", "Text", "Number", "Row", "Point",
                                  "Cyclic"])
def test_no_object_of_a_class_is_found_that_was_not_made(universe, name):
    notes = universe.truth.notes
    wanted = {i for i, cls, *_ in notes["held"] + notes["cycles"] if cls == "__main__." + name}
    found = rows_by_address(universe, "__main__." + name)
    assert wanted and wanted <= set(found)
    assert len(found) == len(wanted) + notes["reachable"].get(name, 0)


def test_what_nothing_leads_to_is_told_apart(universe):
    notes = universe.truth.notes
    rows = rows_by_address(universe, "__main__.*", "--unreachable")
    why = {a: row["held"] for a, row in rows.items() if not is_type(row)}
    assert why == dict([(i, "c") for i, cls, *_ in notes["held"] if cls.startswith("__main__.")]
                       + [(i, "cycle") for i, *_ in notes["cycles"]])
    everything = rows_by_address(universe, "*", "--unreachable")
    assert {everything.get(i, {}).get("held") for i, *_ in notes["held"]} == {"c"}


def test_what_a_block_was_before_is_no_object(universe):
    left = universe.truth.notes["left"]
    if not left:
        pytest.skip("free-threaded builds tell by the heap what is an object")
    assert [hex(i) for i in left if i in rows_by_address(universe, "*")] == []


def is_type(row):
    return row["repr"].startswith("<class ")


def test_types_counts_what_nothing_leads_to(universe):
    answer = universe.ask("types", "--unreachable", *ALL)
    rows = rows_by_address(universe, "*", "--unreachable").values()
    counts = collections.Counter(row["type"] for row in rows)
    garbage = collections.Counter(row["type"] for row in rows if row["held"] == "cycle")
    assert {row["type"]: (row["count"], row["garbage"]) for row in answer.rows} == {
        name: (counts[name], garbage[name]) for name in counts}
    assert garbage["__main__.Cyclic"] == len(universe.truth.notes["cycles"])


def test_nothing_of_what_a_program_uses_is_garbage(mixed_core):
    found = rows_by_address(mixed_core, "*", "--unreachable")
    assert [row for row in found.values() if row["held"] == "cycle"] == []


def test_blocks_in_use_are_those_that_cpython_counts(universe):
    with open("%s/truth.json.pools" % universe.directory) as statistics:
        truth = re.findall(r"^ *\d+ +(\d+) +\d+ +(\d+) +\d+ *$", statistics.read(), re.MULTILINE)
    if not truth:
        pytest.skip("this Python has no sys._debugmallocstats()")
    program = os.path.join(oracle.ROOT, "build", "asan", "tests", "test_blocks")
    assert os.path.exists(program), "%s is missing: run make MODE=asan c-tests" % program
    done = subprocess.run([program, universe.name], stdout=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, "a pool contradicts itself"
    found = dict(line.split() for line in done.stdout.decode().splitlines())
    assert found == {size: used for size, used in truth if used != "0"}


@pytest.mark.parametrize("allocator", ["malloc", "debug", "malloc_debug", "pymalloc_debug"])
def test_other_allocators_hide_nothing(lab, python, allocator):
    if python.version[0] == 2:
        pytest.skip("PYTHONMALLOC is there since 3.6")
    if python.free_threaded and allocator != "debug":
        pytest.skip("free-threaded builds have mimalloc alone")
    target = lab.target(python, "universe", arguments=(allocator,))
    found = rows_by_address(target, "*")
    held = target.truth.notes["held"]
    assert [(name, hex(i)) for i, cls, size, name in held
            if i not in found or (found[i]["type"], found[i]["size"]) != (cls, size)] == []
    assert [row for row in found.values() if row["found"] in ("reference", "guess")] == []
    answer = target.ask("types", *ALL)
    assert answer.document["totals"]["count"] == len(found)
    said = any("pymalloc was not in use" in note for note in answer.document["notes"])
    assert said == (target.truth.notes["blocks"] == 0)


def test_an_allocator_that_is_not_known_is_said_to_be_one(lab, python):
    if python.version < (3, 13) or python.free_threaded:
        pytest.skip("PYTHONMALLOC=mimalloc is a choice since 3.13, in builds with the GIL")
    target = lab.target(python, "universe", arguments=("mimalloc",))
    answer = target.ask("types", *ALL)
    assert [note for note in answer.document["notes"] if "allocator is not known" in note]
    found = rows_by_address(target, "*")
    assert answer.document["totals"]["count"] == len(found) > 5000
    assert {row["found"] for row in found.values()} >= {"gc", "reference"}


def test_what_a_collection_has_taken_is_in_flight(lab, python):
    target = lab.target(python, "finalizer")
    found = rows_by_address(target, "*")
    notes = target.truth.notes
    taken = [row for row in found.values() if row["found"] == "in-flight"]
    assert taken
    assert all(row["type"].startswith("__main__.") or row["type"] == "dict" for row in taken)
    assert {found[i]["found"] for i in notes["live"]} == {"gc"}
    assert {found[i]["found"] for i in notes["garbage"]} <= {"gc", "in-flight"}
