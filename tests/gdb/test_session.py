# SPDX-License-Identifier: GPL-2.0-or-later
"""A session lasts as long as what it has read stays true, and no longer."""

import shutil
import signal
import time

import pytest

from oracle import Process
from run_gdb import COUNT, MARK, ended, run_gdb, start_gdb

NO_TARGET = "No core or process: open one with `core FILE` or `attach PID`.\n"

# Tells of sessions that are opened.
WATCH = "\n".join([
    "python",
    "import necropy_gdb.session as session",
    "class Watched(session.Open):",
    "    def __init__(self, *arguments):",
    "        print('opening')",
    "        super().__init__(*arguments)",
    "session.Open = Watched",
    "end",
])


@pytest.fixture
def watch(tmp_path):
    """The command that makes gdb print "opening" whenever a session is opened."""
    script = tmp_path / "watch.gdb"
    script.write_text(WATCH + "\n")
    return "source %s" % script


def opened(answer):
    return answer.out.count("opening\n")


def test_nothing_open_is_one_sentence_and_gdb_lives_on(core):
    ran = run_gdb("pm info", "file %s" % core.python.image, "pm types", "core " + core.name,
                  COUNT, "core", COUNT)
    assert ran.answers[0].err == NO_TARGET
    assert ran.answers[2].err == NO_TARGET
    assert ran.answers[4].out == "6\n"
    assert ran.answers[6].err == NO_TARGET


def test_core_is_opened_once(core, watch):
    ran = run_gdb(watch, COUNT, "pm types", "complete pm why D",
                  arguments=("-c", core.name))
    assert [opened(answer) for answer in ran.answers] == [0, 1, 0, 0]


def test_core_replaced_by_another(core, lab, debian, watch):
    other = lab.target(debian, "threads")
    ran = run_gdb(watch, COUNT, "core " + other.name, COUNT, "core " + core.name,
                  COUNT, arguments=("-c", core.name))
    assert ran.answers[1].out == "opening\n6\n"
    assert opened(ran.answers[3]) == 1
    assert "DB" in ran.answers[3].err
    assert ran.answers[5].out == "opening\n6\n"


def test_core_overwritten_by_another(core, lab, debian, watch, tmp_path):
    other = lab.target(debian, "threads")
    path = str(tmp_path / "core")
    shutil.copy(core.name, path)
    ran = run_gdb(watch, COUNT, "shell cp %s %s" % (other.name, path), "core " + path,
                  COUNT, arguments=("-c", path))
    assert ran.answers[1].out == "opening\n6\n"
    assert opened(ran.answers[4]) == 1
    assert "DB" in ran.answers[4].err


def test_executable_named_as_core_is_one_sentence(core):
    ran = run_gdb("core %s" % core.python.image, "pm info")
    assert ran.answers[1].err == NO_TARGET


GROWING = """
import os, sys, time
class Thing(object):
    pass
things = []
def grow():
    things.append(Thing())
    time.sleep(0.02)
os.write(1, b"ready\\n")
while True:
    grow()
"""


@pytest.fixture
def growing(debian, tmp_path):
    """A process that makes one Thing after the other."""
    script = tmp_path / "growing.py"
    script.write_text(GROWING)
    process = Process([debian.path, "-E", "-s", str(script)], str(tmp_path))
    yield process
    process.close()


def test_process_that_has_run_is_read_anew(growing, watch):
    count = "pm count __main__.Thing"
    ran = run_gdb(watch, count, count, "tbreak clock_nanosleep", "continue", count, "detach",
                  "shell sleep 0.3", "attach %d" % growing.pid, count, "detach", count,
                  arguments=("-p", str(growing.pid)))
    counts = [answer.out.split() for answer in ran.answers]
    first, again, after, later = counts[1], counts[2], counts[5], counts[9]
    assert first[0] == after[0] == later[0] == "opening"
    assert again == [first[1]], "nothing has run in between"
    assert int(first[1]) < int(after[1]) < int(later[1])
    assert ran.answers[11].err == NO_TARGET
    assert growing.state() in "SR"


def test_changed_memory_is_read_anew(alive, watch):
    ran = run_gdb(watch, COUNT, "set var *(char*)$sp = *(char*)$sp", COUNT,
                  arguments=("-p", str(alive.pid)))
    assert [opened(answer) for answer in ran.answers] == [0, 1, 0, 1]


