# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance of every kind of object that CPython and its standard library have.

Usage: zoo.py FILE. Each line of the tables below is `since [until] | expression`;
an expression that fails ends the program. Iterators are kept as they begin, after
one step, and exhausted. Runs on CPython 2.7 and 3.6 or later.
"""

import sys
import warnings

import recorder

warnings.simplefilter("ignore")
VERSION = sys.version_info[:2]
NEVER = (9, 9)


def lines_of(table):
    """The expressions of a table that this Python has."""
    for line in table.strip().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        versions, expression = line.split("|", 1)
        since, until = (versions.split() + ["9.9"])[:2]
        if number(since) <= VERSION <= number(until):
            yield expression.strip()


def number(text):
    return tuple(int(n) for n in text.split("."))


def evaluate(expression, space):
    try:
        return eval(expression, space)
    except Exception:
        sys.stderr.write("zoo.py: in %s\n" % expression)
        raise


def keep_all(table, space):
    return [evaluate(expression, space) for expression in lines_of(table)]


def keep_iterators(table, space):
    """Of each: one that is new, one that has given an item, one that has given all."""
    kept = []
    for expression in lines_of(table):
        new, advanced, exhausted = [evaluate(expression, space) for _ in range(3)]
        next(advanced, None)
        for _ in range(100):
            if next(exhausted, kept) is kept:
                break
        kept += [new, advanced, exhausted]
    return kept


MODULES = """
2.7     | abc
2.7     | array
2.7     | ast
2.7     | bz2
2.7     | codecs
2.7     | collections
2.7     | csv
2.7     | ctypes
2.7     | datetime
2.7     | decimal
2.7     | fractions
2.7     | functools
2.7     | gc
2.7     | hashlib
2.7     | hmac
2.7     | io
2.7     | itertools
2.7     | json
2.7     | logging
2.7     | mmap
2.7     | operator
2.7     | os
2.7     | pickle
2.7     | pyexpat
2.7     | random
2.7     | re
2.7     | select
2.7     | socket
2.7     | sqlite3
2.7     | ssl
2.7     | struct
2.7     | symtable
2.7     | tempfile
2.7     | threading
2.7     | time
2.7     | types
2.7     | uuid
2.7     | weakref
2.7     | xml.etree.ElementTree
2.7     | zlib
2.7     | zipfile
2.7     | multiprocessing
2.7 2.7 | Queue
2.7 2.7 | StringIO
2.7 2.7 | cPickle
2.7 2.7 | cStringIO
2.7 2.7 | thread
3.0     | _thread
3.0     | asyncio
3.0     | concurrent.futures
3.0     | enum
3.0     | lzma
3.0     | queue
3.0     | selectors
3.0     | typing
3.7     | contextvars
3.7     | dataclasses
3.9     | zoneinfo
"""

CLASSES = """
class Plain(object):
    def __init__(self, number=1):
        self.number = number
        self.other = [number]

    def method(self):
        return self.number

    @property
    def prop(self):
        return self.number

    @staticmethod
    def static():
        pass

    @classmethod
    def klass(cls):
        pass


class Slots(object):
    __slots__ = ("a", "b", "__weakref__")

    def __init__(self, a=None):
        self.a = a


class Nothing(object):
    __slots__ = ()


class SlotsAndDict(Slots):
    pass


class DictSlot(object):
    __slots__ = ("a", "__dict__")


class MoreSlots(Slots):
    __slots__ = ("c",)


class Meta(type):
    def __init__(cls, name, bases, members):
        type.__init__(cls, name, bases, members)
        cls.made_by = [name]


WithMeta = Meta("WithMeta", (Plain,), {"__slots__": ()})
MetaSlots = type("MetaSlots", (type,), {"__slots__": ()})
AbstractMeta = abc.ABCMeta("AbstractMeta", (object,), {"__slots__": ("x",)})
Classic = type("Classic", (object,), {})


class Descriptor(object):
    def __get__(self, thing, cls=None):
        return self

    def __set__(self, thing, value):
        pass


class SizedByItself(object):
    def __init__(self):
        self.a = 1

    def __sizeof__(self):
        return 4711


class SizedByDict(dict, SizedByItself):
    "The first __sizeof__ is that of dict."


class SizedByMixin(SizedByItself, dict):
    "Its tp_base is dict, whose __sizeof__ comes second."


class Metaclass(type):
    pass


def with_metaclass(static):
    "Its type is now a Python class, as C code may do that."
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Metaclass))
    ctypes.c_void_p.from_address(id(static) + object.__basicsize__ - 8).value = id(Metaclass)
    return static


def children_of(base, *arguments):
    '''Instances of subclasses of `base`: with a dict, with slots where it can have any.'''
    made = []
    for slots in (None, (), ("extra",)):
        members = {} if slots is None else {"__slots__": slots}
        try:
            cls = type("ChildOf_" + base.__name__, (base,), members)
        except TypeError:
            continue
        child = cls(*arguments)
        if cls.__dictoffset__:
            child.attribute = [slots]
            made.append(cls(*arguments))
        if slots:
            child.extra = [slots]
        made.append(child)
    return made


def closure(thing, other=None):
    unset = None
    def inner(a=thing, *b):
        return thing, other, unset
    return inner


