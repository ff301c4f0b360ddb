# SPDX-License-Identifier: GPL-2.0-or-later
"""report hang: who refers to what a thread waits for, where nothing says who has it."""

import re

import pytest


@pytest.fixture
def referrers(lab, python):
    return lab.target(python, "referrers")


def who(text):
    """The thread's name, or "task " and the task's; and what is said of it."""
    found = re.match(r'Thread \d+ "([^"]*)": (.*)|(task \S+): (.*)', text)
    return found.group(1) or found.group(3), found.group(2) or found.group(4)


def found_by_waiting(target):
    """{waiting thread: [[who, path, function of the frame or None]]}."""
    found, current = {}, None
    for row in target.ask("report", "hang").rows:
        key = row["key"].strip()
        if not row["key"].startswith(" "):
            current = None
            if key in ("waiting", "stuck", "thread"):
                name = re.search(r'Thread \d+ "([^"]*)"', row["value"]).group(1)
                current = found.setdefault(name, [])
        elif key == "refers to it" and current is not None:
            current.append(list(who(row["value"])) + [None] if ": " in row["value"]
                           else [row["value"]])
        elif key == "in" and current and len(current[-1]) == 3 and current[-1][2] is None:
            current[-1][2] = row["value"].split("  ")[0]
    return found


def test_every_thread_and_task_whose_variables_lead_to_it(referrers):
    found = found_by_waiting(referrers)
    qualified = referrers.python.version >= (3, 11)
    for waiting, known in referrers.truth["referrers"].items():
        rows = found[waiting]
        if not known:
            assert [len(row) for row in rows] == [1] and rows[0][0].startswith("no variable of")
            continue
        assert [row[0] for row in rows] == [one[0] for one in known], waiting
        for row, (_, path, function) in zip(rows, known):
            assert row[1] == path or re.match(path + "$", row[1])
            if function is not None:
                assert row[2] == (function if qualified else function.split(".")[-1])


def test_nothing_is_said_where_it_is_known_who_has_it(lab, debian):
    target = lab.target(debian, "hangs")
    rows = target.ask("report", "hang").rows
    for i, row in enumerate(rows):
        if row["key"].strip() == "held by":
            later = [after["key"].strip() for after in rows[i + 1:i + 3]]
            assert "refers to it" not in later or "waits for" in later


def test_names_of_tasks_and_keys_are_redacted(lab, debian):
    target = lab.target(debian, "referrers")
    shown = target.run("report", "hang", "--redact").out
    assert "task setting" not in shown and "'one'" not in shown
    assert "self.jobs" in shown
