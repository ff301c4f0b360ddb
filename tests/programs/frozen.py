# SPDX-License-Identifier: GPL-2.0-or-later
"""A heap that gc.freeze() has put aside, and some objects made after (3.7 and later).

Usage: frozen.py TRUTH-FILE
"""

import gc
import sys

import truth


class Before(object):
    pass


class After(object):
    pass


frozen = [Before() for _ in range(1000)]


def main(path):
    if not hasattr(gc, "freeze"):
        truth.cannot("gc.freeze() is there since 3.7")
    gc.collect()
    gc.disable()
    objects = gc.get_objects()
    ids = [id(o) for o in objects]
    del objects
    gc.freeze()
    later = [After() for _ in range(100)]
    truth.record_and_wait(path, (), {"frozen": ids}, detail="objects")
    return later


if __name__ == "__main__":
    main(sys.argv[1])
