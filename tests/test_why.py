# SPDX-License-Identifier: GPL-2.0-or-later
"""why: the shortest chain from a module, each of its steps real."""

import pytest

from oracle import address, chains, number

# Owned, but not visited by tp_traverse, so gc.get_referents() does not tell. The chain may take
# such a step, and then be shorter than the one that Python finds.
OWNED_UNVISITED = {
    "code": "constants and names",
    "type": "tp_dict, tp_bases and tp_mro of static types, which the collector does not visit",
}

# Containers that necropy does not look into yet: no chain through them is asked for.
NOT_FOLLOWED = ("collections.deque",)

# The name of a variable, an attribute or a key that must be on the chain to each target, as the
# program has written it.
LABELS = {
    "list": "[1]",
    "tuple": "[1]",
    "dict": "['c']",
    "int key": "[3]",
    "attribute": ".other",
    "slot": ".right",
    "slot of base": ".left",
    "dict beside slots": ".other",
    "attribute of str child": ".other",
    "frame local": "local thing",
    "generator local": "local thing",
    "coroutine local": "local thing",
    "closure": "closure thing",
    "default": "default 0",
}


def chain_to(target, wanted, *options):
    """The rows of the only chain to the object with the id `wanted`."""
    found = chains(target.ask("why", address(wanted), *(options + ("-n", "all"))))
    assert len(found) == 1, "expected one chain, got %d" % len(found)
    return found[0]


def unreal_steps(rows, truth):
    """The steps that do not exist in CPython's own view, or exist but are called otherwise."""
    wrong = []
    ids = [number(row["addr"]) for row in rows]
    for start, to, row in zip(ids, ids[1:], rows[1:]):
        owner = truth.type_of.get(start)
        visited = to in truth.edges.get(start, ())
        expected = {"visit": visited,
                    "own": not visited and owner in OWNED_UNVISITED}.get(row["kind"], False)
        if not expected:
            wrong.append((owner, row["label"], row["kind"], row["type"], row["addr"]))
    return wrong


def test_chains_are_as_short_as_those_of_python_and_each_step_is_real(mixed):
    truth = mixed.truth
    problems = {}
    every = 1 if mixed.way == "kernel" else 4  # the answers do not depend on the way, the bytes do
    for name, chain in sorted(truth["chains"].items())[::every]:
        if any(truth.type_of[i] in NOT_FOLLOWED for i in chain):
            continue
        rows = chain_to(mixed, chain[-1])
        if rows[0]["type"] != "module" or number(rows[-1]["addr"]) != chain[-1]:
            problems[name] = ("wrong ends", rows)
        elif len(rows) > len(chain):
            problems[name] = ("longer", len(rows), len(chain))
        elif unreal_steps(rows, truth):
            problems[name] = ("not real", unreal_steps(rows, truth))
        if len(problems) >= 5:
            break
    assert problems == {}


def test_labels_read_as_python_programmers_would_write_them(mixed_core):
    ids = {name: chain[-1] for name, chain in mixed_core.truth["chains"].items()}
    problems = {}
    for name in sorted(set(LABELS) & set(ids)):
        labels = [row["label"] for row in chain_to(mixed_core, ids[name])]
        # an attribute is a key where the instance has a dict that is an object of its own
        if LABELS[name] not in labels and as_key(LABELS[name]) not in labels:
            problems[name] = (LABELS[name], labels)
    assert problems == {}


def as_key(label):
    return "['%s']" % label[1:] if label.startswith(".") else None


def test_weak_references_keep_nothing_alive(mixed_core):
    truth = mixed_core.truth
    rows = chain_to(mixed_core, truth["chains"]["strongly held elsewhere"][-1])
    assert "weakref" not in [row["type"].split(".")[0] for row in rows]
    assert "weakly" in rows[-1]["label"]


def test_why_of_a_type_takes_the_object_nearest_to_a_module(mixed_core):
    truth = mixed_core.truth
    nearest = min(len(chain) for chain in truth["chains"].values())
    rows = chains(mixed_core.ask("why", "__main__.Target", "-n", "all"))[0]
    assert truth.type_of[number(rows[-1]["addr"])] == "__main__.Target"
    assert len(rows) <= nearest


def test_k_gives_that_many_chains(mixed_core):
    found = chains(mixed_core.ask("why", "__main__.Target", "-k", "5", "-n", "all"))
    assert len(found) == 5
    assert len({rows[-1]["addr"] for rows in found}) == 5
    assert [len(rows) for rows in found] == sorted(len(rows) for rows in found)


def test_excluded_types_are_not_on_the_chain(mixed_core):
    wanted = mixed_core.truth["chains"]["closure"][-1]
    assert "cell" in [row["type"] for row in chain_to(mixed_core, wanted)]
    answer = mixed_core.ask("why", address(wanted), "--exclude", "cell", "-n", "all")
    assert "cell" not in answer.column("type")


