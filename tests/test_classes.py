# SPDX-License-Identifier: GPL-2.0-or-later
"""classes: the reference counts that sys.getrefcount() gave, and the instances there are."""

import pytest

from oracle import address, number

ALL = ("-n", "all")


@pytest.fixture
def target(lab, python):
    return lab.target(python, "classes")


def test_counts_are_those_of_sys_getrefcount(target):
    rows = {row["addr"]: row for row in target.ask("classes", *ALL).rows}
    for name, (i, refcount, instances, module) in target.truth.notes.items():
        row = rows[address(i)]
        assert (row["type"], row["instances"], row["module"]) == (
            "__main__." + name, instances, module)
        assert row["refcount"] == refcount, (name, row)


def test_most_references_come_first_and_immortal_classes_last(target):
    rows = target.ask("classes", *ALL).rows
    counts = [row["refcount"] for row in rows]
    known = [count for count in counts if count is not None]
    assert counts == sorted(known, reverse=True) + [None] * (len(counts) - len(known))
    assert len({row["addr"] for row in rows}) == len(rows)


def test_every_class_is_there_once_with_all_its_instances(target):
    answer = target.ask("classes", *ALL)
    shown = {}
    for row in answer.rows:
        shown[row["type"]] = shown.get(row["type"], 0) + row["instances"]
    counted = {row["type"]: row["count"] for row in target.ask("types", *ALL).rows}
    assert {name: n for name, n in shown.items() if n} == counted
    assert answer.document["totals"]["instances"] == sum(counted.values())


def test_match_keeps_classes_of_a_name(target):
    rows = target.ask("classes", "--match", "__main__.*", *ALL).rows
    assert {row["type"] for row in rows} == {"__main__." + name for name in target.truth.notes}
    assert len(target.ask("classes", "--match", "Many").rows) == 1


def test_a_class_without_instances_is_a_type_of_which_there_are_none(target):
    without = [name for name, note in target.truth.notes.items() if not note[2]]
    assert without
    for name in without:
        assert target.ask("count", name).rows[0]["count"] == 0
        assert target.ask("objects", name).rows == []
        answer = target.run("why", name)
        assert answer.status == 1 and "no object of type '%s'" % name in answer.err


def test_builtin_classes_say_their_module(target):
    rows = {row["type"]: row for row in target.ask("classes", *ALL).rows}
    builtins = "__builtin__" if target.python.version[0] == 2 else "builtins"
    assert rows["dict"]["module"] == builtins
    assert rows["collections.OrderedDict"]["module"] == "collections"
    assert number(rows["dict"]["addr"])
