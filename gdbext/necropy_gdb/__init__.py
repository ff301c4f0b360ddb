# SPDX-License-Identifier: GPL-2.0-or-later
"""The gdb face of necropy: the prefix command `pm`.

From the bottom up: _abi.py (generated) and _native.py speak to libccore; source.py asks gdb
what it has open; session.py keeps one session for each inferior; command.py runs a command
and shows its answer; commands/ registers them. C finds and renders, Python only asks.
"""

import sys


def load():
    """Register the commands and parameters.

    Where the library cannot be used, `pm` says why and what to type instead, and a warning
    is printed now.
    """
    from . import unusable
    try:
        from . import _native, commands
        library = _native.load()
    except ImportError as error:
        if error.name not in ("ctypes", "_ctypes"):
            raise
        unusable.Unusable("this gdb's Python has no ctypes", with_command_line=True)
        return
    except _native.LibraryError as error:
        unusable.Unusable(str(error), with_command_line=False)
        return
    from . import session
    session.start(library)
    commands.register(library)


def unload():
    """Undo what would outlive the modules: sessions and event handlers."""
    session = sys.modules.get(__name__ + ".session")
    if session is not None:
        session.stop()
    for name in ("frame_filter", "unwinder"):
        module = sys.modules.get(__name__ + "." + name)
        if module is not None:
            module.unregister()
