# SPDX-License-Identifier: GPL-2.0-or-later
"""The `pm` commands. All that the library lists are registered; for some there is a module
here, named as the command, because gdb has something to add. A module defines `COMMAND`,
a class derived from command.Command.
"""

import importlib
import pkgutil

from .. import frame_filter, frames, parameters, unwinder
from ..command import Command
from ..prefix import Prefix


def register(library):
    """Make `pm`, its commands and its settings known to gdb."""
    Prefix(library)
    parameters.register()
    special = {module.name: importlib.import_module(__name__ + "." + module.name).COMMAND
               for module in pkgutil.iter_modules(__path__)}
    for described in library.commands:
        special.get(described.name, Command)(library, described)
    frames.register()
    frame_filter.register()
    unwinder.register(library)
