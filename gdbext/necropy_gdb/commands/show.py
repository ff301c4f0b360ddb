# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm show ADDR`: $pm_obj is the object that is shown, not its type, which comes first."""

from ..command import Command, address_in


class Show(Command):
    """The row "repr" has the object's own address."""

    def object(self, result):
        keys = list(result.columns()["key"])
        return address_in(result, keys.index("repr")) if "repr" in keys else None


COMMAND = Show
