# SPDX-License-Identifier: GPL-2.0-or-later
"""faulthandler with files of its own that nothing else holds. Usage: faults.py TRUTH-FILE

Runs on CPython 3.6 or later.
"""

import signal
import sys

import truth

try:
    import faulthandler
except ImportError:
    faulthandler = None


def open_null():
    return open("/dev/null", "w")


if __name__ == "__main__":
    if faulthandler:
        faulthandler.enable(open_null())
        faulthandler.dump_traceback_later(1000000, file=open_null())
        faulthandler.register(signal.SIGUSR1, file=open_null())
    truth.record_and_wait(sys.argv[1], {}, {})
