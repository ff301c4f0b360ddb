# SPDX-License-Identifier: GPL-2.0-or-later
"""The incremental collector of 3.14.0 to 3.14.4, of which no build with debug information is here.

It keeps the young and two old generations as members of their own, where others have an array,
and a bit of each object in the links of its lists. Both are done to a core of another version:
its layout is rewritten, the bits are set in the core. The answers must not change.
"""

import os
import re
import shutil

import pytest

from oracle import necropy
from test_mutated_cores import Core

OLD_SPACE = 1  # in _gc_next
GC_HEAD = 16


def divide_generations(text):
    """Make `young` and `old[2]` of the `generations[3]` of a layout."""
    row = re.compile(r"^F GCS_GENERATIONS (\d+) (\d+)(.*)$", re.MULTILINE)
    off, size, rest = row.search(text).groups()
    each = int(size) // 3
    text = row.sub("F GCS_YOUNG %d %d%s\nF GCS_OLD %d %d%s" % (
        int(off), each, rest, int(off) + each, 2 * each, rest), text)
    return re.sub(r"^end (\d+)$", lambda end: "end %d" % (int(end.group(1)) + 1), text,
                  flags=re.MULTILINE)


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
    """Ask a copy of the core."""
    target = lab.target(debian, "mixed")
    core = str(tmp_path / "core")
    shutil.copy(target.name, core)
    def answer(command, *options):
        said = necropy(command, core, "--json", *options)
        assert said.status == 0, said.err
        return said.rows

    answer.core, answer.target = core, target
    yield answer
    os.unlink(core)


def test_young_and_old_generations_are_read_as_three(ask, tmp_path):
    before = ask("types", "--gc", "-n", "all"), ask("gc")
    path = tmp_path / "layout"
    path.write_text(divide_generations(necropy("layout", ask.core).out))
    option = "--layout=%s" % path
    assert (ask("types", "--gc", "-n", "all", option), ask("gc", option)) == before
    # and it was that layout that was used
    rows = ask("info", "--layout", "-n", "all", option)
    layout = {row["field"]: row["offset"] for row in rows}
    assert layout["gc_runtime.generations"] is None
    assert layout["gc_runtime.old"] is not None


def test_the_bit_of_the_old_space_is_no_part_of_a_link(ask):
    before = ask("objects", "*", "--gc", "-n", "all", "--sort", "addr")
    assert mark_as_old(ask.core, ask.target.truth.objects) > 1000
    assert ask("objects", "*", "--gc", "-n", "all", "--sort", "addr") == before