def empty_cell():
    def inner():
        return later
    return inner
    later = 1


def generator(thing):
    local = [thing]
    for other in local:
        yield other
    yield local


def raised(error, depth=3):
    '''An exception that has been raised, with traceback and frames.'''
    try:
        if depth:
            held = [depth]
            raise_it(error, depth)
        raise error
    except BaseException as caught:
        return caught


def raise_it(error, depth):
    try:
        {}[depth]
    except KeyError:
        raise error


def frame():
    local = ["kept by its frame"]
    return sys._getframe()


def generator_frame():
    local = ["kept by the frame of a generator"]
    yield sys._getframe()


running_frames = [frame(), next(generator_frame())]
a_generator_that_runs = generator(1)


def deep_list(n):
    deep = []
    for _ in range(n):
        deep = [deep]
    return deep


def shared_then_changed():
    plain = Plain()
    plain.later = 1
    del plain.number
    plain.__dict__["seen"] = 1
    return plain


def with_deleted(container):
    for key in list(container)[::3]:
        if isinstance(container, set):
            container.remove(key)
        else:
            del container[key]
    return container


def thread_local():
    local = threading.local()
    local.here = ["thread local"]
    return local


def cycle():
    one = []
    one.append(one)
    return one


def pipe():
    ends = os.pipe()
    return [os.fdopen(ends[0], "rb"), os.fdopen(ends[1], "wb")]


def database():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.execute("create table t (a, b)")
    connection.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(10)])
    connection.create_function("double", 1, lambda x: 2 * x)
    connection.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    cursor = connection.execute("select a, b from t")
    return [connection, cursor, cursor.fetchone(), connection.cursor()]


class CStruct(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char_p), ("any", ctypes.py_object)]


class CUnion(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("text", ctypes.c_char_p)]


def c_objects():
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n)
    array = (ctypes.c_char_p * 3)(b"a", b"bc")
    struct = CStruct(1, b"text", [1])
    number = ctypes.c_int(5)
    pointer = ctypes.pointer(number)
    return [callback, array, struct, CUnion(), pointer, ctypes.byref(number), number,
            ctypes.c_char_p(b"x"), ctypes.py_object([1]), ctypes.POINTER(CStruct)(struct),
            ctypes.create_string_buffer(100), ctypes.cast(array, ctypes.c_void_p),
            ctypes.CDLL(None), ctypes.CDLL(None).getpid, CStruct.number, ctypes.c_int,
            ctypes.POINTER(CStruct), type(array), (CStruct * 4)()]


def tree():
    element = xml.etree.ElementTree.fromstring("<a x='1'>t<b><c/></b><d y='2'/>u</a>")
    return [element, xml.etree.ElementTree.ElementTree(element),
            xml.etree.ElementTree.XMLParser(), xml.etree.ElementTree.TreeBuilder()]


def expat():
    parser = pyexpat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: None
    parser.Parse("<a>", False)
    return parser


def pickled():
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 2)
    pickler.dump([1, "two", {"three": (4,)}])
    return [pickler, pickle.Unpickler(io.BytesIO(file.getvalue()))]


def logger():
    log = logging.getLogger("zoo")
    log.addHandler(logging.StreamHandler())
    return [log, log.makeRecord("zoo", 10, "file", 1, "message %s", ([1],), None)]


def temporary():
    file = tempfile.TemporaryFile()
    file.write(b"x" * 4096)
    file.flush()
    return [file, mmap.mmap(file.fileno(), 4096)]


def watched():
    poll = select.epoll()
    poll.register(pipe()[0], select.EPOLLIN)
    ends = select.poll()
    ends.register(1)
    return [poll, ends]


def weak():
    thing = Plain()
    gone = Plain()
    kept = [thing, weakref.ref(thing), weakref.ref(thing, print_nothing), weakref.proxy(thing),
            weakref.ref(gone), weakref.proxy(gone), weakref.WeakSet([thing]),
            weakref.WeakKeyDictionary({thing: [1]}), weakref.WeakValueDictionary({1: thing}),
            weakref.proxy(print_nothing), type("Ref", (weakref.ref,), {})(thing)]
    return kept


def print_nothing(*arguments):
    pass


def threads():
    '''Threads that wait: for a lock, in a sleep, for a condition.'''
    lock = threading.Lock()
    lock.acquire()
    event = threading.Event()
    made = [threading.Thread(target=with_locals, args=(lock.acquire,)),
            threading.Thread(target=with_locals, args=(event.wait,)),
            threading.Thread(target=time.sleep, args=(3600,))]
    for thread in made:
        thread.daemon = True
        thread.start()
    while sum(id in sys._current_frames() for id in [t.ident for t in made]) < 3:
        time.sleep(0.001)
    time.sleep(0.02)
    return [made, lock, event]


def with_locals(wait):
    held = ["by the frame of a thread that waits"]
    wait()


def finished_thread():
    thread = threading.Thread(target=print_nothing)
    thread.start()
    thread.join()
    return thread


