# SPDX-License-Identifier: GPL-2.0-or-later
"""tasks: greenlets, gevent's among them, with the frames that each is suspended in."""

import oracle
import pytest


def started(lab, python, way, arguments):
    if way != "kernel" and python.path != oracle.DEBIAN_PYTHON:
        pytest.skip("what is read does not depend on the way: one Python will do")
    return lab.target(python, "greenlets", way, arguments)


@pytest.fixture
def greenlets(lab, python, way):
    return started(lab, python, way, ())


@pytest.fixture
def gevent(lab, python, way):
    return started(lab, python, way, ("gevent",))


@pytest.fixture
def greenlets_core(lab, debian):
    return lab.target(debian, "greenlets")


def by_address(target, *options):
    found = {}
    for row in target.ask("tasks", "-n", "all", *options).rows:
        found.setdefault(row["task"], []).append(row)
    return found


def frames(rows):
    return [[row["function"], row["file"], row["line"]] for row in rows
            if row["function"] is not None]


def check(target):
    found = by_address(target, "--all")
    known = target.truth["greenlets"]
    assert set(found) == set(known)
    for address, rows in found.items():
        assert {row["kind"] for row in rows} == {"greenlet"}
        assert rows[0]["state"] == known[address]["state"]
        assert rows[0]["name"] == (known[address]["name"] or
                                   "%s %s" % (known[address]["type"], address))
        if known[address]["frames"] is not None:
            assert frames(rows) == known[address]["frames"], known[address]
    left_out = {address for address, one in known.items() if one["state"] == "finished"}
    assert left_out and set(by_address(target)) == set(known) - left_out


def test_state_and_frames_of_each_greenlet(greenlets):
    check(greenlets)
    states = [one["state"] for one in greenlets.truth["greenlets"].values()]
    # the two threads' that run, and one thread's own that does not
    assert states.count("running") == 2 and "created" in states


def test_those_of_gevent_with_their_names(gevent):
    check(gevent)
    assert "sleeper" in [one["name"] for one in gevent.truth["greenlets"].values()]


def test_the_running_one_of_the_only_thread_has_its_frames(gevent):
    rows = by_address(gevent)[gevent.truth["main"]]
    assert rows[0]["state"] == "running"
    assert frames(rows) == frames(gevent.ask("bt").rows)


@pytest.mark.parametrize("where", ["in C", "in deep C"])
def test_one_suspended_in_c_code_is_not_taken_for_one_that_runs(lab, debian, where):
    target = lab.target(debian, "greenlets", "kernel", (where,))
    found, known = by_address(target), target.truth["greenlets"]
    assert set(found) == set(known)
    assert {task: rows[0]["state"] for task, rows in found.items()} == \
        {address: one["state"] for address, one in known.items()}
    runs = [task for task, rows in found.items() if rows[0]["state"] in ("active", "running")]
    assert len(runs) == (2 if where == "in deep C" else 1)
    assert bool(frames(found[runs[0]])) == (where == "in C")


def test_equal_stacks_are_grouped_and_states_in_the_heading(greenlets_core):
    known = greenlets_core.truth["greenlets"].values()
    stacks = [str(one["frames"]) for one in known if one["frames"]]
    most = max(stacks.count(stack) for stack in stacks)
    rows = greenlets_core.ask("tasks", "--group", "-n", "all").rows
    assert most > 1 and max(row["count"] for row in rows) == most
    out = greenlets_core.run("tasks", "-n", "all").out
    assert "__main__.Own 0x" in out and ", greenlet, suspended" in out
    n = len([one for one in known if one["state"] != "finished"])
    assert "note: %d tasks: %d greenlets" % (n, n) in out


def test_names_of_greenlets_are_redacted(lab, debian):
    target = lab.target(debian, "greenlets", "kernel", ("gevent",))
    assert "sleeper" in target.run("tasks", "-n", "all").out
    assert "sleeper" not in target.run("tasks", "-n", "all", "--redact").out
