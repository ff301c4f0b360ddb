# SPDX-License-Identifier: GPL-2.0-or-later
"""report crash: the signal, the stack and the exceptions of a process that has crashed."""

import os
import re

import pytest

from oracle import PROGRAMS

SIGNALS = {"segfault": "SIGSEGV", "abort": "SIGABRT", "kill": "SIGSEGV", "finalize": "SIGABRT",
           "deep": "SIGSEGV", "wild": "SIGSEGV"}


@pytest.fixture(params=sorted(SIGNALS))
def crashed(request, lab, python):
    target = lab.target(python, "crash", "crash", (request.param,))
    target.how = request.param
    return target


@pytest.fixture
def segfault(lab, python):
    return lab.target(python, "crash", "crash", ("segfault",))


def pairs(target):
    return [(row["key"].strip(), row["value"])
            for row in target.ask("report", "crash").rows]


def values(target, key):
    return [value for found, value in pairs(target) if found == key]


def line_of_crash(how):
    with open(os.path.join(PROGRAMS, "crash.py")) as source:
        return next(n for n, line in enumerate(source, 1)
                    if re.search(r"# here:.* %s\b" % how, line))


def expected_frames(target):
    frames = [list(frame) for frame in target.truth["frames"]]
    frames[0][1] = line_of_crash(target.how)
    return frames


def test_the_stack_of_the_crashed_thread_leads_to_the_line_of_the_crash(crashed):
    rows = [row for row in crashed.ask("bt", "-n", "all").rows
            if row["thread"] == crashed.truth["ident"]]
    ours = [[row["function"], row["line"]] for row in rows if row["file"].endswith("crash.py")]
    if crashed.how == "deep":
        assert ours[0][0] == "deep_in_c"
        del ours[0]
    assert ours == expected_frames(crashed)


def test_the_crashed_thread_is_the_first_of_all(crashed):
    if crashed.how == "kill":
        return_to = None  # the kernel chooses any thread for a signal that a process sends
    else:
        return_to = crashed.truth["ident"]
    for command in ("bt", "threads"):
        rows = crashed.ask(command).rows
        assert return_to in (None, rows[0]["thread"])
    assert rows[0]["crashed"] and not any(row["crashed"] for row in rows[1:])
    assert rows[0]["signal"] == SIGNALS[crashed.how]
    assert [row["signal"] for row in rows[1:]] == [None] * (len(rows) - 1)


def test_signal_and_address(crashed):
    assert values(crashed, "signal")[0].startswith(SIGNALS[crashed.how])
    if crashed.how == "segfault":
        assert values(crashed, "fault address") == [hex(4660)]
        assert values(crashed, "lies in") == ["nothing that is mapped"]
    if crashed.how == "deep":
        assert "end of the stack" in values(crashed, "it looks like")[0]
    if crashed.how == "wild":
        assert values(crashed, "fault address")[0].startswith("not told by the processor")
        assert "0xdddddddddddddddd  freed memory is filled with it by the debug allocator" in \
            [value for key, value in pairs(crashed) if key.startswith("register ")]
    sent = crashed.how in ("kill", "abort", "finalize")
    assert values(crashed, "sent by") == ["process %d, this one" % crashed.truth["pid"]] * sent
    assert [row["value"] for row in crashed.ask("info").rows if row["key"] == "sent by"] == \
        values(crashed, "sent by")
    assert bool(values(crashed, "fault address")) != sent


def test_what_was_cut_off_of_a_file(lab, python):
    target = lab.target(python, "crash", "crash", ("bus",))
    assert values(target, "signal")[0].startswith("SIGBUS")
    assert "/cut, mapped rw-" in values(target, "lies in")[0]
    assert "a part of the file that it had no more" in values(target, "it looks like")[0]
    assert target.ask("bt").rows[0]["function"] == "read_what_is_cut_off"


@pytest.mark.parametrize("how", ["malloc", "assertion"])
def test_the_last_words_of_the_c_library(lab, python, how):
    target = lab.target(python, "crash", "crash", (how,))
    with open(os.path.join(target.directory, "stderr")) as text:
        said = text.read().splitlines()
    assert values(target, "signal")[0].startswith("SIGABRT")
    assert values(target, "libc said") == [said[-1]]
    [redacted] = [row["value"] for row in target.ask("report", "crash", "--redact").rows
                  if row["key"] == "libc said"]
    assert redacted == said[-1] if how == "malloc" else re.match(
        r"<text %d #[0-9a-f]{12}>$" % len(said[-1]), redacted)


