# SPDX-License-Identifier: GPL-2.0-or-later
"""A bit of everything that Python code makes. Usage: mixed.py TRUTH-FILE

Objects of interest hang from modules by chains of every kind; they are named in
`targets`. Runs on CPython 2.7 and 3.6 or later.
"""

import collections
import encodings.cp1252  # noqa: F401  (has an EncodingMap: its block is larger than its type says)
import functools
import sys
import weakref

import truth


class Target(object):
    """What the chains lead to."""

    def __init__(self, name):
        self.name = name


class Plain(object):
    def __init__(self, number):
        self.number = number
        self.square = number * number

    def method(self):
        return self.number


class Slotted(object):
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


class SlottedWithDict(Slotted):
    pass


class Empty(object):
    __slots__ = ()


class DictChild(dict):
    pass


class ListChild(list):
    pass


class TupleChild(tuple):
    pass


class IntChild(int):
    pass


class LongChild(type(2 ** 100)):
    pass


class StrChild(str):
    pass


class BytesChild(bytes):
    pass


class FloatChild(float):
    pass


class SetChild(set):
    pass


class ErrorChild(Exception):
    pass


class Meta(type):
    def __call__(cls, *arguments):
        return type.__call__(cls, *arguments)


WithMeta = Meta("WithMeta", (object,), {"__module__": __name__, "kind": Target("class attribute")})


class Outer(object):
    class Inner(object):
        class Innermost(object):
            pass


class Classic:  # old-style on Python 2
    def __init__(self, held):
        self.held = held


class ClassicChild(Classic):
    pass


Point = collections.namedtuple("Point", "x y")


def local_class():
    class Local(object):
        pass
    return Local


def closure_over(thing):
    def inner():
        return thing
    return inner


def generator_holding(thing):
    yield 1
    yield thing


def raise_deep(depth, thing):
    if depth:
        return raise_deep(depth - 1, thing)
    held_by_frame = thing
    raise ErrorChild("deep", len(str(held_by_frame)))


def error_with_traceback(thing):
    try:
        raise_deep(5, thing)
    except ErrorChild:
        error, traceback = sys.exc_info()[1:]
        if not hasattr(error, "__traceback__"):
            error.traceback = traceback
        return error


def function_with_default(x=Target("default")):
    return x


class WithDescriptors(object):
    def __init__(self, thing):
        self._thing = thing

    @property
    def thing(self):
        return self._thing

    @staticmethod
    def static():
        pass

    @classmethod
    def of_class(cls):
        pass


def dict_with_deleted_entries():
    table = dict((i, Plain(i)) for i in range(200))
    for i in range(0, 200, 3):
        del table[i]
    return table


def dict_with_deleted_names():
    table = dict(("key%d" % i, i) for i in range(50))
    for i in range(0, 50, 2):
        del table["key%d" % i]
    return table


def set_with_removed_members():
    members = set(Point(i, str(i)) for i in range(100))
    for i in range(0, 100, 4):
        members.remove(Point(i, str(i)))
    return members


def dict_that_lost_its_shared_keys():
    plain = Plain(7)
    plain.extra = 1
    del plain.number
    return plain


def many_attributes():
    plain = Plain(8)
    for i in range(60):
        setattr(plain, "attribute%d" % i, i)
    return plain


def seen_dict():
    """An instance whose __dict__ somebody has asked for, so that it became an object."""
    plain = Plain(9)
    plain.__dict__["more"] = 1
    return plain


def things_of_newer_versions():
    """What some versions cannot write, of the rest as much as this one knows."""
    made = []
    for source in ("int | str", "int | Plain(1)", "list[int]", "t'a{Plain(2)!r:>3}b'",
                   "iter(t'a{1}b')", "frozendict(key=Target('frozendict'))", "frozendict()"):
        try:
            made.append(eval(source))
        except (NameError, SyntaxError, TypeError):
            pass
    return made


def finished_generator():
    generator = generator_holding(1)
    list(generator)
    return generator


def list_with_spare_room():
    items = []
    for i in range(1000):
        items.append(i)
    del items[900:]
    return items


# --- what the chains hang from; the names are what the labels should say

class Registry(object):
    class_attribute = {"key": Target("class dict")}


