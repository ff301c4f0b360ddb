# SPDX-License-Identifier: GPL-2.0-or-later
"""necropy in gdb: `source` this file, then `pm` lists the commands.

It works from a checkout and from where `make install` puts it. Sourcing it again takes up
what has changed since.
"""

import os
import sys

HERE = os.path.dirname(os.path.realpath(os.path.expanduser(__file__)))


def _load():
    if HERE not in sys.path:
        sys.path.insert(0, HERE)
    earlier = sys.modules.get("necropy_gdb")
    if earlier is not None:
        earlier.unload()
    for name in [n for n in sys.modules if n.split(".")[0] == "necropy_gdb"]:
        del sys.modules[name]
    import necropy_gdb
    necropy_gdb.load()


_load()
del _load