def lru():
    @functools.lru_cache(maxsize=4)
    def cached(*arguments, **options):
        return [arguments]
    for i in range(10):
        cached(i, key=str(i))
    @functools.lru_cache(maxsize=None)
    def endless(argument):
        return [argument]
    for i in range(10):
        endless(i)
        endless(str(i))
    return [cached, endless, functools.lru_cache(0)(print_nothing)]


def ordered(n):
    made = collections.OrderedDict((str(i), [i]) for i in range(n))
    for i in range(0, n, 3):
        del made[str(i)]
    return made


def tees():
    one, two = itertools.tee(iter([[i] for i in range(200)]))
    for _ in range(100):
        next(one)
    return [one, two]


def grouped():
    groups = itertools.groupby([1, 1, 2, 2, 3], lambda n: n)
    key, group = next(groups)
    next(group)
    return [groups, group, key]


def rotated(deque):
    deque.rotate(7)
    return deque


def symbols():
    return symtable.symtable("def f(a):\\n def g(): return a", "file", "exec")


def code_with_everything():
    return compile("def f(a, *b, **c):\\n x = a\\n def g(y=1): return x, y, 'constant', 1.5\\n"
                   " return g, [i for i in b]\\nclass C(object):\\n  'doc'\\n  a = (1, (2, 3))\\n",
                   "file.py", "exec")
"""

CLASSES_OF_2 = """
import new


class OldStyle:
    def __init__(self):
        self.a = [1]

    def method(self):
        pass


class OldChild(OldStyle):
    pass


class OldWithHooks:
    def __getattr__(self, name):
        raise AttributeError(name)

    def __setattr__(self, name, value):
        pass
"""

CLASSES_OF_3 = """
class Awaitable:
    def __await__(self):
        yield self


async def coroutine(thing):
    local = [thing]
    await Awaitable()
    return local


async def outer(thing):
    await coroutine(thing)


async def agen(thing):
    local = [thing]
    yield thing
    await Awaitable()
    yield local


def delegating(thing):
    yield from generator(thing)


def started(it):
    it.send(None)
    return it


def keyword_only(a, *, b=[1], c: "annotation" = [2]) -> [3]:
    "doc"


class Keyword(metaclass=Meta):
    x: int = 5


class Cause(Exception):
    pass


def chained():
    try:
        try:
            raise Cause("first", [1])
        except Cause as cause:
            raise ValueError("second") from cause
    except ValueError as error:
        return error


class Colour(enum.Enum):
    RED = 1
    GREEN = [2]


class Flags(enum.IntFlag):
    A = 1
    B = 2


def agen_steps():
    "Asynchronous generators, and what their methods give, at every step."
    made = []
    for method in ("__anext__", "aclose"):
        it = agen([method])
        step = getattr(it, method)()
        made += [it, step]
    it = agen(["throw"])
    made += [it, it.athrow(ValueError), it.asend(None)]
    it = agen(["started"])
    try:
        it.__anext__().send(None)
    except StopIteration:
        pass
    waiting = it.__anext__()
    waiting.send(None)
    return made + [it, waiting]


def close_quietly(loop):
    loop.set_exception_handler(print_nothing)
    return loop


def aio():
    "A loop with futures and tasks of every state."
    loop = close_quietly(asyncio.new_event_loop())
    asyncio.set_event_loop(loop)
    pending = loop.create_future()
    done = loop.create_future()
    done.set_result([1])
    failed = loop.create_future()
    failed.set_exception(Cause("failed"))
    cancelled = loop.create_future()
    cancelled.cancel()
    pending.add_done_callback(print_nothing)
    pending.add_done_callback(functools.partial(print_nothing, 1))
    async def wait_for(future):
        local = [future]
        return await future
    async def iterate():
        async for x in agen("task"):
            await asyncio.sleep(0)
    tasks = [loop.create_task(wait_for(pending)), loop.create_task(wait_for(done)),
             loop.create_task(wait_for(cancelled)), loop.create_task(asyncio.sleep(3600)),
             loop.create_task(wait_for(failed)),
             loop.create_task(asyncio.wait([pending, done]))]
    gathered = asyncio.gather(pending, done)
    for _ in range(5):
        loop.call_soon(loop.stop)
        loop.run_forever()
    new = loop.create_task(wait_for(pending))
    waiting = iter(pending)
    return [loop, pending, done, failed, cancelled, tasks, gathered, new, waiting,
            asyncio.Lock(), asyncio.Event(), asyncio.Queue(), loop.call_later(3600, print_nothing)]


def big_mapping_proxy():
    return types.MappingProxyType({i: [i] for i in range(10)})


def text_file():
    file = io.TextIOWrapper(io.BytesIO(b"one\\r\\ntwo\\nthree\\n" * 1000), encoding="utf-8")
    file.readline()
    writing = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\\n")
    writing.write("pending")
    return [file, writing]


def string_io():
    made = io.StringIO("text\\n" * 10)
    made.readline()
    writing = io.StringIO()
    writing.write("accumulated ")
    writing.write("text \\u20ac")
    return [made, writing, io.StringIO("x", newline=None)]


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        pass


Abstract.register(int)
isinstance(1, Abstract)
isinstance("", Abstract)
isinstance([], Abstract)


@functools.singledispatch
def dispatched(thing):
    pass


dispatched.register(int)(print_nothing)
dispatched(1)


