# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm up`, `pm down`, `pm frame N`: which Python frame the other commands are about."""

import gdb

from . import position
from .errors import one_sentence


class Frames(gdb.Command):
    """Base of the three."""

    def __init__(self):
        super().__init__("pm " + self.NAME, gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, _from_tty):
        with one_sentence():
            words = gdb.string_to_argv(argument)
            if len(words) > 1 or (words and not words[0].isdigit()):
                raise gdb.GdbError("pm %s takes a number." % self.NAME)
            given = int(words[0]) if words else None
            opened = position.current_session()
            wanted = self.wanted(position.number(opened), given)
            gdb.write(position.choose(opened, wanted, lambda what, done, total: None))


class Up(Frames):
    """Select the Python frame that called the current one.

    Usage: pm up [N]

    "pm locals" and "pm print" are then about it. N is how many frames to go.

    Example:
      (gdb) pm up"""

    NAME = "up"

    @staticmethod
    def wanted(now, given):
        return now + (1 if given is None else given)


class Down(Frames):
    """Select the Python frame that the current one has called.

    Usage: pm down [N]

    "pm locals" and "pm print" are then about it. N is how many frames to go.

    Example:
      (gdb) pm down"""

    NAME = "down"

    @staticmethod
    def wanted(now, given):
        return now - (1 if given is None else given)


class Frame(Frames):
    """Show the current Python frame, or select another by its number.

    Usage: pm frame [N]

    "pm locals" and "pm print" are then about it. "pm bt" numbers the frames.

    Example:
      (gdb) pm frame 2"""

    NAME = "frame"

    @staticmethod
    def wanted(now, given):
        return now if given is None else given


def register():
    """Make them known to gdb."""
    for command in (Up, Down, Frame):
        command()
