# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects with attributes of every kind, and conditions on them. Usage: attributes.py TRUTH-FILE

The notes give for each type and condition, as `necropy objects TYPE --where CONDITION` takes them,
the ids of the objects of which Python itself says that it holds: [[type, [conditions], [ids]]].
"""

import collections
import operator
import sys

import truth


class Base(object):
    def __init__(self, i):
        self.number = i
        self.name = u"name%d" % i
        self.half = i / 2.0
        self.flag = i % 2 == 0
        self.maybe = None if i % 3 else i
        self.raw = b"raw%d" % i if i % 2 else b"\x00\xff"
        self.items = [i, u"item%d" % i]
        self.table = {"key": i, "other": u"x%d" % i, 7: i}

    kind = "a class attribute"

    @property
    def computed(self):
        return self.number * 2


class Plain(Base):
    pass


class Seen(Base):
    """Their __dict__ has been asked for."""

    def __init__(self, i):
        super(Seen, self).__init__(i)
        self.__dict__["extra"] = i


class Slotted(object):
    __slots__ = ("number", "name", "half", "flag", "maybe", "raw", "items", "table", "missing")
    __init__ = Base.__dict__["__init__"]


class SlottedAndDict(Slotted):
    """Slots of the base, and what is set later in a dict."""

    def __init__(self, i):
        super(SlottedAndDict, self).__init__(i)
        self.later = i


class DictChild(dict):
    def __init__(self, i):
        super(DictChild, self).__init__(number=i, name=u"name%d" % i)
        self.half = i / 2.0


class Holder(object):
    def __init__(self, held):
        self.held = held


class Classic:
    __init__ = Base.__dict__["__init__"]


Point = collections.namedtuple("Point", "x y")

OPERATORS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
             "<=": operator.le, ">=": operator.ge}
NUMBER = 20

made = {}
for cls in (Plain, Seen, Slotted, SlottedAndDict, DictChild, Classic):
    made[cls.__name__] = [cls(i) for i in range(NUMBER)]
made["Holder"] = [Holder(thing) for thing in made["Plain"]]
made["Point"] = [Point(i, u"y%d" % i) for i in range(NUMBER)]
for holder in made["Holder"]:
    holder.held.back = holder

# (path, its value in Python, operators and values)
NUMBERS = (("=", 7), ("!=", 7), ("<", 5), (">", 15), ("<=", 5), (">=", 15))
TEXTS = (("=", u"name7"), ("!=", u"name7"), ("<", u"name3"), (">", u"name5"))
COMMON = (
    ("number", lambda o: o.number, NUMBERS),
    (".number", lambda o: o.number, NUMBERS[:1]),
    ("half", lambda o: o.half, (("=", 3.5), ("<", 2.5), (">", 3), ("!=", 0.5))),
    ("flag", lambda o: o.flag, (("=", True), ("=", False), ("!=", True))),
    ("maybe", lambda o: o.maybe, (("=", None), ("!=", None), ("=", 3))),
    ("name", lambda o: o.name, TEXTS),
    ("items[0]", lambda o: o.items[0], NUMBERS[:3]),
    ("items[1]", lambda o: o.items[1], (("=", u"item4"),)),
    ("table['key']", lambda o: o.table["key"], NUMBERS[:1]),
    ("table.key", lambda o: o.table["key"], NUMBERS[:1]),
    ("table[7]", lambda o: o.table[7], NUMBERS[3:4]),
    ("table . other", lambda o: o.table["other"], (("=", u"x5"),)),
)
SPECIAL = {
    "DictChild": (
        ("number", lambda o: o["number"], NUMBERS),
        ("['name']", lambda o: o["name"], TEXTS[:1]),
        ("half", lambda o: o.half, (("=", 3.5),)),
    ),
    "Holder": (
        ("held.number", lambda o: o.held.number, NUMBERS),
        ("held.items[1]", lambda o: o.held.items[1], (("=", u"item4"),)),
        ("held.back.held.name", lambda o: o.held.back.held.name, TEXTS),
        ("held", lambda o: o.held, (("!=", None), ("=", None))),
    ),
    "Point": (("[0]", lambda o: o[0], NUMBERS), ("[1]", lambda o: o[1], (("=", u"y3"),))),
    "Seen": COMMON + (("extra", lambda o: o.extra, NUMBERS[:1]),),
    "SlottedAndDict": COMMON + (("later", lambda o: o.later, NUMBERS[:1]),),
}


def holds(op, value, wanted):
    if wanted is None or value is None:
        return (value is wanted) == (op == "=") if op in ("=", "!=") else False
    return OPERATORS[op](value, wanted)


def written(wanted, number):
    """Text in quotes of both kinds, and without."""
    if isinstance(wanted, type(u"")):
        return ("'%s'", '"%s"', "%s")[number % 3] % wanted
    return repr(wanted)


def conditions():
    for name in sorted(made):
        number = 0
        for path, get, tests in SPECIAL.get(name, COMMON):
            for op, wanted in tests:
                number += 1
                space = " " * (number % 2)
                condition = path + space + op + space + written(wanted, number)
                yield name, [condition], [id(o) for o in made[name]
                                          if holds(op, get(o), wanted)]


def combined():
    yield "Plain", ["number>3", "number<9", "flag=True"], \
        [id(o) for o in made["Plain"] if 3 < o.number < 9 and o.flag]
    yield "Plain", ["name~ame1"], [id(o) for o in made["Plain"] if u"ame1" in o.name]
    yield "Plain", ["name~*1"], [id(o) for o in made["Plain"] if o.name.endswith(u"1")]
    yield "Plain", ["name ~ name1?"], [id(o) for o in made["Plain"]
                                       if len(o.name) == 6 and o.name.startswith(u"name1")]
    yield "Plain", ["raw~raw1"], [id(o) for o in made["Plain"] if b"raw1" in o.raw]
    yield "Plain", ["raw=raw3"], [id(o) for o in made["Plain"] if o.raw == b"raw3"]
    if sys.version_info[0] > 2:  # where it is text, and shown as Latin-1
        yield "Plain", [r"raw=\x00\xff"], [id(o) for o in made["Plain"]
                                            if o.raw == b"\x00\xff"]
    for path in ("kind=a class attribute", "computed>0", "unknown=1", "unknown!=1"):
        yield "Plain", [path], []
    yield "Slotted", ["missing!=None"], []
    yield "Plain", ["back=0x%x" % id(made["Holder"][3])], [id(made["Plain"][3])]
    yield "Plain", ["flag=1"], [id(o) for o in made["Plain"] if o.flag]
    yield "Plain", ["number=True"], [id(made["Plain"][1])]
    yield "Plain", ["number='7'"], []


if __name__ == "__main__":
    notes = [list(note) for note in list(conditions()) + list(combined())]
    truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