class Typed(typing.Generic[typing.TypeVar("T")]):
    x: typing.Optional[int]


Named = typing.NamedTuple("Named", [("a", int), ("b", list)])
"""

CLASSES_OF_3_7 = """
VARIABLES = [contextvars.ContextVar("v%d" % i) for i in range(200)]
DEFAULT = contextvars.ContextVar("d", default=[1])


def big_context(n):
    context = contextvars.copy_context()
    for variable in VARIABLES[:n]:
        context.run(variable.set, [variable.name])
    return context


def context_tokens():
    token = DEFAULT.set([2])
    DEFAULT.get()
    kept = [token, contextvars.copy_context()]
    DEFAULT.reset(token)
    return kept + [DEFAULT.set([3])]


@dataclasses.dataclass
class Data:
    a: int = 1
    b: list = dataclasses.field(default_factory=list)


"""

CLASSES_OF_3_8 = """
class CachedProperty:
    @functools.cached_property
    def value(self):
        return [1]


def with_cached_property():
    thing = CachedProperty()
    thing.value
    return thing
"""

CLASSES_OF_3_10 = """
@dataclasses.dataclass(slots=True)
class SlottedData:
    a: int = 1
    b: list = dataclasses.field(default_factory=list)
"""

CLASSES_OF_3_11 = """
def group():
    inner = ExceptionGroup("inner", [ValueError(1), raised(TypeError(2))])
    outer = ExceptionGroup("outer", [inner, OSError(2, "text", "file")])
    outer.add_note("a note")
    return [raised(outer), outer.split(ValueError)]


def split_group():
    try:
        raise group()[0]
    except* ValueError as caught:
        return_value = caught
    except* (TypeError, OSError):
        pass
    return return_value
"""

CLASSES_OF_3_12 = """
class Parameters[T, *Ts, **P]:
    def method[U: int, V: (int, str)](self, a: U) -> V:
        pass


type Alias[T] = list[T] | dict[str, T]


class Buffer:
    def __buffer__(self, flags):
        return memoryview(b"text")


def buffers():
    kept = Buffer()
    return [kept, memoryview(kept)]
