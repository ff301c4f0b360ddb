# SPDX-License-Identifier: GPL-2.0-or-later
"""Heaps in unusual states: collecting, frozen, divided among interpreters, a million deep."""

import csv

import pytest

from oracle import Target, address, chains, number
from test_layouts import sysroots, without_symbols  # noqa: F401
from test_types import ALL, differences, objects_of


def types_by_address(target, *options):
    return {a: row["type"] for a, row in objects_of(target, "*", *options).items()}


@pytest.fixture
def collecting(lab, python, way):
    return lab.target(python, "finalizer", way)


def test_a_collection_in_progress_is_noticed(collecting):
    assert collecting.ask("info").document["target"]["gc_in_progress"] is True


def test_no_collection_is_claimed_when_there_is_none(mixed):
    assert mixed.ask("info").document["target"]["gc_in_progress"] is False


def test_inside_a_finalizer_the_lists_are_those_that_python_sees(collecting):
    found = types_by_address(collecting, "--gc")
    assert differences(found, collecting.truth.objects) == {}


def test_inside_a_finalizer_nothing_that_was_alive_is_lost(collecting):
    found = types_by_address(collecting)
    notes = collecting.truth.notes
    assert [hex(i) for i in notes["live"] if i not in found] == []


def test_garbage_about_to_be_collected_is_still_found(collecting):
    found = types_by_address(collecting)
    assert [hex(i) for i in collecting.truth.notes["garbage"] if i not in found] == []


def test_frozen_objects_are_counted_but_not_as_the_collectors(lab, python):
    frozen = lab.target(python, "frozen")
    ids = set(frozen.truth.notes["frozen"])
    assert frozen.truth["gc"]["frozen"] >= len(ids)
    assert differences(types_by_address(frozen, "--gc"), frozen.truth.objects) == {}
    assert ids - set(types_by_address(frozen)) == set()


# What the recording inside a subinterpreter sees of itself, and what is gone when it returns:
# the list of objects that the compiler keeps while its code runs, and, since 3.11, the function
# that is made of the code. One of each.
OF_RUN_STRING = {"list", "function"}


def test_objects_of_every_interpreter_are_found(lab, python):
    target = lab.target(python, "subinterpreters")
    found = types_by_address(target, "--gc")
    others = [target.truth.other(path) for path in target.truth.notes["others"]]
    if python.version < (3, 9):  # one collector serves all, and the main truth has everything
        others = []
    truth = dict(target.truth.objects)
    for other in others:
        gone = sorted(name for i, name in other.objects.items() if i not in found)
        assert set(gone) <= OF_RUN_STRING and len(set(gone)) == len(gone)
        truth.update((i, name) for i, name in other.objects.items() if i in found)
    assert sum(name.endswith(".InSubinterpreter") for name in truth.values()) > 0
    assert differences(found, truth) == {}


def test_an_interpreter_that_ends_is_read(lab, python, sysroots):  # noqa: F811
    target = lab.target(python, "ending")
    stripped = without_symbols(target, sysroots, "--strip-all")
    # without lists of the collector nothing leads to classes, of which one function is wanted
    for options in ((),) if python.free_threaded else ((), stripped):
        answer = target.run("objects", "__main__.Kept", "--json", *(options + ALL))
        assert answer.status == 0, answer.err or answer.out[:500]
        assert {number(row["addr"]) for row in answer.rows} == set(target.truth.notes["kept"])
        threads = target.run("threads", "--json", *options)
        assert [damage["kind"] for damage in threads.document["damage"]] == []


@pytest.fixture
def deep(lab, python):
    return lab.target(python, "deep")


def test_a_chain_of_a_million_links_is_followed_to_its_end(deep):
    notes = deep.truth.notes
    # CSV, because reading a million rows of JSON takes longer than finding them
    answer = deep.run("why", address(notes["bottom"]), "--max-depth", str(notes["depth"] + 100),
                      "--csv", *ALL)
    assert answer.status == 0, answer.err
    names, first = csv.reader(answer.out[:1000].split("\n")[:2])
    last = answer.out[-1000:].splitlines()[-1]
    assert dict(zip(names, first))["type"] == "module"
    assert address(notes["bottom"]) in last
    # the module, its dict, all the lists, and the object at the bottom; and the line of names
    assert answer.out.count("\n") == notes["depth"] + 3 + 1


def test_the_top_of_a_deep_chain_is_near(deep):
    notes = deep.truth.notes
    rows = chains(deep.ask("why", address(notes["near"]), *ALL))[0]
    # the module, its dict, the list on top, and the links from there
    assert len(rows) == notes["near_depth"] + 3


def test_a_million_links_are_counted(deep):
    rows = deep.ask("types", "--gc", *ALL).rows
    assert {row["type"]: row["count"] for row in rows} == deep.truth.counts


def test_the_default_depth_ends_the_search_in_a_deep_chain(deep):
    answer = deep.ask("why", address(deep.truth.notes["bottom"]))
    assert answer.rows == []
    assert "depth" in " ".join(answer.document["notes"])


@pytest.fixture
def strangers(lab, python, way):
    return lab.target(python, "strangers", way)


def test_what_other_threads_have_freed_is_gone_and_all_else_is_there(strangers):
    notes = strangers.truth.notes
    doomed = {i for ids in notes["doomed"] for i in ids}
    left = {i: name for i, name in strangers.truth.objects.items() if i not in doomed}
    assert {strangers.truth.objects[i] for i in doomed} == {"__main__.Made", "__main__.WithDict"}
    assert set(notes["large"]) <= set(left)
    assert differences(types_by_address(strangers, "--gc"), left) == {}
    assert doomed & set(types_by_address(strangers)) == set()


@pytest.mark.parametrize("quick_way", ["kernel", "alive"])
def test_a_heap_that_changes_is_read_up_to_what_is_changing(python, quick_way):
    busy = Target(python, "busy", quick_way)
    try:
        answer = busy.run("objects", "*", "--json", *ALL)  # some may be being collected
        stable = set(busy.truth.notes["stable"])
    finally:
        busy.close()  # it takes all processors
    assert answer.status in (0, 3), answer.err  # damage: a list in the middle of a change
    assert stable - {number(row["addr"]) for row in answer.rows} == set()
