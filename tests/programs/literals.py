# SPDX-License-Identifier: GPL-2.0-or-later
"""Values whose repr() is short and exact. Usage: literals.py TRUTH-FILE

The notes give the code points of what repr() says of each variable: not every text can be written
to a file.
"""

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

notes = {}
for kind, group in (("text", TEXTS), ("bytes", BYTES), ("int", INTS), ("float", FLOATS),
                    ("other", OTHERS)):
    for i, value in enumerate(group):
        globals()["%s%d" % (kind, i)] = value
        notes["%s%d" % (kind, i)] = [ord(c) for c in repr(value)]

PATTERNS = [type(name, (object,), {}) for name in ("G*", "?[a]", "[b")]
named = [cls() for cls in PATTERNS]

if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
