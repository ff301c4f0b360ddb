# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks whose links have been written over: what is left of them is found again, and marked."""

import shutil

import pytest

from oracle import necropy, number
from test_mutated_cores import Core

WILD = 0x4141414141414140
BROKEN_AT = 5  # of a thread's frames


class Broken(object):
    """A copy of the core of stacks.py, whose frames can be changed and restored."""

    def __init__(self, target):
        self.core = Core(shutil.copy(target.name, target.name + ".broken"))
        self.truth = target.truth["threads"]
        rows = necropy("info", target.name, "--layout", "-n", "all", "--json").rows
        self.offsets = {row["field"]: number(row["offset"]) for row in rows if row["offset"]}
        self.frames = {}
        for row in target.ask("bt", "-n", "all").rows:
            self.frames.setdefault(row["thread"], []).append(row)

    def thread(self, name):
        return next(int(ident) for ident, thread in self.truth.items() if thread["name"] == name)

    def offset(self, *names):
        return next(self.offsets[name] for name in names if name in self.offsets)

    def put(self, addr, word):
        off = next(off + addr - start for off, size, start in self.core.loads
                   if start <= addr < start + size)
        self.core.put(off, word)

    def link(self, frame, to):
        self.put(number(frame["addr"]) + self.offset("InterpreterFrame.previous",
                                                     "PyFrameObject.f_back"), to)

    def bt(self, thread):
        answer = necropy("bt", self.core.path, str(thread), "-n", "all", "--json")
        assert answer.status == 3
        assert "bad-frame" in [damage["kind"] for damage in answer.document["damage"]]
        return answer.rows


@pytest.fixture
def broken(lab, python):
    target = lab.target(python, "stacks")
    if not hasattr(target, "broken"):
        target.broken = Broken(target)
    yield target.broken
    target.broken.core.restore()


def essence(rows):
    return [(row["addr"], row["function"], row["line"]) for row in rows]


@pytest.mark.parametrize("name, to", [
    ("recursive", "nothing"), ("recursive", "garbage"), ("recursive", "itself"),
    ("recursive", "an earlier one"), ("method", "nothing")])
def test_a_broken_link_hides_no_frame(broken, name, to):
    thread = broken.thread(name)
    frames = broken.frames[thread]
    at = min(BROKEN_AT, len(frames) - 3)
    broken.link(frames[at], {"nothing": WILD, "itself": number(frames[at]["addr"]),
                             "garbage": number(frames[at]["addr"]) & ~0xfff,
                             "an earlier one": number(frames[1]["addr"])}[to])
    found = broken.bt(thread)
    assert essence(found) == essence(frames)
    assert [row["mark"] for row in found] == \
        [None] * (at + 1) + ["recovered"] * (len(frames) - at - 1)


def test_two_broken_links(broken):
    thread = broken.thread("recursive")
    frames = broken.frames[thread]
    broken.link(frames[3], WILD)
    broken.link(frames[20], WILD)
    found = broken.bt(thread)
    assert essence(found) == essence(frames)
    assert [row["mark"] for row in found] == [None] * 4 + ["recovered"] * (len(frames) - 4)


def test_a_thread_that_leads_nowhere(broken):
    thread = broken.thread("recursive")
    frames = broken.frames[thread]
    state = next(row for row in necropy("threads", broken.core.path, "-n", "all", "--json").rows
                 if row["thread"] == thread)
    place = number(state["addr"])
    place += broken.offset("PyThreadState.current_frame|frame", "PyThreadState.cframe")
    broken.put(place, WILD)
    found = broken.bt(thread)
    assert essence(found) == essence(frames)
    assert {row["mark"] for row in found} == {"recovered"}


def test_a_frame_whose_code_is_gone_is_shown_with_what_is_left(broken):
    thread = broken.thread("recursive")
    frames = broken.frames[thread]
    broken.put(number(frames[4]["addr"]) + broken.offset(
        "InterpreterFrame.f_executable|f_code", "PyFrameObject.f_code"), WILD)
    found = broken.bt(thread)
    assert essence(found[:4] + found[5:]) == essence(frames[:4] + frames[5:])
    assert (found[4]["addr"], found[4]["function"], found[4]["line"]) == \
        (frames[4]["addr"], "?", None)
    assert [row["mark"] for row in found] == \
        [None] * 4 + ["damaged"] + [None] * (len(frames) - 5)


def test_the_mark_is_in_the_text(lab, debian):
    broken = Broken(lab.target(debian, "stacks"))
    thread = broken.thread("method")
    broken.link(broken.frames[thread][1], WILD)
    said = necropy("bt", broken.core.path, str(thread)).out
    assert said.count("[recovered]") == len(broken.frames[thread]) - 2


@pytest.mark.parametrize("name", ["in_generator", "in_coroutine", "in_async_generator"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_generators_behind_a_broken_link(broken, name, at):
    if name not in [thread["name"] for thread in broken.truth.values()]:
        pytest.skip("it has none")
    thread = broken.thread(name)
    frames = broken.frames[thread]
    broken.link(frames[at], WILD)
    found = broken.bt(thread)
    assert essence(found) == essence(frames)
    assert [row["mark"] for row in found] == \
        [None] * (at + 1) + ["recovered"] * (len(frames) - at - 1)


def test_a_generator_that_runs_elsewhere_is_not_recovered(broken):
    if "PyGenObject.gi_iframe" not in broken.offsets:
        pytest.skip("frames of generators are objects")
    thread = broken.thread("recursive")
    frames = broken.frames[thread]
    running = broken.frames[broken.thread("in_generator")][1]
    assert running["function"] == "generator"
    broken.put(number(frames[4]["addr"]) + broken.offset("InterpreterFrame.localsplus"),
               number(running["addr"]) - broken.offset("PyGenObject.gi_iframe"))
    broken.link(frames[3], WILD)
    assert essence(broken.bt(thread)) == essence(frames)
