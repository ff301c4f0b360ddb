# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes down all that CPython can say of each object it reaches, one JSON line an object.

    {"addr", "type", "size", "refcount", "tracked", "gc", "visit", "own"}

`visit` is gc.get_referents(), as often as it says each; `own` what the object is
known to keep although its tp_traverse does not say so; `gc`, whether
gc.get_objects() has it; `refcount` is without what the recording itself holds.
The last line says what has changed while all that was written.

The recording leaves no trace in what it records:

* gc.get_objects() is called in the very frame that later waits, before any list
  or dict of the recording exists. What is made after that is in no list that is
  read, and nothing that is read refers to it: it hangs from frames that run, and
  a frame that runs shows the collector its locals alone, not what it computes
  with. The frame that waits has no locals that change.
* The references that the recording holds to an object while it counts them are
  always the same, and are counted first, of an object that nothing else holds.
* All is done twice, and the second time counts: what a first call sets up, and
  CPython keeps, is there then.

Runs on CPython 2.7 and 3.6 or later.
"""

import gc
import sys
from gc import get_objects
from signal import pause
from sys import getrefcount

import truth


def record_and_wait(path):
    gc.collect()
    gc.disable()
    write(path, get_objects())  # the rehearsal
    compare(path, get_objects())
    write(path, get_objects())
    compare(path, get_objects())
    truth.say_ready()
    while True:
        pause()


def write(path, everything):
    """One line for each object of `everything` and for all that can be reached from there."""
    names = truth.TypeNames()
    listed = len(everything)
    seen = set(id(thing) for thing in everything)
    own = references_of_the_recording()
    with open(path, "w") as lines:
        i = 0
        while i < len(everything):
            thing = everything[i]
            refcount = getrefcount(thing) - own
            referents = gc.get_referents(thing)
            owned = owned_by(thing)
            lines.write(line(thing, names, refcount, i < listed, referents, owned))
            for other in referents + owned:
                if id(other) not in seen:
                    seen.add(id(other))
                    everything.append(other)
            referents = owned = other = None
            i += 1


def references_of_the_recording():
    """What getrefcount() says in write() of an object that only `everything` holds."""
    everything = [object()]
    thing = everything[0]
    return getrefcount(thing)


def line(thing, names, refcount, listed, referents, owned):
    return ('{"addr": "0x%x", "type": "%s", "size": %d, "refcount": %d, "tracked": %d, "gc": %d, '
            '"visit": [%s], "own": [%s]}\n'
            % (id(thing), names.known[names.index(thing)], size_of(thing), refcount,
               gc.is_tracked(thing), listed, addresses(referents), addresses(owned)))


def addresses(things):
    return quoted(["0x%x" % id(thing) for thing in things])


def quoted(words):
    return ", ".join(['"%s"' % word for word in words])


def size_of(thing):
    """sys.getsizeof(), or -1 where it is not the interpreter that answers."""
    if truth.class_of(thing) is not type(thing):  # an old-style class may answer anything
        return -1
    try:
        return sys.getsizeof(thing, -1)
    except Exception:  # a __sizeof__ of a file that is closed, say
        return -1


CODE = ("co_consts", "co_names", "co_filename", "co_name", "co_qualname", "co_lnotab",
        "co_linetable", "co_exceptiontable", "co_freevars", "co_cellvars", "co_varnames")
NAMES = ("__name__", "__qualname__")
NOT_OWNED = (None, (), b"")
OWNED = {
    type(truth.record.__code__): CODE,
    type(list.append): NAMES,
    type(type.__dict__["__mro__"]): NAMES,
    type(type.__dict__["__dict__"]): NAMES,
    type(list.__init__): NAMES,
    slice: ("start", "stop", "step"),
}
if sys.version_info[0] >= 3:
    OWNED[range] = ("start", "stop", "step")


def owned_by(thing):
    """What `thing` holds, as it gives it away: the same object each time it is asked."""
    if type(thing) is dict:
        return list(thing)
    found = []
    for name in OWNED.get(type(thing), ()):
        value = getattr(thing, name, None)
        # what is made when it is asked for is another object each time, or an empty one
        if value is getattr(thing, name, None) and value not in NOT_OWNED:
            found.append(value)
    return found


def compare(path, objects):
    """Add to the file what gc.get_objects() has now and had not then, and the reverse."""
    now = set(["0x%x" % id(thing) for thing in objects])
    then = set()
    with open(path) as lines:
        for text in lines:
            if '"gc": 1' in text:
                then.add(text.split('"', 4)[3])
    with open(path, "a") as lines:
        lines.write('{"appeared": [%s], "vanished": [%s]}\n' % (quoted(now - then),
                                                               quoted(then - now)))
