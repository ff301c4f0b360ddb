# SPDX-License-Identifier: GPL-2.0-or-later
"""What is being done and how far it is: on a terminal, at most once a second."""

import os
import time

import gdb

ERASE = "\r\033[K"


class Progress:
    """A reporter that writes one line to the terminal, and erases it at the end."""

    def __init__(self, shown):
        self._shown = shown and os.isatty(2)
        self._next = time.monotonic() + 1
        self._written = False

    def __call__(self, what, done, total):
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + 1
        self._written = True
        amount = "%d %%" % (100 * done // total) if total else "{:,}".format(done)
        gdb.write("%s%s: %s" % (ERASE, what, amount), gdb.STDERR)
        gdb.flush(gdb.STDERR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.erase()

    def erase(self):
        if self._written:
            self._written = False
            gdb.write(ERASE, gdb.STDERR)
            gdb.flush(gdb.STDERR)
