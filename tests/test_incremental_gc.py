# SPDX-License-Identifier: GPL-2.0-or-later
"""The incremental collector of 3.14.0 to 3.14.4, of which no build with debug information is here.

It keeps the young and two old generations as members of their own, where others have an array,
and a bit of each object in the links of its lists. Both are done to a core of another version:
its layout is rewritten in the cache, the bits are set in the core. The answers must not change.
"""

import os
import re
import shutil
import struct
import sys

import pytest

from oracle import ROOT, clean_environment, necropy

sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import make_layouts  # noqa: E402  (found by the line above)
from test_mutated_cores import Core  # noqa: E402

OLD_SPACE = 1  # in _gc_next
GC_HEAD = 16


def fnv(text):
    found = 0xcbf29ce484222325
    for byte in text:
        found = (found ^ byte) * 0x100000001b3 % (1 << 64)
    return found


def divide_generations(path):
    """Make `young` and `old[2]` of the `generations[3]` of a cached layout."""
    rows = make_layouts.names()["F"]
    with open(path, "rb") as cached:
        text = cached.read()
    off, size = re.search(rb"^F %d (\d+) (\d+) 0 0$" % rows.index("GCS_GENERATIONS"), text,
                          re.MULTILINE).groups()
    each = int(size) // 3
    lines = [line for line in text.splitlines()[:-1]
             if not line.startswith(b"F %d " % rows.index("GCS_GENERATIONS"))]
    lines += [b"F %d %d %d 0 0" % (rows.index("GCS_YOUNG"), int(off), each),
              b"F %d %d %d 0 0" % (rows.index("GCS_OLD"), int(off) + each, 2 * each)]
    text = b"\n".join(lines) + b"\n"
    with open(path, "wb") as cached:
        cached.write(text + b"checksum %016x\n" % fnv(text))


def mark_as_old(path, objects):
    """Set the bit in the links of every second object."""
    core = Core(path)
    marked = 0
    for address in sorted(objects)[::2]:
        for off, size, start in core.loads:
            at = address - GC_HEAD - start
            if 0 <= at < size:
                core.put(off + at, core.word_at(off + at) | OLD_SPACE)
                marked += 1
    core.file.close()
    return marked


@pytest.fixture
def ask(debian, lab, tmp_path):
    """Ask the same core with a layout cache of its own."""
    target = lab.target(debian, "mixed")
    core = str(tmp_path / "core")
    shutil.copy(target.name, core)
    environment = dict(clean_environment(), XDG_CACHE_HOME=str(tmp_path))

    def answer(command, *options):
        said = necropy(command, core, "--json", *options, env=environment)
        assert said.status == 0, said.err
        return said.rows

    answer.core, answer.target = core, target
    answer.cached = lambda: [str(p) for p in tmp_path.glob("necropy/layout-%s" % answer.build_id)]
    answer.build_id = target.ask("info").document["target"]["build_id"]
    yield answer
    os.unlink(core)


def test_young_and_old_generations_are_read_as_three(ask):
    before = ask("types", "--gc", "-n", "all"), ask("gc")
    path, = ask.cached()
    divide_generations(path)
    assert (ask("types", "--gc", "-n", "all"), ask("gc")) == before
    # and it was that layout that was used
    layout = {row["field"]: row["offset"] for row in ask("info", "--layout", "-n", "all")}
    assert layout["gc_runtime.generations"] is None
    assert layout["gc_runtime.old"] is not None


def test_the_bit_of_the_old_space_is_no_part_of_a_link(ask):
    before = ask("objects", "*", "--gc", "-n", "all", "--sort", "addr")
    assert mark_as_old(ask.core, ask.target.truth.objects) > 1000
    assert ask("objects", "*", "--gc", "-n", "all", "--sort", "addr") == before
