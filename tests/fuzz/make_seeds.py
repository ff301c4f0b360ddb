#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the seeds of fuzz_family: small heaps of well-formed objects, for each layout.

    tests/fuzz/make_seeds.py

Which types there are it reads in image.c, which members are moved (squeeze() there) in
cpython.def, where the others are in layouts/.
"""

import collections
import os
import re
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "corpus", "family")
STATIC, TYPE_BYTES, KEYS, STRS, HEAP = 0x10000, 0x400, 0x20000, 0x21000, 0x100000
IN_TWO, BY_CALLBACK, COLLECTING, IN_INPUT, EMULATED = 1, 2, 8, 16, 32
GENERAL, UNICODE, SPLIT = 0, 1, 2

with open(os.path.join(HERE, "image.c"), encoding="utf-8") as source_file:
    SOURCE = source_file.read()
TYPES = re.findall(r'^\tT\("([^"]*)", ', SOURCE, re.MULTILINE)
LAYOUTS = re.findall(r'"([\w.]+)"', re.search(r"layout_names\[\] = \{(.*?)\}", SOURCE,
                                            re.DOTALL).group(1))
with open(os.path.join(HERE, "..", "..", "ccore", "layout", "cpython.def"),
          encoding="utf-8") as table:
    MOVED = re.findall(r"^FIELD\((\w+), (?:runtime|PyInterpreterState|PyThreadState),",
                       table.read(), re.MULTILINE)


class Layout(object):
    def __init__(self, name):
        self.size, self.field, self.version = collections.defaultdict(lambda: 80), {}, 0
        with open(os.path.join(HERE, "layouts", name), encoding="ascii") as text:
            for line in text:
                kind, row, rest = line.rstrip().split(" ", 2)
                # member paths of edges have no spaces
                numbers = [int(n) for n in rest.split(" ")]
                if kind == "V":
                    self.version = numbers[0]
                elif kind == "S":
                    self.size[row] = numbers[0]
                elif kind == "F":
                    self.field[row] = numbers
        for i, row in enumerate(MOVED):
            if row in self.field:
                self.field[row][0] = i * 8

    def has(self, field):
        return field in self.field

    def off(self, field):
        return self.field[field][0]


class Heap(object):
    """Objects one after the other from HEAP on."""

    def __init__(self, layout):
        self.layout = layout
        self.data = bytearray()

    def room(self, size):
        address = HEAP + len(self.data)
        self.data += bytes(-(-size // 8) * 8)
        return address

    def word(self, at, value, size=8):
        value &= (1 << 8 * size) - 1
        self.data[at - HEAP:at - HEAP + size] = value.to_bytes(size, "little")

    def put(self, at, **fields):
        for field, value in fields.items():
            if not self.layout.has(field):
                continue
            off, size, bit_off, bits = self.layout.field[field]
            if bits:
                old = self.data[at - HEAP + off:at - HEAP + off + size]
                value = int.from_bytes(old, "little") | value << bit_off
            self.word(at + off, value, min(size, 8))

    def new(self, type_name, size, **fields):
        at = self.room(size)
        kind = type_name if isinstance(type_name, int) \
            else STATIC + TYPES.index(type_name) * TYPE_BYTES
        self.put(at, OB_REFCNT=1, OB_REF_LOCAL=1, OB_TYPE=kind, **fields)
        return at

    def words(self, values):
        at = self.room(8 * len(values))
        for i, value in enumerate(values):
            self.word(at + 8 * i, value)
        return at

    def str(self, text):
        layout = self.layout
        if not layout.has("STR_LENGTH"):
            at = self.new("str", layout.off("BYTES_SVAL") + len(text) + 1, OB_SIZE=len(text))
            start = at + layout.off("BYTES_SVAL")
        else:
            at = self.new("str", layout.size["PyASCIIObject"] + len(text) + 1,
                          STR_LENGTH=len(text), STR_KIND=1, STR_COMPACT=1, STR_ASCII=1,
                          STR_READY=1)
            start = at + layout.size["PyASCIIObject"]
        self.data[start - HEAP:start - HEAP + len(text)] = text.encode()
        return at

    def wide_str(self, units, unit=2):
        if not self.layout.has("STR_LENGTH"):
            buf = self.room(4 * len(units))
            for i, c in enumerate(units):
                self.word(buf + 4 * i, c, 4)
            return self.new("unicode", self.layout.size["PyUnicodeObject"],
                            UNICODE27_LENGTH=len(units), UNICODE27_STR=buf)
        at = self.new("str", self.layout.size["PyCompactUnicodeObject"] + unit * len(units),
                      STR_LENGTH=len(units), STR_KIND=unit, STR_COMPACT=1, STR_READY=1)
        for i, c in enumerate(units):
            self.word(at + self.layout.size["PyCompactUnicodeObject"] + unit * i, c, unit)
        return at

    def legacy_str(self, text):
        buf = self.words([int.from_bytes(text.encode(), "little")])
        return self.new("str", self.layout.size["PyUnicodeObject"], STR_LENGTH=len(text),
                        STR_KIND=1, STR_READY=1, STR_DATA=buf, UNICODE27_LENGTH=len(text) // 4,
                        UNICODE27_STR=buf)

    def int(self, value, digits=1):
        at = self.new("int", 24 + 4 * digits, OB_SIZE=digits, INT27_IVAL=value)
        if self.layout.has("LONG_TAG"):
            self.put(at, LONG_TAG=digits << 3)
        if not self.layout.has("INT27_IVAL"):
            for i in range(digits):
                self.word(at + self.layout.off("LONG_DIGIT") + 4 * i, value, 4)
        return at

    def tuple(self, items):
        at = self.new("tuple", self.layout.off("TUPLE_ITEM") + 8 * len(items), OB_SIZE=len(items))
        for i, item in enumerate(items):
            self.word(at + self.layout.off("TUPLE_ITEM") + 8 * i, item)
        return at

    def list(self, items):
        return self.new("list", self.layout.size["PyListObject"], OB_SIZE=len(items),
                        LIST_ITEM=self.words(items), LIST_ALLOCATED=len(items))

    def keys(self, items, kind=GENERAL):
        layout = self.layout
        unicode = kind != GENERAL and layout.has("UENTRY_KEY")
        entry = layout.size["PyDictUnicodeEntry" if unicode else "PyDictKeyEntry"]
        at = self.room(layout.off("DK_INDICES") + 8 + entry * 5)
        self.put(at, DK_REFCNT=1, DK_SIZE=8, DK_LOG2_SIZE=3, DK_LOG2_INDEX_BYTES=3, DK_KIND=kind,
                 DK_NENTRIES=len(items), DK_USABLE=5 - len(items))
        for i, (key, value) in enumerate(items):
            base = at + layout.off("DK_INDICES") + 8 + entry * i
            self.word(base + layout.off("UENTRY_KEY" if unicode else "ENTRY_KEY"), key)
            self.word(base + layout.off("UENTRY_VALUE" if unicode else "ENTRY_VALUE"), value)
        return at

    def dict(self, items, kind=GENERAL):
        layout = self.layout
        if not layout.has("MA_KEYS"):
            entry = layout.size["PyDictKeyEntry"]
            table = self.room(entry * 8)
            for i, (key, value) in enumerate(items):
                self.word(table + entry * i + layout.off("ENTRY_KEY"), key)
                self.word(table + entry * i + layout.off("ENTRY_VALUE"), value)
            return self.new("dict", layout.size["PyDictObject"], MA_USED=len(items), MA_MASK=7,
                            MA_TABLE=table)
        values = 0
        if kind == SPLIT:
            values = self.words([0] * (layout.off("VALUES_VALUES") // 8
                                       if layout.has("VALUES_VALUES") else 0)
                                + [value for _, value in items])
        return self.new("dict", layout.size["PyDictObject"], MA_USED=len(items),
                        MA_KEYS=self.keys(items, kind), MA_VALUES=values)

    def code(self, names, stack=2):
        name = self.str("f")
        return self.new("code", self.layout.size["PyCodeObject"] + 8, CO_STACKSIZE=stack,
                        CO_NLOCALS=len(names), CO_NLOCALSPLUS=len(names),
                        CO_LOCALSPLUSNAMES=self.tuple(names), CO_VARNAMES=self.tuple(names),
                        CO_NAME=name, CO_QUALNAME=name, CO_FILENAME=name)

    def iframe(self, at, code, locals_, previous=0, owner=0):
        slots = at + self.layout.off("IF_LOCALSPLUS")
        self.put(at, IF_EXECUTABLE=code, IF_PREVIOUS=previous, IF_STACKTOP=len(locals_),
                 IF_STACKPOINTER=slots + 8 * len(locals_), IF_OWNER=owner)
        for i, value in enumerate(locals_):
            self.word(slots + 8 * i, value)

    def frame(self, code, locals_, back=0):
        layout = self.layout
        if not layout.has("F_CODE"):
            inner = self.room(layout.size["InterpreterFrame"] + 8 * len(locals_) + 16)
            at = self.new("frame", layout.size["PyFrameObject"], F_FRAME=inner, F_BACK=back)
            self.iframe(inner, code, locals_, owner=2)
            return at
        at = self.new("frame", layout.size["PyFrameObject"] + 8 * len(locals_) + 16,
                      F_CODE=code, F_BACK=back, F_STACKDEPTH=0)
        slots = at + layout.off("F_LOCALSPLUS")
        for i, value in enumerate(locals_):
            self.word(slots + 8 * i, value)
        self.put(at, F_VALUESTACK=slots + 8 * len(locals_), F_STACKTOP=slots + 8 * len(locals_))
        return at

    def generator(self, code, locals_):
        layout = self.layout
        at = self.new("generator", layout.size["PyGenObject"] + 256, GI_CODE=code)
        if layout.has("GI_IFRAME"):
            self.iframe(at + layout.off("GI_IFRAME"), code, locals_, owner=1)
        else:
            self.put(at, GI_FRAME=self.frame(code, locals_))
        return at

    def type(self, name, base="object", meta="type", flags=1 << 9 | 1 << 14, basicsize=48):
        text = self.room(len(name) + 1)
        self.data[text - HEAP:text - HEAP + len(name)] = name.encode()
        name_object = self.str(name)
        return self.new(meta, self.layout.size["PyHeapTypeObject"], TP_NAME=text,
                        TP_BASICSIZE=basicsize, TP_FLAGS=flags,
                        TP_BASE=STATIC + TYPES.index(base) * TYPE_BYTES, HT_NAME=name_object,
                        HT_QUALNAME=name_object, HT_CACHED_KEYS=KEYS,
                        TP_DICT=self.dict([(self.str("__module__"), self.str("m"))]))

    def gc_list(self, head, objects):
        """Chain `objects`, each behind a GC head of its own, and the anchor at `head`."""
        nodes = [head] + [at - self.layout.size["PyGC_Head"] for at in objects]
        for node, after in zip(nodes, nodes[1:] + nodes[:1]):
            self.put(node, GC_NEXT=after)
            self.put(after, GC_PREV=node)


def containers(heap):
    a, n = heap.str("a"), heap.int(7)
    heap.tuple([a, n, heap.list([n, n, a])])


def dicts(heap):
    a, n = heap.str("a"), heap.int(7)
    heap.dict([(a, n), (n, heap.dict([(a, a)], UNICODE))])
    heap.dict([(a, n)], SPLIT)


def sets(heap):
    n = heap.int(7)
    entry = heap.layout.size["setentry"]
    at = heap.new("set", heap.layout.size["PySetObject"], SET_USED=2, SET_MASK=7)
    table = at + heap.layout.off("SET_SMALLTABLE")
    heap.put(at, SET_TABLE=table)
    for i in range(2):
        heap.word(table + entry * i + heap.layout.off("SETENTRY_KEY"), n)


def texts(heap):
    heap.wide_str([0x41, 0xd800, 0x20ac])
    heap.wide_str([0x41, 0x1f600], 4)
    heap.legacy_str("abcdefgh")
    heap.str("tab\tand \x01")
    heap.new("bytes", 48, OB_SIZE=12)
    heap.new("bytearray", 64, OB_SIZE=3, BYTEARRAY_ALLOC=4)


def numbers(heap):
    heap.int(5)
    heap.int(5, 3)
    heap.int(5, 9)
    heap.new("bool", 32, OB_SIZE=1, INT27_IVAL=1)
    heap.new("float", 24, FLOAT_FVAL=struct.unpack("<Q", struct.pack("<d", 1.5))[0])
    heap.new("long", 32, OB_SIZE=-1)


def frames(heap):
    a = heap.str("a")
    code = heap.code([a, a])
    heap.frame(code, [a, code], back=heap.frame(code, [a, a]))


def generators(heap):
    a = heap.str("a")
    heap.generator(heap.code([a]), [a])


def instances(heap):
    layout = heap.layout
    a = heap.str("a")
    d = heap.dict([(a, a)], UNICODE)
    heap.room(32)
    at = heap.new("C", 112)
    if layout.has("VALUES_VALID"):  # inline values follow the object
        heap.word(at + 80, 1 << 8 * (layout.off("VALUES_VALID")) | 2)
        heap.word(at + 80 + layout.off("VALUES_VALUES"), a)
    else:
        heap.word(at - 24, d)
    heap.word(at + 16, d)
    heap.room(32)
    heap.word(heap.new("C", 112) - 32, heap.words([a, a]))
    heap.word(heap.new("S", 96) + 16, a)
    v = heap.new("V", 104, OB_SIZE=1)
    heap.word(v + 24, a)
    heap.word(v + 80, d)
    heap.word(heap.new("ext.Opaque", 80) + 24, d)


def types(heap):
    one = heap.type("One")
    two = heap.type("Two", meta=one, flags=1 << 9 | 1 << 14 | 1 << 31, basicsize=900)
    heap.new(one, 64)
    heap.new(two, 64)


def named(heap):
    layout = heap.layout
    a = heap.str("a")
    d = heap.dict([(heap.str("__name__"), a)], UNICODE)
    f = heap.new("function", layout.size["PyFunctionObject"], FUNC_NAME=a, FUNC_QUALNAME=a)
    heap.new("module", layout.size["PyModuleObject"], MD_DICT=d, MD_NAME=a)
    heap.new("method", layout.size["PyMethodObject"], IM_FUNC=f, IM_SELF=d)
    heap.new("builtin_function_or_method", layout.size["PyCFunctionObject"],
             M_ML=heap.words([STRS, 0]))
    heap.new("BaseException", layout.size["PyBaseExceptionObject"], EXC_ARGS=heap.tuple([a]))
    heap.new("weakref", layout.size["PyWeakReference"], WR_OBJECT=f)
    heap.new("cell", layout.size["PyCellObject"], CELL_REF=f)
    heap.new("traceback", layout.size["PyTracebackObject"], TB_LINENO=3,
             TB_FRAME=heap.frame(heap.code([a]), [a]))
    if "PyClassObject" in layout.size and layout.has("CL_NAME"):
        c = heap.new("classobj", layout.size["PyClassObject"], CL_NAME=a, CL_DICT=d)
        heap.new("instance", layout.size["PyInstanceObject"], IN_CLASS=c, IN_DICT=d)


def stdlib(heap):
    layout = heap.layout
    a = heap.str("a")
    if layout.has("DEQUE_DATA"):
        block = heap.room(layout.size["dequeblock"])
        heap.word(block + layout.off("DEQUE_DATA"), a)
        heap.new("collections.deque", layout.size["dequeobject"], OB_SIZE=1, DEQUE_LEFT=block,
                 DEQUE_LEN27=1)
    if layout.has("ODNODE_KEY"):
        nodes = [heap.room(layout.size["odictnode"]) for _ in range(2)]
        for node, after in zip(nodes, nodes[1:] + [0]):
            heap.put(node, ODNODE_KEY=a, ODNODE_NEXT=after)
        heap.new("collections.OrderedDict", layout.size["odictobject"], MA_USED=2,
                 MA_KEYS=heap.keys([(a, a), (heap.int(7), a)]), OD_FIRST=nodes[0],
                 OD_FAST_NODES_SIZE=8)
    if layout.has("LRU_ROOT"):
        at = heap.new("functools._lru_cache_wrapper", layout.size["lru_cache_object"])
        element = heap.new("ext.Opaque", layout.size["lru_list_elem"], LRU_KEY=a, LRU_RESULT=a,
                           LRU_NEXT=at + layout.off("LRU_ROOT"))
        heap.put(at + layout.off("LRU_ROOT"), LRU_NEXT=element)
    if layout.has("BUFFERED_SIZE"):
        heap.new("_io.BufferedReader", layout.size["buffered"], BUFFERED_BUFFER=a,
                 BUFFERED_SIZE=8192)


def gc_lists(heap):
    """The anchors are at HEAP, HEAP + 32 and HEAP + 256: make_runtime() looks for them there."""
    heap.room(288)
    a = heap.str("a")
    on_list = []
    for _ in range(4):
        heap.room(heap.layout.size["PyGC_Head"])
        on_list.append(heap.tuple([a]))
    heap.gc_list(HEAP, on_list[:2])
    heap.gc_list(HEAP + 32, on_list[2:])
    heap.gc_list(HEAP + 256, [])


def runtime(heap):
    """An interpreter at HEAP with a thread, a frame and sys.hexversion."""
    heap.room(8 * len(MOVED) + 512)
    hexversion = heap.int(0)
    layout = heap.layout
    at = layout.off("INT27_IVAL") if layout.has("INT27_IVAL") else layout.off("LONG_DIGIT")
    heap.word(hexversion + at, layout.version, 4)
    name = heap.str("hexversion")
    a = heap.str("a")
    sysdict = heap.dict([(name, hexversion)], UNICODE)
    code = heap.code([a])
    thread = heap.room(8 * len(MOVED))
    frame = heap.frame(code, [a])
    if not layout.has("F_CODE"):
        frame = int.from_bytes(
            heap.data[frame - HEAP + layout.off("F_FRAME"):][:8], "little")
    cframe = heap.words([frame, frame, frame])
    heap.put(HEAP, IS_SYSDICT=sysdict, IS_MODULES=sysdict, IS_BUILTINS=sysdict, IS_THREADS=thread)
    heap.put(thread, TS_INTERP=HEAP, TS_FRAME=frame, TS_CFRAME=cframe, TS_DICT=sysdict,
             TS_THREAD_ID=5, TS_NATIVE_ID=6)
    return thread, frame


# --- lies, each of which once was believed

def str_ends_with_memory(heap):
    """What a legacy str has beyond the compact one's struct is not there."""
    layout = heap.layout
    heap.new("str", layout.size.get("PyASCIIObject", 24), STR_LENGTH=4, STR_KIND=1, STR_READY=1)


