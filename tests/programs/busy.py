# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that make and free objects without end. Usage: busy.py TRUTH-FILE

The process is read while they do, between any two instructions. What the main thread has made
stays as it is: "stable" in the notes, ids of objects that the collector tracks.

Runs on CPython 2.7 and 3.6 or later.
"""

import json
import sys
import threading
from signal import pause

import truth


class Stable(object):
    def __init__(self, number):
        self.number = number
        self.others = [number]


def churn():
    kept = []
    while True:
        kept.append([Stable(i) for i in range(100)])
        if len(kept) > 10:
            del kept[::2]


STABLE = [Stable(i) for i in range(3000)]
IDS = [id(o) for o in STABLE] + [id(o.others) for o in STABLE]
for _ in range(3):
    thread = threading.Thread(target=churn)
    thread.daemon = True
    thread.start()
truth.save(sys.argv[1], json.dumps({"notes": {"stable": IDS}}))
truth.say_ready()
while True:
    pause()
