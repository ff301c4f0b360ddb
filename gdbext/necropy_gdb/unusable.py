# SPDX-License-Identifier: GPL-2.0-or-later
"""What `pm` is where the library cannot be used: one sentence that says why.

This must work without ctypes, so it imports neither _native.py nor what needs that.
"""

import shlex

import gdb

from . import source


class Unusable(gdb.Command):
    """Python objects of the program being examined: not usable here.

    Usage: pm

    Says what is missing."""

    def __init__(self, reason, with_command_line):
        self._reason = reason
        self._with_command_line = with_command_line
        super().__init__("pm", gdb.COMMAND_DATA)
        gdb.write("warning: pm cannot be used: %s.\n" % self._sentence(""), gdb.STDERR)

    def invoke(self, argument, _from_tty):
        raise gdb.GdbError("pm cannot be used: %s." % self._sentence(argument))

    def _sentence(self, argument):
        if not self._with_command_line:
            return self._reason
        return "%s; type instead, in a shell: %s" % (self._reason, command_line(argument))


def command_line(argument):
    """What to type in a shell to get the answer of `pm ARGUMENT`."""
    words = argument.split(None, 1) or ["COMMAND"]
    target = source.path_or_pid(gdb.selected_inferior())
    words.insert(1, shlex.quote(target) if target else "TARGET")
    return "necropy " + " ".join(words)
