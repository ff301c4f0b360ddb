# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops inside a __del__ that the collector has called. Usage: finalizer.py TRUTH-FILE

A cycle holds an object with __del__ that is not part of it, for Python 2 leaves
a cycle through one alone. The notes give the ids of what was alive before the
collection, and of the garbage.
"""

import gc
import sys

import truth


class Link(object):
    def __init__(self):
        self.other = None


class Finalized(object):
    def __init__(self, path):
        self.path = path

    def __del__(self):
        if sys.version_info[0] == 2:
            notes["garbage"] = [id(self)]  # the cycle has been taken apart already
        truth.record_and_wait(self.path, (), notes, detail="objects")


def make_garbage(path):
    first, second = Link(), Link()
    first.other, second.other = second, first
    first.last = Finalized(path)
    return [id(first), id(second), id(first.last)]


def main(path):
    gc.collect()
    gc.disable()
    notes["garbage"] = make_garbage(path)
    gc.collect()


population = [[i, {"number": [i]}] for i in range(2000)]
notes = {"live": [id(pair) for pair in population] + [id(pair[1]) for pair in population]}

if __name__ == "__main__":
    main(sys.argv[1])
