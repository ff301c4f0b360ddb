# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb with a person before it: a terminal, its pager, TAB, colours."""

import os
import pty
import select
import time

import pytest

from oracle import PATIENCE
from run_gdb import BASE, COUNT, NECROPY_PY, environment

PROMPT = "(gdb) "
PAGER = "--Type <RET> for more, q to quit, c to continue without paging--"
ESCAPE = "\x1b["


class Terminal:
    """A gdb on a pseudo-terminal."""

    def __init__(self, core, changes):
        command = [word for word in BASE if word != "--batch"]
        command += ["-q", "-iex", "set enable-bracketed-paste off", "-iex", "set style enabled on",
                    "-c", core, "-ex", "source " + NECROPY_PY, "-ex", "set style sources off"]
        changes = dict({"TERM": "xterm", "NO_COLOR": None, "INPUTRC": "/dev/null"}, **changes)
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                os.write(1, b"\033[?2004l")
                os.execvpe(command[0], command, environment(changes))
            finally:
                os._exit(127)
        self.read_until(PROMPT)

    def read_until(self, end):
        """What is printed, up to and with `end`."""
        said, deadline = "", time.monotonic() + PATIENCE
        while not said.endswith(end):
            assert time.monotonic() < deadline, said
            if select.select([self._descriptor], [], [], 1)[0]:
                said += os.read(self._descriptor, 65536).decode("utf-8", "replace")
                said = said.replace(ESCAPE + "?2004h", "").replace(ESCAPE + "?2004l", "")
        return said.replace("\r\n", "\n")

    def type(self, keys, end=PROMPT):
        os.write(self._descriptor, keys.encode())
        return self.read_until(end)

    def close(self):
        os.close(self._descriptor)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(core):
    """A function that starts a Terminal with some environment variables changed."""
    started = []

    def start(**changes):
        started.append(Terminal(core.name, changes))
        return started[-1]
    yield start
    for one in started:
        one.close()


def test_q_at_the_pager_ends_the_answer_and_the_session_goes_on(terminal):
    gdb = terminal()
    gdb.type("set height 6\n")
    gdb.type("pm types\n", PAGER)
    assert gdb.type("q\n").endswith("Quit\n" + PROMPT)
    assert "6\n" in gdb.type(COUNT + "\n")


def test_tab_completes_the_command_an_option_and_a_type(terminal):
    gdb = terminal()
    assert "pm types" in gdb.type("pm ty\t", "pm types ")
    gdb.type("--by c\t", "--by count ")
    assert "dict" in gdb.type("\n")
    gdb.type("pm count __main__.D\t", "__main__.DB ")
    assert "6\n" in gdb.type("\n")


def test_colour_is_for_a_terminal_with_styles_on(terminal):
    gdb = terminal()
    assert ESCAPE in gdb.type("pm types\n")
    assert ESCAPE not in gdb.type("pipe pm types | cat\n")
    gdb.type("set style enabled off\n")
    assert ESCAPE not in gdb.type("pm types\n")


def test_no_color_is_obeyed(terminal):
    assert ESCAPE not in terminal(NO_COLOR="1").type("pm types\n")


def test_ctrl_c_at_the_keyboard_stops_the_work(terminal):
    gdb = terminal()
    gdb.type("python import time, necropy_gdb.progress as progress\n")
    gdb.type("python progress.Progress.__call__ = lambda *_: print('working') or time.sleep(60)\n")
    gdb.type("pm types\n", "working\n".replace("\n", "\r\n"))
    assert gdb.type("\x03").endswith("Quit\n" + PROMPT)
    gdb.type("python progress.Progress.__call__ = lambda *_: None\n")
    assert "6\n" in gdb.type(COUNT + "\n")
