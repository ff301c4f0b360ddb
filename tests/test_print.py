# SPDX-License-Identifier: GPL-2.0-or-later
"""locals and print: variables of one frame, and values by their paths."""

import pytest

METHOD = ("--thread", "method", "--frame", "2")  # Worker.inner, of Worker.run


@pytest.fixture
def stacks(lab, python):
    return lab.target(python, "stacks")


def thread_called(target, name):
    return next(t for t in target.truth["threads"].values() if t["name"] == name)


def value(target, expression, *options):
    return target.ask("print", expression, *(options or METHOD)).rows[0]["repr"]


def test_variables_of_each_frame_of_a_thread(stacks):
    thread = thread_called(stacks, "in_closure")
    for depth, frame in enumerate(thread["frames"]):
        if len(frame["locals"]) > 100:
            continue
        rows = {row["name"]: row["repr"] for row in stacks.ask(
            "locals", "in_closure", "--frame", str(depth), "-n", "all").rows}
        assert set(rows) == set(frame["locals"])
        for name, text in frame["locals"].items():
            assert text in (None, rows[name]), (frame["function"], name)


def test_types_and_addresses_are_those_of_the_objects(stacks):
    row = next(row for row in stacks.ask("locals", "method", "--frame", "2").rows
               if row["name"] == "self")
    assert row["type"] == "__main__.Worker"
    assert stacks.ask("print", row["addr"] + ".things[0]").rows[0]["repr"] == "1"


@pytest.mark.parametrize("expression,expected", [
    ("self.things[1]", "2"), ("self.things[-1]['deep'][0]", "3"),
    ('self.things[2]["deep"][1][-1]', "4"), ("self.kind", "'method'"),
    ("self.things[2]['d\\x65\\u0065p'][0]", "3"),
    ("Worker.kind", "'method'"), ("self.__class__.kind", "'method'"),
    ("len", "<built-in len>"), ("expected[0]", "'method'"),
    ("truth.say_ready.__name__", "'say_ready'")])
def test_values_by_their_paths(stacks, expression, expected):
    assert value(stacks, expression) == expected


def test_cells_and_free_variables_are_looked_into(stacks):
    innermost = ("--thread", "in_closure", "--frame", "1")
    assert value(stacks, "here", *innermost) == "('x', 2)"
    assert value(stacks, "captured['a']", *innermost) == "1"


def test_globals_of_a_frame_are_those_of_its_module(stacks):
    assert value(stacks, "value", "--thread", "in_exec", "--frame", "1") == "17"


@pytest.mark.parametrize("expression,words", [
    ("totall", ("no variable totall", "total")), ("self.thingz", ("no attribute thingz", "things")),
    ("self.things[9]", ("no [9]",)), ("self.things[2]['x']", ("no ['x']",)),
    ("self.", ("a name expected",)), ("self[", ("expected",)), ("self.things['a", ("string",)),
    ("0x8", ("no object",)), ("1 + 1", ("expected",))])
def test_what_is_not_there_is_refused_with_near_names(stacks, expression, words):
    answer = stacks.run("print", expression, *METHOD)
    assert answer.status == 1 and answer.out == ""
    for word in words:
        assert word in answer.err


def test_a_frame_that_is_not_there(stacks):
    answer = stacks.run("locals", "method", "--frame", "999")
    assert answer.status == 1 and "outermost" in answer.err


def test_text_is_the_value_alone(stacks):
    assert stacks.run("print", "self.things[0]", *METHOD).out == "1\n"
