# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm locals`: of the thread selected in gdb, and the frame that `pm up` and `pm down` chose."""

from .. import position
from ..command import Command


class Locals(Command):
    """The library's command, with the current thread and frame filled in."""

    def run(self, argv, from_tty):
        super().run(argv if "--help" in argv else position.arguments(argv, None), from_tty)


COMMAND = Locals
