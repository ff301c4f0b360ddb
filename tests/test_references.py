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


class Binding(object):
    """References of one object after the other, from one session."""

    def __init__(self, core, layout=None, debug_dir=None):
        choices = _native.Choices(None, debug_dir, None, None, 0, 1, 0, layout)
        self.session = _native.load().open_core(core, choices, _native.Callbacks(self.go_on))

    @staticmethod
    def go_on(what, done, total):
        pass

    def references(self, addr):
        """{kind: set of addresses} of the object at `addr`."""
        return self.references_and_sources(addr)[0]

    def references_and_sources(self, addr):
        """The same, and a Counter of how they are known."""
        found = collections.defaultdict(set)
        with self.session.run(["refs", hex(addr), "-n", "all"]) as result:
            columns = result.columns()
            for to, kind in zip(columns["addr"], columns["kind"]):
                found[kind].add(to)
            return found, collections.Counter(columns["source"])


@pytest.fixture
def binding(mixed_core):
    binding = Binding(mixed_core.name)
    yield binding
    binding.session.close()


def test_references_are_those_that_the_collector_sees(mixed_core, binding):
    truth, wrong = mixed_core.truth, {}
    compared = 0
    for addr, name in truth.objects.items():
        if addr not in truth.edges:
            continue
        found = binding.references(addr)
        if name == "dict" and found["weak"] == truth.edges[addr]:  # of interned strings
            continue
        missing = truth.edges[addr] - found["visit"]
        extra = found["visit"] - truth.edges[addr]
        compared += 1
        # the frame of the recording itself went on running
        if (missing or extra) and name != "frame":
            wrong[name, hex(addr)] = sorted(map(hex, missing)), sorted(map(hex, extra))
    assert wrong == {}
    assert compared > 5000
