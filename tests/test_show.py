# SPDX-License-Identifier: GPL-2.0-or-later
"""show: of an object of each family, what Python itself says of it."""

import re

import pytest

from oracle import address, necropy

ALL = ("-n", "all")
TRACKED = ("tracked", "not tracked", "in the permanent generation")


@pytest.fixture
def target(lab, python):
    return lab.target(python, "families")


def shown(target, addr, *arguments):
    return {row["key"]: row["value"] for row in
            target.ask("show", addr, *(arguments or ALL)).rows}


def is_said(name, key, value, found):
    """Whether `value` is what `found` has, but for how 2.7 writes unicode."""
    if key not in found:
        return False
    # newer versions compute a traceback's line only when asked
    if key == "at" and not re.search(r":\d+$", found[key]):
        return found[key] == value.rpartition(":")[0]
    return re.sub(r"\bu'", "'", found[key]) == value


def test_each_family_says_what_python_says(target):
    wrong = []
    for name, (i, wanted) in sorted(target.truth.notes.items()):
        found = shown(target, address(i))
        for key, value in wanted.items():
            if not is_said(name, key, value, found):
                wrong.append((name, key, value, found.get(key), sorted(found)[:12]))
    assert wrong == []
    assert len(target.truth.notes) > 20


def test_every_object_has_type_refcount_size_and_state(target):
    for i, _ in target.truth.notes.values():
        found = shown(target, address(i))
        assert found["type"] and found["repr"]
        assert found["gc"] in TRACKED
        assert found["refcount"] == "immortal" or int(found["refcount"]) > 0
        assert int(found.get("size") or found["size (estimate)"]) > 0


def test_rows_are_limited_and_the_rest_is_counted(target):
    addr = address(target.truth.notes["list"][0])
    every = target.ask("show", addr, *ALL)
    some = target.ask("show", addr, "-n", "10")
    assert some.rows == every.rows[:10]
    assert some.document["all_rows"] == len(every.rows) > 1000


def test_redaction_shows_no_content(target):
    for name in ("text", "long text", "bytes"):
        addr = address(target.truth.notes[name][0])
        answer = necropy("show", target.name, addr, "--redact", "--json", *ALL)
        assert answer.status == 0 and "content" not in answer.column("key")
        assert "0123456789" not in answer.out and "some" not in answer.out


def test_weak_references_are_shown_as_such(target):
    reference = address(target.truth.notes["weak reference"][0])
    thing = address(target.truth.notes["instance"][0])
    rows = target.ask("refs", reference, *ALL).rows
    assert [row["kind"] for row in rows if row["addr"] == thing] == ["weak"]
    assert reference not in [row["addr"] for row in target.ask("backrefs", thing, *ALL).rows]
    rows = target.ask("backrefs", thing, "--weak", *ALL).rows
    assert {row["kind"] for row in rows if row["addr"] == reference} == {"weak"}
    strong = target.ask("backrefs", thing, *ALL).rows
    assert [row for row in rows if row["kind"] not in ("weak", "borrowed")] == strong
