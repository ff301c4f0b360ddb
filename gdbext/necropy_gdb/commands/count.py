# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm count TYPE`: the answer is a number, so $pm_count is that number."""

from ..command import Command


class Count(Command):
    """One row, whose column "count" is the answer."""

    def count(self, result):
        column = result.columns().get("count")
        return column[0] if column else super().count(result)


COMMAND = Count
