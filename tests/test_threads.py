# SPDX-License-Identifier: GPL-2.0-or-later
"""threads: what every thread was doing, as the program and the kernel know it."""

import os
import re

import pytest


@pytest.fixture
def stacks(lab, python, way):
    return lab.target(python, "stacks", way)


@pytest.fixture
def contention(lab, python, way):
    return lab.target(python, "contention", way)


def test_each_thread_of_python_with_its_name_depth_and_place(stacks):
    rows = {row["thread"]: row for row in stacks.ask("threads", "-n", "all").rows}
    truth = stacks.truth["threads"]
    assert set(rows) == {int(ident) for ident in truth} | {stacks.truth["recorder"]}
    for ident, thread in truth.items():
        row, innermost = rows[int(ident)], thread["frames"][0]
        assert (row["name"], row["depth"]) == (thread["name"], len(thread["frames"]))
        assert (row["function"], row["file"], row["line"]) == \
            (innermost["function"], innermost["file"], innermost["line"])
        assert thread["native_id"] in (None, row["tid"])
        assert row["interpreter"] == 0


def test_each_thread_of_the_kernel_is_listed_once(lab, python):
    target = lab.target(python, "stacks", "alive")
    kernels = sorted(int(tid) for tid in os.listdir("/proc/%d/task" % target.pid))
    assert sorted(target.ask("threads", "-n", "all").column("tid")) == kernels


def test_waiting_threads_are_idle_in_a_system_call_and_hold_no_gil(stacks):
    for row in stacks.ask("threads", "-n", "all").rows:
        if row["crashed"] or row["thread"] == stacks.truth["recorder"]:
            continue
        assert row["gil"] is None, row
        assert re.match("in system call (futex|pause|restart_syscall)", row["state"]), row
        assert row["idle"] is True and row["native"], row


def test_one_thread_holds_the_gil_and_those_that_compete_wait(contention):
    if contention.python.free_threaded:
        pytest.skip("there is no GIL")
    rows = {row["name"]: row for row in contention.ask("threads", "-n", "all").rows}
    holder = rows[contention.truth["holder"]]
    assert holder["gil"] == "holds" and holder["function"].endswith("hold_the_gil")
    assert "waits" not in holder["state"] and holder["idle"] is False
    assert len(contention.truth["busy"]) == 4
    for name in contention.truth["busy"]:
        row = rows[name]
        assert row["function"].endswith("compete")
        assert (row["state"], row["gil"]) == ("waits for the GIL", "waits"), row
        assert row["idle"] is False


def test_threads_without_python_are_listed_as_such(lab, python):
    target = lab.target(python, "contention")
    plain = [row for row in target.ask("threads", "-n", "all").rows if row["depth"] is None]
    assert len(plain) == target.truth["native_threads"]
    for row in plain:
        assert row["thread"] is None and row["addr"] is None and row["function"] is None
        assert row["tid"]


def test_finalizing_is_recognised(lab, python):
    rows = lab.target(python, "crash", "crash", ("finalize",)).ask("threads").rows
    assert rows[0]["state"] == "finalizing"


def test_text_has_a_line_for_each_thread(lab, debian):
    target = lab.target(debian, "stacks")
    lines = target.run("threads", "-n", "all").out.splitlines()
    assert lines[0].split()[:4] == ["tid", "name", "signal", "gil"]
    assert len(lines) == 1 + len(target.truth["threads"]) + 1
    assert "MainThread" in lines[1] and "SIGABRT" in lines[1]


def test_addresses_of_threads_name_them_for_bt(lab, debian):
    target = lab.target(debian, "stacks")
    row = target.ask("threads").rows[3]
    assert target.ask("bt", row["addr"]).rows[0]["thread"] == row["thread"]
