# SPDX-License-Identifier: GPL-2.0-or-later
"""The error log of the leaky application.

It means to keep the last few errors of every site, so that a page can show
them. It keeps the exceptions themselves, and an exception holds on to its
traceback, the traceback to its frames, and the frames to their locals.
"""

import sys

KEEP_PER_SITE = 20

# site -> the last errors that happened there, oldest first
_temp_logs = {}


def record(site):
    """Remember the exception that is being handled."""
    error, traceback = sys.exc_info()[1:]
    if not hasattr(error, "__traceback__"):  # Python 2: it does not know its own
        error.traceback = traceback
    errors = _temp_logs.setdefault(site, [])
    errors.append(error)
    del errors[:-KEEP_PER_SITE]
