# SPDX-License-Identifier: GPL-2.0-or-later
"""threads and report hang: who waits for what and for whom, as the program has arranged it."""

import re

import pytest


@pytest.fixture
def hangs(lab, python, way):
    return lab.target(python, "hangs", way)


@pytest.fixture
def with_the_gil(lab, python):
    if python.free_threaded:
        pytest.skip("there is no GIL")
    return lab.target(python, "hangs", "kernel", ("gil",))


def by_name(target):
    return {row["name"]: row for row in target.ask("threads", "-n", "all").rows}


def sections(target):
    """[[key, value, {key: [values]}]] of the rows that begin something, with those below them."""
    found = []
    for row in target.ask("report", "hang").rows:
        if row["key"].startswith(" "):
            found[-1][2].setdefault(row["key"].strip(), []).append(row["value"])
        else:
            found.append([row["key"], row["value"], {}])
    return found


def thread_names(text):
    return re.findall(r'Thread \d+ "([^"]*)"', text)


def test_each_thread_waits_for_what_it_was_made_to_wait_for(hangs):
    rows = by_name(hangs)
    for name, known in hangs.truth["waits"].items():
        assert rows[name]["waits_for"] == known["object"], rows[name]


def test_who_has_it_and_whether_that_is_a_guess(hangs):
    rows = by_name(hangs)
    for name, known in hangs.truth["waits"].items():
        row = rows[name]
        owners = [other for other, found in rows.items() if found["tid"] == row["owner"]]
        assert owners == known["owners"], row
        assert row["owner_guess"] == (known["guess"] if known["owners"] or known["stuck"]
                                      else None), row
        assert ("~" in row["waits"]) == known["guess"], row


def test_threads_that_can_not_go_on_and_the_deadlocks_they_are_in(hangs):
    rows = by_name(hangs)
    for name, known in hangs.truth["waits"].items():
        row = rows[name]
        together = sorted(other for other, found in rows.items()
                          if row["deadlock"] and found["deadlock"] == row["deadlock"])
        assert row["stuck"] == known["stuck"], row
        assert (together or None) == known["deadlock"], row
    others = set(rows) - set(hangs.truth["waits"])
    assert not any(rows[name]["stuck"] for name in others)


def test_the_report_has_each_deadlock_with_the_stacks_of_its_threads(hangs):
    found, current = [], None
    for key, value, more in sections(hangs):
        if key == "deadlock":
            current = {"threads": [], "frames": [], "guess": value.startswith("~")}
            found.append(current)
        elif key == "thread":
            current["threads"] += thread_names(value)
        elif key.startswith("#"):
            current["frames"].append(value.split()[0])
    truth = hangs.truth["waits"]
    expected = {tuple(known["deadlock"]): known["guess"] for known in truth.values()
                if known["deadlock"]}
    assert {tuple(sorted(d["threads"])): d["guess"] for d in found} == expected
    for deadlock in found:
        depths = [row["depth"] for name, row in by_name(hangs).items()
                  if name in deadlock["threads"]]
        assert len(deadlock["frames"]) == sum(depths)


def test_the_report_has_every_thread_that_waits_once(hangs):
    seen = []
    for key, value, more in sections(hangs):
        if key in ("thread", "stuck", "waiting"):
            seen += thread_names(value)
            known = hangs.truth["waits"].get(seen[-1])
            if known and known["owners"]:
                assert thread_names(" ".join(more.get("held by", []))) == known["owners"]
    assert sorted(seen) == sorted(set(seen))
    assert set(hangs.truth["waits"]) <= set(seen)


def test_a_deadlock_of_the_gil_and_a_mutex_of_c_code(with_the_gil):
    rows = by_name(with_the_gil)
    for name, known in with_the_gil.truth["waits"].items():
        owner = [other for other, row in rows.items() if row["tid"] == rows[name]["owner"]]
        assert owner == known["owners"], rows[name]
        assert rows[name]["deadlock"] == 1 and rows[name]["stuck"]
    found = dict((key, value) for key, value, _ in sections(with_the_gil))
    assert found["deadlocks"] == "1"
    assert thread_names(found["GIL held by"]) == ["MainThread"]


def test_no_deadlock_where_there_is_none(lab, debian):
    target = lab.target(debian, "stacks")
    assert [value for key, value, _ in sections(target) if key == "deadlocks"] == ["0"]
    assert not any(row["stuck"] for row in target.ask("threads", "-n", "all").rows)


def test_at_its_end_the_main_thread_waits_for_the_others(lab, python):
    rows = by_name(lab.target(python, "ended"))
    other = next(row for name, row in rows.items() if name.startswith("Thread-1"))
    assert rows["MainThread"]["owner"] == other["tid"]
