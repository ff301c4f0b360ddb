#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the seeds of fuzz_frame: a thread's state at HEAP and its frames, for each layout.

    tests/fuzz/make_frame_seeds.py
"""

import os

import make_seeds
from make_seeds import BY_CALLBACK, HEAP, IN_TWO, LAYOUTS, MOVED, Heap, Layout

CORPUS = os.path.join(make_seeds.HERE, "corpus", "frame")
WILD = 0x4141414141414140
GENERATOR = 0x20  # CO_GENERATOR
OPTIMIZED = 0x3  # CO_OPTIMIZED, CO_NEWLOCALS
OWNED_BY_GENERATOR = 1
TAGS = (0, 1, 2, 3)


class Stack(object):
    """A thread's frames, from the outermost on; the last one is the one that runs."""

    def __init__(self, heap):
        self.heap = heap
        self.layout = heap.layout
        # the thread's state, then words of its C stack
        self.c_stack = heap.room(8 * len(MOVED) + 128) + 8 * len(MOVED)
        name = heap.str("a")
        self.globals = heap.dict([(name, name)], make_seeds.UNICODE)
        self.name = name
        self.frames = []
        self.are_objects = self.layout.has("F_CODE")
        self.code = self.make_code(0)
        if not self.are_objects:
            layout = self.layout
            size = layout.off("CHUNK_DATA") + 6 * self.frame_size()
            self.chunk = heap.room(size)
            self.top = self.chunk + layout.off("CHUNK_DATA")
            heap.put(self.chunk, CHUNK_SIZE=size)

    def put_on_c_stack(self, word):
        self.heap.word(self.c_stack, word)
        self.c_stack += 8

    def make_code(self, flags):
        heap, layout = self.heap, self.layout
        code = heap.code([self.name, self.name])
        heap.put(code, OB_SIZE=4, CO_FLAGS=OPTIMIZED | flags, CO_FIRSTLINENO=7)
        table = heap.new("bytes", layout.off("BYTES_SVAL") + 16, OB_SIZE=8)
        start = table + layout.off("BYTES_SVAL") - HEAP
        heap.data[start:start + 8] = b"\x02\x01\x04\x02\xf1\x80\x10\x01"
        heap.put(code, CO_LINETABLE=table)
        if not layout.has("CO_CODE_ADAPTIVE"):
            heap.put(code, CO_CODE=heap.new("bytes", layout.off("BYTES_SVAL") + 16, OB_SIZE=8))
        return code

    def frame_size(self):
        return self.layout.off("IF_LOCALSPLUS") + 8 * 4

    def fill(self, at, code, locals_, owner=0):
        heap, layout = self.heap, self.layout
        heap.put(at, IF_EXECUTABLE=code, IF_OWNER=owner, IF_GLOBALS=self.globals,
                 IF_PREVIOUS=self.frames[-1] if self.frames else 0, IF_IS_ENTRY=1,
                 IF_STACKTOP=-1 & 0xffffffff)
        if layout.has("CO_CODE_ADAPTIVE"):
            heap.put(at, IF_INSTR=code + layout.off("CO_CODE_ADAPTIVE") + 4)
        for i, value in enumerate(locals_):
            heap.word(at + layout.off("IF_LOCALSPLUS") + 8 * i, value)
        self.frames.append(at)

    def push(self, *locals_):
        heap, layout = self.heap, self.layout
        if not self.are_objects:
            self.fill(self.top, self.code, locals_)
            self.top += self.frame_size()
            return
        at = heap.frame(self.code, (list(locals_) + [0, 0])[:2],
                        back=self.frames[-1] if self.frames else 0)
        heap.put(at, F_GLOBALS=self.globals, F_EXECUTING=1, F_LASTI=2, F_LINENO=9,
                 F_STACKDEPTH=-1 & 0xffffffff)
        if not layout.has("F_STACKDEPTH"):
            heap.word(at + layout.off("F_STACKTOP"), 0)
        self.put_on_c_stack(at)
        self.frames.append(at)

    def push_generator(self, kind="generator"):
        """One that is running; its caller has it in its value stack."""
        heap, layout = self.heap, self.layout
        if self.are_objects:
            self.push(self.name)
            return
        code = self.make_code(GENERATOR)
        at = heap.new(kind, layout.size["PyGenObject"] + 64, GI_CODE=code,
                      GI_FRAME_STATE=4 if layout.version >= 0x030f0000 else 0)
        heap.word(self.frames[-1] + layout.off("IF_LOCALSPLUS") + 16, at)
        self.put_on_c_stack(at)
        self.fill(at + layout.off("GI_IFRAME"), code, [self.name], OWNED_BY_GENERATOR)

    def link(self, i, to):
        field = {"F_BACK" if self.are_objects else "IF_PREVIOUS": to}
        self.heap.put(self.frames[i], **field)

    def done(self):
        self.heap.word(HEAP, self.frames[-1])
        if not self.are_objects:
            self.heap.put(HEAP, TS_DATASTACK_CHUNK=self.chunk, TS_DATASTACK_TOP=self.top)
            self.heap.word(HEAP, self.frames[-1])


def plain(stack):
    stack.push()
    stack.push(stack.name, stack.globals)
    stack.push(stack.name)


def generators(stack):
    stack.push(stack.name)
    stack.push_generator()
    stack.push_generator("coroutine")
    stack.push(stack.name)


def broken_link(stack):
    plain(stack)
    stack.link(-1, WILD)


def broken_before_a_generator(stack):
    generators(stack)
    stack.link(-1, WILD)


def broken_behind_a_generator(stack):
    generators(stack)
    stack.link(1, WILD)


def cycle(stack):
    plain(stack)
    stack.link(0, stack.frames[-1])


def its_own_caller(stack):
    plain(stack)
    stack.link(-1, stack.frames[-1])


def generators_call_each_other(stack):
    generators(stack)
    stack.link(1, stack.frames[2])


def half_a_code_object(stack):
    plain(stack)
    stack.heap.put(stack.code, CO_NAME=WILD, CO_NLOCALSPLUS=1 << 30, CO_NLOCALS=1 << 30,
                   CO_LINETABLE=stack.name)


def tagged_references(stack):
    stack.push(*(stack.name | tag for tag in TAGS[:2]))
    stack.push(*(stack.globals | tag for tag in TAGS[2:]))
    stack.push(1, 3)


def chunks_in_a_circle(stack):
    plain(stack)
    stack.link(-1, WILD)
    if not stack.are_objects:
        stack.heap.put(stack.chunk, CHUNK_PREVIOUS=stack.chunk, CHUNK_TOP=1 << 40,
                       CHUNK_SIZE=-1)


STACKS = (plain, generators, broken_link, broken_before_a_generator, broken_behind_a_generator,
          cycle, its_own_caller, generators_call_each_other, half_a_code_object,
          tagged_references, chunks_in_a_circle)


def main():
    os.makedirs(CORPUS, exist_ok=True)
    for i, name in enumerate(LAYOUTS):
        if name == "debian":  # much like another
            continue
        for k, make in enumerate(STACKS):
            heap = Heap(Layout(name))
            stack = Stack(heap)
            make(stack)
            stack.done()
            assert len(heap.data) <= 4096, (name, make.__name__, len(heap.data))
            path = os.path.join(CORPUS, "%s-%s" % (make.__name__.replace("_", "-"), name))
            with open(path, "wb") as out:
                out.write(bytes((i, (0, IN_TWO, BY_CALLBACK)[(i + k) % 6 % 3])) + heap.data)


if __name__ == "__main__":
    main()
