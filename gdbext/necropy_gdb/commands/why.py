# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm why`: $pm_obj is the object that is kept alive, at the end of the first chain."""

from ..command import Command, address_in


class Why(Command):
    """Chains come root first, so the object asked for is the last of its chain."""

    def object(self, result):
        first = list(result.columns()["path"]).count(1)
        return address_in(result, first - 1) if first else None


COMMAND = Why
