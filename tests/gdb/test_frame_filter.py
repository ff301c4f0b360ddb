# SPDX-License-Identifier: GPL-2.0-or-later
"""set pm frame-filter: gdb's own backtrace shows Python's frames where they run."""

import re

import pytest

from run_gdb import run_gdb
from test_cmd_locals import select


@pytest.fixture
def stacks(lab, python):
    why_not = python.why_not()
    if why_not:
        pytest.skip(why_not)
    if python.has_own_libc:
        pytest.skip("gdb would take this machine's libc for the target's")
    return lab.target(python, "stacks")


def shown(answer):
    """(function, file, line) of the frames that name a source file of Python's."""
    found = re.findall(r"^(?:#\d+ +)?(?:0x[0-9a-f]+ in )?(\S+) (?:\(.*\) )?(?:at|in) "
                       r"(\S+\.py|<\S.*>):(\d+)$", answer.out, re.MULTILINE)
    return [(function, file, int(line)) for function, file, line in found]


def natives(answer):
    return re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S*(?:acquire_lock|futex)\S*) ", answer.out,
                      re.MULTILINE)


def test_python_frames_stand_in_the_place_of_the_evaluation_loops(stacks):
    names = ("recursive", "in_callback", "in_generator", "method")
    commands = ["set pm frame-filter on"]
    for name in names:
        commands += [select(stacks, name), "bt -frame-arguments none"]
    commands += ["set pm frame-filter off", "bt -frame-arguments none"]
    answers = run_gdb(*commands, arguments=(stacks.python.image, "-c", stacks.name)).answers
    for name, answer in zip(names, answers[2:9:2]):
        expected = [(row["function"], row["file"], row["line"])
                    for row in stacks.ask("bt", name, "-n", "all").rows]
        assert shown(answer) == expected
        assert not re.search(r"EvalFrame(Default|Ex) \(", answer.out)
    assert shown(answers[-1]) == []
    assert "EvalFrame" in answers[-1].out
    assert natives(answers[-1]) == natives(answers[8]) != []


def test_variables_of_python_frames(lab, debian):
    target = lab.target(debian, "stacks")
    ran = run_gdb(select(target, "method"), "set pm frame-filter on", "bt -full 40",
                  arguments=(target.python.image, "-c", target.name))
    assert re.search(r"total = \"?2\b", ran.answers[2].out)


def test_it_is_off_and_can_be_shown(lab, debian):
    ran = run_gdb("show pm frame-filter", "set pm frame-filter on", "show pm frame-filter",
                  "info frame-filter")
    assert ran.answers[0].out == "pm frame-filter is off.\n"
    assert ran.answers[2].out == "pm frame-filter is on.\n"
    assert "necropy" in ran.answers[3].out
