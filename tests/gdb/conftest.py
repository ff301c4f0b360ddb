# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the gdb tests: the leaking application, opened in each way gdb knows."""

import os
import re
import subprocess

import pytest

import oracle
import run_gdb

# gdb hands the same variable to necropy
LIBRARY = os.environ.get("CCORE_LIBRARY", os.path.join(oracle.ROOT, "build", "libccore.so"))


@pytest.fixture(scope="session", autouse=True)
def gdb_and_library():
    why_not = run_gdb.why_no_gdb()
    if why_not:
        pytest.skip(why_not)
    assert os.path.exists(LIBRARY), "%s is missing: run make first" % LIBRARY


@pytest.fixture
def core(lab, debian):
    """A Target: the core of the leaking application."""
    why_not = debian.why_not()
    if why_not:
        pytest.skip(why_not)
    return lab.target(debian, "leaky_app")


@pytest.fixture
def alive(lab, debian):
    """A Target: the leaking application, waiting."""
    why_not = debian.why_not()
    if why_not:
        pytest.skip(why_not)
    return lab.target(debian, "leaky_app", "alive")


class GdbServer:
    """A gdbserver that holds one process; `commands` connect a gdb to it."""

    def __init__(self, pid):
        self._child = subprocess.Popen(["gdbserver", "--once", "--attach", "localhost:0", str(pid)],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
        said = line = self._child.stdout.readline().decode()
        while line and "Listening on port" not in line:
            line = self._child.stdout.readline().decode()
            said += line
        assert line, "gdbserver has ended: " + said
        port = re.search(r"port (\d+)", line).group(1)
        # the same machine: no need to fetch every file through the connection
        self.commands = ["set sysroot /", "target remote localhost:" + port]

    def close(self):
        self._child.kill()
        self._child.wait(oracle.PATIENCE)
        self._child.stdout.close()


@pytest.fixture
def gdbserver(alive):
    server = GdbServer(alive.pid)
    yield server
    server.close()
