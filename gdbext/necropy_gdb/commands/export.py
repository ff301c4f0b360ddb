# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm export`: $pm_count is the number of objects that were written."""

from ..command import Command


class Export(Command):
    """One row, a summary: its column "objects" is the answer."""

    def count(self, result):
        return result.columns()["objects"][0]


COMMAND = Export
