# SPDX-License-Identifier: GPL-2.0-or-later
"""Millions of tracked objects, and how long Python itself needs to look at them.

Usage: many_objects.py RESULT-FILE NUMBER-OF-OBJECTS

Writes {"objects", "wanted": id of the object whose chain was sought, "times": {"types", "why",
"closure"}, "rivals": the same} and waits to be read. Made for tools/bench.py.
"""

import collections
import gc
import inspect
import json
import os
import random
import signal
import sys
import time

RUNS = 3


class Node(object):
    def __init__(self, number, held):
        self.number = number
        self.held = held


def unit(number):
    """Four tracked objects, a number and a text: about 800 bytes."""
    text = ("a text of some length, number %d, " % number) * (1 + number % 13)
    return ({"node": Node(number, [number]), "text": text},)


def build(units):
    """A heap that has lived: half of it was freed at random, and filled again.

    So what follows in a list of the collector does not follow in memory.
    """
    made = [unit(number) for number in range(units)]
    chance = random.Random(units)
    for number in chance.sample(range(units), units // 2):
        made[number] = None
    for number in range(units):
        if made[number] is None:
            made[number] = unit(number)
    return made


def count_types():
    return collections.Counter(type(o) for o in gc.get_objects())


def closure():
    """How many objects those of the collector lead to."""
    todo = gc.get_objects()
    seen = set(map(id, todo))
    while todo:
        for referent in gc.get_referents(todo.pop()):
            if id(referent) not in seen:
                seen.add(id(referent))
                todo.append(referent)
    return len(seen)


def find_backref_chain(target, is_goal, max_depth=20):
    """The shortest chain, as objgraph.find_backref_chain() seeks it: gc.get_referrers() of one
    object after the other, breadth first. Written anew here for where objgraph is missing."""
    queue = collections.deque([target])
    depth = {id(target): 0}
    parent = {id(target): None}
    ignored = {id(queue), id(depth), id(parent), id(sys._getframe()), id(sys._getframe(1))}
    ignored.add(id(ignored))
    gc.collect()
    while queue:
        thing = queue.popleft()
        if is_goal(thing):
            return chain_from(thing, parent)
        if depth[id(thing)] < max_depth:
            referrers = gc.get_referrers(thing)
            ignored.add(id(referrers))
            for referrer in referrers:
                if id(referrer) not in ignored and id(referrer) not in depth:
                    depth[id(referrer)] = depth[id(thing)] + 1
                    parent[id(referrer)] = thing
                    queue.append(referrer)
    return [target]


def chain_from(thing, parent):
    chain = []
    while thing is not None:
        chain.append(thing)
        thing = parent[id(thing)]
    return chain


def seeker():
    try:
        import objgraph
        return "objgraph.find_backref_chain", objgraph.find_backref_chain
    except ImportError:
        return "breadth-first search by gc.get_referrers()", find_backref_chain


def median_time(function, *arguments):
    times = []
    for _ in range(RUNS):
        start = time.time()
        function(*arguments)
        times.append(time.time() - start)
    return sorted(times)[RUNS // 2]


def main(path, objects):
    gc.disable()  # or building takes a minute
    registry["units"] = build(objects // 4)
    gc.collect()
    seeker_name, seek = seeker()
    wanted = registry["units"][len(registry["units"]) // 2][0]["node"]
    result = {"objects": len(gc.get_objects()), "wanted": id(wanted),
              "times": {"types": median_time(count_types),
                        "why": median_time(seek, wanted, inspect.ismodule),
                        "closure": median_time(closure)},
              "rivals": {"types": "Counter(type(o) for o in gc.get_objects())",
                         "why": seeker_name,
                         "closure": "closure by gc.get_referents(), edges one way"},
              "length": len(seek(wanted, inspect.ismodule))}
    with open(path, "w") as output:
        json.dump(result, output)
    os.write(1, b"ready\n")
    while True:
        signal.pause()


registry = {}

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