def least_number(heap):
    """ob_size whose absolute value is no int64_t."""
    heap.new("int", 32, OB_SIZE=-1 << 63)
    heap.new("V", 104, OB_SIZE=-1 << 63)


def types_of_other_versions(heap):
    for name in ("unicode", "classobj", "instance", "long", "bytearray", ""):
        heap.new(name, 96)


def class_without_a_name(heap):
    layout = heap.layout
    empty = heap.str("")
    kind = heap.new("type", layout.size["PyHeapTypeObject"], TP_NAME=heap.words([0]),
                    TP_BASICSIZE=32, TP_FLAGS=1 << 9, TP_BASE=STATIC, HT_NAME=empty,
                    HT_QUALNAME=empty)
    heap.new(kind, 32)
    if layout.has("CL_NAME"):
        old = heap.new("classobj", layout.size["PyClassObject"], CL_NAME=empty)
        heap.new("instance", layout.size["PyInstanceObject"], IN_CLASS=old)


def dict_child_smaller_than_dict(heap):
    heap.new(heap.type("D", base="dict", basicsize=16), 24)


def code_child_smaller_than_code(heap):
    heap.new(heap.type("D", base="code", basicsize=16), 24)


def metatype_smaller_than_type(heap):
    heap.new(heap.type("M", flags=1 << 9 | 1 << 14 | 1 << 31, basicsize=16), 24)