in_list = [0, [1, [2, Target("list")]]]
in_tuple = (0, (1, (2, Target("tuple"))))
by_key = {"a": {"b": {"c": Target("dict")}}}
by_number = {1: {2: {3: Target("int key")}}}
by_tuple = {(1, "x"): Target("tuple key")}
as_key = {Target("as key"): 1}
in_set = set([Target("set")])
in_frozenset = frozenset([Target("frozenset")])
in_attribute = Plain(1)
in_attribute.other = Target("attribute")
in_slot = Slotted(1, Target("slot"))
in_slot_and_dict = SlottedWithDict(Target("slot of base"), 2)
in_slot_and_dict.other = Target("dict beside slots")
in_dict_child = DictChild(key=Target("dict child"))
in_dict_child.other = Target("attribute of dict child")
in_list_child = ListChild([Target("list child")])
in_list_child.other = Target("attribute of list child")
in_tuple_child = TupleChild([Target("tuple child"), 1])
in_tuple_child.other = Target("attribute of tuple child")
in_int_child = LongChild(2 ** 100)
in_int_child.other = Target("attribute of int child")
in_str_child = StrChild("text")
in_str_child.other = Target("attribute of str child")
in_error = ErrorChild(Target("exception argument"))
in_traceback = error_with_traceback(Target("frame local"))
in_closure = closure_over(Target("closure"))
in_generator = generator_holding(Target("generator local"))
next(in_generator)
in_method = Plain(2).method
in_bound_target = WithDescriptors(Target("behind a property"))
in_partial = functools.partial(closure_over, Target("partial"))
in_deque = collections.deque([1, Target("deque")])
in_ordered = collections.OrderedDict([("first", Target("ordered dict"))])
in_default_dict = collections.defaultdict(list, key=[Target("default dict")])
in_named_tuple = Point(1, Target("named tuple"))
in_classic = ClassicChild(Target("old-style instance"))
weakly = Target("strongly held elsewhere")
weak = weakref.ref(weakly)
weak_values = weakref.WeakValueDictionary(key=weakly)
weak_proxy = weakref.proxy(weakly)

population = {
    "plain": [Plain(i) for i in range(1000)],
    "slotted": [Slotted(i, str(i)) for i in range(500)],
    "empty": [Empty() for _ in range(10)],
    "children": [DictChild(a=1), ListChild([1]), TupleChild([1, 2]), IntChild(5), StrChild("s"),
                 BytesChild(b"bytes"), FloatChild(0.5), SetChild([1]), ErrorChild("x", 1)],
    "with meta": [WithMeta() for _ in range(20)],
    "nested": [Outer(), Outer.Inner(), Outer.Inner.Innermost(), local_class()()],
    "classic": [Classic([i]) for i in range(50)] + [ClassicChild({i: [i]}) for i in range(50)],
    "points": [Point(i, [i]) for i in range(100)],
    "closures": [closure_over(i) for i in range(100)],
    "methods": [Plain(i).method for i in range(100)],
    "generators": [generator_holding(i) for i in range(50)],
    "errors": [error_with_traceback([i]) for i in range(20)],
    "deleted": [dict_with_deleted_entries(), dict_with_deleted_names(),
                set_with_removed_members()],
    "keys": [dict_that_lost_its_shared_keys(), many_attributes(), seen_dict()],
    "room": [list_with_spare_room(), [], (), {}, set(), frozenset()],
    "text": [u"ascii", u"caf\xe9", u"\u20ac", u"\U0001f40d", "", b"bytes", b"", bytearray(b"ab")],
    "numbers": [0, 1, -1, 255, 256, 257, -5, -6, 2 ** 30, 2 ** 31, 2 ** 60, -2 ** 64, 10 ** 100,
                0.5, float("inf"), 1j, True, False, None, Ellipsis, NotImplemented],
    "others": [slice(1, 2), range(3), iter([1]), iter({}), iter(()), memoryview(b"ab"),
               enumerate([1]), reversed([1]), property(), staticmethod(len), classmethod(len),
               super(Slotted, in_slot), len, [].append, {}.get, type(in_slot).left],
    "finished": [finished_generator() for _ in range(10)],
    "newer": things_of_newer_versions(),
    "loops": [],
}
for generator in population["generators"][::2]:
    next(generator)
population["loops"].append(population["loops"])

if sys.version_info[0] >= 3:
    exec("""
class Awaitable:
    def __await__(self):
        yield self

async def coroutine(thing):
    await Awaitable()
    return thing

async def asynchronous_generator(thing):
    yield thing

in_coroutine = coroutine(Target("coroutine local"))
in_coroutine.send(None)
in_async_generator = asynchronous_generator(Target("async generator local"))

def keyword_only(*, x=Target("keyword default")) -> Target("annotation"):
    pass

population["coroutines"] = [in_coroutine, in_async_generator]
""")


def targets():
    """(name, id) of every Target, the names being unlike each other."""
    import gc
    return sorted((t.name, id(t)) for t in gc.get_objects() if type(t) is Target)


def running_generator(path):
    """The recording is made inside this generator, so one is running when it is read."""
    held_by_running = ["running"]
    truth.record_and_wait(path, targets(), {"held_by_running": id(held_by_running)})
    yield held_by_running


if __name__ == "__main__":
    next(running_generator(sys.argv[1]))
