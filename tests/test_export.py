# SPDX-License-Identifier: GPL-2.0-or-later
"""export: the whole graph, line by line what CPython itself has said of its heap."""

import json
import os
import subprocess

import pytest

from oracle import NECROPY, PATIENCE, address, necropy, number

PLAIN_KEYS = ["addr", "type", "size", "refcount", "gc", "found", "visit", "own", "weak", "guess"]


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def lines(lab, python):
    """The lines of the whole graph, one for each object."""
    answer = lab.target(python, "mixed").run("export", "--format", "jsonl")
    assert answer.status == 0, answer.err
    return lines_of(answer.out)


@pytest.fixture(scope="module")
def exported(lines):
    """{address: line} of every object."""
    return {number(line["addr"]): line for line in lines}


def targets(line, kind):
    return {number(to) for to in line[kind]}


def test_visits_are_what_the_collector_sees(mixed_core, exported):
    truth, wrong = mixed_core.truth, {}
    compared = 0
    for addr, name in truth.objects.items():
        if addr not in truth.edges:
            continue
        if name == "dict" and targets(exported[addr], "weak") == truth.edges[addr]:
            continue  # the dict of interned strings holds none of them
        missing = truth.edges[addr] - targets(exported[addr], "visit")
        extra = targets(exported[addr], "visit") - truth.edges[addr]
        compared += 1
        # the frame of the recording itself went on running
        if (missing or extra) and name != "frame":
            wrong[name, hex(addr)] = sorted(map(hex, missing)), sorted(map(hex, extra))
    assert wrong == {}
    assert compared > 5000


def test_a_reference_held_twice_is_there_twice(mixed_core, exported):
    """gc.get_referents() of a list with one object in it twice gives it twice."""
    truth = mixed_core.truth
    counts = {int(addr): len(to) for addr, to in truth["edges"].items()}
    lists = [addr for addr, name in truth.objects.items() if name == "list" and addr in counts]
    assert any(counts[addr] > len(truth.edges[addr]) for addr in lists)
    assert {addr: len(exported[addr]["visit"]) for addr in lists} == \
        {addr: counts[addr] for addr in lists}


def test_every_object_of_the_collector_is_there(mixed_core, exported):
    truth = mixed_core.truth
    tracked = {addr for addr, line in exported.items() if line["gc"]}
    assert set(truth.objects) <= tracked
    assert len(tracked - set(truth.objects)) <= 1  # the frame that waits
    wrong = {hex(addr): (exported[addr]["type"], name)
             for addr, name in truth.type_of.items()
             if addr in exported and exported[addr]["type"] != name}
    assert wrong == {}


def test_lines_agree_with_objects(mixed_core, exported):
    rows = mixed_core.ask("objects", "dict", "-n", "all").rows
    lines = {addr for addr, line in exported.items() if line["type"] == "dict"}
    assert lines == {number(row["addr"]) for row in rows}
    for row in rows:
        line = exported[number(row["addr"])]
        assert (line["size"], line["refcount"], line.get("estimated", False)) == \
            (row["size"], row["refcount"], row["estimated"])


def test_lines_are_sorted_and_complete(mixed_core, lines):
    addresses = [number(line["addr"]) for line in lines]
    assert addresses == sorted(set(addresses))
    assert len(lines) == mixed_core.ask("types", "-n", "all").document["totals"]["count"]
    for line in lines:
        assert [key for key in line if key not in ("estimated", "borrowed")] == PLAIN_KEYS
        assert line.get("borrowed", True) and line.get("estimated", True) is not False


def test_references_keep_their_kinds(mixed_core, exported):
    weak = next(line for line in exported.values() if line["weak"])
    rows = mixed_core.ask("refs", weak["addr"], "-n", "all").rows
    by_kind = {kind: sorted(row["addr"] for row in rows if row["kind"] == kind)
               for kind in ("visit", "own", "weak", "borrowed")}
    assert by_kind == {kind: sorted(weak.get(kind, [])) for kind in by_kind}


def test_roots_come_after_the_objects(mixed_core, exported):
    lines = lines_of(mixed_core.run("export", "--roots").out)
    roots = lines[len(exported):]
    assert [number(line["addr"]) for line in lines[:len(exported)]] == sorted(exported)
    kinds = {line["root"].split()[0] for line in roots}
    assert kinds == {"frame", "thread", "interpreter"}
    held = mixed_core.truth.notes["held_by_running"]
    assert any(address(held) in line["own"] + line["visit"] for line in roots)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_the_number_of_threads_changes_no_byte(leaky_core, threads):
    everything = necropy("export", leaky_core.name, "--roots", "--threads", "3").out
    assert necropy("export", leaky_core.name, "--roots", "--threads", threads).out == everything


def test_a_file_holds_the_same_bytes(leaky_core, tmp_path):
    path = tmp_path / "heap.jsonl"
    answer = necropy("export", leaky_core.name, "-o", str(path))
    assert (answer.status, answer.out) == (0, "")
    assert path.read_text() == necropy("export", leaky_core.name).out
    assert os.listdir(str(tmp_path)) == ["heap.jsonl"]


def test_other_formats_are_refused(leaky_core):
    for option in ("--json", "--csv"):
        answer = necropy("export", leaky_core.name, option)
        assert (answer.status, answer.out) == (1, "")
        assert "JSON Lines" in answer.err


def test_an_unwritable_file_is_said(leaky_core):
    answer = necropy("export", leaky_core.name, "-o", "/nonexistent/heap.jsonl")
    assert answer.status == 2
    assert "/nonexistent/heap.jsonl" in answer.err


def test_a_reader_that_has_seen_enough_ends_it(leaky_core):
    done = subprocess.run("%s export %s | head -n 2" % (NECROPY, leaky_core.name), shell=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert len(lines_of(done.stdout.decode())) == 2
    assert done.stderr == b""


def test_what_is_missing_is_said_beside_the_lines(leaky_core, tmp_path):
    size = os.path.getsize(leaky_core.name)
    cut = tmp_path / "cut"
    with open(leaky_core.name, "rb") as whole:
        cut.write_bytes(whole.read(size - size // 8))
    answer = necropy("export", str(cut))
    if answer.status == 2:  # what is gone held the interpreter itself
        assert answer.err
        return
    assert answer.status == 3
    assert lines_of(answer.out)
    assert "cut off" in answer.err
