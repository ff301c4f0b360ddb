# SPDX-License-Identifier: GPL-2.0-or-later
"""Two more interpreters, kept alive, with objects of their own.

Usage: subinterpreters.py TRUTH-FILE

Each writes its truth to TRUTH-FILE.1 and .2. Before 3.9 the collector is one for
the whole process, and the main truth holds the objects of all. 3.6 and 3.7 can
only run an interpreter that ends with its code; there the truth is recorded, and
the program waits, inside that one.
"""

import importlib
import os
import sys

import truth

HERE = os.path.dirname(os.path.abspath(__file__))

POPULATE = """
import sys
sys.path.insert(0, %r)
import truth

class InSubinterpreter(object):
    def __init__(self, number):
        self.number = [number]

kept = [InSubinterpreter(i) for i in range(%d)]
"""


def module_that_can(*names):
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            pass


def run_kept_alive(interpreters, path):
    paths, alive = [], []
    for number in (1, 2):
        alive.append(interpreters.create())  # ends with its last reference
        interpreters.run_string(alive[-1], POPULATE % (HERE, 100 * number))
    for number in (1, 2):
        paths.append("%s.%d" % (path, number))
        interpreters.run_string(alive[number - 1], "truth.record(%r)\n" % paths[-1])
    truth.record_and_wait(path, (), {"others": paths}, detail="objects")


def run_nested(testing, path):
    notes = "{'others': []}"
    testing.run_in_subinterp(POPULATE % (HERE, 100)
                             + "truth.record_and_wait(%r, (), %s, 'objects')\n" % (path, notes))


def main(path):
    interpreters = module_that_can("_interpreters", "_xxsubinterpreters")
    if interpreters is not None:
        run_kept_alive(interpreters, path)
    testing = module_that_can("_testcapi")
    if not hasattr(testing, "run_in_subinterp"):
        truth.cannot("no module of this Python can start another interpreter")
    run_nested(testing, path)


if __name__ == "__main__":
    main(sys.argv[1])
