# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops inside code that the collector calls. Usage: collecting.py TRUTH-FILE weakref|callback"""

import gc
import sys
import weakref

import truth


class Link(object):
    pass


def stop(*_):
    truth.record_and_wait(sys.argv[1], detail="counts")


def main(where):
    gc.collect()
    gc.disable()
    first, second = Link(), Link()
    first.other, second.other = second, first
    kept = weakref.ref(first, stop if where == "weakref" else None)
    if where == "callback":
        gc.callbacks.append(stop)
    first = second = None
    gc.collect()
    return kept


if __name__ == "__main__":
    main(sys.argv[2])
