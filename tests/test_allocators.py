# SPDX-License-Identifier: GPL-2.0-or-later
"""arenas and malloc against what CPython and glibc say of themselves."""

import re
import struct
import xml.etree.ElementTree

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


def test_arenas_of_malloc_are_those_of_malloc_info(allocators):
    heaps = said(allocators, "malloc").decode().split("<heap nr=")[1:]

    def sizes(heap, element, kind):
        found = re.search(r'<%s type="%s"(?: count="(\d+)")? size="(\d+)"/>' % (element, kind),
                          heap)
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


# --- the ledger

# every program that is a target of other tests, and says when it is ready
PLAIN = ("allocators", "mixed", "threads")
OTHERS = ("universe", "shared", "subinterpreters", "finalizer", "held")


def leaves(answer):
    rows = answer.rows
    paths = [tuple(row["path"]) for row in rows]
    assert len(set(paths)) == len(paths)
    groups = {path[:i] for path in paths for i in range(1, len(path))}
    assert not groups & set(paths), "a line is a group as well"
    return {tuple(row["path"]): row for row in rows}


def under(lines, *path):
    return sum(row["size"] for line, row in lines.items() if line[:len(path)] == path)


def assert_sums_to_what_is_mapped(target):
    answer = target.ask("memory")
    lines = leaves(answer)
    maps = target.ask("maps", "-n", "all").rows
    assert sum(row["size"] for row in lines.values()) == sum(row["size"] for row in maps)
    assert answer.document["totals"]["size"] == sum(row["size"] for row in maps)
    return lines


@pytest.mark.parametrize("program", PLAIN + OTHERS)
def test_memory_sums_to_what_is_mapped(lab, python, program):
    assert_sums_to_what_is_mapped(lab.target(python, program))


@pytest.mark.parametrize("program", PLAIN)
def test_less_than_two_percent_of_private_memory_is_unknown(lab, python, program):
    lines = leaves(lab.target(python, program).ask("memory"))
    # what is only reserved, or a stack's that was never used, makes it no better
    private = sum(under(lines, *path) for path in (
        ("Python", "pymalloc"), ("Python", "mimalloc", "in use"), ("Python", "stacks of frames"),
        ("malloc",), ("loader and thread-local storage",), ("unknown",)))
    assert under(lines, "unknown") < private * 0.02, lines


@pytest.mark.parametrize("way", oracle.WAYS)
def test_memory_sums_in_every_way(lab, debian, way):
    assert_sums_to_what_is_mapped(lab.target(debian, "shared", way))
    assert_sums_to_what_is_mapped(lab.target(debian, "allocators", way))


def test_memory_of_an_allocator_that_is_not_walked_is_named(lab, python):
    if python.version < (3, 13) or python.free_threaded:
        pytest.skip("with the GIL, PYTHONMALLOC=mimalloc is there since 3.13")
    lines = assert_sums_to_what_is_mapped(lab.target(python, "universe", arguments=("mimalloc",)))
    assert under(lines, "Python", "mimalloc", "used and free") > 0
    assert under(lines, "Python", "mimalloc") == under(lines, "Python", "mimalloc", "used and free")


@pytest.mark.parametrize("allocator", ["malloc", "debug", "malloc_debug", "pymalloc_debug"])
def test_memory_sums_of_other_allocators(lab, python, allocator):
    if python.version[0] == 2 or python.free_threaded:
        pytest.skip("there is no choice of allocators")
    lines = assert_sums_to_what_is_mapped(lab.target(python, "universe", arguments=(allocator,)))
    assert under(lines, "unknown") < under(lines, "malloc") * 0.05
    if "malloc" == allocator[:6]:
        objects = lines["malloc", "in use", "Python objects"]
        assert objects["count"] > 5000 and ("Python", "pymalloc", "pool headers") not in lines


def test_memory_has_the_parts_that_the_allocators_have(allocators):
    lines = leaves(allocators.ask("memory"))
    arenas = allocators.ask("arenas", "-n", "all")
    chunks = allocators.ask("malloc", "-n", "all").document["totals"]
    part = ("Python", "mimalloc" if allocators.python.free_threaded else "pymalloc")
    assert under(lines, *part) - under(lines, *(part + ("reserved",))) == (
        arenas.document["totals"]["bytes"])
    assert under(lines, "malloc") == chunks["size"]
    for name, column in (("tcache", "tcache"), ("fastbins", "fastbins"), ("in bins", "free"),
                         ("top", "top")):
        assert under(lines, "malloc", "free", name) == chunks[column], name
    if not allocators.python.free_threaded:
        assert {path[3]: row["count"] for path, row in lines.items()
                if path[:3] == ("Python", "pymalloc", "in use")} == {
                    "%d bytes" % row["size"]: row["used"] for row in arenas.rows
                    if row["kind"] == "blocks" and row["used"]}


