#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds for fuzz_pymalloc and fuzz_malloc: sound allocators, and some with one thing wrong.

Run after a change of the memory that the two lay out; it rewrites their folders in corpus/.
"""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
ARENA, POOL = 0x200000, 4096
DATA, DATA_BYTES, HEAP, OTHER = 0x10000, 4096, 0x100000, 0x4000000
BINS = 127


def words(*values):
    return struct.pack("<%dQ" % len(values), *[v & (1 << 64) - 1 for v in values])


# --- pymalloc

def arena(address=ARENA, end=ARENA + 2 * POOL, free=0, total=2):
    return words(address, end) + struct.pack("<II", free, total) + bytes(24)


def pool(address, size, carved, free=(), index=0, count=None, loop=False):
    """A pool of `carved` blocks, of which those numbered in `free` are on the free chain."""
    chain = [address + 48 + i * size for i in free]
    memory = bytearray(POOL)
    count = carved - len(free) if count is None else count
    struct.pack_into("<QQQQIIII", memory, 0, count, chain[0] if chain else 0, 0, 0, index,
                     size // 16 - 1, 48 + carved * size, POOL - size)
    for here, following in zip(chain, chain[1:] + [chain[0] if loop else 0]):
        struct.pack_into("<Q", memory, here - address, following)
    return bytes(memory)


def arenas(array, *pools):
    return array.ljust(256, b"\0") + b"".join(pools)


def pymalloc_seeds():
    first = pool(ARENA, 32, 100, (3, 1, 50))
    second = pool(ARENA + POOL, 512, 7)
    yield "sound", arenas(arena(), first, second)
    yield "a_free_pool", arenas(arena(free=1), first, pool(ARENA + POOL, 64, 9, count=0))
    yield "chain_with_a_loop", arenas(arena(), pool(ARENA, 32, 9, (1, 2), loop=True), second)
    yield "chain_that_leaves", arenas(arena(), first, second.replace(bytes(8), words(77), 1))
    yield "wrong_count", arenas(arena(), pool(ARENA, 32, 9, (1, 2), count=3), second)
    yield "wrong_index", arenas(arena(), pool(ARENA, 32, 9, index=7), second)
    yield "arenas_over_each_other", arenas(arena() + arena(), first, second)
    yield "arena_without_memory", arenas(arena(ARENA * 2, ARENA * 2 + POOL), first)
    yield "arena_that_wraps", arenas(arena(-4096 & (1 << 64) - 1, 4096), first)
    yield "huge_block", arenas(arena(), first[:36] + words(0xffffffff) + first[44:], second)


# --- glibc

def state(at, top, next_state, system, fastbins=(), bins=None):
    """struct malloc_state at `at`: its bins are empty. `fastbins` is None: as since glibc 2.43."""
    pairs = []
    for i in range(BINS):
        pairs += (bins or {}).get(i, (at + (8 if fastbins is None else 96) + i * 16,) * 2)
    if fastbins is None:
        return (bytes(8) + words(top, 0) + words(*pairs) + bytes(16)
                + words(next_state, 0, 1, system, system))
    return (bytes(16) + words(*(list(fastbins) + [0] * 10)[:10]) + words(top, 0) + words(*pairs)
            + bytes(16) + words(next_state, 0, 1, system, system))


def chunk(size, flags=1, content=b""):
    return words(0, size | flags) + content.ljust(size - 16, b"\0")


def tcache(entries):
    """The chunk of a tcache: {list: (count, first)}."""
    counts = struct.pack("<64H", *[entries.get(i, (0, 0))[0] for i in range(64)])
    return chunk(0x290, 1, counts + words(*[entries.get(i, (0, 0))[1] for i in range(64)]))


def tcache_of_rooms(entries, capacity=16):
    """The same since glibc 2.42, where it is said how many chunks more a list takes."""
    rooms = [capacity - entries.get(i, (0, 0))[0] for i in range(76)]
    return chunk(0x300, 1, struct.pack("<76H", *rooms)
                 + words(*[entries.get(i, (0, 0))[1] for i in range(76)]))


def image(chunks, other=b"", fastbins=(), bins=None, next_state=None, system=None):
    heap = b"".join(chunks)
    top = HEAP + len(heap) - len(chunks[-1])
    size = max(len(heap), len(other))
    data = bytes(64) + state(DATA + 64, top, DATA + 64 if next_state is None else next_state,
                             len(heap) if system is None else system, fastbins, bins)
    assert len(heap) == size or not len(heap) % 16
    return data.ljust(DATA_BYTES, b"\0") + heap.ljust(size, b"\0") + other.ljust(size, b"\0")


def protect(at, to):
    return words(at >> 12 ^ to)


def malloc_seeds():
    cached = HEAP + 0x290 + 16
    plain = [tcache({0: (1, cached)}), chunk(32, 1, protect(cached, 0)), chunk(64), chunk(4096)]
    yield "sound", image(plain)
    yield "unprotected_links", image([tcache({0: (1, cached)}), chunk(32), chunk(64), chunk(4096)])
    yield "tcache_loop", image([tcache({0: (2, cached)}), chunk(32, 1, protect(cached, cached)),
                                chunk(4096)])
    fast = HEAP + 0x290
    yield "fastbin", image(plain, fastbins=(fast,))
    cached = HEAP + 0x300 + 16
    rooms = [tcache_of_rooms({0: (1, cached)}), chunk(32, 1, protect(cached, 0)), chunk(4096)]
    yield "without_fastbins", image(rooms, chunk(4096 - 16, 2), fastbins=None)
    yield "tcache_of_rooms_loop", image([rooms[0], chunk(32, 1, protect(cached, cached)), rooms[2]],
                                        fastbins=None)
    free, bin_0 = HEAP + 0x290 + 64, DATA + 160
    binned = plain[:1] + [chunk(64), chunk(96, 1, words(bin_0, bin_0)), chunk(64, 0), chunk(4096)]
    yield "binned", image(binned, bins={0: (free, free)})
    yield "bin_with_a_loop", image(
        binned[:2] + [chunk(96, 1, words(free, free))] + binned[3:], bins={0: (free, free)})
    yield "bin_that_leads_elsewhere", image(
        binned[:2] + [chunk(96, 1, words(0x5000, bin_0))] + binned[3:], bins={0: (free, free)})
    yield "fastbin_elsewhere", image(plain, fastbins=(0x5000,))
    yield "mmapped", image(plain, chunk(4096, 2) + bytes(4096) + chunk(4096, 2))
    yield "size_0", image(plain[:2] + [chunk(64).replace(words(65), words(1))] + plain[3:])
    yield "size_too_large", image(plain[:2] + [words(0, 1 << 40 | 1) + bytes(48)] + plain[3:])
    yield "bad_bins", image(plain, bins={3: (8, 8), 70: (HEAP, HEAP)})
    yield "no_heap_yet", image([bytes(64)], system=0).replace(words(HEAP), words(DATA + 160))
    other = OTHER + 32
    heap = words(other, 0, 12288, 12288) + state(other, OTHER + 2240, DATA + 64, 12288)
    heap = heap.ljust(2240, b"\0") + chunk(64) + chunk(12288 - 2240 - 64)
    yield "another_arena", image(plain, heap, next_state=other)
    yield "arena_ring_that_ends", image(plain, next_state=0)
    yield "heap_chain_with_a_loop", image(
        plain, words(other, OTHER, 12288, 12288) + heap[32:], next_state=other)


def main():
    for name, seeds in (("pymalloc", pymalloc_seeds()), ("malloc", malloc_seeds())):
        folder = os.path.join(HERE, "corpus", name)
        os.makedirs(folder, exist_ok=True)
        for seed, content in seeds:
            with open(os.path.join(folder, seed), "wb") as output:
                output.write(content)


if __name__ == "__main__":
    main()