"""

ITERATORS = """
2.7      | iter([1, [2], 3])
2.7      | iter((1, [2], 3))
2.7      | iter({1: [1], 2: [2]})
2.7      | iter(set([1, 2, 3]))
2.7      | iter(frozenset([1, 2, 3]))
2.7      | iter("text")
2.7      | iter(u"t\\u20acxt")
2.7      | iter(b"bytes")
2.7      | iter(bytearray(b"bytes"))
2.7      | iter(range(3))
2.7      | iter(range(2 ** 20, 2 ** 20 + 3))
3.0      | iter(range(2 ** 70, 2 ** 70 + 3))
2.7      | iter(array.array("i", [1, 2]))
3.0      | iter(memoryview(b"bytes"))
2.7      | iter(collections.deque([[i] for i in range(100)]))
2.7      | reversed(collections.deque([[i] for i in range(100)]))
2.7      | iter(collections.OrderedDict([(1, [1]), (2, [2])]))
3.0      | iter(collections.OrderedDict([(1, [1]), (2, [2])]).items())
3.0      | iter(collections.OrderedDict([(1, [1]), (2, [2])]).values())
3.0      | reversed(collections.OrderedDict([(1, [1]), (2, [2])]))
2.7      | iter(closure([]), 5)
2.7 2.7  | {1: [1], 2: 2}.iteritems()
2.7 2.7  | {1: [1], 2: 2}.itervalues()
2.7 2.7  | iter(xrange(3))
3.0      | iter({1: [1], 2: 2}.items())
3.0      | iter({1: [1], 2: 2}.values())
3.8      | reversed({1: [1], 2: 2})
3.8      | reversed({1: [1], 2: 2}.items())
3.8      | reversed({1: [1], 2: 2}.values())
2.7      | reversed([1, [2], 3])
2.7      | reversed((1, [2], 3))
3.0      | reversed(range(3))
3.0      | reversed(range(2 ** 70, 2 ** 70 + 3))
2.7      | reversed("text")
2.7      | enumerate([[1], [2]])
2.7      | enumerate([[1], [2]], 2 ** 70)
3.0      | zip([1], [[2]])
3.0      | map(print_nothing, [1], [[2]])
3.0      | filter(None, [1, [2]])
2.7      | iter(Sequence())
2.7      | generator([1])
2.7      | (x for x in [[1], [2]])
3.0      | delegating([1])
2.7      | itertools.chain([1], [[2]])
2.7      | itertools.chain.from_iterable([[1], [[2]]])
2.7      | itertools.count(1)
2.7      | itertools.count(2 ** 70, 3)
2.7      | itertools.count(1.5, 0.5)
2.7      | itertools.cycle([1, [2]])
2.7      | itertools.repeat([1], 5)
2.7      | itertools.repeat([1])
2.7      | itertools.islice([1, [2], 3], 2)
2.7      | itertools.starmap(print_nothing, [(1, [2])])
2.7      | itertools.takewhile(bool, [1, [2]])
2.7      | itertools.dropwhile(bool, [1, [2], 0, 3])
2.7      | itertools.product([1, [2]], [3])
2.7      | itertools.permutations([1, [2], 3])
2.7      | itertools.combinations([1, [2], 3], 2)
2.7      | itertools.combinations_with_replacement([1, [2], 3], 2)
2.7      | itertools.compress([1, [2], 3], [1, 0, 1])
2.7      | itertools.groupby([1, 1, 2, 3])
2.7      | itertools.groupby([[1], [1], [2]], len)
2.7      | itertools.tee([1, [2]])[0]
2.7 2.7  | itertools.izip([1], [[2]])
2.7 2.7  | itertools.imap(print_nothing, [1])
2.7 2.7  | itertools.ifilter(None, [1, [2]])
2.7 2.7  | itertools.ifilterfalse(None, [1, [], 0])
2.7 2.7  | itertools.izip_longest([1, 2], [[2]], fillvalue=[3])
3.0      | itertools.filterfalse(None, [1, [], 0])
3.0      | itertools.zip_longest([1, 2], [[2]], fillvalue=[3])
3.0      | itertools.accumulate([[1], [2]])
3.0      | itertools.accumulate([1, 2], operator.mul)
3.8      | itertools.accumulate([1, 2], operator.mul, initial=[1])
3.10     | itertools.pairwise([[1], [2], [3]])
3.12     | itertools.batched([[1], [2], [3]], 2)
2.7      | re.finditer("a(.)", "abacad")
2.7      | csv.reader(["a,b", "c,d"])
3.4      | struct.iter_unpack("i", b"abcdefgh")
3.5      | os.scandir("/etc")
2.7      | os.walk("/etc/apt")
2.7      | iter(database()[1])
2.7      | iter(tree()[0])
2.7      | tree()[0].iter()
3.7      | iter(big_context(20))
3.7      | iter(big_context(20).items())
3.7      | iter(big_context(20).values())
3.11     | iter(list[int])
2.7      | iter(io.BytesIO(b"a\\nb\\n"))
"""

THINGS = """
# numbers and text
2.7      | [0, 1, -1, 255, 2 ** 30, 2 ** 31, 2 ** 60, -2 ** 64, 10 ** 100, 1.5, 1j, True, None]
2.7      | [Ellipsis, NotImplemented, b"", u"", b"bytes", bytearray(b"ab"), bytearray(1000)]
2.7      | ["ascii", u"caf\\xe9", u"\\u20ac", u"\\U0001f40d", u"\\u20ac" * 1000, "x" * 10000]
3.0      | with_utf8("caf\\xe9 with cached UTF-8")
2.7      | [bytearray(b"x" * 100)[50:], grown_bytearray()]
2.7      | children_of(int, 5) + children_of(int, 2 ** 50) + children_of(float, 1.5)
2.7      | children_of(complex, 1j) + children_of(str, "text") + children_of(bytes, b"bytes")
2.7      | children_of(bytearray, b"bytes") + children_of(type(u""), u"t\\u20acxt")
2.7      | children_of(type(2 ** 100), 2 ** 100) + children_of(type(u""), u"plain")
# containers
2.7      | [[], (), {}, set(), frozenset(), [1], (1,), ([],), {1: []}, set([1]), deep_list(20)]
2.7      | children_of(list, [1]) + children_of(tuple, [1, []]) + children_of(dict, [(1, [])])
2.7      | children_of(set, [1]) + children_of(frozenset, [1]) + children_of(object)
2.7      | [dict((i, [i]) for i in range(n)) for n in (1, 5, 6, 11, 100, 300)]
2.7      | [dict((str(i), [i]) for i in range(n)) for n in (1, 5, 6, 11, 100, 300)]
2.7      | [dict((id(text), [text]) for text in ("a text", "another text"))]
2.7      | [set(range(n)) for n in (1, 4, 5, 8, 20, 100, 1000)]
2.7      | [frozenset(str(i) for i in range(n)) for n in (1, 4, 5, 100)]
2.7      | [list(range(n)) for n in (1, 4, 5, 100)] + [list([1, 2, 3])[1:], [0] * 7]
2.7      | with_deleted(dict((i, [i]) for i in range(50)))
2.7      | with_deleted(dict((str(i), [i]) for i in range(50)))
2.7      | with_deleted(set(range(50)))
2.7      | cycle()
2.7      | [{"a": 1, 2: []}, {None: []}, {(1, 2): []}]
2.7      | [slice(1, [2], 3), range(5), range(2, 2 ** 40 if VERSION[0] > 2 else 8, 2)]
2.7      | [memoryview(b"bytes"), memoryview(bytearray(b"x"))]
3.0      | [memoryview(bytearray(12)).cast("i", (3, 1)), memoryview(b"abc")[1:], released()]
# collections
2.7      | [collections.deque(), collections.deque([[i] for i in range(200)])]
2.7      | [collections.deque([1, 2, 3], 2), rotated(collections.deque(range(100)))]
2.7      | children_of(collections.deque, [1]) + children_of(collections.OrderedDict, [(1, [2])])
2.7      | [collections.OrderedDict(), ordered(3), ordered(100), collections.Counter("text")]
2.7      | [collections.defaultdict(), collections.defaultdict(list, a=[1])]
2.7      | children_of(collections.defaultdict, list) + [collections.namedtuple("N", "a b")(1, [2])]
3.3      | [collections.ChainMap({1: [2]}), collections.UserDict(a=[1]), collections.UserList([1])]
3.0      | [{1: []}.keys(), {1: []}.values(), {1: []}.items()]
3.0      | [ordered(3).items(), ordered(3).keys()]
# classes
2.7      | [Plain(i) for i in range(5)] + [Slots(), Slots([1]), SlotsAndDict([1]), MoreSlots([1])]
2.7      | [shared_then_changed(), Nothing(), DictSlot(), WithMeta(), Descriptor(), SizedByItself()]
2.7      | [SizedByDict(), SizedByMixin(), with_metaclass(type(iter(bytearray())))]
2.7      | [type("Of", (object,), {"__module__": module})() for module in ("", property(len), None)]
2.7      | [many_attributes(n) for n in (5, 29, 30, 31, 60)] + [WithMeta, MetaSlots("M", (), {})]
2.7      | [AbstractMeta, Classic(), object(), type("Local", (Plain, Slots), {"x": [1]})()]
2.7      | [Plain().method, Plain.method, Plain.klass, Plain.__dict__["static"], Plain.prop]
2.7      | [Plain.__dict__["klass"], super(WithMeta, WithMeta()), super(WithMeta), Slots.a]
2.7      | [super(SlotsAndDict, SlotsAndDict()), property(print_nothing, None, None, "doc")]
2.7      | children_of(property) + children_of(staticmethod, len) + children_of(classmethod, len)
2.7      | children_of(type, "Made", (object,), {}) + children_of(super, WithMeta)
2.7 2.7  | [OldStyle, OldStyle(), OldChild(), OldStyle().method, OldStyle.method, OldWithHooks()]
2.7 2.7  | [new.instancemethod(len, [1], list), types.ClassType("K", (), {"a": [1]})]
3.0      | [Keyword, Keyword(), Colour.RED, Colour.GREEN, Colour, Flags.A | Flags.B]
3.0      | [Abstract, dispatched, Typed, Typed[int], Named(1, [2]), typing.List[int]]
3.0      | [typing.Optional[int], typing.Callable[[int], str], typing.Union[int, str], typing.Any]
3.7      | [Data(), Data(2, [3])]
3.8      | with_cached_property()
3.10     | [SlottedData(), SlottedData(2, [3])]
# functions and what hangs from them
2.7      | [closure([1]), closure([1], [2]), empty_cell(), print_nothing, lambda x=[1]: x]
2.7      | [len, [].append, {}.get, "".join, dict.fromkeys, str.upper, list.__init__, [].__len__]
2.7      | [list.__dict__["append"], dict.__dict__["fromkeys"], type.__dict__["__mro__"]]
2.7      | [functools.partial(print_nothing, [1], a=[2]), with_attribute(functools.partial(len))]
2.7      | children_of(functools.partial, print_nothing) + [with_attribute(closure(1))]
2.7      | [operator.itemgetter(1), operator.itemgetter(1, [2]), operator.attrgetter("a.b", "c")]
2.7      | [operator.methodcaller("name", [1], key=[2]), functools.cmp_to_key(print_nothing)]
2.7      | [functools.cmp_to_key(print_nothing)([1])]
3.0      | lru()
3.0      | [keyword_only, functools.partialmethod(print_nothing, 1), functools.wraps(len)]
3.0      | [types.MethodType(len, [1]), types.SimpleNamespace(a=[1]), big_mapping_proxy()]
3.0      | [types.DynamicClassAttribute(print_nothing), Plain.__dict__, sys.implementation]
3.9      | [list[int], dict[str, list[int]], tuple[int, ...], types.GenericAlias(list, (int,))]
3.9      | children_of(types.GenericAlias, list, (int,))
3.10     | [int | str, list[int] | None, types.CellType(), types.CellType([1])]
3.12     | [Parameters, Parameters[int, str, [float]], Parameters().method]
3.12     | [Alias, Alias[int], *buffers()]
3.12     | [Parameters.__type_params__, Alias.__value__, Parameters.method.__type_params__]
3.11     | [typing.TypeVarTuple("Ts"), typing.Unpack[tuple[int]], typing.Self, *annotated()]
# code, frames, generators
2.7      | [code_with_everything(), closure.__code__, symbols(), running_frames]
2.7      | [generator([1]), started27(generator([1])), a_generator_that_runs]
3.0      | [started(coroutine([1])), started(outer([1])), closed(generator([1]))]
3.0      | [started(delegating([1])), coroutine([1]).__await__(), *agen_steps()]
3.0      | [closed(coroutine([1])), started(types.coroutine(generator)([1])), with_origin()]
2.7      | [raised(error) for error in errors()]
2.7      | children_of(Exception, 1) + children_of(OSError, 2, "text") + children_of(SystemExit, 3)
2.7      | [raised(ValueError([1])), with_attribute(ValueError()), KeyError(1), BaseException()]
3.0      | [chained(), chained().__traceback__]
3.0      | [StopIteration([1]), ImportError("x", name="n", path="p")]
3.0      | children_of(ImportError, "m") + children_of(StopIteration, 1) + children_of(KeyError, 1)
3.11     | [group(), split_group(), with_notes()]
# memory of its own
2.7      | [array.array("i", range(100)), array.array("d"), children_of(array.array, "b", b"abc")]
2.7      | [struct.Struct("<iid"), struct.Struct("10s"), zlib.compressobj(), zlib.decompressobj()]
2.7      | [bz2.BZ2Compressor(), bz2.BZ2Decompressor(), hashlib.md5(b"x"), hashlib.sha256()]
3.0      | [lzma.LZMACompressor(), lzma.LZMADecompressor()]
3.0      | [hashlib.blake2b(b"x"), hashlib.sha3_256()]
2.7      | [random.Random(1), children_of(random.Random, 1)]
2.7      | [hmac.new(b"k", b"m", hashlib.md5), uuid.uuid4()]
2.7      | [decimal.Decimal("1.5"), decimal.Decimal(10) ** 100]
2.7      | [decimal.Context(), decimal.getcontext()]
2.7      | children_of(decimal.Decimal, "1.5") + [fractions.Fraction(1, 3), decimal.localcontext()]
# text tools
2.7      | [re.compile("a(b)|[c-f]+"), re.match("(?P<n>a)(b)?", "ac")]
2.7      | [re.compile(b"x"), re.compile("x").scanner("x")]
2.7      | [json.JSONEncoder(), json.JSONDecoder(), json.encoder.c_make_encoder, json_encoder()]
2.7      | [csv.reader(["a"]), csv.writer(io.BytesIO()), csv.Dialect]
2.7      | [csv.get_dialect("excel"), csv.Sniffer(), codecs.getincrementaldecoder("utf-8")()]
2.7      | [codecs.getincrementalencoder("utf-8")(), codecs.lookup("latin-1"), encoding_map()]
3.0      | [codecs.getincrementaldecoder("shift_jis")(), codecs.getincrementalencoder("gb18030")()]
2.7      | [io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), True)]
2.7      | [ast.parse("def f(a=1):\\n return [a, {'b': (2, 3)}]"), "a".__format__]
2.7      | pickled() + tree() + [expat()]
2.7 2.7  | [cPickle.Pickler(cStringIO.StringIO(), 2), cPickle.Unpickler(cStringIO.StringIO("."))]
2.7 2.7  | [cStringIO.StringIO(), cStringIO.StringIO("text")]
2.7 2.7  | [StringIO.StringIO("x"), file("/dev/null")]
# time
2.7      | [datetime.datetime(2020, 1, 1), datetime.date(2020, 1, 1), datetime.time(1, 2)]
2.7      | [datetime.timedelta(1, 2, 3), datetime.datetime(2020, 1, 1, tzinfo=Zone())]
2.7      | [datetime.time(1, tzinfo=Zone()), Zone(), time.gmtime(0), time.struct_time(range(9))]
2.7      | children_of(datetime.datetime, 2020, 1, 1) + children_of(datetime.timedelta, 1)
2.7      | children_of(datetime.date, 2020, 1, 1) + children_of(datetime.time, 1)
3.0      | [datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=1), "name")]
3.0      | [datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))]
3.9      | [datetime.date(2020, 1, 1).isocalendar(), *zones()]
# files, sockets, databases
2.7      | [io.BytesIO(), io.BytesIO(b"x" * 1000), written_bytes_io(), io.FileIO("/dev/null")]
2.7      | children_of(io.BytesIO, b"x") + children_of(io.StringIO, u"x")
2.7      | [io.BufferedReader(io.BytesIO(b"x")), io.BufferedWriter(io.BytesIO())]
2.7      | [io.BufferedRandom(io.BytesIO())]
2.7      | [io.BufferedRWPair(io.BytesIO(), io.BytesIO()), io.open("/etc/passwd")]
2.7      | [io.open("/etc/passwd", "rb")]
2.7      | children_of(io.BufferedReader, io.BytesIO()) + pipe() + temporary()
2.7      | [mmap.mmap(-1, 4096), tempfile.NamedTemporaryFile(), zipfile.ZipFile(io.BytesIO(), "w")]
3.0      | text_file() + string_io() + [memoryview(io.BytesIO(b"text").getbuffer())]
2.7      | [socket.socket(), socket.socketpair(), ssl.SSLContext(ssl.PROTOCOL_TLS), watched()]
2.7      | database()
3.0      | [ssl_object(), selectors.DefaultSelector(), list(os.scandir("/etc"))[:3], os.stat("/")]
2.7      | c_objects()
# threads and tasks
2.7      | [threading.Lock(), threading.RLock(), held(threading.RLock()), threading.Condition()]
2.7      | [threading.Semaphore(), threading.Event(), thread_local()]
2.7      | [threading.Timer(1, len), finished_thread()]
2.7      | children_of(threading.local) + threads()
2.7 2.7  | [Queue.Queue(), thread.allocate_lock()]
3.0      | [queue.Queue(), full(queue.LifoQueue())]
3.0      | [threading.Barrier(2), concurrent.futures.Future()]
3.7      | [queue.SimpleQueue(), full(queue.SimpleQueue()), *children_of(queue.SimpleQueue)]
3.0      | aio()
3.7      | [big_context(n) for n in (0, 1, 5, 20, 200)] + context_tokens() + VARIABLES[:3]
# weakly held, kept by name, and the rest
2.7      | weak()
2.7      | [sys, sys.modules, logger(), sys.version_info, sys.flags, sys.float_info, os.environ]
2.7      | [types.ModuleType("made"), with_attribute(types.ModuleType("other", "doc"))]
2.7      | [warnings.filters]
2.7      | children_of(types.ModuleType, "m") + [tees(), grouped(), os.times(), os.uname()]
2.7      | [datetime.datetime_CAPI, socket.CAPI if hasattr(socket, "CAPI") else None]
3.13     | [with_locals_proxy(), *frame_extra()]
"""

HELPERS = """
class Sequence(object):
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return [i]


