# SPDX-License-Identifier: GPL-2.0-or-later
"""Values whose repr() is short and exact. Usage: literals.py TRUTH-FILE

The notes give the code points of what repr() says of each variable, "exact", and of what it does
not say, "not", as the variable's class has a __repr__ of its own: not every text can be written to
a file.
"""

import collections
import sys

import truth

TEXTS = [
    u"", u"plain", u"it's", u'say "x"', u"both ' and \"", u"back\\slash", u"\\n", u"\a\b\t\n\v\f\r",
    u"\x00\x1b[31m\x7f", u"\x80\x9f\xa0\xad\xe9\xff", u"\u0100\u4e2d\u0600\u200b\u202e\u2028\u3000",
    u"\ufeff\ufffd\uffff\ue000", u"\U0001f600\U000e0001\U000f0000\U0010ffff", u"\ud800x\udfff",
    u"\x85mixed \u4e2d\U0001f600",
]
BYTES = [b"", b"plain", b"it's", b'say "x"', b"both ' and \"", b"back\\slash",
         b"\x00\t\n\r\x1b\x7f",
         b"\x80\xa0\xff", u"\u4e2d".encode("utf-8")]
INTS = [0, 1, -1, 2 ** 15, 2 ** 30 - 1, 2 ** 30, -2 ** 30, 2 ** 60, 2 ** 62, 2 ** 63 - 1, 2 ** 63,
        -2 ** 63, -2 ** 63 - 1, 2 ** 64, 10 ** 18, 10 ** 19, 10 ** 27, 10 ** 45 + 7, -3 ** 300,
        2 ** 600 + 1, 10 ** 200, True, False]
FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.1, 0.1 + 0.2, 1 / 3.0, 2 / 3.0, 100.0, 123456789.125, 1e15,
    9999999999999998.0, 1e16, 1.5e16, 1e17, 1e22, 1e23, 1e100, 1.7976931348623157e308, 0.001,
    0.0001, 0.00001, 1.5e-5, 5e-324, 1e-320, 2.2250738585072014e-308, float("inf"), float("-inf"),
    float("nan"), 4503599627370497.5, 9007199254740993.0,
]
OTHERS = [
    None, Ellipsis, NotImplemented, 0j, 1j, -1j, 1 + 0j, 1 - 2.5j, -0.0 - 0j, 1e300 + 1e-7j,
    complex("nan+infj"), complex(-0.0, float("nan")), (), (1,), (1, u"a"), [], [b"x", [None]], {},
    {u"it's": 1.0}, set(), frozenset(), set([1]), frozenset([2.5]), set([frozenset()]), set([(1,)]),
]

if sys.version_info >= (3,):
    import enum
    import types
    import typing


def ordered():
    shuffled = collections.OrderedDict((c, ord(c)) for c in "abcde")
    shuffled.move_to_end("b")
    shuffled.move_to_end("d", last=False)
    return shuffled


def rotated():
    long = collections.deque(range(100), 100)
    for _ in range(50):
        long.append(long.popleft())
    while len(long) > 16:
        long.pop()
    return long


Point = collections.namedtuple("Point", "x y")
Empty = collections.namedtuple("Empty", "")


class Derived(Point):
    other = 1


KNOWN = [
    bytearray(), bytearray(b"plain"), bytearray(b'say "x"'), bytearray(b"\x00\t\n\\\xff"),
    slice(1), slice(None, "a", (2,)), slice(2, 3, 4),
    collections.deque(), collections.deque([1, "a"]), collections.deque([[]], 3),
    collections.deque([], 0), rotated(), Point(1, "a"), Empty(),
    Derived(Point(1, 2), None), collections.Counter(), collections.Counter("abacbd"),
    collections.Counter({1: -1, 2: 5}), collections.defaultdict(None),
    collections.defaultdict(None, {1: [2]}),
]
if sys.version_info >= (3,):
    class Color(enum.Enum):
        RED = 1
        GREEN = ("a", 2.5)
        ALIAS = 1

    class Number(enum.IntEnum):
        ONE = 1

    class Word(str, enum.Enum):
        HELLO = "hello"

    class Flags(enum.IntFlag):
        READ = 1
        WRITE = 2

    class Plain(enum.Flag):
        READ = 1
        WRITE = 2

    Typed = typing.NamedTuple("Typed", [("name", str), ("size", int)])

    KNOWN += [
        bytearray(b"it's"), bytearray(b"both ' and \""),
        range(0), range(5), range(2, 5), range(10, -10, -3), range(2 ** 70), range(0, 5, True),
        collections.OrderedDict(), collections.OrderedDict(a=[1]), ordered(),
        Color.RED, Color.GREEN, [Color.ALIAS],
        Number.ONE, Word.HELLO, Flags.READ, Plain.WRITE, Typed("a", 3),
        types.MappingProxyType({}), types.MappingProxyType({"a": 1}), types.SimpleNamespace(),
        types.SimpleNamespace(z=1, a="x", m=None),
    ]



def own(base, **attributes):
    """A class derived from `base` whose __repr__ nobody knows."""
    return type(base)("Own", (base,), dict(attributes, __repr__=lambda self: "own"))


OWN = [(own(Point)(1, 2), Point), (own(bytearray)(b"a"), bytearray),
       (own(collections.deque)("a"), collections.deque),
       (own(collections.defaultdict)(None), collections.defaultdict),
       (own(collections.Counter)("a"), collections.Counter)]
if sys.version_info >= (3,):
    class OwnColor(enum.Enum):
        RED = 1

        def __repr__(self):
            return "own"

    exec("class OwnTyped(typing.NamedTuple):\n    name: str\n"
         "    def __repr__(self):\n        return 'own'")  # no syntax of 2.7
    OWN += [(own(collections.OrderedDict)(a=1), collections.OrderedDict), (OwnColor.RED, enum.Enum),
            (own(types.SimpleNamespace)(a=1), types.SimpleNamespace)]
    own_typed = OwnTyped("a")

notes = {}
for kind, group in (("text", TEXTS), ("bytes", BYTES), ("int", INTS), ("float", FLOATS),
                    ("other", OTHERS), ("known", KNOWN)):
    for i, value in enumerate(group):
        globals()["%s%d" % (kind, i)] = value
        notes["%s%d" % (kind, i)] = [ord(c) for c in repr(value)]
pretended = {"own_typed": [ord(c) for c in "OwnTyped(name='a')"]}
for i, (value, base) in enumerate(OWN):
    globals()["own%d" % i] = value
    pretended["own%d" % i] = [ord(c) for c in base.__repr__(value)]

class Numbered(object):
    pass


numbered = Numbered()
numbered.__dict__.update({6: "six", "seven": 7})

PATTERNS = [type(name, (object,), {}) for name in ("G*", "?[a]", "[b")]
named = [cls() for cls in PATTERNS]

if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], (), {"exact": notes, "not": pretended}, detail="counts")
