# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes with instances. Usage: classes.py TRUTH-FILE

The notes give for each class its id, its reference count, how many instances it has, and its
module: {name: [id, count, instances, module]}.
"""

import collections
import sys

import truth


class Many(object):
    pass


class Slotted(object):
    __slots__ = ("one",)


class Child(Many):
    pass


class Alone(object):
    pass


class Held(object):
    """No instances, but many references."""


class Classic:
    """Old-style in Python 2."""


Point = collections.namedtuple("Point", "x y")

COUNTS = collections.OrderedDict([("Many", 1000), ("Slotted", 70), ("Child", 300), ("Alone", 0),
                                  ("Held", 0), ("Classic", 40), ("Point", 25)])


def populate():
    for name, number in COUNTS.items():
        for _ in range(number):
            population.append(Point(1, 2) if name == "Point" else globals()[name]())
    references.extend([Held] * 500)


def references_to(name):
    # one is the argument's own
    return sys.getrefcount(globals()[name]) - 1


population = []
references = []

if __name__ == "__main__":
    populate()
    notes = {}
    for name in COUNTS:
        notes[name] = [id(globals()[name]), references_to(name), COUNTS[name],
                       globals()[name].__module__]
    truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
