# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers of 100,000 elements. Usage: big.py TRUTH-FILE

The notes give the id and the size of each: {name: [id, sys.getsizeof()]}.
"""

import collections
import sys

import truth

MANY = 100000


class Node(object):
    def __init__(self, number):
        self.number = number


def shrunk(container, remove):
    for i in range(0, MANY, 3):
        remove(container, i)
    return container


numbers = dict((i, i + MANY) for i in range(MANY))
names = dict(("name%d" % i, i) for i in range(MANY))
with_holes = shrunk(dict((i, -i) for i in range(MANY)), lambda table, i: table.pop(i))
nodes = dict((i, Node(i)) for i in range(MANY // 10))
long_list = list(range(MANY))
long_tuple = tuple(range(MANY))
long_set = set(range(MANY))
set_with_holes = shrunk(set(range(MANY)), lambda members, i: members.remove(i))
long_frozenset = frozenset(str(i) for i in range(MANY))
long_deque = collections.deque(range(MANY))
long_bytes = b"x" * MANY
long_text = u"\u20ac" * MANY
long_number = 1 << MANY

if __name__ == "__main__":
    sizes = dict((name, [id(value), sys.getsizeof(value)]) for name, value in globals().items()
                 if hasattr(value, "__len__") and len(value) >= MANY // 10)
    sizes["long_number"] = [id(long_number), sys.getsizeof(long_number)]
    truth.record_and_wait(sys.argv[1], (), sizes, detail="objects")
