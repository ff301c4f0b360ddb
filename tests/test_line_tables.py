# SPDX-License-Identifier: GPL-2.0-or-later
"""The line, and from 3.11 on the columns, of every instruction are what CPython says."""

import os
import subprocess

from oracle import PROGRAMS, ROOT, clean_environment

DECODER = os.path.join(ROOT, "build", "asan", "tests", "decode_lines")


def test_every_instruction_has_the_position_that_cpython_gives_it(python):
    assert os.path.exists(DECODER), "%s is missing: run make MODE=asan c-tests" % DECODER
    said = subprocess.check_output([python.path, "-E", "-s",
                                    os.path.join(PROGRAMS, "line_tables.py")],
                                   env=clean_environment()).decode().splitlines()
    tables, expected = said[::2], said[1::2]
    found = subprocess.run([DECODER], input="\n".join(tables) + "\n", stdout=subprocess.PIPE,
                           check=True, universal_newlines=True).stdout.splitlines()
    assert len(found) == len(expected) > 100
    wrong = [(table, a[:200], b[:200])
             for table, a, b in zip(tables, found, expected) if a != b]
    assert not wrong, "%d of %d code objects; the first: %s" % (len(wrong), len(tables), wrong[0])
