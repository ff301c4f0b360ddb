# SPDX-License-Identifier: GPL-2.0-or-later
"""The ctypes layer in each Python that a gdb may have embedded; it does not need gdb."""

import json
import os
import re
import subprocess

import pytest

import oracle
from oracle import necropy

PYTHONS = [python for python in oracle.find_pythons()
           if python.version >= (3, 6) and not python.has_own_libc]

BEGIN = """
import json, os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from necropy_gdb import _native
library = _native.load()
choices = _native.Choices(None, None, None, None, 0, 1, 0)
def going_on(what, done, total):
    pass
def open_with(progress):
    return library.open_core(sys.argv[2], choices, _native.Callbacks(progress))
"""

COLUMNS = BEGIN + """
with open_with(going_on).run(["types", "-n", "all"]) as result:
    columns = result.columns()
    rows = [list(row) for row in zip(*columns.values())]
    print(json.dumps([list(columns), rows, result.all_n]))
"""

ERRORS = BEGIN + """
session = open_with(going_on)
try:
    session.run(["count", "NoSuchType"])
except _native.Error as error:
    print(error.code, error)
session.close()
session.close()
try:
    session.run(["types"])
except ValueError as error:
    print(error)
"""

RAISING = BEGIN + """
class Mine(Exception):
    pass
def stopping(what, done, total):
    raise Mine()
try:
    open_with(stopping).run(["types"])
except Mine:
    print("mine")
"""

# Ctrl-C at many moments: in C, in a callback, between the two.
INTERRUPTED = BEGIN + """
def press(delay):
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGINT)
def answer():
    session = open_with(going_on)
    try:
        session.run(["types"]).close()
    finally:
        session.close()
seen = set()
for attempt in range(30):
    outcome = "interrupted"
    thread = threading.Thread(target=press, args=(attempt / 1000.0,))
    try:
        thread.start()
        answer()
        outcome = "answered"
        thread.join()
        time.sleep(0.05)  # until the signal is there
    except KeyboardInterrupt:
        pass
    thread.join()
    seen.add(outcome)
with open_with(going_on).run(["count", "list"]) as result:
    seen.add(result.columns()["count"][0])
print(sorted(map(str, seen)))
"""


@pytest.fixture(params=PYTHONS, ids=lambda python: python.name)
def embedded(request):
    return request.param


# A destructor cannot be interrupted: CPython says so, and drops the Ctrl-C.
IN_DESTRUCTOR = re.compile(
    r"^Exception ignored in.*\n(Traceback.*\n(  .*\n)*)?KeyboardInterrupt.*\n", re.M)


def run(python, script, core):
    """What `script` prints; it must not complain."""
    done = subprocess.run([python.path, "-E", "-s", "-c", script,
                           os.path.join(oracle.ROOT, "gdbext"), core.name],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(oracle.clean_environment(), PYTHONDONTWRITEBYTECODE="1"),
                          timeout=oracle.PATIENCE)
    assert (done.returncode, IN_DESTRUCTOR.sub("", done.stderr.decode())) == (0, "")
    return done.stdout.decode()


def test_columns_are_those_of_the_json_document(embedded, core):
    names, rows, all_n = json.loads(run(embedded, COLUMNS, core))
    document = necropy("types", core.name, "-n", "all", "--json").document
    assert names == [column["name"] for column in document["columns"]]
    assert rows == [[row[name] for name in names] for row in document["rows"]]
    assert all_n == len(rows)


def test_errors_are_exceptions(embedded, core):
    lines = run(embedded, ERRORS, core).splitlines()
    assert "NoSuchType" in lines[0]
    assert lines[1] == "the session is closed"


def test_exception_of_a_callback_stops_the_work_and_comes_out(embedded, core):
    assert run(embedded, RAISING, core) == "mine\n"


def test_ctrl_c_at_any_moment_leaves_nothing_behind(embedded, lab, debian):
    said = run(embedded, INTERRUPTED, lab.target(debian, "deep"))
    assert "'interrupted'" in said and "'10" in said, said