def base_is_itself(heap):
    kind = heap.type("B")
    heap.put(kind, TP_BASE=kind)
    heap.new(kind, 64)


def frame_is_its_own_caller(heap, owner=0):
    """And the thread is followed by itself."""
    thread, frame = runtime(heap)
    heap.put(thread, TS_NEXT=thread)
    if heap.layout.has("F_CODE"):
        heap.put(frame, F_BACK=frame)
    else:
        heap.put(frame, IF_PREVIOUS=frame, IF_OWNER=owner)


def hidden_frame_is_its_own_caller(heap):
    frame_is_its_own_caller(heap, 3)


def loops_of_nodes(heap):
    layout = heap.layout
    if layout.has("ODNODE_KEY"):
        node = heap.room(layout.size["odictnode"])
        heap.put(node, ODNODE_NEXT=node)
        heap.new("collections.OrderedDict", layout.size["odictobject"], MA_USED=1 << 62,
                 MA_KEYS=heap.keys([]), OD_FIRST=node)
    if layout.has("LRU_ROOT"):
        element = heap.room(layout.size["lru_list_elem"])
        heap.put(element, LRU_NEXT=element)
        at = heap.new("functools._lru_cache_wrapper", layout.size["lru_cache_object"])
        heap.put(at + layout.off("LRU_ROOT"), LRU_NEXT=element)
    if layout.has("DEQUE_DATA"):
        block = heap.room(layout.size["dequeblock"])
        heap.put(block, DEQUE_RIGHT=block)
        heap.new("collections.deque", layout.size["dequeobject"], OB_SIZE=1 << 62,
                 DEQUE_LEFT=block, DEQUE_LEN27=1 << 62)


