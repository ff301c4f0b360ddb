# SPDX-License-Identifier: GPL-2.0-or-later
"""verify: a good heap is found good by every check, and a damaged one is found where it is."""

import re
import shutil
import struct

import pytest

from oracle import DEBIAN_PYTHON, address, necropy, number

PT_LOAD = 1
PROGRAMS = ("threads", "handling", "subinterpreters", "finalizer", "frozen", "stacks", "leaky_app")


def verdicts(answer):
    return {row["check"]: row["verdict"] for row in answer.rows if row["count"] is not None}


def exact_share(answer):
    counted = {row["check"]: row["count"] for row in reversed(answer.rows)
               if row["count"] is not None}
    return counted["exact"] / (counted["exact"] + counted["held"])


def held_from_c(target, addr):
    rows = {row["key"]: row["value"] for row in target.ask("show", address(addr)).rows}
    return int(rows["held from C"])


def test_nothing_is_wrong_with_a_good_heap(mixed):
    answer = mixed.ask("verify", "-n", "all")
    assert "wrong" not in verdicts(answer).values()
    assert verdicts(answer)["refcounts"] == "ok"


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_is_wrong_whatever_the_program_does(lab, python, program):
    answer = lab.target(python, program).ask("verify", "-n", "all")
    assert "wrong" not in verdicts(answer).values(), answer.rows


def test_files_of_faulthandler_are_held_once(lab, python):
    answer = lab.target(python, "faults", "alive").ask("verify", "-n", "all")
    assert verdicts(answer)["refcounts"] == "ok", answer.rows


def test_nearly_all_refcounts_are_explained(mixed_core):
    assert exact_share(mixed_core.ask("verify", "-n", "all")) > 0.9


def test_held_objects_are_listed_by_type(mixed_core):
    rows = [row for row in mixed_core.ask("verify", "-n", "all").rows if row["check"] == "held"]
    assert rows[0]["count"] == sum(row["count"] for row in rows[1:])
    assert all(row["type"] for row in rows[1:])


def test_references_from_c_are_counted(lab, python):
    """As many as the program has added, to objects that only it and C hold."""
    target = lab.target(python, "held")
    added = target.truth.notes["added"]
    assert added
    assert {name: held_from_c(target, i) for name, (i, _) in added.items()} \
        == {name: n for name, (_, n) in added.items()}


def test_refcounts_are_those_that_python_gives(lab, python):
    target = lab.target(python, "held")
    wrong = {}
    for i, expected in target.truth.notes["refcounts"]:
        rows = {row["key"]: row["value"] for row in target.ask("show", address(i)).rows}
        if rows["refcount"] not in (str(expected), "immortal"):
            wrong[hex(i)] = rows["refcount"], expected
    assert wrong == {}


def test_every_reference_of_a_tangle_is_found_once(lab, python):
    target = lab.target(python, "held")
    expected = {address(i): n for i, n in target.truth.notes["knots"]}
    found = {row["addr"]: row["refcount"]
             for name in ("__main__.Knot", "__main__.SlottedKnot")
             for row in target.ask("objects", name, "-n", "all").rows}
    assert found == expected
    assert len(set(expected.values())) > 5
    held = {row["type"] for row in target.ask("verify", "-n", "all").rows
            if row["check"] == "held"}
    assert not {"__main__.Knot", "__main__.SlottedKnot"} & held


# --- damage

class Damaged(object):
    """A copy of a target's core, to be written to by address."""

    def __init__(self, target, path):
        self.path = str(path)
        self.free_threaded = target.python.free_threaded
        self.has_half_a_word = target.python.version >= (3, 14) and not self.free_threaded
        shutil.copy(target.name, self.path)

    def _offset(self, core, addr):
        header = core.read(64)
        table, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        for i in range(count):
            core.seek(table + i * size)
            kind, _, off, start, _, saved = struct.unpack("<IIQQQQ", core.read(40))
            if kind == PT_LOAD and start <= addr < start + saved:
                return off + addr - start
        raise AssertionError("0x%x is not in the core" % addr)

    def read(self, addr):
        with open(self.path, "rb") as core:
            core.seek(self._offset(core, addr))
            return struct.unpack("<Q", core.read(8))[0]

    def write(self, addr, word, form="<Q"):
        with open(self.path, "r+b") as core:
            core.seek(self._offset(core, addr))
            core.write(struct.pack(form, word))

    def write_refcount(self, addr, refcount):
        """Returns what is then counted."""
        if self.free_threaded:  # ob_ref_local: none; ob_ref_shared, above two bits of flags
            self.write(addr + 12, 0, "<I")
            self.write(addr + 16, refcount << 2)
        else:
            self.write(addr, refcount)
        # from 3.14 on it has half of its word
        return refcount & 0xffffffff if self.has_half_a_word else refcount

    def write_type(self, addr, word):
        self.write(addr + (24 if self.free_threaded else 8), word)

    def verify(self):
        answer = necropy("verify", self.path, "-n", "all", "--json")
        assert answer.status == 3, answer.err
        return answer

    def rows_of(self, check):
        return [row for row in self.verify().rows if row["check"] == check]