def test_running_process_cannot_be_read(growing):
    # `interrupt` may leave it a SIGINT to die of: a process of its own
    ran = run_gdb("continue &", COUNT, "interrupt", arguments=("-p", str(growing.pid)))
    assert "running" in ran.answers[1].err
    assert len(ran.answers[1].err.splitlines()) == 1


def test_each_inferior_has_its_own_session(core, lab, debian, watch):
    other = lab.target(debian, "threads")
    ran = run_gdb(watch, COUNT, "add-inferior", "inferior 2", COUNT,
                  "core " + other.name, COUNT, "inferior 1", COUNT, "inferior 2",
                  "pm info", arguments=("-c", core.name))
    assert ran.answers[1].out == "opening\n6\n"
    assert ran.answers[4].err == NO_TARGET
    assert opened(ran.answers[6]) == 1 and "DB" in ran.answers[6].err
    assert ran.answers[8].out == "6\n"
    assert opened(ran.answers[10]) == 0


# --- Ctrl-C

# Says so at the first sign of progress, and takes its time at each.
SLOW = """python
import os, time
import necropy_gdb.progress as progress
def tell(self, what, done, total):
    first, tell.told = not tell.told, True
    if first:
        gdb.write('working\\n', gdb.STDERR)
        gdb.flush(gdb.STDERR)
    time.sleep(%s)
tell.told = False
progress.Progress.__call__ = tell
def wait_until_interrupted(path):
    try:
        while not os.path.exists(path):
            time.sleep(0.001)
        time.sleep(0.001)
    except KeyboardInterrupt:
        pass
end
"""


def interrupt(core_path, tmp_path, seconds, delay):
    """Send SIGINT `delay` seconds after the work has begun: what gdb said on standard error.

    Each sign of progress takes `seconds`. After `pm types` comes `pm count list`.
    """
    script = tmp_path / "slow.gdb"
    script.write_text(SLOW % seconds)
    sent = tmp_path / "sent"
    process = start_gdb("source %s" % script, "pm types",
                        "python wait_until_interrupted(%r); time.sleep = id" % str(sent),
                        "pm count list", arguments=("-c", core_path))
    said = b""
    while b"working\n" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    sent.touch()
    ran = ended(process)
    errors = (said.decode() + ran.stderr).split(MARK + "\n")
    return errors, ran.stdout.split(MARK + "\n")


@pytest.fixture
def deep(lab, debian):
    """A Target that takes a while: lists, a million deep."""
    return lab.target(debian, "deep")


def assert_usable_after(errors, outs):
    """The command after the interrupted one has been answered."""
    assert "Traceback" not in "".join(errors)
    assert "Exception" not in "".join(errors)
    assert errors[4] == ""
    assert int(outs[4].replace(",", "")) >= 1000000


def test_ctrl_c_in_a_callback_stops_the_work(deep, tmp_path):
    errors, outs = interrupt(deep.name, tmp_path, 60, 0.1)
    assert errors[2] == "working\nQuit\n"
    assert_usable_after(errors, outs)


@pytest.mark.parametrize("delay", [0, 0.01, 0.02, 0.05])
def test_ctrl_c_at_any_moment_stops_the_work_or_comes_too_late(deep, tmp_path, delay):
    errors, outs = interrupt(deep.name, tmp_path, 0, delay)
    assert errors[2] in ("working\nQuit\n", "working\n")
    assert ("list" in outs[2]) == (errors[2] == "working\n")
    assert_usable_after(errors, outs)


# Lets the next read through gdb after `fail = True` end as Ctrl-C ends it.
FAILING_READ = """python
import necropy_gdb.source as source
fail = False
def read(self, addr, size, real=source.Memory._read):
    global fail
    if fail:
        fail = False
        raise KeyboardInterrupt()
    return real(self, addr, size)
source.Memory._read = read
end
"""


def test_ctrl_c_in_a_read_does_not_leave_a_hole(gdbserver, tmp_path, watch):
    script = tmp_path / "failing.gdb"
    script.write_text(FAILING_READ)
    ran = run_gdb(*(gdbserver.commands + [
        "source %s" % script, watch, "pm info", "python fail = True", "pm count __main__.Row",
        "pm count __main__.Row"]))
    assert opened(ran.answers[4]) == 1
    assert ran.answers[6].err == "Quit\n"
    assert ran.answers[7].out == "opening\n7,200\n"
