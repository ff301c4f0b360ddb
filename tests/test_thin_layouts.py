# SPDX-License-Identifier: GPL-2.0-or-later
"""A CPython of which little is known: what its own code says takes the place of the tables.

A layout is thinned to the object header, types, and what leads to the collector's objects, with
what each row that must be there cannot do without. Or at random: what is then left of a family
must not be read by halves.
"""

import os
import random
import re

import pytest

from oracle import ROOT, necropy
from test_references import Binding

# Structs all of whose rows stay.
ANCHORS = ("PyObject", "PyVarObject", "PyIntObject", "PyTypeObject", "PyHeapTypeObject",
           "PyMemberDef", "PyDictValues", "static_type_state", "PyGC_Head", "gc_generation",
           "gc_runtime", "runtime", "PyInterpreterState", "PyThreadState", "PyThreadStateImpl",
           "CFrame", "mi_heap", "mi_page_queue", "mi_page", "mi_segment")


def wanted_fields():
    with open(os.path.join(ROOT, "ccore", "layout", "cpython.def")) as text:
        rows = text.read()
    wanted = {field for field, struct, need
              in re.findall(r'^FIELD\((\w+), (\w+), "[^"]*",\s*(MUST|MAY)\)', rows, re.MULTILINE)
              if need == "MUST" or struct in ANCHORS}
    for pair in re.findall(r"^ONE_OF\((\w+), (\w+),", rows, re.MULTILINE):
        wanted.update(pair)
    rules = [names.split(", ") for names
             in re.findall(r"^(?:WITH|WITH_ONE|NEEDS)\(([\w, ]+)\)", rows, re.MULTILINE)]
    before = None
    while before != wanted:
        before = set(wanted)
        for rule in rules:
            if rule[0] in wanted:
                wanted.update(rule[1:])
    return wanted


def write_layout(python, path, stays):
    """The rows of this Python's layout for which stays(kind, name) is true."""
    whole = str(path) + ".whole"
    assert necropy("layout", python.image, "-o", whole).status == 0
    with open(whole) as text:
        lines = text.read().splitlines()
    kept = [line for line in lines[:-1]
            if not re.match(r"[SMFERY] ", line) or stays(*line.split()[:2])]
    with open(str(path), "w") as out:
        out.write("\n".join(kept + ["end %d\n" % sum(bool(re.match(r"[SMFERY] ", line))
                                                     for line in kept)]))
    return str(path)


@pytest.fixture
def thin_layout(python, tmp_path):
    wanted = wanted_fields()
    return write_layout(python, tmp_path / "layout",
                        lambda kind, name: kind in "SY" or (kind == "F" and name in wanted))


def test_nearly_all_references_come_from_the_types_own_code(mixed_core, thin_layout):
    truth = mixed_core.truth
    binding = Binding(mixed_core.name, thin_layout)
    known = right = emulated = 0
    for addr, name in sorted(truth.objects.items())[::4]:
        if addr not in truth.edges or name == "frame":
            continue
        found, sources = binding.references_and_sources(addr)
        if name == "dict" and found["weak"] == truth.edges[addr]:  # of interned strings
            continue
        known += len(truth.edges[addr] | found["visit"])
        right += len(truth.edges[addr] & found["visit"])
        emulated += sources["emulated"]
    binding.session.close()
    assert right >= known * 0.999
    assert emulated > known / 10 > 250


@pytest.mark.parametrize("seed", range(3))
def test_a_layout_with_holes_is_read_without_what_they_cut_through(mixed_core, tmp_path, seed):
    chance = random.Random(seed)
    wanted = wanted_fields()
    layout = write_layout(mixed_core.python, tmp_path / "layout",
                          lambda kind, name: kind in "SYM" or name in wanted
                          or chance.random() < 0.7)
    for command, *options in (["types"], ["verify"], ["bt"], ["objects", "*", "-n", "2000"]):
        answer = necropy(command, mixed_core.name, *options, "--layout=" + layout)
        assert answer.status in (0, 3), answer.err
        assert answer.out
