#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run gdb with necropy, once, and take apart what it printed.

    tests/gdb/run_gdb.py pm types CORE      one command, to look at
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NECROPY_PY = os.path.join(ROOT, "gdbext", "necropy.py")
GDB = os.environ.get("GDB", "gdb")
PATIENCE = 120  # seconds

# The leaking application has six of them.
COUNT = "pm count __main__.DB"

MARK = "-- mark --"
BASE = (GDB, "--batch", "-nx", "-iex", "set debuginfod enabled off", "-iex", "set width 0")
MARKS = ("-ex", "echo \\n%s\\n" % MARK, "-ex", "python gdb.write('%s\\n', gdb.STDERR)" % MARK)


class Answer:
    """What one command printed."""

    def __init__(self, out, err):
        self.out = out
        self.err = err

    def __repr__(self):
        return "Answer(out=%r, err=%r)" % (self.out, self.err)


class Ran:
    """A gdb that has ended: its exit `status`, all it printed, and the Answer to each command."""

    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        # gdb puts a line break before each mark
        outs = [part[:-1] if part.endswith("\n") else part
                for part in stdout.split(MARK + "\n")]
        errs = stderr.split(MARK + "\n")
        self.answers = [Answer(*pair) for pair in zip(outs[1:-1], errs[1:-1])]


def why_no_gdb():
    """Why no test can run here, or None."""
    return None if shutil.which(GDB) else "gdb is not installed"


def environment(changes):
    """Ours without what would change gdb's Python; a change to None takes a name away."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    clean.update({name: value for name, value in changes.items() if value is not None})
    return {name: value for name, value in clean.items()
            if name not in changes or changes[name] is not None}


def command_line(commands, arguments=(), source=NECROPY_PY):
    """gdb started with `arguments`, in which necropy is sourced and `commands` are run."""
    line = list(BASE) + list(arguments)
    if source:
        line += ["-ex", "source " + source]
    for command in commands:
        line += list(MARKS) + ["-ex", command]
    return line + list(MARKS)


def start_gdb(*commands, arguments=(), changes=(), source=NECROPY_PY):
    """The same as run_gdb(), not waited for: a Popen."""
    return subprocess.Popen(command_line(commands, arguments, source), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(dict(changes)))


def ended(process):
    """The Ran of a started gdb, when it has ended."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ran(process.returncode, out.decode(), err.decode())


def run_gdb(*commands, **options):
    """Run `commands` in a gdb of their own.

    `arguments` go to gdb (a program, `-c CORE`, `-p PID`); `changes` are environment variables;
    `source` is the file to source, None for none.
    """
    return ended(start_gdb(*commands, **options))


def main(words):
    if len(words) < 2:
        sys.exit(__doc__)
    ran = run_gdb(" ".join(words[:-1]), arguments=("-c", words[-1]))
    for answer in ran.answers:
        sys.stdout.write(answer.out)
        sys.stderr.write(answer.err)
    sys.exit(ran.status)


if __name__ == "__main__":
    main(sys.argv[1:])
