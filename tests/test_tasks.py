# SPDX-License-Identifier: GPL-2.0-or-later
"""tasks: what each task of asyncio awaits, through which coroutines, and who awaits it."""

import collections

import pytest


@pytest.fixture(params=["c", "python"])
def tasks(request, lab, python, way):
    if python.version < (3,):
        pytest.skip("2.7 has no asyncio")
    if request.param == "python" and way != "kernel":
        pytest.skip("asyncio's Python classes do not depend on the way: the kernel's core will do")
    return lab.target(python, "tasks", way, ("python",) if request.param == "python" else ())


@pytest.fixture
def tasks_core(lab, debian):
    return lab.target(debian, "tasks")


def by_task(target, *options):
    found = collections.OrderedDict()
    for row in target.ask("tasks", "-n", "all", *options).rows:
        found.setdefault(row["task"], []).append(row)
    return found


def labelled(target, label):
    return [task for task, known in target.truth["tasks"].items() if known["label"] == label]


def frames(rows):
    return [[row["function"], row["file"], row["line"]] for row in rows
            if row["function"] is not None]


def test_every_task_that_has_not_ended_is_found_with_its_name(tasks):
    found = by_task(tasks)
    assert set(found) == set(tasks.truth["tasks"])
    for task, known in tasks.truth["tasks"].items():
        assert found[task][0]["name"] == (known["name"] or "Task " + task)
        assert found[task][0]["state"] == "pending"


def test_coroutines_from_the_innermost_to_the_task_with_their_lines(tasks):
    found = by_task(tasks)
    for task, known in tasks.truth["tasks"].items():
        expected = known["frames"]
        if known["label"] == "over":
            # ag_await is not asked for by asend() objects: what it stands for is compared
            assert frames(found[task])[-1] == expected[-1]
            assert [row[0] for row in frames(found[task])][-4:] == \
                ["innermost", "middle", "numbers", "over_numbers"]
            continue
        assert frames(found[task])[-len(expected):] == expected, known["label"]


def test_what_each_task_awaits_and_who_awaits_it(tasks):
    found = by_task(tasks)
    for task, known in tasks.truth["tasks"].items():
        awaits = found[task][0]["awaits"]
        if known["awaits"] in tasks.truth["tasks"]:
            assert awaits == "task " + found[known["awaits"]][0]["name"]
        else:
            assert known["awaits"] in awaits and awaits.startswith("pending ")
    first, = labelled(tasks, "first")
    second, = labelled(tasks, "second")
    gathers, = labelled(tasks, "gathers")
    names = {task: rows[0]["name"] for task, rows in found.items()}
    assert set(found[first][0]["awaited_by"].split(", ")) == {names[second], names[gathers]}
    assert found[second][0]["awaited_by"] == names[gathers]
    assert names[first] in found[gathers][0]["awaits"]
    assert names[second] in found[gathers][0]["awaits"]


def test_tasks_with_equal_stacks_are_grouped(tasks):
    groups = by_task(tasks, "--group")
    alike = labelled(tasks, "alike")
    counts = [rows[0]["count"] for task, rows in groups.items() if task in alike]
    assert counts == [tasks.truth["alike"]]
    assert sum(rows[0]["count"] for rows in groups.values()) == len(tasks.truth["tasks"])


def test_tasks_that_have_ended_are_shown_when_asked_for(tasks_core):
    more = set(by_task(tasks_core, "--all")) - set(by_task(tasks_core))
    rows = [row for row in tasks_core.ask("tasks", "--all", "-n", "all").rows
            if row["task"] in more]
    assert [row["state"] for row in rows] == ["finished"]
    assert rows[0]["function"] is None and rows[0]["heading"]


def test_text_has_a_heading_for_each_task_and_says_how_many(tasks_core):
    out = tasks_core.run("tasks", "-n", "3").out
    assert out.count(", pending, awaits") == 3
    assert "%d more tasks" % (len(tasks_core.truth["tasks"]) - 3) in out
    assert "note: %d tasks" % len(tasks_core.truth["tasks"]) in out


def test_a_program_without_tasks_has_none(lab, debian):
    answer = lab.target(debian, "stacks").ask("tasks")
    assert answer.rows == []
    assert "0 tasks" in answer.document["notes"]
