# SPDX-License-Identifier: GPL-2.0-or-later
"""objects --where: of each condition, the objects of which Python said that it holds."""

import pytest

from oracle import necropy, number
from test_references import Binding

ALL = ("-n", "all")


@pytest.fixture
def target(lab, python):
    return lab.target(python, "attributes")


def where(conditions):
    return [word for condition in conditions for word in ("--where", condition)]


def test_conditions_hold_where_python_says(target):
    wrong = []
    binding = Binding(target.name)  # hundreds of answers from one open core
    for name, conditions, expected in target.truth.notes:
        words = ["objects", "__main__." + name] + where(conditions) + list(ALL)
        with binding.session.run(words) as result:
            found = sorted(result.columns()["addr"])
        if found != sorted(expected):
            wrong.append((name, conditions, len(found), len(expected)))
    binding.session.close()
    assert wrong == []
    assert len(target.truth.notes) > 150


def test_what_no_object_holds_itself_is_said(target):
    for condition in ("computed>0", "kind=a class attribute", "nothing=1"):
        answer = target.ask("objects", "__main__.Plain", "--where", condition)
        assert answer.rows == []
        assert any("properties are not evaluated" in note and condition in note
                   for note in answer.document["notes"])
    answer = target.ask("objects", "__main__.Plain", "--where", "number>1000")
    assert answer.rows == [] and answer.document["notes"] == []


def test_what_every_object_has_is_compared(target):
    rows = target.ask("objects", "__main__.Plain", *ALL).rows
    one = rows[5]
    for condition, expected in (
            ("addr=%s" % one["addr"], [one]),
            ("size>=%d" % one["size"], [row for row in rows if row["size"] >= one["size"]]),
            ("refcount < 2", [row for row in rows if row["refcount"] < 2]),
            ("type~Plain", rows), ("type=__main__.Plain", rows), ("type!=__main__.Plain", [])):
        found = target.ask("objects", "__main__.Plain", "--where", condition, *ALL).rows
        assert found == expected, condition


def test_an_attribute_of_such_a_name_is_asked_for_with_a_dot(target):
    assert target.ask("objects", "__main__.Plain", "--where", ".size>0").rows == []


@pytest.mark.parametrize("order, key", [
    ("addr", lambda row: number(row["addr"])),
    ("size", lambda row: (-row["size"], number(row["addr"]))),
    ("refcount", lambda row: (-row["refcount"], number(row["addr"])))])
def test_sort(target, order, key):
    rows = target.ask("objects", "__main__.*", "--sort", order, *ALL).rows
    rows = [row for row in rows if row["refcount"] is not None]
    assert rows == sorted(rows, key=key)


@pytest.mark.parametrize("condition, words", [
    ("", ["--where needs a value"]), ("number", ["expected a name"]), ("=3", ["expected a name"]),
    ("a..b=3", ["expected a name"]), ("a[=3", ["expected a name"]), ("a['k=3", ["expected"]),
    ("a[-1]=3", ["expected a name"]), ("size=many", ["many", "number"]),
    ("size~3", ["~", "text"]), ("type<dict", ["type"]), ("name='unfinished", ["quote"]),
    ("a" + ".b" * 40 + "=1", ["expected"]), ("a b=1", ["expected"]), ("a]=1", ["expected"]),
])
def test_mistakes_are_explained(leaky_core, condition, words):
    answer = necropy("objects", leaky_core.name, "DB", "--where", condition)
    assert (answer.status, answer.out) == (1, "")
    for word in words:
        assert word in answer.err


def test_contents_cannot_be_guessed_through_redaction(leaky_core):
    answer = necropy("objects", leaky_core.name, "DB", "--where", "path~test", "--redact")
    assert answer.status == 1 and "--redact" in answer.err
    assert necropy("objects", leaky_core.name, "DB", "--where", "path!=None", "--redact",
                   "--json").rows
