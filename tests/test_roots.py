# SPDX-License-Identifier: GPL-2.0-or-later
"""why --to any: a chain ends at a root that has a name, or it is said that nothing holds the
object."""

import re

import pytest

from oracle import address, chains


@pytest.fixture
def held(lab, python, way):
    return lab.target(python, "held", way)


@pytest.fixture
def held_core(lab, python):
    return lab.target(python, "held")


def chain(target, name, *options):
    options = options or ("--to", "any")
    answer = target.ask("why", address(target.truth.notes["held"][name]), *options)
    found = chains(answer)
    assert len(found) == 1, answer.document["notes"]
    assert found[0][-1]["addr"] == address(target.truth.notes["held"][name])
    return found[0]


def root_of(target, name, *options):
    return chain(target, name, *options)[0]["type"]


def labels(rows):
    return [row["label"] for row in rows]


def test_an_exported_variable_has_its_name(held):
    rows = chain(held, "static")
    assert re.match(r"static (lib)?python[\w.]+:PyOS_InputHook$", rows[0]["type"])
    assert rows[1]["kind"] == "guess" and rows[1]["label"].startswith("~")


def test_a_variable_is_found_when_static_roots_are_asked_for(held_core):
    assert root_of(held_core, "static", "--to", "static").endswith(":PyOS_InputHook")


def test_signal_handlers_are_found(held_core):
    rows = chain(held_core, "signal")
    # static variables of a module, later members of the runtime
    assert re.match(r"static \S+:Handlers\+0x|interpreter 0$", rows[0]["type"])
    if rows[0]["type"].startswith("interpreter"):
        assert rows[1]["label"] == "signal handlers[10]"


def test_the_profile_function_is_its_threads(held):
    rows = chain(held, "profile")
    assert re.match(r"thread \d+$", rows[0]["type"])
    assert rows[1]["label"] == "profile function"


def test_error_handlers_are_the_interpreters(held_core):
    rows = chain(held_core, "codecs")
    assert rows[0]["type"] == "interpreter 0"
    assert labels(rows)[1:3] == ["codecs' error handlers", "['necropy']"]


def test_what_is_called_at_exit_is_found(held_core):
    rows = chain(held_core, "atexit")
    # a list of the module in Python 2; then its state, which its code walks; then the interpreter's
    if held_core.python.version >= (3, 10):
        assert rows[0]["type"] == "interpreter 0"
        assert rows[1]["label"] in ("atexit function", "atexit functions")  # 3.14: a list of them
    elif held_core.python.version[0] == 2:
        assert rows[0]["type"] == "module" and "['_exithandlers']" in labels(rows)
    else:
        assert rows[0]["type"] == "module" and "in C memory" in labels(rows)


def test_a_variable_of_a_c_function_is_found_on_its_stack(held):
    rows = chain(held, "stack")
    assert re.match(r"stack \d+$", rows[0]["type"])
    assert rows[1]["type"] == "__main__.Number" and rows[1]["kind"] == "guess"
    assert root_of(held, "stack", "--to", "thread") == rows[0]["type"]


def test_references_that_nothing_shows_are_held_from_c(held):
    rows = chain(held, "leaked")
    assert [row["type"] for row in rows] == ["held from C", "__main__.Target"]
    assert rows[1]["label"] == "1 of its references"
    assert rows[0]["addr"] is None


def test_garbage_is_held_by_nothing_and_that_is_said(held_core):
    answer = held_core.ask("why", address(held_core.truth.notes["held"]["garbage"]), "--to", "any")
    assert answer.rows == []
    assert "nothing holds it" in " ".join(answer.document["notes"])


def test_every_object_of_a_type_ends_at_a_root(held_core):
    """But for the garbage, all Targets that are not in a module's variables."""
    answer = held_core.ask("why", "__main__.Target", "--to", "any", "-k", "20")
    kinds = {rows[0]["type"].split()[0] for rows in chains(answer)}
    assert kinds <= {"module", "frame", "thread", "interpreter", "static", "stack", "held", "type"}
    assert "module" in kinds


def test_certain_roots_come_before_guesses(held_core):
    """The object on the C stack is found there only because nothing certain holds it."""
    wanted = held_core.truth.notes["added"]["once"][0]
    rows = chains(held_core.ask("why", address(wanted), "--to", "any"))[0]
    assert rows[0]["type"] == "module"
    assert "guess" not in [row["kind"] for row in rows]


def test_a_variable_is_a_referrer_and_a_left_over_word_is_none(held_core):
    ids = held_core.truth.notes["held"]
    rows = held_core.ask("backrefs", address(ids["static"])).rows
    assert [row["type"].split(":")[-1] for row in rows if row["kind"] == "guess"] \
        == ["PyOS_InputHook"]
    rows = held_core.ask("backrefs", address(ids["garbage"])).rows
    assert rows and "guess" not in [row["kind"] for row in rows]


def test_a_picture_shows_the_root(held_core):
    wanted = address(held_core.truth.notes["held"]["leaked"])
    picture = held_core.run("graph", wanted, "--chain", "--to", "any", "--format", "dot")
    assert picture.status == 0, picture.err
    assert "held from C" in picture.out
