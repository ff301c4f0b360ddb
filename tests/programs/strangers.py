# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of threads that have ended, and objects that others free. Usage: strangers.py TRUTH-FILE

Two threads make objects and hand them over; one of them ends, the other waits for ever. When all
is written down, the main thread drops every third: "doomed" in the notes, as they are in the
truth, and gone when the process is read. CPythons without the GIL keep memory by thread: what
is freed by a thread that it is not of lies on lists of its own until its owner looks.

Runs on CPython 2.7 and 3.6 or later.
"""

import sys
import threading

import truth

COUNT = 3000  # pages full of them, and one that is not


class Made(object):
    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class WithDict(object):
    """In another heap than Made: with words for a dict before it."""

    def __init__(self, number):
        self.number = number


class Stranger(threading.Thread):
    def __init__(self, ends):
        threading.Thread.__init__(self)
        self.daemon = True
        self.ends = ends
        self.handed_over = threading.Event()
        self.taken = threading.Event()
        self.forgotten = threading.Event()
        self.start()

    def run(self):
        made = [cls(i) for cls in (Made, WithDict) for i in range(COUNT)]
        made.append(tuple([[]] * (1 << 22)))  # as large as a segment
        self.made = made
        self.handed_over.set()
        self.taken.wait()
        del made[:]
        self.forgotten.set()
        if not self.ends:
            wait = threading.Lock()
            wait.acquire()
            wait.acquire()


def take_from(stranger):
    """What it has made, after it has forgotten it: nobody but us refers to it."""
    stranger.handed_over.wait()
    mine = list(stranger.made)
    stranger.taken.set()
    stranger.forgotten.wait()
    return mine


def drop_and_say_ready():
    for mine in TAKEN:
        del mine[:-1:3]
    SAY_READY()


def doomed(mine):
    return [id(o) for o in mine[:-1:3]]


STRANGERS = [Stranger(ends=True), Stranger(ends=False)]
TAKEN = [take_from(stranger) for stranger in STRANGERS]
STRANGERS[0].join()
SAY_READY = truth.say_ready
truth.say_ready = drop_and_say_ready
truth.record_and_wait(sys.argv[1], detail="objects", notes={
    "doomed": list(map(doomed, TAKEN)),
    "large": [id(TAKEN[0][-1]), id(TAKEN[1][-1])],
})