def test_a_chain_that_is_too_long_is_not_shown(mixed_core):
    wanted = mixed_core.truth["chains"]["list"]
    assert chain_to(mixed_core, wanted[-1], "--max-depth", str(len(wanted)))
    answer = mixed_core.ask("why", address(wanted[-1]), "--max-depth", "1")
    assert answer.rows == []
    assert answer.document["notes"]


def test_locals_of_running_frames_hold_their_objects(lab, python, way):
    target = lab.target(python, "threads", way)
    problems = {}
    for name, (wanted, variable, function) in sorted(target.truth.notes.items()):
        rows = chain_to(target, wanted, "--to", "frame")
        labels = [row["label"] for row in rows]
        if "local " + variable not in labels or function not in str(rows[0]):
            problems[name] = (variable, function, rows)
    assert problems == {}


def test_what_only_a_running_frame_holds_has_no_chain_to_a_module(lab, python):
    target = lab.target(python, "threads")
    wanted = target.truth.notes["worker 0"][0]
    answer = target.ask("why", address(wanted))
    assert answer.rows == []
    assert "--to" in " ".join(answer.document["notes"]), "the notes say what to try next"


def test_what_the_exception_being_handled_holds_is_found_from_its_thread(lab, python):
    target = lab.target(python, "handling")
    rows = chain_to(target, target.truth.notes["evidence"], "--to", "thread")
    assert rows[0]["type"].startswith(("thread ", "frame "))
    assert any("exception being handled" in (row["label"] or "") for row in rows)
    assert rows[-1]["type"] == "__main__.Evidence"


def test_the_error_log_of_the_leaky_application_is_to_blame(leaky):
    rows = chains(leaky.ask("why", "DB", "-n", "all"))[0]
    types = [row["type"] for row in rows]
    labels = [row["label"] for row in rows]
    assert "errorlog" in rows[0]["repr"]
    assert types[-1] == "__main__.DB"
    assert [name for name in ("list", "traceback", "frame") if name in types] == [
        "list", "traceback", "frame"]
    assert "['_temp_logs']" in labels or "._temp_logs" in labels
    assert labels[-1] == "local db"


def test_the_leaky_application_keeps_one_database_for_each_error(leaky):
    document = leaky.ask("count", "DB").document
    errors = leaky.ask("count", "LookupError").document
    assert document["totals"]["count"] == errors["totals"]["count"] > 0
    assert len(leaky.ask("objects", "DB").rows) == document["totals"]["count"]


@pytest.mark.parametrize("form, start", [("dot", b"digraph"), ("svg", b"<?xml"),
                                         ("png", b"\x89PNG")])
def test_the_picture_of_a_chain_can_be_drawn(leaky_core, tmp_path, form, start):
    path = tmp_path / ("why." + form)
    answer = leaky_core.run("graph", "DB", "--chain", "--format", form, "-o", str(path))
    assert answer.status == 0, answer.err
    assert path.read_bytes().startswith(start)


def test_the_picture_shows_the_labels_of_the_chain(leaky_core):
    rows = chains(leaky_core.ask("why", "DB", "-n", "all"))[0]
    picture = leaky_core.run("graph", "DB", "--chain", "--format", "dot").out
    for row in rows[1:]:
        assert row["label"].replace("\\", "\\\\").replace('"', '\\"') in picture
    assert "DB" in picture and "errorlog" in picture


def test_k_gives_the_nearest_of_many_objects_in_one_search(mixed_core):
    """As many shortest chains as there are targets, each as long as that of its own object."""
    lengths = {}
    for rows in chains(mixed_core.ask("why", "__main__.Target", "-k", "100", "-n", "all")):
        lengths[rows[-1]["addr"]] = len(rows)
    recorded = {address(chain[-1]): len(chain)
                for chain in mixed_core.truth["chains"].values() if chain}
    for addr in set(recorded) - set(lengths):
        alone = mixed_core.ask("why", addr, "-n", "all")
        assert not alone.rows or "guesses" in " ".join(alone.document["notes"])
        del recorded[addr]
    assert len(recorded) > 10
    assert all(lengths[addr] <= recorded[addr] for addr in recorded)
    for addr in sorted(recorded)[:5]:
        alone = chains(mixed_core.ask("why", addr, "-n", "all"))[0]
        assert len(alone) == lengths[addr]


def test_one_attribute_is_excluded_and_others_of_its_type_are_not(mixed_core):
    wanted = mixed_core.truth["chains"]["attribute"][-1]
    rows = chain_to(mixed_core, wanted)
    holder, label = rows[-2], rows[-1]["label"]
    assert label in (".other", "['other']")
    if label != ".other":
        holder, label = rows[-3], rows[-2]["label"]
    excluded = holder["type"] + label
    answer = mixed_core.ask("why", address(wanted), "--exclude", excluded, "-n", "all")
    pairs = list(zip(answer.column("type"), answer.column("label")[1:]))
    assert (holder["type"], label) not in pairs
    assert mixed_core.ask("why", address(wanted), "--exclude", holder["type"] + ".unknown", "-n",
                          "all").rows == rows
