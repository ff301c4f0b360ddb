# SPDX-License-Identifier: GPL-2.0-or-later
"""bt: stacks, lines and variables are those that each thread's own Python has written down."""

import collections
import os

import pytest

from oracle import necropy


@pytest.fixture
def stacks(lab, python, way):
    return lab.target(python, "stacks", way)


@pytest.fixture
def stacks_core(lab, python):
    return lab.target(python, "stacks")


def by_thread(rows):
    found = collections.OrderedDict()
    for row in rows:
        found.setdefault(row["thread"], []).append(row)
    return found


def test_every_thread_has_its_frames_with_their_lines(stacks):
    found = by_thread(stacks.ask("bt", "-n", "all").rows)
    truth = stacks.truth["threads"]
    assert set(found) == {int(ident) for ident in truth} | {stacks.truth["recorder"]}
    for ident, thread in truth.items():
        keys = [key for key in ("function", "file", "line", "end_line", "column", "end_column")
                if key in thread["frames"][0]]
        expected = [[frame[key] for key in keys] for frame in thread["frames"]]
        rows = found[int(ident)]
        assert [[row[key] for key in keys] for row in rows] == expected, thread["name"]
        assert [row["depth"] for row in rows] == list(range(len(rows)))
        assert not any(row["native"] for row in rows)


def test_variables_of_every_frame_are_those_it_has(stacks):
    found = by_thread(stacks.ask("bt", "--locals", "-n", "all").rows)
    for ident, thread in stacks.truth["threads"].items():
        for row, frame in zip(found[int(ident)], thread["frames"]):
            where = (thread["name"], frame["function"])
            if len(frame["locals"]) > 40:  # so many are shown of each
                assert len(row["locals"]) == 41, where
                continue
            assert set(row["locals"]) == set(frame["locals"]), where
            for name, text in frame["locals"].items():
                assert text is None or row["locals"][name] == text, where + (name,)


def test_what_instances_hold_is_shown_in_variables(stacks_core):
    rows = stacks_core.ask("bt", "method", "--locals").rows
    inner = [row for row in rows if row["function"].endswith("inner")][0]
    assert "things=[1, 2, {'deep': (3, [4])}]" in inner["locals"]["self"]


def test_one_thread_by_each_of_its_names(stacks_core):
    for ident, thread in stacks_core.truth["threads"].items():
        if thread["name"] != "recursive":
            continue
        by_name = stacks_core.ask("bt", "recursive").rows
        assert by_name[0]["heading"] and [row["heading"] for row in by_name[1:]] == [None] * 19
        assert stacks_core.ask("bt", ident).rows == by_name
        assert stacks_core.ask("bt", str(by_name[0]["tid"])).rows == by_name
        if thread["native_id"]:
            assert by_name[0]["tid"] == thread["native_id"]


def test_a_deep_stack_is_shown_as_far_as_asked(stacks_core):
    answer = stacks_core.ask("bt", "recursive", "-n", "7")
    frames = [t["frames"] for t in stacks_core.truth["threads"].values()
              if t["name"] == "recursive"][0]
    assert len(answer.rows) == 7
    assert answer.rows[-1]["more"] == len(frames) - 7
    assert answer.document["all_rows"] == len(frames)
    assert "more frames" in stacks_core.run("bt", "recursive", "-n", "7").out


def test_the_crashed_thread_comes_first(stacks_core):
    answer = stacks_core.ask("bt")
    first = stacks_core.truth["threads"][str(answer.rows[0]["thread"])]
    assert first["name"] == "MainThread"  # the kernel gives the process's SIGABRT to it
    assert "crashed: Aborted" in answer.rows[0]["heading"]
    assert sum("crashed" in (row["heading"] or "") for row in answer.rows) == 1


def test_source_lines_are_those_of_the_files(stacks_core):
    rows = [row for row in stacks_core.ask("bt", "-n", "all").rows if row["source"] is not None]
    assert len(rows) > 20
    for row in rows:
        with open(row["file"], "rb") as source:
            lines = source.read().decode("utf-8").split("\n")
        assert row["source"] == lines[row["line"] - 1]
        assert not row["source_changed"]


def test_source_is_marked_when_its_file_is_newer_than_the_core(lab, debian):
    core = lab.target(debian, "stacks")
    times = os.stat(core.name)
    os.utime(core.name, (1000000000, 1000000000))
    answer = necropy("bt", core.name, "--json")
    text = necropy("bt", core.name).out
    os.utime(core.name, (times.st_atime, times.st_mtime))
    rows = [row for row in answer.rows if row["source"] is not None]
    assert rows and all(row["source_changed"] for row in rows)
    assert any("has changed since" in note for note in answer.document["notes"])
    assert "\n      ~ " in text


def test_an_unknown_thread_is_refused_and_the_known_are_named(stacks_core):
    answer = stacks_core.run("bt", "nobody")
    assert answer.status == 1
    assert "nobody" in answer.err and "MainThread" in answer.err


def test_redacted_answers_have_neither_values_nor_source(stacks_core):
    answer = stacks_core.ask("bt", "--locals", "--redact")
    assert all(row["source"] is None for row in answer.rows)
    assert not any("'body'" in text for row in answer.rows for text in row["locals"].values())
