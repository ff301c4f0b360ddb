# SPDX-License-Identifier: GPL-2.0-or-later
"""Text, bytes and numbers are shown as repr() shows them; names that look like patterns."""

import pytest


@pytest.fixture
def literals(lab, python):
    return lab.target(python, "literals")


def test_short_values_are_written_as_repr_writes_them(literals):
    shown = {row["name"]: row["repr"] for row in literals.ask(
        "locals", "--frame", "1", "-n", "all").rows}
    differences = {name: (shown[name], "".join(map(chr, text)))
                   for name, text in literals.truth.notes.items()
                   if shown[name] != "".join(map(chr, text))}
    assert not differences


@pytest.mark.parametrize("name", ["G*", "?[a]", "[b"])
def test_types_whose_names_look_like_patterns_are_found(literals, name):
    for text in name, "__main__." + name:
        rows = literals.ask("objects", text, "-n", "all").rows
        assert [row for row in rows if row["type"] == "__main__." + name]