def test_memory_of_stacks_is_that_of_the_mappings(lab, python):
    target = lab.target(python, "allocators")
    lines = leaves(target.ask("memory"))
    main = re.search(r"^(\w+)-(\w+) .*\[stack\]$", target.maps, re.MULTILINE)
    assert under(lines, "stacks", "main thread") == (
        int(main.group(2), 16) - int(main.group(1), 16))
    assert under(lines, "stacks", "other threads", "in use") > 0


def test_shared_memory_is_what_shm_says(lab, python):
    target = lab.target(python, "shared")
    lines = leaves(target.ask("memory"))
    assert under(lines, "shared memory") == (
        target.run("shm", "--json").document["totals"]["mapped"])


@pytest.mark.parametrize("depth", [1, 2])
def test_memory_of_less_depth_has_the_same_sums(lab, debian, depth):
    target = lab.target(debian, "allocators")
    lines = leaves(target.ask("memory"))
    fewer = leaves(target.ask("memory", "--depth", str(depth)))
    assert {path: row["size"] for path, row in fewer.items()} == {
        path[:depth]: under(lines, *path[:depth]) for path in lines}


# --- what keeps almost empty arenas

def thin_arenas(target, percent):
    rows = target.ask("arenas", "--each", "-n", "all").rows
    return [(oracle.number(row["addr"]), oracle.number(row["addr"]) + row["size"]) for row in rows
            if row["used_bytes"] * 100 < row["size"] * percent]


@pytest.mark.parametrize("percent", [25, 60])
def test_blame_names_what_keeps_arenas(allocators, percent):
    if not leaves(allocators.ask("memory")).get(("Python", "pymalloc", "pool headers")):
        pytest.skip("mimalloc's segments are never almost empty in so small a program")
    arenas = thin_arenas(allocators, percent)
    notes = allocators.truth.notes

    def within(addresses):
        found = {address: arena for address in addresses for arena in arenas
                 if arena[0] <= address < arena[1]}
        return len(found), len(set(found.values()))
    answer = allocators.ask("memory", "--blame", "--below", str(percent), "-n", "all")
    rows = {(row["type"], row["kind"]): row for row in answer.rows}
    assert any(note.startswith("%d of " % len(arenas)) for note in answer.document["notes"])
    pins = rows["__main__.Pin", "object"]
    assert (pins["count"], pins["arenas"]) == within(notes["pins"])
    assert oracle.number(pins["addr"]) == min(
        pin for pin in notes["pins"] if within([pin])[0])
    count, arena_n = within(notes["items"])
    if allocators.python.version[0] > 2:  # where they are blocks of pymalloc
        assert rows["list", "buffer"]["count"] >= count
        assert rows["list", "buffer"]["arenas"] >= arena_n > 0
    assert sum(row["count"] for row in answer.rows) == sum(
        row["used"] for row in allocators.ask("arenas", "--each", "-n", "all").rows
        if row["used_bytes"] * 100 < row["size"] * percent)


def test_blame_of_no_percentage_is_refused(lab, debian):
    target = lab.target(debian, "allocators")
    for percent in ("0", "101", "some"):
        answer = target.run("memory", "--blame", "--below", percent)
        assert answer.status == 1 and "--below" in answer.err


# --- the picture

def test_icicle_has_a_box_for_what_can_be_seen(lab, debian, tmp_path):
    target = lab.target(debian, "allocators")
    picture = tmp_path / "memory.svg"
    assert target.run("memory", "-o", str(picture)).status == 0
    svg = "{http://www.w3.org/2000/svg}"
    root = xml.etree.ElementTree.parse(str(picture)).getroot()
    assert root.tag == svg + "svg"
    lines = leaves(target.ask("memory"))
    total = under(lines)
    width = float(root.get("width"))
    boxes = {}
    for group in root.findall(svg + "g"):
        title = group.find(svg + "title").text
        boxes[title[:title.rindex(":")]] = group.find(svg + "rect")
    paths = {path[:i] for path in lines for i in range(1, len(path) + 1)}
    for path in paths:
        wanted = under(lines, *path) / total * width
        box = boxes.get(" / ".join(path))
        assert box is not None or wanted < 0.25, path
        if box is not None:
            assert abs(float(box.get("width")) - wanted) < 0.01, path
    assert len(boxes) > 10 and set(boxes) <= {" / ".join(path) for path in paths}
    for path in paths:  # a box lies below its group
        box, group = boxes.get(" / ".join(path)), boxes.get(" / ".join(path[:-1]))
        if box is not None and group is not None:
            assert float(box.get("y")) > float(group.get("y"))
            assert float(box.get("x")) >= float(group.get("x"))
