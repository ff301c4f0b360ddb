# SPDX-License-Identifier: GPL-2.0-or-later
"""set pm frame-filter: gdb finds its way through CPython's trampolines for perf."""

import pytest

from run_gdb import run_gdb
from test_cmd_locals import select
from test_frame_filter import shown

WHERE_THREADS_BEGIN = "start_thread"


@pytest.fixture
def trampolines(lab, python):
    if python.version < (3, 12):
        pytest.skip("it has no trampolines")
    if python.has_own_libc:
        pytest.skip("gdb would take this machine's libc for the target's")
    return lab.target(python, "stacks", arguments=("perf",))


def test_backtraces_go_through_trampolines(trampolines):
    names = ("recursive", "in_callback")
    commands = ["set pm frame-filter on"]
    for name in names:
        commands += [select(trampolines, name), "bt -frame-arguments none"]
    commands += ["set pm frame-filter off", "bt -frame-arguments none"]
    answers = run_gdb(*commands, arguments=(trampolines.python.image, "-c",
                                            trampolines.name)).answers
    for name, answer in zip(names, answers[2:5:2]):
        expected = [(row["function"], row["file"], row["line"])
                    for row in trampolines.ask("bt", name, "-n", "all").rows]
        assert shown(answer) == expected
        assert WHERE_THREADS_BEGIN in answer.out
    assert shown(answers[-1]) == []
