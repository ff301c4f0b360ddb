# SPDX-License-Identifier: GPL-2.0-or-later
"""graph: nodes and edges are those of refs, backrefs and why; what is cut is said."""

import re
import shutil
import subprocess

import pytest

from oracle import chains, necropy

ALL = ("-n", "all")


@pytest.fixture
def database(leaky_core):
    return leaky_core.ask("objects", "DB", "--sort", "addr").rows[0]["addr"]


class Picture(object):
    def __init__(self, answer):
        self.notes = " ".join(answer.document["notes"])
        self.nodes = {row["id"]: row for row in answer.rows}
        self.edges = answer.document["edges"]

    def pairs(self):
        return {(self.nodes[edge["source"]]["addr"], self.nodes[edge["target"]]["addr"])
                for edge in self.edges}

    def addresses(self):
        return {row["addr"] for row in self.nodes.values()}

    def more(self):
        return {id: int(re.search(r"[\d,]+", row["type"]).group().replace(",", ""))
                for id, row in self.nodes.items() if row["role"] == "more"}


def picture(target, *arguments):
    return Picture(target.ask("graph", *arguments))


def test_back_is_what_backrefs_lists(leaky_core, database):
    found = picture(leaky_core, database, "--depth", "1", "--too-many", "1000")
    rows = leaky_core.ask("backrefs", database, *ALL).rows
    assert found.pairs() == {(row["addr"], database) for row in rows}
    assert {edge["label"] for edge in found.edges} <= {row["label"] for row in rows}


def test_forward_is_what_refs_lists(leaky_core, database):
    found = picture(leaky_core, database, "--direction", "forward", "--depth", "1",
                    "--too-many", "1000")
    rows = leaky_core.ask("refs", database, *ALL).rows
    assert {(edge["label"], found.nodes[edge["target"]]["addr"], edge["kind"])
            for edge in found.edges} == {(row["label"], row["addr"], row["kind"]) for row in rows}


def test_both_is_back_and_forward(leaky_core, database):
    arguments = ("--depth", "2", "--too-many", "50")
    back = picture(leaky_core, database, *arguments)
    forward = picture(leaky_core, database, "--direction", "forward", *arguments)
    both = picture(leaky_core, database, "--direction", "both", *arguments)
    assert both.addresses() == back.addresses() | forward.addresses()
    assert both.pairs() == back.pairs() | forward.pairs()
    assert len(both.edges) == len({(edge["source"], edge["target"]) for edge in both.edges})


def test_the_object_is_red_and_modules_are_green(leaky_core, database):
    found = picture(leaky_core, database, "--depth", "12", "--too-many", "30")
    roles = {}
    for row in found.nodes.values():
        roles.setdefault(row["role"], set()).add(row["type"])
    assert roles["object"] == {"__main__.DB"} and roles["module"] == {"module"}
    text = leaky_core.run("graph", database, "--depth", "12", "--too-many", "30").out
    colors = dict(re.findall(r'^\tn(\d+) \[fillcolor="(#\w+)"', text, re.MULTILINE))
    for row in found.nodes.values():
        if row["role"] in ("object", "module"):
            expected = {"object": "#fcdcdc", "module": "#d8f0dc"}[row["role"]]
            assert colors[str(row["id"])] == expected


def test_refcounts_are_shown(leaky_core, database):
    shown = {row["addr"]: row["refcount"] for row in leaky_core.ask("objects", "DB", *ALL).rows}
    found = picture(leaky_core, database, "--depth", "1")
    node = next(row for row in found.nodes.values() if row["addr"] == database)
    assert node["refcount"] == shown[database]
    assert "refcount %d" % shown[database] in leaky_core.run("graph", database).out


def test_what_is_cut_is_a_node_and_a_note(leaky_core):
    wanted = next(row["addr"] for row in leaky_core.ask("objects", "list", *ALL).rows
                  if "in all]" in row["repr"])
    whole = picture(leaky_core, wanted, "--direction", "forward", "--depth", "1",
                    "--too-many", "100000")
    part = picture(leaky_core, wanted, "--direction", "forward", "--depth", "1",
                   "--too-many", "3")
    assert not whole.more() and not whole.notes
    assert list(part.more().values()) == [len(whole.edges) - 3]
    assert len(part.edges) == 4
    assert "%d references are not drawn" % (len(whole.edges) - 3) in part.notes
    text = leaky_core.run("graph", wanted, "--direction", "forward", "--depth", "1",
                          "--too-many", "3").out
    assert "more</b>" in text


