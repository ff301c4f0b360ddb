# SPDX-License-Identifier: GPL-2.0-or-later
"""pm up, pm down, pm frame; pm locals and pm print of the thread and frame selected in gdb."""

import json
import re

import pytest

from run_gdb import run_gdb


@pytest.fixture
def stacks(lab, debian):
    why_not = debian.why_not()
    if why_not:
        pytest.skip(why_not)
    return lab.target(debian, "stacks")


def thread_called(target, name):
    return next(row for row in target.ask("threads", "-n", "all").rows if row["name"] == name)


def select(target, name):
    """The gdb command that selects the thread of this name."""
    wanted = thread_called(target, name)["tid"]
    return ("python [t.switch() for t in gdb.selected_inferior().threads() if t.ptid[1] == %d]"
            % wanted)


def test_frames_are_chosen_in_the_selected_thread(stacks):
    frames = stacks.ask("bt", "in_closure", "-n", "all").rows
    ran = run_gdb(select(stacks, "in_closure"), "pm frame", "pm up", "pm up 2", "pm down",
                  "pm frame 0", "pm down", "pm frame 99", arguments=("-c", stacks.name))
    shown = [re.match(r"#(\d+)  (\S+)  .*:(\d+)$", answer.out.strip())
             for answer in ran.answers[1:6]]
    assert [int(found.group(1)) for found in shown] == [0, 1, 3, 2, 0]
    for found in shown:
        row = frames[int(found.group(1))]
        assert (found.group(2), int(found.group(3))) == (row["function"], row["line"])
    assert "innermost" in ran.answers[6].err
    assert "outermost Python frame is %d" % (len(frames) - 1) in ran.answers[7].err


def test_locals_and_print_are_about_the_chosen_frame(stacks):
    ran = run_gdb(select(stacks, "in_closure"), "pm frame 1", "pm locals --json", "pm print here",
                  select(stacks, "method"), "pm print self.things[0] --frame 2",
                  "pm print captured", arguments=("-c", stacks.name))
    rows = json.loads(ran.answers[2].out)["rows"]
    assert rows == stacks.ask("locals", "in_closure", "--frame", "1").rows
    assert ran.answers[3].out == "('x', 2)\n"
    assert ran.answers[5].out == "1\n"
    assert "no variable captured" in ran.answers[6].err


def test_names_and_attributes_are_completed(stacks):
    ran = run_gdb(select(stacks, "method"), "pm frame 2", "complete pm print sel",
                  "complete pm print self.thi", arguments=("-c", stacks.name))
    assert ran.answers[2].out.split() == "pm print self".split()
    assert ran.answers[3].out.split()[-1].endswith("self.things")
