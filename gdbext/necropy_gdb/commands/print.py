# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm print EXPR`: names are those of the current thread and frame, as with `pm locals`."""

import gdb

from .. import _native, completion, position, session
from ..command import Command


class Print(Command):
    """The library's command, with the current thread and frame filled in."""

    def run(self, argv, from_tty):
        super().run(argv if "--help" in argv else position.arguments(argv, "--thread"), from_tty)

    def complete(self, text, word):
        token = text.split(" ")[-1]
        if token.startswith("-"):
            return super().complete(text, word)
        skip = len(token) - len(word) if word is not None and token.endswith(word) else 0
        return [full[skip:] for full in completion.matching(names_after(token), token)]


def names_after(token):
    """Variables of the current frame, or attributes of what stands before the last dot."""
    before, dot, _ = token.rpartition(".")
    try:
        opened = position.current_session()
        if not dot:
            argv = position.arguments(["-n", "all"], None)
            with opened.run(["locals"] + argv, session.silent) as result:
                return list(result.columns()["name"])
        argv = position.arguments([before], "--thread")
        with opened.run(["print"] + argv, session.silent) as result:
            address = hex(result.columns()["addr"][0])
        with opened.run(["show", address, "-n", "all"], session.silent) as result:
            return [before + key for key in result.columns()["key"] if key.startswith(".")]
    except (gdb.error, gdb.GdbError, _native.Error, KeyboardInterrupt):
        return []


COMMAND = Print
