# SPDX-License-Identifier: GPL-2.0-or-later
"""The truth itself: what CPython says of its heap must still hold when necropy reads it."""

import pytest


@pytest.mark.parametrize("program", ["mixed", "big", "threads", "finalizer", "frozen",
                                     "subinterpreters"])
def test_recording_leaves_no_trace_in_the_heap(lab, python, program):
    truth = lab.target(python, program).truth
    assert truth["appeared"] == []
    assert truth["vanished"] == []


def test_recorded_chains_start_at_a_module_and_are_made_of_edges(mixed_core):
    truth = mixed_core.truth
    assert truth["chains"], "the program has no targets"
    for name, chain in truth["chains"].items():
        assert chain, "CPython finds no chain to %s" % name
        assert truth.type_of[chain[0]] == "module"
        assert all(to in truth.edges[start] for start, to in zip(chain, chain[1:]))
