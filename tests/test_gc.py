# SPDX-License-Identifier: GPL-2.0-or-later
"""gc: the collector's statistics, gc.garbage and cycles, against what CPython says of them."""

import collections
import re

import pytest

from oracle import necropy, number

ALL = ("-n", "all")


def described(target):
    return {row["key"]: row for row in target.ask("gc").rows}


@pytest.fixture
def cycles(lab, python):
    return lab.target(python, "cycles")


def components(edges):
    """The strongly connected components of {node: nodes it refers to} that are cycles (Tarjan)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(edges.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while not members or members[-1] != node:
                        members.append(stack.pop())
                        on_stack.discard(members[-1])
                    if len(members) > 1 or node in edges.get(node, ()):
                        found.append(frozenset(members))
    return found


def signatures(target):
    """{types in a cycle: [cycles, objects in all]}, by what gc.get_referents() gave."""
    found = collections.defaultdict(lambda: [0, 0])
    for members in components(target.truth.edges):
        types = frozenset(target.truth.type_of[i] for i in members)
        found[types][0] += 1
        found[types][1] += len(members)
    return found


def fate_of(truth, fate):
    """The cycles that have the objects of notes[fate]."""
    wanted = set(truth.notes[fate])
    return [members for members in components(truth.edges) if members & wanted]


def by_types(rows):
    """{types of the row's example: row}, of rows that name them all."""
    return {frozenset(re.sub(r" × [\d,]+", "", name) for name in row["types"].split(", ")): row
            for row in rows if "…" not in row["types"]}


@pytest.mark.parametrize("program", ["cycles", "mixed"])
def test_cycles_are_the_strongly_connected_components(lab, python, program):
    target = lab.target(python, program)
    rows = target.ask("gc", "--cycles", *ALL).rows
    truth = signatures(target)
    assert sum(row["cycles"] for row in rows) == sum(n for n, _ in truth.values())
    found = collections.defaultdict(lambda: [0, 0])
    for row in rows:
        if "…" not in row["types"]:
            types, = by_types([row])
            found[types][0] += row["cycles"]
            found[types][1] += row["objects"]
    few = {types: counts for types, counts in truth.items() if len(types) <= 6}
    assert len(few) >= 3
    assert found == few


def test_cycles_are_shown_with_their_largest_first(cycles):
    sizes = cycles.ask("gc", "--cycles", *ALL).column("size")
    assert sizes == sorted(sizes, reverse=True)
    totals = cycles.ask("gc", "--cycles", "-n", "1").document["totals"]
    assert totals["size"] == sum(sizes)


@pytest.mark.parametrize("fate, state", [("alive", "alive"), ("garbage", "garbage"),
                                         ("dying", "garbage"), ("held", "held from C")])
def test_the_fate_of_a_cycle_is_known(cycles, fate, state):
    wanted = fate_of(cycles.truth, fate)
    options = () if fate == "alive" else ("--unreachable",)
    rows = cycles.ask("gc", "--cycles", *(options + ALL)).rows
    types = {frozenset(cycles.truth.type_of[i] for i in members) for members in wanted}
    kept = {"alive": None, "held": None, "garbage": "the collector is disabled (gc.disable())",
            "dying": "the collector is disabled (gc.disable())"}[fate]
    if fate == "dying" and cycles.python.version[0] == 2:
        kept = "a finalizer that the collector may not call"
    found = [row for row in rows if row["state"] == state and row["kept"] == kept
             and set(by_types([row])) & types]
    assert sum(row["cycles"] for row in found) == len(wanted)
    assert sum(row["objects"] for row in found) == sum(len(members) for members in wanted)
    assert sum(row["size"] for row in found) == sum(
        cycles.truth.sizes[i] for members in wanted for i in members)
    assert {number(row["addr"]) for row in found} <= set().union(*wanted)


def test_only_what_nothing_leads_to_is_unreachable(cycles):
    rows = cycles.ask("gc", "--cycles", "--unreachable", *ALL).rows
    assert {row["state"] for row in rows} == {"garbage", "held from C"}
    wanted = sum(len(fate_of(cycles.truth, fate)) for fate in ("garbage", "dying"))
    assert sum(row["cycles"] for row in rows if row["state"] == "garbage") == wanted


def test_the_edges_of_an_example_are_those_of_the_process(cycles):
    edges = cycles.truth.edges
    compared = 0
    for row in cycles.ask("gc", "--cycles", "--unreachable", *ALL).rows:
        shown = {(number(source), number(target)) for source, target
                 in re.findall(r"(0x\w+) [^;]*→ (0x\w+)", row["edges"])}
        members, = [members for members in components(edges) if number(row["addr"]) in members]
        truth = {(i, to) for i in members for to in edges[i] if to in members}
        assert shown == truth or (len(shown) == 16 and shown < truth and "…" in row["edges"])
        compared += len(truth)
    assert compared > 5


def test_what_gc_garbage_holds_has_its_reason(cycles):
    truth, rows = cycles.truth, described(cycles)
    found = {key[len("garbage of type "):]: row for key, row in rows.items()
             if key.startswith("garbage of type ")}
    counts = truth.notes["in gc.garbage"]
    assert {name: row["value"] for name, row in found.items()} == counts
    assert rows["garbage"]["value"] == len(truth["gc"]["garbage"]) == sum(counts.values())
    reasons = {name: row["detail"] for name, row in found.items()}
    assert "put it there" in reasons["__main__.Saved"]
    if cycles.python.version[0] == 2:
        assert reasons["__main__.Dying"] == reasons["__main__.OldStyle"] == "its class has __del__"
        assert reasons["generator"] == "a generator suspended in a try or with"
        assert set(reasons) >= {"__main__.Dying", "__main__.OldStyle", "generator"}


def test_cycles_in_gc_garbage_are_said_to_be_there(cycles):
    rows = cycles.ask("gc", "--cycles", *ALL).rows
    saved = [row for row in rows if "__main__.Saved" in row["types"]]
    assert [(row["cycles"], row["state"], row["kept"]) for row in saved] == [
        (4, "alive", "in gc.garbage")]


def test_statistics_are_those_of_the_process(cycles):
    rows, truth = described(cycles), cycles.truth["gc"]
    keys = ("collections", "collected", "uncollectable")
    assert cycles.python.version[0] == 2 or len(truth["stats"]) == 3
    found = [{key: rows["%s%d" % (key, i)]["value"] for key in keys}
             for i in range(3) if "collections%d" % i in rows]
    assert found == [{key: stats[key] for key in keys} for stats in truth["stats"]]


def test_debug_flags_and_callbacks_are_those_of_the_process(cycles):
    rows, truth = described(cycles), cycles.truth["gc"]
    assert rows["debug"]["value"] == truth["debug"] == 4
    assert rows["debug"]["detail"] == "DEBUG_UNCOLLECTABLE"
    if cycles.python.version[0] == 3:
        assert rows["callbacks"]["value"] == len(truth["callbacks"]) == 1


def test_generations_have_the_bytes_of_their_objects(mixed_core):
    rows, truth = described(mixed_core), mixed_core.truth
    lists = [key for key in rows if re.match(r"generation\d$", key)]
    assert sum(rows[key]["value"] for key in lists) == len(truth.objects)
    total = mixed_core.ask("types", "--gc").document["totals"]["size"]
    assert sum(rows[key + " bytes"]["value"] for key in lists) == total


def test_the_phase_of_a_collection_is_told(lab, python):
    rows = described(lab.target(python, "finalizer"))
    assert rows["collecting"]["value"] == 1
    phase = "freeing garbage" if python.version[0] == 2 else "calling finalizers"
    assert rows["collecting"]["detail"].startswith(phase)


@pytest.mark.parametrize("where, phase", [("weakref", "calling callbacks of weak references"),
                                          ("callback", "calling gc.callbacks")])
def test_code_that_the_collector_calls_is_told_apart(lab, debian, where, phase):
    rows = described(lab.target(debian, "collecting", arguments=(where,)))
    assert rows["collecting"]["detail"].startswith(phase)


def test_frozen_garbage_is_kept_by_that(lab, debian):
    target = lab.target(debian, "cycles", arguments=("freeze",))
    rows = target.ask("gc", "--cycles", "--unreachable", *ALL).rows
    nodes = [row for row in rows if row["types"].startswith("__main__.Node")]
    assert sum(row["cycles"] for row in nodes) == 21
    assert {row["kept"] for row in nodes} == {"in the permanent generation (gc.freeze())"}


def test_memory_for_cycles_is_limited(lab, debian):
    target = lab.target(debian, "cycles")
    answer = necropy("gc", target.name, "--cycles", "--max-memory", "1M")
    assert answer.status == 2
    assert "--max-memory" in answer.err
