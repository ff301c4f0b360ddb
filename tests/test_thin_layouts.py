# SPDX-License-Identifier: GPL-2.0-or-later
"""A layout with rows missing at random: what is left of a family must not be read by halves."""

import os
import random
import re

import pytest

from oracle import ROOT, necropy
from unknown import STRUCTS, write_layout


# What must be there of a CPython that was tried, or of one that was not.
NEEDS = {"tried": ("MUST", "KNOWN"), "unknown": ("MUST",)}


def wanted_fields(needs):
    with open(os.path.join(ROOT, "ccore", "layout", "cpython.def")) as text:
        rows = text.read()
    wanted = {field for field, struct, need
              in re.findall(r'^FIELD\((\w+), (\w+), "[^"]*",\s*(\w+)\)', rows, re.MULTILINE)
              if need in needs or struct in STRUCTS}
    for pair in re.findall(r"^ONE_OF\((\w+), (\w+),", rows, re.MULTILINE):
        wanted.update(pair)
    if "KNOWN" in needs:
        for pair in re.findall(r"^EITHER\(\w+, (\w+), (\w+)\)", rows, re.MULTILINE):
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


@pytest.mark.parametrize("seed,of", [(0, "tried"), (1, "tried"), (2, "unknown")])
def test_a_layout_with_holes_is_read_without_what_they_cut_through(mixed_core, tmp_path, seed, of):
    chance = random.Random(seed)
    wanted = wanted_fields(NEEDS[of])
    layout = write_layout(mixed_core.python, tmp_path / "layout",
                          lambda kind, name: kind in "SYM" or name in wanted
                          or chance.random() < 0.7)
    for command, *options in (["types"], ["verify"], ["bt"], ["objects", "*", "-n", "2000"]):
        answer = necropy(command, mixed_core.name, *options, "--layout=" + layout)
        assert answer.status in (0, 3), answer.err
        assert answer.out
