# SPDX-License-Identifier: GPL-2.0-or-later
"""The command `pm` itself: the list of the others."""

import gdb

from .errors import one_sentence


class Prefix(gdb.Command):
    """Python objects of the program being examined, also in a core file.

    Usage: pm
           pm COMMAND [ARGUMENT] [OPTION]...

    Without a command it lists them. "help pm COMMAND" explains one. What is read is what
    gdb has open: a core file, a stopped process, or a remote target.

    Settings: "show pm" lists them. Convenience variables: $pm_obj is the first object of
    the last answer, $pm_count the number of its rows before any limit.

    Example:
      (gdb) pm types --by count -n 3"""

    def __init__(self, library):
        self._library = library
        super().__init__("pm", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, _from_tty):
        commands = self._library.commands
        if argument.strip():
            self._refuse(argument.split())
        width = max(len(command.name) for command in commands)
        for command in commands:
            gdb.write("pm %-*s  %s\n" % (width, command.name, command.summary))
        gdb.write('\n"help pm COMMAND" explains one; "show pm" lists the settings.\n')

    def _refuse(self, words):
        """GdbError for a command there is not."""
        with one_sentence():
            self._library.check(words)
        raise gdb.GdbError('"pm" lists the commands; there is no "%s".' % words[0])
