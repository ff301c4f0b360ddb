# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores that end too early: refused or answered in part, never as if nothing were missing.

`make test` cuts in some places, `make test-long` everywhere: each byte of the first 64 KiB, where
the headers are, and each hundredth, by every CPython found.
"""

import json
import os
import random
import shutil
import struct
import tempfile

import pytest

from corewriter import EHDR, PHDR, PHDR_BYTES, PT_LOAD, W
from oracle import DEBIAN_PYTHON, necropy
from test_layouts import ALONE, counts, lone_cores, sysroots, without_symbols  # noqa: F401

USAGE, UNREADABLE, INCOMPLETE = 1, 2, 3
IS_LONG = bool(os.environ.get("NECROPY_LONG"))
HEADERS = 65536
QUESTIONS = (("types",), ("why", "dict"), ("shm",), ("export",), ("bt", "--locals"), ("threads",),
             ("verify",))


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def cut(leaky_core, directory):
    """A function that makes a copy of the core so long, and the next one shorter."""
    path = shutil.copy(leaky_core.name, os.path.join(directory, "core"))

    def to(length):
        os.truncate(path, length)
        return path
    return to


def problem_with(answer, path):
    """What is wrong with an answer from a core that was cut; None when nothing is."""
    if answer.status == UNREADABLE:
        if answer.out or len(answer.err.splitlines()) != 1 or path not in answer.err:
            return "refused badly: %r" % answer.err
    elif answer.status == INCOMPLETE:
        if not answer.out.startswith("{\"schema\"") or "\n{" in answer.out:
            return None  # a stream says it on standard error, which is not one line
        document = json.loads(answer.out)
        kinds = [damage["kind"] for damage in document["damage"]]
        if document["complete"] or "truncated-core" not in kinds:
            return "does not say what is missing"
    elif answer.status != USAGE or len(answer.err.splitlines()) != 1:
        # a type of which nothing is left cannot be told from a type that never was
        return "status %d: %s" % (answer.status, answer.err[-300:])
    return None


def ask(path, question):
    form = () if question[0] == "export" else ("--json",)
    return necropy(question[0], path, *(question[1:] + form))


def test_every_byte_of_the_headers(leaky_core, cut):
    size = os.path.getsize(leaky_core.name)
    edges = [0, 1, 4, 15, 16, 17, 52, 63, 64, 65, 119, 120, 121, 1000, 4095, 4096, 4097, HEADERS]
    lengths = range(HEADERS) if IS_LONG else \
        edges + random.Random(HEADERS).sample(range(HEADERS), 60) + [size - 1]
    seen, problems = set(), {}
    for length in sorted(lengths, reverse=True):
        path = cut(length)
        answer = ask(path, ("types",))
        seen.add(answer.status)
        problem = problem_with(answer, path)
        if problem:
            problems[length] = problem
    assert problems == {}
    assert UNREADABLE in seen and (IS_LONG or INCOMPLETE in seen)


def test_every_hundredth(lab, python, directory):
    if python.path != DEBIAN_PYTHON and not IS_LONG:
        pytest.skip("one CPython is enough; NECROPY_LONG=1 asks for every one")
    copy = shutil.copy(lab.target(python, "mixed").name, os.path.join(directory, "core"))
    size = os.path.getsize(copy)
    hundredths = range(1, 100) if IS_LONG else (3, 20, 45, 70, 99)
    problems = {}
    for hundredth in sorted(hundredths, reverse=True):
        os.truncate(copy, size * hundredth // 100)
        for question in QUESTIONS:
            problem = problem_with(ask(copy, question), copy)
            if problem:
                problems[hundredth, question] = problem
    assert problems == {}


def test_in_the_middle_of_every_arena(lab, debian, directory):
    path = shutil.copy(lab.target(debian, "mixed").name, os.path.join(directory, "core"))
    with open(path, "rb") as core:
        head = core.read(HEADERS)
    header = struct.unpack_from(EHDR, head)
    phdrs = [struct.unpack_from(PHDR, head, header[5] + i * PHDR_BYTES) for i in range(header[10])]
    problems = {}
    for kind, flags, offset, _, _, filesz, _, _ in sorted(phdrs, key=lambda p: -p[2]):
        if kind != PT_LOAD or not flags & W or filesz < 1 << 20:
            continue
        for part in (49, 33, 17, 9, 5, 3, 1):
            os.truncate(path, offset + filesz * part // 64)
            problem = problem_with(ask(path, ("verify",)), path)
            if problem:
                problems[offset, part] = problem
    assert problems == {}


def own_memory(answer):
    """Bytes saved of what the process alone could write to."""
    return sum(row["saved"] for row in answer.rows if row["perms"].startswith("rw")
               and not row["perms"].endswith("s"))


@pytest.mark.parametrize("percent", [30, 60, 90])
def test_the_missing_share_of_the_heap_is_said(leaky_core, cut, percent):
    whole = own_memory(leaky_core.ask("maps", "-n", "all"))
    answer = necropy("maps", cut(os.path.getsize(leaky_core.name) * percent // 100), "-n",
                     "all", "--json")
    lost = whole - own_memory(answer)
    assert lost > 0 and answer.status == INCOMPLETE
    [note] = [note for note in answer.document["notes"] if "cut off" in note]
    assert "%.1f %%" % (100 * lost / whole) in note
    assert "(%d of %d KiB)" % (lost // 1024, whole // 1024) in note


# --- and stripped, or without the interpreter's file

BY_FLAG = {"str", "bytes", "tuple", "list", "dict", "type", "long", "unicode"}


def test_what_is_left_is_read_as_well_without_symbols(
        lab, python, directory, sysroots, lone_cores):  # noqa: F811
    if python.path != DEBIAN_PYTHON and not IS_LONG:
        pytest.skip("one CPython is enough; NECROPY_LONG=1 asks for every one")
    core = lab.target(python, "mixed")

    def types(path, *options):
        cut = shutil.copy(path, os.path.join(directory, "core"))
        os.truncate(cut, os.path.getsize(cut) * 93 // 100)
        return necropy("types", cut, "-n", "all", "--json", "--no-cache", *options)
    whole = types(core.name)
    others = [types(core.name, *without_symbols(core, sysroots, "--strip-all")),
              types(lone_cores(core), *ALONE)]
    assert [answer.status for answer in others] == [whole.status] * 2, others[0].err
    if whole.status == UNREADABLE:  # the interpreter's variables came late, as libpython's do
        assert "cut off" in whole.err
        return
    # the modules are among what is missing: types are known by their flags
    expected = {name: n for name, n in counts(whole).items() if name in BY_FLAG}
    assert whole.status == INCOMPLETE and len(expected) > 4
    for answer in others:  # one more or less hangs from what is no longer known by name
        found = counts(answer)
        assert {n: found.get(n) for n in expected if abs(found.get(n, 0) - expected[n]) > 2} == {}