class Zone(datetime.tzinfo):
    def utcoffset(self, when):
        return datetime.timedelta(0)


def many_attributes(n):
    plain = type("Many%d" % n, (object,), {})()
    for i in range(n):
        setattr(plain, "a%d" % i, [i])
    return plain


def with_attribute(thing):
    thing.attribute = ["attribute"]
    return thing


def with_utf8(text):
    getattr(codecs, "utf_8_encode")(text)
    ctypes.pythonapi.PyUnicode_AsUTF8AndSize(ctypes.py_object(text), None)
    return text


def grown_bytearray():
    made = bytearray()
    for i in range(100):
        made.append(i)
    del made[:10]
    return made


def released():
    view = memoryview(b"gone")
    view.release()
    return view


def started27(it):
    next(it)
    return it


def closed(it):
    next(it, None) if hasattr(it, "__next__") else it.send(None)
    it.close()
    return it


def errors():
    made = [UnicodeDecodeError("ascii", b"x", 0, 1, "why"), OSError(2, "text", "file"),
            UnicodeEncodeError("ascii", u"x", 0, 1, "why"), SystemExit([1]),
            UnicodeTranslateError(u"x", 0, 1, "why"), SyntaxError("m", ("f", 1, 2, "text")),
            KeyboardInterrupt(), MemoryError(), ZeroDivisionError("x")]
    for name in ("x", "sys.nothing"):
        try:
            eval("undefined_" + name if name == "x" else name)
        except Exception as error:
            made.append(error)
    return made


