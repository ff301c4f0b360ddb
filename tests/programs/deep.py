# SPDX-License-Identifier: GPL-2.0-or-later
"""A list in a list in a list, a million deep. Usage: deep.py TRUTH-FILE [DEPTH]

The notes give the depth, the object at the bottom, and one a few links below the top.
"""

import sys

import truth

NEAR = 10


class Bottom(object):
    pass


def build(depth):
    """(the outermost list, the id of the list NEAR links below it)"""
    near = 0
    link = [bottom]
    for i in range(depth - 1):
        if i == depth - 1 - NEAR:
            near = id(link)
        link = [link]
    return link, near


bottom = Bottom()

if __name__ == "__main__":
    depth = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    top, near = build(depth)
    notes = {"depth": depth, "bottom": id(bottom), "near": near, "near_depth": NEAR}
    del bottom  # the chain alone holds it now
    truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