def test_filter_leaves_types_out_and_only_keeps_them(leaky_core, database):
    def types(*arguments):
        found = picture(leaky_core, database, "--depth", "6", "--too-many", "50", *arguments)
        return {row["type"] for row in found.nodes.values() if row["role"] == ""}
    assert {"frame", "traceback"} <= types()
    assert not {"frame", "traceback"} & types("--filter", "frame", "--filter", "trace*")
    assert types("--only", "frame") == {"frame"}
    assert types("--only", "frame", "--only", "traceback") == {"frame", "traceback"}
    assert types("--only", "*", "--filter", "frame") == types("--filter", "frame")
    answer = necropy("graph", leaky_core.name, database, "--filter", "NoSuchType")
    assert answer.status == 1 and "NoSuchType" in answer.err


def test_depth_is_how_far(leaky_core, database):
    for depth in (0, 1, 2, 4):
        found = picture(leaky_core, database, "--depth", str(depth), "--too-many", "100")
        distance, level = {0: 0}, [0]
        while level:
            level = [edge["source"] for at in level for edge in found.edges
                     if edge["target"] == at and edge["source"] not in distance
                     and not distance.update({edge["source"]: distance[at] + 1})]
        assert set(distance) == set(found.nodes)
        assert max(distance.values()) == depth


def test_a_type_draws_its_objects(leaky_core):
    databases = {row["addr"] for row in leaky_core.ask("objects", "DB", *ALL).rows}
    found = picture(leaky_core, "DB", "--depth", "1", "--too-many", "100")
    assert {row["addr"] for row in found.nodes.values() if row["role"] == "object"} == databases
    few = picture(leaky_core, "DB", "--depth", "0", "--too-many", "2")
    assert len(few.nodes) == 2
    assert "2 of %d objects" % len(databases) in few.notes


def test_chain_is_what_why_finds(leaky_core):
    for more in ((), ("-k", "3"), ("--to", "frame")):
        rows = leaky_core.ask("why", "DB", *(ALL + more)).rows
        found = picture(leaky_core, "DB", "--chain", *more)
        assert found.addresses() == {row["addr"] for row in rows}
        steps = {(before["addr"], after["addr"])
                 for chain in chains(leaky_core.ask("why", "DB", *(ALL + more)))
                 for before, after in zip(chain, chain[1:])}
        assert found.pairs() == steps


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")
def test_graphviz_draws_every_direction(leaky_core, database):
    for way in ("back", "forward", "both"):
        text = necropy("graph", leaky_core.name, database, "--direction", way, "--too-many",
                       "2").out
        done = subprocess.run(["dot", "-Tsvg"], input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=True)
        drawn = done.stdout.decode()
        assert "syntax" not in done.stderr.decode() and drawn.count('class="node"') >= 2
        answer = necropy("graph", leaky_core.name, database, "--direction", way, "--too-many",
                         "2", "--format", "svg")
        assert answer.out.count('class="node"') == drawn.count('class="node"')


def test_every_python_draws_both_ways(mixed_core):
    wanted = mixed_core.truth["chains"]["attribute"]
    found = picture(mixed_core, hex(wanted[-1]), "--direction", "both", "--depth", "3",
                    "--too-many", "1000")
    pairs = {(int(a, 16), int(b, 16)) for a, b in found.pairs()}
    assert (wanted[-2], wanted[-1]) in pairs or wanted[-2] not in mixed_core.truth.objects \
        or mixed_core.truth.type_of[wanted[-2]] == "dict"
    known = {node for node in mixed_core.truth.edges
             if hex(node) in found.addresses() and mixed_core.truth.type_of.get(node) == "list"}
    for source, target in pairs:
        if source in known:
            assert target in mixed_core.truth.edges[source]
