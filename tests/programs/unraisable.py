# SPDX-License-Identifier: GPL-2.0-or-later
"""Exceptions that could not be raised. Usage: unraisable.py TRUTH-FILE HOW

HOW: "hook" aborts in a sys.unraisablehook, "kept" when one has kept what it was given, in an
attribute and in a global, "default" in what CPython's own writes to. It waits for a file
"crash-now" to appear. The truth is [[the exception's text, its traceback's functions and lines,
name of the object, message]], and the hook's name. Runs on CPython 3.8 or later, "default" on all.
"""

import os
import json
import sys
import time

import truth


class Trouble(Exception):
    pass


class Bad(object):
    def __init__(self, n):
        self.n = n

    def __del__(self):
        self.end()

    def end(self):
        raise Trouble("number %d" % self.n)


def describe(args):
    lines, traceback = [], args.exc_traceback
    while traceback is not None:
        lines.append([traceback.tb_frame.f_code.co_name, traceback.tb_lineno])
        traceback = traceback.tb_next
    return ["%s: %s" % (type(args.exc_value).__name__, args.exc_value), lines,
            getattr(args.object, "__name__", None), args.err_msg]


def wait_and_abort(found, hook=None):
    truth.save("truth.json", json.dumps({"found": found, "hook": hook, "notes": None}))
    truth.say_ready()
    while not os.path.exists("crash-now"):
        time.sleep(0.01)
    os.abort()


def hook(args):
    wait_and_abort([describe(args)], "hook")


class Keeper(object):
    def __init__(self):
        self.kept = []

    def hook(self, args):
        last.append(args)
        self.kept.append(args)


last = []


class Writer(object):
    def write(self, text):
        wait_and_abort([["Trouble: number 3"]])


def main(how):
    if how != "default" and sys.version_info < (3, 8):
        truth.cannot("there is no sys.unraisablehook before 3.8")
    if how == "hook":
        sys.unraisablehook = hook
        Bad(1)
    elif how == "kept":
        keeper = Keeper()
        sys.unraisablehook = keeper.hook
        for n in range(2):
            Bad(n)
        wait_and_abort([describe(args) for args in last], "Keeper.hook")
    else:
        sys.stderr = Writer()
        Bad(3)


if __name__ == "__main__":
    main(sys.argv[2])
