# SPDX-License-Identifier: GPL-2.0-or-later
"""tasks: those of Trio, and AnyIO's on it: their coroutines, parents, and what they wait for."""

import re

import oracle
import pytest


@pytest.fixture(params=["trio", "anyio"])
def tasks(request, lab, python, way):
    if python.version < (3,):
        pytest.skip("2.7 has no coroutines")
    if way != "kernel" and python.path != oracle.DEBIAN_PYTHON:
        pytest.skip("what is read does not depend on the way: one Python will do")
    return lab.target(python, "trio_tasks", way, ("anyio",) if request.param == "anyio" else ())


def by_address(target):
    found = {}
    for row in target.ask("tasks", "-n", "all").rows:
        found.setdefault(row["task"], []).append(row)
    return found


def test_every_task_with_its_name_state_and_parent(tasks):
    found, known = by_address(tasks), tasks.truth["tasks"]
    assert set(found) == set(known)
    for address, one in known.items():
        first = found[address][0]
        assert first["kind"] == "trio" and first["name"] == one["name"]
        assert first["state"] == one["state"], one
        assert first["parent"] == (known[one["parent"]]["name"] if one["parent"] else None)


def test_coroutines_from_the_innermost_to_the_task_with_their_lines(tasks):
    found = by_address(tasks)
    for address, one in tasks.truth["tasks"].items():
        if one["frames"] is not None:
            assert [[row["function"], row["file"], row["line"]]
                    for row in found[address]] == one["frames"], one
        else:  # the one that runs
            names = [row["function"] for row in found[address]]
            assert names[0] == "record" and names[-1].startswith("main")


def test_what_a_task_says_it_waits_for_or_the_children_of_its_nursery(tasks):
    found, known = by_address(tasks), tasks.truth["tasks"]
    for address, one in known.items():
        awaits = found[address][0]["awaits"]
        if one["awaits"]:
            assert awaits.endswith(" " + one["awaits"]), awaits
        elif one["children"]:
            names = sorted(known[child]["name"] for child in one["children"])
            text = re.match(r"trio\.\S*Nursery 0x[0-9a-f]+ of (.*)", awaits).group(1)
            assert sorted(text.split(", ")) == names
        else:
            assert awaits is None


def test_who_waits_for_it_in_its_nursery(tasks):
    found, known = by_address(tasks), tasks.truth["tasks"]
    for address in known:
        waiting = [one["name"] for one in known.values() if address in one["children"]]
        assert found[address][0]["awaited_by"] == (waiting[0] if waiting else None)