@pytest.mark.parametrize("how", ["held", "freed"])
def test_what_registers_point_to(lab, python, how):
    if how == "freed" and python.free_threaded:
        pytest.skip("which of mimalloc's blocks are free is not asked for a report")
    target = lab.target(python, "crash", "crash", (how,))
    assert values(target, "fault address") == [hex(4660)]
    said = [value.partition("  ")[2] for key, value in pairs(target)
            if key.startswith("register ") and hex(target.truth["known"]["copied"]) in value]
    assert said
    if how == "held":
        assert said[0].lstrip("b").startswith("'xxxx")
    else:
        assert re.match(r"in a free block of (440|448|464) bytes", said[0])


def test_the_exceptions_with_their_causes_and_lines(segfault):
    found, entries = [], {"through": [], "raised in": []}
    for key, value in pairs(segfault):
        if key in ("handling", "while handling", "caused by"):
            found.append([value, []])
        elif key in entries and found:
            place = re.match(r"(\S+)  \S+:(\d+)", value)
            found[-1][1].append([place.group(1), int(place.group(2))])
    expected = segfault.truth["exceptions"]
    assert [text.replace("__main__.", "") for text, _ in found] == \
        [text.replace("__main__.", "") for text, _ in expected]
    assert [places for _, places in found] == [places for _, places in expected]


def test_notes_of_exceptions(segfault):
    if segfault.python.version >= (3, 11):
        assert values(segfault, "note") == ["'a note on it'"]
    else:
        assert values(segfault, "note") == []


def test_depth_of_recursion_against_its_limit(segfault):
    found = re.match(r"(\d+) of (\d+)", values(segfault, "recursion")[0])
    frames = segfault.ask("bt", "-n", "all").rows
    mine = sum(row["thread"] == segfault.truth["ident"] for row in frames)
    assert int(found.group(2)) == segfault.truth["limit"]
    assert mine <= int(found.group(1)) <= mine + 12  # C functions count, too


def test_what_cpython_says_before_it_ends_the_process(lab, python):
    target = lab.target(python, "crash", "crash", ("fatal",))
    with open(os.path.join(target.directory, "stderr")) as text:
        said = re.search("Fatal Python error: (.*)", text.read()).group(1)
    found = values(target, "fatal error")
    assert len(found) == 1
    assert said == found[0] or said.endswith(": " + found[0])


def test_no_fatal_error_where_cpython_has_said_nothing(segfault):
    assert values(segfault, "fatal error") == []


def test_that_memory_had_run_out(lab, python):
    target = lab.target(python, "crash", "crash", ("memory",))
    assert any(re.match(r"memory had run out, with .* mapped$", value)
               for value in values(target, "it looks like"))


def test_whether_faulthandler_was_enabled(lab, python, segfault):
    if python.version < (3,):
        assert values(segfault, "faulthandler") == []
        return
    enabled = lab.target(python, "crash", "crash", ("memory",))
    assert values(segfault, "faulthandler") == ["not enabled"]
    assert [value.startswith("enabled") for value in values(enabled, "faulthandler")] == [True]
    if python.version >= (3, 12):
        assert values(enabled, "faulthandler")[0].endswith("file descriptor 2")


def test_the_commands_to_go_on_with_can_be_typed(segfault):
    said = [value for value in values(segfault, "next")]
    assert len(said) == 3
    for value in said:
        words = re.match(r"necropy (.*?)  \(gdb: pm (.*)\)", value)
        command, target, rest = words.group(1).partition(" " + segfault.name)
        assert target
        assert (command + rest) == words.group(2)
        segfault.ask(*(command + rest).split())


def test_a_target_that_has_not_crashed_says_so(lab, debian):
    alive = lab.target(debian, "stacks", "alive")
    assert "none" in values(alive, "signal")[0]


def test_other_reports_are_refused(segfault):
    answer = segfault.run("report", "weather")
    assert answer.status == 1 and "crash" in answer.err