def no_interpreter(heap):
    """The list of interpreters leads to where none can be."""
    heap.words([HEAP + 3] * 32)


def extensions(heap):
    """What asyncio, itertools, sqlite3 and others keep outside their structs."""
    layout = heap.layout
    a = heap.str("a")
    pool = heap.tuple([a, a])

    def new(type_name, struct, **fields):
        if layout.size.get(struct):
            return heap.new(type_name, layout.size[struct], **fields)
        return 0

    new("itertools.combinations", "combinations", COMBINATIONS_R=2)
    new("itertools.permutations", "permutations", PERMUTATIONS_R=2, PERMUTATIONS_POOL=pool)
    new("itertools.product", "product", PRODUCT_POOLS=pool)
    new("_io.BytesIO", "bytesio", BYTESIO_BUF=heap.new("bytes", 40, OB_SIZE=4))
    new("datetime.datetime", "datetime", DATETIME_HAS_ZONE=1, DATETIME_ZONE=a)
    new("datetime.time", "time", TIME_HAS_ZONE=1, TIME_ZONE=a)
    new("_queue.SimpleQueue", "simple_queue", QUEUE_ITEMS=heap.words([a, 0, a]), QUEUE_N=2,
        QUEUE_CAPACITY=3, QUEUE_FIRST=2)
    if layout.has("TEE_VALUES"):
        tee = new("itertools._tee_dataobject", "teedata", TEE_NUMREAD=1)
        heap.word(tee + layout.off("TEE_VALUES"), a)
    if layout.has("HAMT_BITMAP_ARRAY"):
        for name in ("bitmap", "collision"):
            node = heap.new("hamt_%s_node" % name, 48, OB_SIZE=2)
            heap.word(node + layout.off("HAMT_%s_ARRAY" % name.upper()), a)
        heap.word(new("hamt_array_node", "PyHamtNode_Array") + layout.off("HAMT_ARRAY_ARRAY"), a)
    if layout.has("ARRAYDESCR_ITEMSIZE"):
        descr = heap.room(layout.size["arraydescr"])
        heap.put(descr, ARRAYDESCR_ITEMSIZE=4)
        new("array.array", "arrayobject", ARRAY_ALLOCATED=8, ARRAY_DESCR=descr)
    if layout.has("EXTRA_CHILDREN"):
        extra = heap.room(layout.size["element_extra"])
        element = new("xml.etree.ElementTree.Element", "element", ELEMENT_TEXT=a | 1,
                      ELEMENT_TAIL=a, ELEMENT_EXTRA=extra)
        heap.put(extra, EXTRA_ATTRIB=a, EXTRA_LENGTH=1, EXTRA_ALLOCATED=8,
                 EXTRA_CHILDREN=heap.words([element]))
        stack = heap.room(layout.size["parent_locator"])
        heap.put(stack, LOCATOR_PARENT=element)
        new("_elementtree._element_iterator", "element_iterator", ELEMENT_ITER_STACK=stack,
            ELEMENT_ITER_USED=1)
    if layout.has("SQLITE_TRACE"):
        callback = heap.room(layout.size["sqlite_callback"])
        heap.put(callback, SQLITE_CALLABLE=a, SQLITE_MODULE=a)
        new("sqlite3.Connection", "sqlite_connection", SQLITE_TRACE=callback)
    if layout.has("STRUCT_CODES"):
        codes = heap.room(2 * layout.size["formatcode"])
        heap.put(codes, FORMATCODE_DEF=HEAP)
        new("_struct.Struct", "struct", STRUCT_CODES=codes)