def json_encoder():
    encoder = json.encoder.c_make_encoder
    if encoder is None:
        return None
    return encoder({}, print_nothing, json.encoder.encode_basestring_ascii, None, ":", ",", False,
                   False, True)


def encoding_map():
    return codecs.charmap_build(u"".join([type(u"")("")] + [chr(i) if VERSION[0] > 2 else unichr(i)
                                                             for i in range(256)]))


def written_bytes_io():
    made = io.BytesIO()
    for _ in range(100):
        made.write(b"text")
    return made


def held(lock):
    lock.acquire()
    return lock


def full(queue):
    queue.put([1])
    queue.put([2])
    return queue


def with_origin():
    sys.set_coroutine_origin_tracking_depth(3) if VERSION > (3, 6) else None
    made = coroutine(1)
    sys.set_coroutine_origin_tracking_depth(0) if VERSION > (3, 6) else None
    return made


def zones():
    try:
        with open("/usr/share/zoneinfo/Europe/Berlin", "rb") as data:
            unnamed = zoneinfo.ZoneInfo.from_file(data)
        return [zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("UTC"), unnamed,
                datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))]
    except (OSError, zoneinfo.ZoneInfoNotFoundError):
        return []


def ssl_object():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    context.check_hostname = False
    waiting = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
    try:
        waiting.do_handshake()
    except ssl.SSLWantReadError as error:
        return [ssl.MemoryBIO(), waiting, error]


