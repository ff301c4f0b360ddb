#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the seeds of fuzz_mimalloc: heaps of one page, well-formed and not.

    tests/fuzz/make_heap_seeds.py

Offsets are those of tests/c/small_heap.h.
"""

import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "mimalloc")
HEAP, PAGE_BYTES, SEGMENT, BLOCKS, BLOCK = 72, 96, 0x100000, 0x110000, 1024
STATE_BYTES, SEGMENT_BYTES = 16 + 4 * HEAP + 8, 16 + 5 * PAGE_BYTES
PAGE = SEGMENT + 16 + PAGE_BYTES
GC, ENCODED, ALL_TAGS = 2, 1, 30
OF_HEAP = 16 + GC * HEAP
FIELDS = {"slices": (0, "<I"), "tag": (8, "<B"), "capacity": (10, "<H"), "free": (16, "<Q"),
          "used": (24, "<I"), "block_size": (28, "<I"), "local_free": (32, "<Q"),
          "thread_free": (40, "<Q"), "next": (56, "<Q"), "key0": (72, "<Q"), "key1": (80, "<Q")}


def block(i):
    return BLOCKS + i * BLOCK


class Heap(object):
    """The thread's heap for the collector's objects has a page of four blocks in use."""

    def __init__(self, how=ALL_TAGS, **fields):
        self.how = how
        self.state, self.segment = bytearray(STATE_BYTES), bytearray(SEGMENT_BYTES)
        self.blocks = bytearray(4 * BLOCK)
        struct.pack_into("<Q", self.state, OF_HEAP, PAGE)
        struct.pack_into("<I", self.state, 16 + 4 * HEAP, 1)
        struct.pack_into("<Q", self.segment, 8, 4)
        struct.pack_into("<I", self.segment, 16, 1)
        self.page(1, slices=1, tag=GC << 3, capacity=4, used=4, block_size=BLOCK)
        self.page(1, **fields)

    def page(self, i, **fields):
        for name, value in fields.items():
            off, form = FIELDS[name]
            struct.pack_into(form, self.segment, 16 + i * PAGE_BYTES + off, value)

    def link(self, *blocks):
        for i, after in zip(blocks, blocks[1:]):
            struct.pack_into("<Q", self.blocks, i * BLOCK, block(after))
        return self

    def put_state(self, off, value):
        struct.pack_into("<Q", self.state, off, value)
        return self

    def input(self):
        return bytes([self.how]) + bytes(self.state + self.segment + self.blocks)


def every_list():
    heap = Heap(used=2, free=block(0), local_free=block(1), thread_free=block(2) | 2)
    return heap.put_state(OF_HEAP + 48, block(3))


def abandoned():
    heap = Heap().put_state(16 + 4 * HEAP, 0).put_state(0, SEGMENT | 7)
    heap.page(2, slices=3)
    return heap


def segments_are_a_loop():
    heap = abandoned()
    struct.pack_into("<Q", heap.segment, 0, SEGMENT)
    return heap


def pages_overlap():
    heap = Heap(next=PAGE + PAGE_BYTES, block_size=64, slices=4)
    heap.page(2, slices=2, tag=GC << 3, capacity=1000, used=1000, block_size=64)
    return heap


def seeds():
    yield "all-in-use", Heap()
    yield "every-list", every_list()
    yield "encoded", Heap(ALL_TAGS | ENCODED, used=2, free=block(0), key0=13, key1=PAGE)
    yield "abandoned", abandoned()
    yield "one-tag", Heap(2 << GC)
    yield "huge", Heap(capacity=1, used=1, block_size=0x80000000)
    yield "free-list-is-a-loop", Heap(used=2, free=block(0)).link(0, 1, 0)
    yield "free-list-leaves-its-page", Heap(used=3, free=SEGMENT)
    yield "free-list-between-blocks", Heap(used=3, free=block(0) + 8)
    yield "lists-share-a-block", Heap(used=2, free=block(0), local_free=block(0))
    yield "delayed-list-is-a-loop", Heap().put_state(OF_HEAP + 48, block(1)).link(1, 2, 1)
    yield "delayed-list-leads-nowhere", Heap().put_state(OF_HEAP + 48, 0x7fff0000)
    yield "queue-is-a-loop", Heap(next=PAGE)
    yield "segments-are-a-loop", segments_are_a_loop()
    yield "segment-without-pages", Heap().put_state(0, BLOCKS)
    yield "page-outside-its-segment", Heap().put_state(OF_HEAP, BLOCKS)
    yield "pages-overlap", pages_overlap()
    yield "block-size-of-zero", Heap(block_size=0)
    yield "capacity-too-large", Heap(capacity=65535, used=65535, block_size=8)
    yield "slices-past-the-address-space", Heap(slices=0xffffffff, capacity=1, used=1,
                                                block_size=0x80000000)


def main():
    os.makedirs(CORPUS, exist_ok=True)
    for name, heap in seeds():
        with open(os.path.join(CORPUS, name), "wb") as out:
            out.write(heap.input())


if __name__ == "__main__":
    main()