def struct_sequence(heap):
    """The class dict, which is first, says that there are more fields than are counted."""
    layout = heap.layout
    at = heap.room(layout.size["PyDictObject"])
    items = [(heap.str(name), heap.int(3)) for name in ("n_fields", "n_sequence_fields")]
    other = heap.dict(items)
    size = layout.size["PyDictObject"]
    heap.data[at - HEAP:at - HEAP + size] = heap.data[other - HEAP:other - HEAP + size]
    values = heap.new("structseq", layout.off("TUPLE_ITEM") + 24, OB_SIZE=1)
    for i in range(3):
        heap.word(values + layout.off("TUPLE_ITEM") + 8 * i, at)


def extensions_with_wild_counts(heap):
    layout = heap.layout
    wild = 1 << 61
    for type_name, struct, fields in (
            ("itertools.combinations", "combinations", {"COMBINATIONS_R": wild}),
            ("itertools.permutations", "permutations", {"PERMUTATIONS_R": -1}),
            ("itertools._tee_dataobject", "teedata", {"TEE_NUMREAD": 0x7fffffff}),
            ("itertools._tee_dataobject", "teedata", {"TEE_NUMREAD": 0x80000000}),
            ("array.array", "arrayobject", {"ARRAY_ALLOCATED": wild, "ARRAY_DESCR": HEAP}),
            ("_queue.SimpleQueue", "simple_queue",
             {"QUEUE_N": wild, "QUEUE_CAPACITY": wild, "QUEUE_FIRST": wild - 1}),
            ("_elementtree._element_iterator", "element_iterator",
             {"ELEMENT_ITER_USED": wild, "ELEMENT_ITER_STACK": HEAP}),
            ("xml.etree.ElementTree.Element", "element", {"ELEMENT_EXTRA": HEAP}),
            ("_struct.Struct", "struct", {"STRUCT_CODES": HEAP}),
            ("hamt_bitmap_node", "PyHamtNode_Bitmap", {"OB_SIZE": wild})):
        if layout.size.get(struct):
            heap.new(type_name, layout.size[struct], **fields)


