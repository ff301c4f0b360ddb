# SPDX-License-Identifier: GPL-2.0-or-later
"""bt: stacks, lines and variables are those that each thread's own Python has written down."""

import collections
import json
import os
import subprocess

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
            assert row["locals_more"] is (len(frame["locals"]) > 40), where
            if row["locals_more"]:  # so many are shown of each
                assert len(row["locals"]) == 40 and set(row["locals"]) < set(frame["locals"]), where
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


# gdb prints the program counters of the frames that really are on the stack
GDB_STACKS = """python
import gdb, json
found = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame, pcs = gdb.newest_frame(), []
    while frame is not None:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append([frame.pc(), frame.name()])
        frame = frame.older()
    found[thread.ptid[1]] = pcs
print("STACKS" + json.dumps(found))
"""


def test_native_frames_are_those_that_gdb_finds(stacks_core):
    if stacks_core.python.has_own_libc:
        pytest.skip("gdb would take this machine's libc for the target's")
    script = os.path.join(stacks_core.directory, "stacks.gdb")
    with open(script, "w") as text:
        text.write("set backtrace past-main on\nset backtrace past-entry on\n" + GDB_STACKS)
    said = subprocess.run(["gdb", "--batch", "-nx", "-iex", "set debuginfod enabled off",
                           "-x", script, stacks_core.python.path, stacks_core.name],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout.decode()
    expected = json.loads(said.partition("STACKS")[2].splitlines()[0])
    found = by_thread_of_kernel(stacks_core.ask("bt", "--native", "-n", "all").rows)
    assert {str(tid) for tid in found} == set(expected)
    for tid, frames in expected.items():
        native = [int(row["addr"], 16) for row in found[int(tid)] if row["native"]]
        loops = [pc for pc, name in frames if name and "PyEval_EvalFrame" in name
                 and name != "_PyEval_EvalFrame"]
        assert native == [pc for pc, _ in frames if pc not in loops]


def test_python_frames_stand_among_the_native_ones_in_their_order(stacks):
    merged = by_thread_of_kernel(stacks.ask("bt", "--native", "-n", "all").rows)
    plain = by_thread_of_kernel(stacks.ask("bt", "-n", "all").rows)
    for tid, rows in plain.items():
        if rows[0]["thread"] == stacks.truth["recorder"]:
            continue  # it may still be on its way from saying so to its lock
        python = [row for row in merged[tid] if not row["native"]]
        assert [row["addr"] for row in python] == [row["addr"] for row in rows]
        assert not any("_PyEval_EvalFrameDefault" == row["function"] for row in merged[tid])
        # it begins in the C function that waits, and ends where the thread began
        assert merged[tid][0]["native"] and merged[tid][-1]["native"]
    notes = stacks.ask("bt", "--native", "-n", "all").document["notes"]
    assert not any("was not found" in note or "end early" in note for note in notes)


@pytest.fixture
def trampolines(lab, python):
    if python.version < (3, 12):
        pytest.skip("it has no trampolines")
    return lab.target(python, "stacks", arguments=("perf",))


def test_trampolines_without_unwind_tables_are_passed(trampolines):
    document = trampolines.ask("bt", "--native", "-n", "all").document
    assert not any("was not found" in note or "end early" in note for note in document["notes"])
    found = by_thread_of_kernel(document["rows"])
    passed = 0
    for tid, rows in by_thread_of_kernel(trampolines.ask("bt", "-n", "all").rows).items():
        if rows[0]["thread"] == trampolines.truth["recorder"]:
            continue
        assert [row["addr"] for row in found[tid] if not row["native"]] == \
            [row["addr"] for row in rows]
        passed += sum(row["native"] and row["file"] is None for row in found[tid])
    assert passed >= 150  # one for each call of a Python function


def by_thread_of_kernel(rows):
    found = collections.OrderedDict()
    for row in rows:
        found.setdefault(row["tid"], []).append(row)
    return found
