# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong becomes one sentence for the user."""

import contextlib

import gdb

from . import _native


@contextlib.contextmanager
def one_sentence():
    """Whatever is raised inside becomes a GdbError, which gdb shows without a traceback.

    Ctrl-C stays what it is: gdb says "Quit".
    """
    try:
        yield
    except (gdb.GdbError, KeyboardInterrupt):
        raise
    except (_native.Error, gdb.error) as error:
        raise gdb.GdbError(str(error)) from None
    except MemoryError:
        raise gdb.GdbError("Out of memory.") from None
    except Exception as error:
        if gdb.parameter("python print-stack") == "full":
            raise
        raise gdb.GdbError("pm has failed, which is a mistake of its own (%s: %s); "
                           "`set python print-stack full` shows where." %
                           (type(error).__name__, error)) from None
