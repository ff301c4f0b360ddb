# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's own backtrace with Python's frames in place: `set pm frame-filter on`.

Each native frame of the interpreter's evaluation loop is replaced by the Python frames that it
runs. The library says which those are; nothing else of gdb's frames is changed, and nothing at all
while the setting is off.
"""

import gdb
from gdb.FrameDecorator import FrameDecorator

from . import _native, position

NAME = "necropy"
LOOPS = ("_PyEval_EvalFrameDefault", "PyEval_EvalFrameEx")


class PythonFrame(FrameDecorator):
    """A frame of Python, in the place of the native one that runs it."""

    def __init__(self, base, row, number, thread):
        super().__init__(base)
        self._row = row
        self._number = number
        self._thread = thread

    def function(self):
        return self._row.function

    def filename(self):
        return self._row.file

    def line(self):
        return self._row.line

    def address(self):
        return None

    def elided(self):
        return None

    def frame_args(self):
        return None

    def frame_locals(self):
        argv = ["locals", self._thread, "--frame", str(self._number), "-n", "all"]
        try:
            with position.current_session().run(argv, position.session.silent) as result:
                columns = result.columns()
                return [Variable(*pair) for pair in zip(columns["name"], columns["repr"])]
        except (_native.Error, gdb.GdbError):
            return None


class Variable:
    """A variable of a Python frame, as `backtrace full` wants it."""

    def __init__(self, name, text):
        self._name = name
        self._text = text

    def symbol(self):
        return self._name

    def value(self):
        return self._text


class Row:
    """What the library says of one Python frame."""

    def __init__(self, function, file, line, entry):
        self.function = function
        self.file = file
        self.line = line
        self.entry = entry


def python_frames(thread):
    """The Rows of the thread of this number, innermost first."""
    argv = ["bt", thread, "-n", "all"]
    with position.current_session().run(argv, position.session.silent) as result:
        columns = result.columns()
        return [Row(*cells) for cells in zip(*(columns[name] for name in
                                               ("function", "file", "line", "entry")))
                if cells[3] is not None]


def is_loop(frame):
    name = frame.inferior_frame().name() or ""
    return (name.split(".")[0].split("@")[0] in LOOPS
            and frame.inferior_frame().type() != gdb.INLINE_FRAME)


def replaced(frames, rows, thread):
    """`frames` with each evaluation loop as the Python frames up to the one it was called for."""
    done = 0
    for frame in frames:
        if done == len(rows) or not is_loop(frame):
            yield frame
            continue
        while done < len(rows):
            row, number = rows[done], done
            done += 1
            yield PythonFrame(frame, row, number, thread)
            if row.entry:
                break


class Filter:
    """What gdb asks when it prints a backtrace."""

    def __init__(self):
        self.name = NAME
        self.priority = 50
        self.enabled = True  # by `enable frame-filter`; the setting decides
        gdb.frame_filters[NAME] = self

    @staticmethod
    def filter(frames):
        if not gdb.parameter("pm frame-filter"):
            return frames
        thread = position.thread()
        try:
            rows = python_frames(thread) if thread else []
        except (_native.Error, gdb.GdbError) as error:
            gdb.write("pm: no Python frames: %s\n" % error, gdb.STDERR)
            return frames
        return replaced(frames, rows, thread)


def register():
    """Make it known to gdb."""
    Filter()


def unregister():
    gdb.frame_filters.pop(NAME, None)
