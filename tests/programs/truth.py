# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes down what CPython itself says of its heap, and leaves no trace in it.

A target program builds its population and calls record_and_wait(). The file it
leaves is compared with what necropy reads from the same process later, so the
heap must be the same at both times. Four things make that so:

* gc.get_objects() is called in the very frame that later waits, before any
  list or dict of the recording exists; all of those are gone when it waits.
* What must survive from one step to the next is text and numbers, which the
  collector does not track.
* All is done twice, and the second time counts. What a first call sets up, and
  CPython keeps, is there then: types made ready, codecs, names of arguments.
* It waits in signal.pause(), which takes no arguments: no tuple of them exists.

To prove it, gc.get_objects() is called a second time when the recording is
over; "appeared" and "vanished" name every difference and should be empty.

Runs on CPython 2.7 and 3.6 or later.
"""

import gc
import json
import os
import sys
import types
from gc import get_objects
from signal import pause

OLD_STYLE = getattr(types, "InstanceType", None)  # Python 2 only
BUILTINS = ("builtins", "__builtin__")
_module_of = type.__dict__["__module__"].__get__
_name_of = type.__dict__.get("__qualname__", type.__dict__["__name__"]).__get__


def record_and_wait(path, targets=(), notes=None, detail="edges", prepare=None):
    """Write the truth to `path`, say "ready" on standard output, and wait to be read.

    `targets` are (name, id) pairs of the objects whose chain to a module is
    wanted; ids, so that this list keeps nothing alive. `notes` is anything that
    the program itself knows; it must be ready for JSON. `detail` is "edges" for
    all objects and what they refer to, "objects" for those that the collector
    tracks, "counts" for their number by type. `prepare` is called when the collector
    has run for the last time, to make garbage that stays.
    """
    gc.collect()
    gc.disable()
    if prepare is not None:
        prepare()
    # the rehearsal
    save(path, add_differences(describe(get_objects(), targets, notes, detail), get_objects()))
    text = describe(get_objects(), targets, notes, detail)
    text = add_differences(text, get_objects())
    save(path, text)
    text = None
    say_ready()
    while True:
        pause()


def record(path):
    """Write the truth to `path` and return. For code that cannot wait itself."""
    gc.collect()
    gc.disable()
    # the rehearsal
    save(path, add_differences(describe(get_objects(), (), None, "objects"), get_objects()))
    text = describe(get_objects(), (), None, "objects")
    save(path, add_differences(text, get_objects()))


def describe(objects, targets, notes, detail):
    names = TypeNames()
    truth = {
        "python": list(sys.version_info[:3]),
        "version": sys.version,
        "pid": os.getpid(),
        "counts": count_types(objects),
        "gc": {"enabled": gc.isenabled(), "threshold": gc.get_threshold(),
               "garbage": [id(o) for o in gc.garbage],
               "callbacks": [id(f) for f in getattr(gc, "callbacks", ())],
               "frozen": getattr(gc, "get_freeze_count", int)(),
               "debug": gc.get_debug(), "stats": getattr(gc, "get_stats", list)()},
        "notes": notes,
    }
    if detail != "counts":
        truth["objects"] = [[id(o), names.index(o), size_of(o)] for o in objects]
    if detail == "edges":
        ids = set(id(o) for o in objects)
        all_edges, others = closure(objects, ids)
        truth["edges"] = all_edges
        truth["others"] = [[id(o), names.index(o), size_of(o)] for o in others]
        found = dict((id(o), o) for o in objects)
        found.update((id(o), o) for o in others)
        truth["chains"] = dict((name, chain_to_module(found[target], ids, all_edges))
                               for name, target in targets)
    truth["types"] = names.known
    return json.dumps(truth)


def count_types(objects):
    counts = {}
    for thing in objects:
        name = full_name(class_of(thing))
        counts[name] = counts.get(name, 0) + 1
    return counts


class TypeNames(object):
    """The names of the types met so far, each written once."""

    def __init__(self):
        self.known = []
        self.numbers = {}

    def index(self, thing):
        cls = class_of(thing)
        if id(cls) not in self.numbers:
            self.numbers[id(cls)] = len(self.known)
            self.known.append(full_name(cls))
        return self.numbers[id(cls)]


def class_of(thing):
    if OLD_STYLE is not None and type(thing) is OLD_STYLE:
        return thing.__class__
    return type(thing)


def full_name(cls):
    if isinstance(cls, type):
        module, name = _module_of(cls), _name_of(cls)
    else:
        module, name = cls.__module__, cls.__name__
    is_named = isinstance(module, str) and module not in BUILTINS
    return "%s.%s" % (module, name) if is_named else name


def size_of(thing):
    # an instance is asked through its type: old-style classes may answer anything
    return -1 if class_of(thing) is not type(thing) else sys.getsizeof(thing, -1)


def closure(objects, ids):
    """(edges of every object that can be reached, the objects that are not in `ids`)."""
    edges, others, seen = {}, [], set(ids)
    todo = list(objects)
    while todo:
        thing = todo.pop()
        referents = gc.get_referents(thing)
        if referents:
            edges[id(thing)] = [id(r) for r in referents]
        for referent in referents:
            if id(referent) not in seen:
                seen.add(id(referent))
                others.append(referent)
                todo.append(referent)
    return edges, others


def chain_to_module(target, ids, edges):
    """The ids of a shortest chain from a module down to `target`, by gc.get_referrers().

    Breadth first, one call a level. What the recording itself has made refers to
    the target as well; it is not among the `ids` and is left out.
    """
    levels, seen = [[target]], set([id(target)])
    while levels[-1]:
        module = [o for o in levels[-1] if isinstance(o, types.ModuleType)]
        if module:
            return walk_down(module[0], levels, edges)
        above = []
        for referrer in gc.get_referrers(*levels[-1]):
            if id(referrer) in ids and id(referrer) not in seen:
                seen.add(id(referrer))
                above.append(referrer)
        levels.append(above)
    return None


def walk_down(top, levels, edges):
    chain = [id(top)]
    for level in reversed(levels[:-1]):
        below = set(id(o) for o in level)
        chain.append(next(i for i in edges[chain[-1]] if i in below))
    return chain


def add_differences(text, objects):
    """`text` with what has changed since it was written."""
    before = json.loads(text)
    known = dict((i, before["types"][t]) for i, t, _ in before.get("objects", ()))
    if not known:
        return text
    now = dict((id(o), full_name(class_of(o))) for o in objects)
    differences = {
        "appeared": [[i, now[i]] for i in sorted(set(now) - set(known))],
        "vanished": [[i, known[i]] for i in sorted(set(known) - set(now))],
    }
    return text[:-1] + ", " + json.dumps(differences)[1:]


def save(path, text):
    """Write and rename, so that a reader never sees half of it."""
    unfinished = path + ".unfinished"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    data = text.encode("ascii")
    while data:
        data = data[os.write(descriptor, data):]
    # last, as the numbers move with every object made
    count = ", ".join(str(n) for n in gc.get_count())
    os.lseek(descriptor, -1, os.SEEK_END)
    os.write(descriptor, (', "count": [%s]}' % count).encode("ascii"))
    os.close(descriptor)
    os.rename(unfinished, path)


def say_ready():
    os.write(1, b"ready\n")


def cannot(reason):
    """End the program, as this Python lacks what it shows. The tests skip with the reason."""
    os.write(1, ("cannot: %s\n" % reason).encode("ascii"))
    sys.exit(0)
