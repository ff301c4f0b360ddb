# SPDX-License-Identifier: GPL-2.0-or-later
"""Every reference of every tracked object, as gc.get_referents() gave it in the process.

The binding is used as it is, without gdb: tens of thousands of answers from one open core.
"""

import collections
import os
import sys

import pytest

from oracle import ROOT

sys.path.insert(0, os.path.join(ROOT, "gdbext"))
from necropy_gdb import _native  # noqa: E402  (found by the line above)

# Types whose struct or state is known only to an extension module's own code: their words are
# offered as guesses.
GUESSED = {"module", "_json.Scanner", "_struct.Struct"}


class Binding(object):
    """References of one object after the other, from one session."""

    def __init__(self, core):
        choices = _native.Choices(None, None, None, None, 0, 1, 0)
        self.session = _native.load().open_core(core, choices, _native.Callbacks(self.go_on))

    @staticmethod
    def go_on(what, done, total):
        pass

    def references(self, addr):
        """{kind: set of addresses} of the object at `addr`."""
        found = collections.defaultdict(set)
        with self.session.run(["refs", hex(addr), "-n", "all"]) as result:
            columns = result.columns()
            for to, kind in zip(columns["addr"], columns["kind"]):
                found[kind].add(to)
        return found


@pytest.fixture
def binding(mixed_core):
    binding = Binding(mixed_core.name)
    yield binding
    binding.session.close()


def is_explained(name, missing, extra, guesses):
    """Whether a difference is one of those that the docs explain."""
    if name == "frame":  # that of the recording itself went on running
        return True
    return name in GUESSED and not extra and missing <= guesses


def test_references_are_those_that_the_collector_sees(mixed_core, binding):
    truth, wrong = mixed_core.truth, {}
    compared = 0
    for addr, name in truth.objects.items():
        if addr not in truth.edges:
            continue
        found = binding.references(addr)
        missing = truth.edges[addr] - found["visit"]
        extra = found["visit"] - truth.edges[addr]
        compared += 1
        if (missing or extra) and not is_explained(name, missing, extra, found["guess"]):
            wrong[name, hex(addr)] = sorted(map(hex, missing)), sorted(map(hex, extra))
    assert wrong == {}
    assert compared > 5000
