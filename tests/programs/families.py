# SPDX-License-Identifier: GPL-2.0-or-later
"""An object of each family, and what `show` should say of it. Usage: families.py TRUTH-FILE

The notes give {name: [id, {key: value}]}: rows of `show` that must be there, as Python says.
"""

import collections
import os
import sys
import weakref

import truth


def function(first, second=(1, 2)):
    return first, second


def generator(thing):
    yield thing
    yield thing


def closure(held):
    def inside():
        return held
    return inside


class Thing(object):
    """Something with attributes."""

    def __init__(self):
        self.number = 7

    def method(self):
        return self


class Alone(object):
    pass


def error():
    try:
        raise ValueError("bad", 42)
    except ValueError:
        return sys.exc_info()


def place(code):
    return "%s:%d" % (code.co_filename, code.co_firstlineno)


thing = Thing()
things = [Thing() for _ in range(6)]
started, fresh, over = generator(1), generator(2), generator(3)
next(started)
list(over)
exception = error()
inside = closure(thing)
method = thing.method
reference = weakref.ref(thing)
long_text = u"0123456789" * 1000
short_text = u"some caf\xe9"
some_bytes = b"some \x00 bytes"
numbers = list(range(1000))
pair = (1, u"two")
table = collections.OrderedDict((i, str(i)) for i in range(30))
plain_table = dict((i, str(i)) for i in range(50))
members = set(range(20))


def rows():
    yield "function", function, {"defined at": place(function.__code__),
                                 ".__defaults__": "((1, 2),)"}
    yield "code", generator.__code__, {"defined at": place(generator.__code__)}
    yield "method", method, {"defined at": place(Thing.method.__code__)}
    yield "started", started, {"state": "suspended",
                               "defined at": place(generator.__code__)}
    yield "fresh", fresh, {"state": "not started"}
    yield "over", over, {"state": "finished"}
    yield "running", running[0], {"state": "running"}
    at = "%s:%d" % (error.__code__.co_filename, exception[2].tb_lineno)
    yield "traceback", exception[2], {"in function": "error", "at": at}
    yield "frame", exception[2].tb_frame, {"in function": "error",
                                           "defined at": place(error.__code__)}
    yield "exception", exception[1], {".args": "('bad', 42)"}
    yield "cell", inside.__closure__[0], {".cell_contents": "<__main__.Thing number=7>"}
    yield "weak reference", reference, {"referent (weak)": "<__main__.Thing number=7>"}
    yield "instance", thing, {".number": "7"}
    yield "module", os, {"file": os.__file__}
    yield "class", Thing, {"instances": str(1 + len(things))}
    yield "class without instances", Alone, {"instances": "0"}
    yield "list", numbers, {"length": "1000", "[3]": "3"}
    yield "tuple", pair, {"length": "2", "[0]": "1"}
    yield "dict", plain_table, {"length": "50", "[7]": "'7'"}
    yield "set", members, {"length": "20"}
    yield "text", short_text, {"content": short_text}
    yield "long text", long_text, {"content": long_text[:2000] + u"\u2026"}
    if sys.version_info[0] > 2:
        yield "bytes", some_bytes, {"length": "12", "content": "some \\x00 bytes"}
    else:
        yield "bytes", some_bytes, {"content": "some \\x00 bytes"}


def wait():
    """A generator, which runs while all are looked at."""
    notes = dict((name, [id(thing), wanted]) for name, thing, wanted in rows())
    truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
    yield None


running = []

if __name__ == "__main__":
    running.append(wait())
    next(running[0])
