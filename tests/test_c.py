# SPDX-License-Identifier: GPL-2.0-or-later
"""The C unit tests and the fuzzers' corpora, each test by its name, under ASan and UBSan.

`make test` builds them. One alone: build/asan/tests/test_util near_names
"""

import glob
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ASAN = os.path.join(ROOT, "build", "asan")
PATIENCE = 120


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


def corpus():
    """(fuzzer, input) of every file in tests/fuzz/corpus."""
    for fuzzer in c_files("fuzz", "fuzz_"):
        folder = os.path.join(ROOT, "tests", "fuzz", "corpus", fuzzer[len("fuzz_"):])
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            yield fuzzer, os.path.join(folder, name)


@pytest.mark.parametrize("program,name", c_tests())
def test_c(program, name):
    done = run(built("tests", program), name)
    assert done.returncode == 0, done.stdout
    assert " 0 failed" in done.stdout and not done.stdout.endswith("0 passed, 0 failed\n")


@pytest.mark.parametrize("fuzzer,path", corpus(),
                         ids=lambda value: os.path.basename(value))
def test_corpus(fuzzer, path):
    done = run(built(fuzzer), path)
    assert done.returncode == 0, done.stdout[-3000:]
