# SPDX-License-Identifier: GPL-2.0-or-later
"""arenas and malloc against what CPython and glibc say of themselves."""

import re
import struct

import pytest

import oracle

COUNT_AT = 256  # as in programs/allocators.py


@pytest.fixture
def allocators(lab, python):
    return lab.target(python, "allocators")


def said(target, name):
    with open("%s/truth.json.%s" % (target.directory, name), "rb") as file:
        return file.read()


def statistics_of(target):
    """{size: (pools, used, free)}, and the totals by their name, of sys._debugmallocstats()."""
    text = said(target, "pools").decode()
    classes = re.findall(r"^ *\d+ +(\d+) +(\d+) +(\d+) +(\d+) *$", text, re.MULTILINE)
    if not classes:
        pytest.skip("this Python has no pymalloc, or prints no statistics of it")
    totals = {name.strip(): int(number.replace(",", ""))
              for name, number in re.findall(r"^(.*?) += +([\d,]+)$", text, re.MULTILINE)}
    return {int(row[0]): tuple(int(n) for n in row[1:]) for row in classes}, totals


def one(rows, kind):
    found = [row for row in rows if row["kind"] == kind]
    assert len(found) == 1, kind
    return found[0]


def test_arenas_are_those_of_debugmallocstats(allocators):
    classes, totals = statistics_of(allocators)
    answer = allocators.ask("arenas", "-n", "all")
    rows = answer.rows
    assert {row["size"]: (row["pools"], row["used"], row["free"])
            for row in rows if row["kind"] == "blocks"} == classes
    unused = one(rows, "unused pools")
    assert [unused["bytes"]] == [value for name, value in totals.items()
                                 if name.startswith("%d unused pools" % unused["pools"])]
    assert one(rows, "pool headers")["bytes"] == totals["# bytes lost to pool headers"]
    assert one(rows, "lost to quantization")["bytes"] == totals["# bytes lost to quantization"]
    assert one(rows, "lost to alignment")["bytes"] == totals["# bytes lost to arena alignment"]


def test_arenas_sum_to_the_bytes_of_all_arenas(allocators):
    _, totals = statistics_of(allocators)
    each = allocators.ask("arenas", "--each", "-n", "all").document
    assert each["all_rows"] == totals["# arenas allocated current"]
    total = allocators.ask("arenas", "-n", "all").document["totals"]
    assert total["bytes"] == each["totals"]["size"]
    assert each["totals"]["size"] in [
        value for name, value in totals.items() if name.endswith("bytes/arena")]


def test_used_blocks_are_what_getallocatedblocks_returned(allocators):
    if allocators.python.version[0] == 2:
        pytest.skip("sys.getallocatedblocks() is there since 3.4")
    wanted = struct.unpack_from("Q", said(allocators, "mallinfo"), COUNT_AT)[0]
    totals = allocators.ask("arenas", "-n", "all").document["totals"]
    assert totals["used"] + totals["pending"] == wanted


@pytest.mark.parametrize("allocator", ["debug", "malloc"])
def test_used_blocks_are_counted_of_other_allocators(lab, python, allocator):
    if python.version[0] == 2:
        pytest.skip("PYTHONMALLOC is there since 3.6")
    if python.free_threaded and allocator == "malloc":
        pytest.skip("free-threaded builds have mimalloc alone")
    test_used_blocks_are_what_getallocatedblocks_returned(
        lab.target(python, "allocators", arguments=(allocator,)))


def test_arenas_of_one_program_are_the_same_in_every_way(lab, debian):
    for way in oracle.WAYS:
        target = lab.target(debian, "allocators", way)
        classes, _ = statistics_of(target)
        rows = target.ask("arenas", "-n", "all").rows
        assert {row["size"]: (row["pools"], row["used"], row["free"])
                for row in rows if row["kind"] == "blocks"} == classes


def mallinfo_of(target):
    """struct mallinfo2 as a dict, or a skip where libc has no such function."""
    names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
             "fordblks", "keepcost")
    values = struct.unpack_from("10Q", said(target, "mallinfo"))
    if not values[0]:
        pytest.skip("this libc has no mallinfo2()")
    return dict(zip(names, values))


def test_malloc_is_what_mallinfo_says(allocators):
    truth = mallinfo_of(allocators)
    rows = allocators.ask("malloc", "-n", "all").rows
    arenas = [row for row in rows if row["kind"] != "mmapped"]
    mapped = [row for row in rows if row["kind"] == "mmapped"]

    def total(name):
        return sum(row[name] for row in arenas)
    if b'type="fast"' not in said(allocators, "malloc"):
        # glibc 2.43 forgets 16 bytes of each that it unmaps
        assert truth["hblkhd"] % 4096 < 4096 // 2 and truth["hblkhd"] % 16 == 0
        truth["hblkhd"] -= truth["hblkhd"] % 4096
    assert {
        "arena": total("size"),
        "ordblks": total("free_chunks") + len(arenas),
        "smblks": total("fastbin_chunks"),
        "hblks": sum(row["used_chunks"] for row in mapped),
        "hblkhd": sum(row["size"] for row in mapped),
        "usmblks": truth["usmblks"],
        "fsmblks": total("fastbins"),
        "uordblks": total("used") + total("tcache") + total("other"),
        "fordblks": total("free") + total("fastbins") + total("top"),
        "keepcost": arenas[0]["top"],
    } == truth
    assert total("free_chunks") and total("tcache_chunks")
    assert total("fastbin_chunks") or b'type="fast"' not in said(allocators, "malloc")


def test_arenas_of_malloc_are_those_of_malloc_info(allocators):
    heaps = said(allocators, "malloc").decode().split("<heap nr=")[1:]

    def sizes(heap, element, kind):
        found = re.search(r'<%s type="%s"(?: count="(\d+)")? size="(\d+)"/>' % (element, kind), heap)
        # there are no fastbins since glibc 2.43
        return tuple(int(n) for n in found.groups() if n) if found else (0, 0)
    truth = [sizes(heap, "system", "current") + sizes(heap, "total", "fast")
             + sizes(heap, "total", "rest") for heap in heaps]
    rows = [row for row in allocators.ask("malloc", "-n", "all").rows if row["kind"] != "mmapped"]
    # it adds a flag to the size of each chunk in a bin
    assert [(row["size"], row["fastbin_chunks"], row["fastbins"], row["free_chunks"] + 1,
             row["free"] + row["free_chunks"] + row["top"]) for row in rows] == truth
    assert len(rows) > 1 and [row["arena"] for row in rows] == list(range(len(rows)))


def test_parts_of_an_arena_sum_to_its_size(allocators):
    rows = allocators.ask("malloc", "-n", "all").rows
    for row in rows:
        assert row["size"] == sum(row[part] for part in (
            "used", "tcache", "fastbins", "free", "top", "other"))
        assert 0 <= row["idle"] <= row["free"] + row["top"]