def code_of_its_own(heap):
    """Types of an extension: one's code visits its object's first word, one's never ends."""
    heap.room(288)  # as in gc_lists()
    visits = heap.words([0, 0, 0])
    code = bytes.fromhex("488b7f10" "4889d0" "4889f2" "4889c6" "ffe2")  # visit(o->first, arg)
    heap.data[visits - HEAP:visits - HEAP + len(code)] = code
    endless = heap.words([0xfeeb])
    on_list = []
    for function in (visits, endless):
        kind = heap.type("K")
        heap.put(kind, TP_TRAVERSE=function)
        heap.room(heap.layout.size["PyGC_Head"])
        at = heap.new(kind, 48)
        heap.word(at + 16, at)
        on_list.append(at)
    for head, objects in ((HEAP, on_list), (HEAP + 32, []), (HEAP + 256, [])):
        heap.gc_list(head, objects)


TRUTHS = (containers, dicts, sets, texts, numbers, frames, generators, instances, types, named,
          stdlib, extensions, struct_sequence, gc_lists, runtime)
LIES = (str_ends_with_memory, least_number, types_of_other_versions, class_without_a_name,
        dict_child_smaller_than_dict, code_child_smaller_than_code, metatype_smaller_than_type,
        base_is_itself, frame_is_its_own_caller, hidden_frame_is_its_own_caller, loops_of_nodes,
        extensions_with_wild_counts, no_interpreter)


def write(layout, make, how, suffix=""):
    heap = Heap(Layout(layout))
    make(heap)
    assert len(heap.data) <= 4096, (layout, make.__name__, len(heap.data))
    path = os.path.join(CORPUS, "%s-%s%s" % (make.__name__.replace("_", "-"), layout, suffix))
    with open(path, "wb") as out:
        out.write(bytes((LAYOUTS.index(layout), how)) + heap.data)


def main():
    os.makedirs(CORPUS, exist_ok=True)
    for i, layout in enumerate(LAYOUTS):
        if layout == "debian":  # much like another
            continue
        for k, make in enumerate(TRUTHS):
            write(layout, make, (0, IN_TWO, BY_CALLBACK, 0, COLLECTING)[(i + k) % 5])
    for layout in ("2.7", "3.11", "3.13"):
        for make in LIES:
            write(layout, make, IN_INPUT if make is no_interpreter else 0)
        for make in (code_of_its_own, extensions, instances, gc_lists):
            write(layout, make, EMULATED, "-emulated")


if __name__ == "__main__":
    main()
