# SPDX-License-Identifier: GPL-2.0-or-later
"""report crash: exceptions that could not be raised, as far as something is left of them."""

import re

CPYTHON_NAMES = re.compile(r"\w*[Uu]nraisable\w*\(\)$")


def report(lab, python, how):
    """(what the program knows, [[key, value, [[key, value] below it]]])."""
    target = lab.target(python, "unraisable", "crash", (how,))
    found = []
    for row in target.ask("report", "crash").rows:
        if row["key"].startswith(" "):
            found[-1][2].append([row["key"].strip(), row["value"]])
        else:
            found.append([row["key"], row["value"], []])
    return target.truth, found


def keyed(found, key):
    return [row for row in found if row[0] == key]


def check(python, row, known):
    text, lines, name, message = known
    assert row[1] in (text, "__main__." + text)
    places = [re.match(r"(\S+)  \S+:(\d+)", value).groups() for key, value in row[2]
              if key in ("through", "raised in")]
    assert [[function.split(".")[-1], int(line)] for function, line in places] == lines
    assert [name in value for key, value in row[2] if key == "object"] == [True] * bool(name)
    assert [value[1:40] in message for key, value in row[2] if key == "message"] == \
        [True] * bool(message)
    assert name or message


def test_what_a_hook_is_at_is_certain(lab, python):
    truth, found = report(lab, python, "hook")
    (row,) = keyed(found, "unraisable")
    check(python, row, truth["found"][0])
    assert ["handled by", "in"] == [key for key, _ in row[2]][-2:]
    assert row[2][-1][1].startswith("hook  ")
    assert truth["hook"] in keyed(found, "unraisable hook")[0][1]
    assert CPYTHON_NAMES.search(keyed(found, "reporting")[0][1])


def test_what_a_hook_has_kept_and_where(lab, python):
    truth, found = report(lab, python, "kept")
    rows = keyed(found, "unraisable")
    assert len(rows) == len(truth["found"]) == 2
    for row, known in zip(rows, truth["found"]):
        check(python, row, known)
        assert re.match(r"sys\.unraisablehook\..*\[\d\]$", dict(row[2])["kept in"])
    assert "Keeper.hook" in keyed(found, "unraisable hook")[0][1] or python.version < (3, 3)
    assert not keyed(found, "reporting")


def test_what_cpython_is_writing_of_itself_is_marked(lab, python):
    truth, found = report(lab, python, "default")
    assert CPYTHON_NAMES.search(keyed(found, "reporting")[0][1])
    rows = keyed(found, "unraisable")
    assert not keyed(found, "unraisable hook")
    if python.version < (3, 8):  # no object is made of it
        assert rows == []
    else:
        assert [row[1].replace("__main__.", "") for row in rows] == ["~ " + truth["found"][0][0]]


def test_nothing_is_said_where_nothing_is_left(lab, python):
    target = lab.target(python, "crash", "crash", ("segfault",))
    keys = [row["key"] for row in target.ask("report", "crash").rows]
    assert not [key for key in keys if key.startswith(("unraisable", "reporting"))]
