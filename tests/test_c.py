# SPDX-License-Identifier: GPL-2.0-or-later
"""The C unit tests and the fuzzers' corpora, each test by its name, under ASan and UBSan.

`make test` builds them. One alone: build/asan/tests/test_util near_names
"""

import functools
import glob
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ASAN = os.path.join(ROOT, "build", "asan")
PATIENCE = 120


@functools.lru_cache(maxsize=None)
def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=PATIENCE, cwd=ROOT,
                          universal_newlines=True, errors="replace")


def built(*names):
    path = os.path.join(ASAN, *names)
    if not os.path.exists(path):
        pytest.fail("%s is not there: run make MODE=asan c-tests fuzzers" % path)
    return path


def c_files(folder, prefix):
    found = glob.glob(os.path.join(ROOT, "tests", folder, prefix + "*.c"))
    return sorted(os.path.basename(path)[:-2] for path in found)


def c_tests():
    """(program, test) of every TEST() in tests/c."""
    for program in c_files("c", "test_"):
        with open(os.path.join(ROOT, "tests", "c", program + ".c"), encoding="utf-8") as source:
            for line in source:
                if line.startswith("TEST("):
                    yield program, line[len("TEST("):line.index(")")]


def what_fails_alone(program, names):
    """{name: what is said} of those that fail in a process of their own."""
    alone = {name: run(program, name) for name in names}
    return {name: done.stdout[-3000:] for name, done in alone.items() if done.returncode != 0}


# One process for all tests of a file, and for all inputs of a fuzzer: to start one takes longer
# than most tests. Only what fails is done again, alone.

@pytest.mark.parametrize("program,name", c_tests())
def test_c(program, name):
    path = built("tests", program)
    if run(path).returncode == 0:
        assert "passed %s\n" % name in run(path).stdout
    else:
        assert what_fails_alone(path, [name]) == {}


@pytest.mark.parametrize("program", sorted({program for program, _ in c_tests()}))
def test_c_in_one_process(program):
    done = run(built("tests", program))
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("fuzzer", c_files("fuzz", "fuzz_"))
def test_corpus(fuzzer):
    folder = os.path.join(ROOT, "tests", "fuzz", "corpus", fuzzer[len("fuzz_"):])
    inputs = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    done = run(built(fuzzer), *inputs)
    if done.returncode != 0:
        assert what_fails_alone(built(fuzzer), inputs) == {}
    assert done.returncode == 0, done.stdout[-3000:]
    assert inputs and done.stdout.endswith("%d inputs\n" % len(inputs))
