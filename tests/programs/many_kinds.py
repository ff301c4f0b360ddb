# SPDX-License-Identifier: GPL-2.0-or-later
"""Many lists of a few floats, ints, texts and bytes. Usage: many_kinds.py RESULT NUMBER

Writes how long counting gc.get_objects() by type takes, the best of three.
"""

import collections
import gc
import json
import signal
import sys
import time

import truth


def make(i):
    return [float(i), i + .5, i + 10 ** 6, i + 10 ** 9, "a text of some length, number %d, " % i,
            "k%d" % i, b"%d" % i]


def count():
    start = time.perf_counter()
    counts = collections.Counter(type(o) for o in gc.get_objects())
    return time.perf_counter() - start, sum(counts.values())


if __name__ == "__main__":
    gc.disable()
    lists = [make(i) for i in range(int(sys.argv[2]))]
    median, objects = sorted(count() for _ in range(3))[1]
    with open(sys.argv[1], "w") as result:
        json.dump({"time": median, "objects": objects}, result)
    truth.say_ready()
    signal.pause()
