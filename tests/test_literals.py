# SPDX-License-Identifier: GPL-2.0-or-later
"""Text, bytes and numbers are shown as repr() shows them; names that look like patterns."""

import pytest


@pytest.fixture
def literals(lab, python):
    return lab.target(python, "literals")


def shown(literals):
    return {row["name"]: row["repr"]
            for row in literals.ask("locals", "--frame", "1", "-n", "all").rows}


def noted(literals, kind):
    return {name: "".join(map(chr, text)) for name, text in literals.truth.notes[kind].items()}


def test_short_values_are_written_as_repr_writes_them(literals):
    answers = shown(literals)
    differences = {name: (answers[name], text) for name, text in noted(literals, "exact").items()
                   if answers[name] != text}
    assert not differences


def test_a_repr_of_a_class_of_its_own_is_not_made_up(literals):
    answers = shown(literals)
    assert [name for name, text in noted(literals, "not").items()
            if answers.get(name) == text] == []


def test_attributes_without_a_name_are_shown_by_their_keys(literals):
    assert {part.strip("<>") for part in shown(literals)["numbered"].split()} >= {
        "__main__.Numbered", "[6]='six'", "seven=7"}


@pytest.mark.parametrize("name", ["G*", "?[a]", "[b"])
def test_types_whose_names_look_like_patterns_are_found(literals, name):
    for text in name, "__main__." + name:
        rows = literals.ask("objects", text, "-n", "all").rows
        assert [row for row in rows if row["type"] == "__main__." + name]