def with_notes():
    error = ValueError("noted")
    error.add_note("note")
    return error


def annotated():
    return [typing.Annotated[int, "x"], typing.Literal["a"], typing.ParamSpec("P")]


def with_locals_proxy():
    local = [1]
    frame = sys._getframe()
    frame.f_locals["extra"] = [2]
    return [frame.f_locals, frame]


def frame_extra():
    frame = next(generator_frame())
    return [frame, frame.f_locals]
"""


def make_space():
    """A module's namespace with all that the tables refer to."""
    space = {"__name__": "zoo", "VERSION": VERSION, "sys": sys, "warnings": warnings}
    for name in lines_of(MODULES):
        exec("import " + name, space)
    exec(CLASSES, space)
    if VERSION[0] == 2:
        exec(CLASSES_OF_2, space)
    for since, text in (((3, 0), CLASSES_OF_3), ((3, 7), CLASSES_OF_3_7), ((3, 8), CLASSES_OF_3_8),
                        ((3, 10), CLASSES_OF_3_10), ((3, 11), CLASSES_OF_3_11),
                        ((3, 12), CLASSES_OF_3_12)):
        if VERSION >= since:
            exec(text, space)
    exec(HELPERS, space)
    return space


space = make_space()
things = keep_all(THINGS, space)
iterators = keep_iterators(ITERATORS, space)

if __name__ == "__main__":
    recorder.record_and_wait(sys.argv[1])