@pytest.fixture
def damaged(mixed_core, tmp_path):
    return Damaged(mixed_core, tmp_path / "core")


def a_tracked_object(target, name):
    """Of the type called `name`, one in the middle, so that it has neighbours."""
    found = sorted(i for i, kind in target.truth.objects.items() if kind == name)
    return found[len(found) // 2]


@pytest.mark.parametrize("refcount", [1, 0x1041414141414141], ids=["too small", "overwritten"])
def test_a_wrong_refcount_is_reported_with_its_object(damaged, mixed_core, refcount):
    # the class of many instances
    plain = a_tracked_object(mixed_core, "__main__.Plain")
    cls = [number(row["addr"]) for row in mixed_core.ask("refs", address(plain)).rows
           if row["label"] == ".__class__"][0]
    counted = damaged.write_refcount(cls, refcount)
    rows = damaged.rows_of("refcounts")
    assert [row["verdict"] for row in rows] == ["wrong", "wrong"]
    assert number(rows[0]["addr"]) == number(rows[1]["addr"]) == cls
    assert (rows[1]["type"], rows[1]["refcount"]) == ("type", counted)
    assert rows[1]["references"] > 1000


def test_a_static_type_that_is_miscounted_is_not_wrong(damaged, mixed_core):
    """Nothing frees it, and extension modules do forget to count their own reference."""
    if mixed_core.python.version >= (3, 12):
        pytest.skip("static types are immortal")
    types = mixed_core.ask("objects", "type", "-n", "all").rows
    slice_type, = [number(row["addr"]) for row in types if row["repr"] == "<class 'slice'>"]
    counted = damaged.write_refcount(slice_type, 1)
    answer = necropy("verify", damaged.path, "-n", "all", "--json")
    assert answer.status == 0, answer.out
    count, found = [row for row in answer.rows if row["check"] == "miscounted"]
    assert (count["count"], count["verdict"], found["verdict"]) == (1, "", "")
    assert (number(found["addr"]), found["refcount"]) == (slice_type, counted)
    assert found["references"] > counted


def test_an_object_without_a_type_is_reported_between_its_neighbours(damaged, mixed_core):
    wanted = a_tracked_object(mixed_core, "__main__.Plain")
    damaged.write_type(wanted, 0x4141414141414141)
    assert [row["verdict"] for row in damaged.rows_of("types")] == ["wrong"]
    assert number(damaged.rows_of("types")[0]["addr"]) == wanted
    before, wrong, after = damaged.rows_of("neighbours")
    assert number(before["addr"]) < number(wrong["addr"]) == wanted < number(after["addr"])
    assert before["type"] and after["type"]
    assert "4141414141414141" in wrong["detail"].split()


def test_a_corrupt_object_is_shown_in_its_pool(damaged, mixed_core):
    """The blocks beside it are there, with the objects that Python had put there."""
    wanted = a_tracked_object(mixed_core, "__main__.Plain")
    damaged.write_type(wanted, 0x4141414141414141)
    rows = damaged.rows_of("pool")
    if mixed_core.python.free_threaded:
        assert rows == []
        return
    wrong, beside = rows[0], rows[1:]
    place, blocks, size = (int(n) for n in
                             re.findall(r"\b(\d+)\b(?! at)", wrong["detail"])[:3])
    assert number(wrong["addr"]) <= wanted < number(wrong["addr"]) + size
    assert 0 <= place < blocks
    assert [row["verdict"] for row in beside] in (["before", "after"], ["before"], ["after"])
    for row in beside:
        away = number(row["addr"]) - number(wrong["addr"])
        assert -size <= away < 2 * size
        if row["type"]:
            assert mixed_core.truth.type_of.get(number(row["addr"]), row["type"]) == row["type"]
        else:
            assert row["detail"]


def test_a_broken_list_is_reported(damaged, mixed_core):
    if mixed_core.python.free_threaded:
        pytest.skip("free-threaded builds have no lists of the collector's objects")
    wanted = a_tracked_object(mixed_core, "__main__.Plain")
    head_bytes = 32 if mixed_core.python.version < (3, 8) else 16
    # an instance with a managed dict has two words before its GC head, which stays where it is
    damaged.write(wanted - head_bytes, 0x4141414141414140)
    rows = damaged.rows_of("links")
    assert rows[0]["verdict"] == "wrong" and rows[0]["count"] > 0
    assert rows[0]["addr"]


def test_the_damage_is_in_every_answer_that_looked_at_refcounts(damaged, mixed_core):
    plain = a_tracked_object(mixed_core, "__main__.Plain")
    damaged.write_refcount(plain, 0)
    document = damaged.verify().document
    assert "bad-refcount" in [damage["kind"] for damage in document["damage"]]
    assert document["complete"] is False


# --- types that were overwritten

TPFLAG_GC = 1 << 14


def a_type(target, name):
    """(address, {field of PyTypeObject: offset})."""
    found = [row["addr"] for row in target.ask("objects", "type", "-n", "all").rows
             if row["repr"] == "<class '%s'>" % name]
    offsets = {row["field"].partition(".")[2]: number(row["offset"])
               for row in target.ask("info", "--layout", "-n", "all").rows
               if row["field"].startswith("PyTypeObject.") and row["offset"]}
    return number(found[0]), offsets


@pytest.mark.parametrize("name, field, change", [
    ("str", "tp_flags", lambda word: word | TPFLAG_GC),
    ("tuple", "tp_itemsize", lambda word: 1),
    ("list", "tp_basicsize", lambda word: 4096),
    ("dict", "tp_base", lambda word: 8),
    ("float", "tp_basicsize", lambda word: 1 << 40),
], ids=lambda value: value if isinstance(value, str) else "")
def test_an_overwritten_type_is_named(damaged, mixed_core, name, field, change):
    if name != "str" and mixed_core.python.path != DEBIAN_PYTHON:
        pytest.skip("one CPython is enough")
    addr, offsets = a_type(mixed_core, name)
    damaged.write(addr + offsets[field], change(damaged.read(addr + offsets[field])))
    # even where its objects are on no list, the answer says that something is wrong
    answer = necropy("types", damaged.path, "--json")
    assert answer.status == 3, answer.err
    assert "bad-type" in [damage["kind"] for damage in answer.document["damage"]]
    rows = damaged.verify().rows
    wrong = [row for row in rows if (row["check"], row["verdict"]) == ("neighbours", "wrong")]
    assert [number(row["addr"]) for row in wrong] == [addr]


def test_objects_that_do_not_fill_their_block_contradict_their_class(damaged, mixed_core):
    """What a class says of its objects' size must be true of those that are on a list."""
    if mixed_core.python.path != DEBIAN_PYTHON:
        pytest.skip("one CPython is enough")
    addr, offsets = a_type(mixed_core, "__main__.Plain")
    damaged.write(addr + offsets["tp_basicsize"], 8192)
    answer = necropy("types", damaged.path, "--json")
    assert answer.status == 3, answer.err
    assert "bad-type" in [damage["kind"] for damage in answer.document["damage"]]


# --- lists that lost both ends

def test_what_is_tracked_is_counted_where_both_ends_of_a_list_are_gone(damaged, mixed_core):
    if damaged.free_threaded or mixed_core.python.version < (3, 8):
        pytest.skip("the GC head is another")
    objects = set(mixed_core.truth.objects)
    node = a_tracked_object(mixed_core, "__main__.Plain") - 16
    while node + 16 in objects:
        node = damaged.read(node + 8) & ~3
    # what comes before is the list's head, or the object that wrote down the others
    damaged.write(node, 0x4141414141414140)
    damaged.write(node + 8, 0x4141414141414140)
    whole = mixed_core.ask("types", "--gc", "-n", "all")
    answer = necropy("types", damaged.path, "--gc", "-n", "all", "--json")
    assert answer.status == 3
    counts = [{row["type"]: row["count"] for row in each.rows} for each in (whole, answer)]
    for name in ("__main__.Plain", "dict", "list", "function"):
        assert abs(counts[0][name] - counts[1][name]) <= 1, name
    assert [note for note in answer.document["notes"] if "lists of the collector" in note]
