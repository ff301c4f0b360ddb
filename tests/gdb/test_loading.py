# SPDX-License-Identifier: GPL-2.0-or-later
"""Loading the extension: from anywhere, again, and where something it needs is missing."""

import os
import shutil
import subprocess

import pytest

from conftest import LIBRARY
from run_gdb import COUNT, NECROPY_PY, run_gdb

GDBEXT = os.path.dirname(NECROPY_PY)


def assert_unusable(ran, *words):
    """A warning at loading and the same sentence from `pm`, with no traceback."""
    assert "Traceback" not in ran.stderr + ran.stdout
    assert ran.stderr.startswith("warning: pm cannot be used: "), ran.stderr
    for answer in ran.answers:
        assert len(answer.err.splitlines()) == 1, answer
        for word in words:
            assert word in answer.err


def test_library_that_is_missing(tmp_path):
    path = str(tmp_path / "libccore.so")
    ran = run_gdb("pm types", "pm", changes={"CCORE_LIBRARY": path})
    assert_unusable(ran, path, "make")


@pytest.mark.parametrize("source", ["#include <stdint.h>\nuint64_t ccore_abi_hash(void);\n"
                                    "uint64_t ccore_abi_hash(void) { return 1; }\n", "int x;\n"])
def test_library_of_another_version(tmp_path, source):
    path = str(tmp_path / "libccore.so")
    (tmp_path / "other.c").write_text(source)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", path, str(tmp_path / "other.c")], check=True)
    ran = run_gdb("pm types", changes={"CCORE_LIBRARY": path})
    assert_unusable(ran, path, "_abi.py", "version")


def test_python_without_ctypes_names_the_command_line(core):
    ran = run_gdb("python import sys; sys.modules['ctypes'] = None", "source " + NECROPY_PY,
                  "pm types --by count", arguments=("-c", core.name), source=None)
    answer = ran.answers[2]
    assert "necropy types %s --by count" % core.name in answer.err
    assert "ctypes" in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "Traceback" not in ran.stderr


def test_sourcing_twice_starts_afresh(core):
    ran = run_gdb(COUNT, "source " + NECROPY_PY, COUNT, arguments=("-c", core.name))
    assert [answer.out for answer in ran.answers] == ["6\n", "", "6\n"]
    assert not ran.answers[1].err


@pytest.mark.parametrize("folder", ["lib", "lib64", "lib/x86_64-linux-gnu"])
def test_installed_extension_finds_the_installed_library(core, tmp_path, folder):
    share = str(tmp_path / "usr" / "share" / "necropy")
    shutil.copytree(GDBEXT, share)
    library = tmp_path / "usr" / folder
    library.mkdir(parents=True)
    shutil.copy(LIBRARY, str(library / "libccore.so"))
    ran = run_gdb(COUNT, "shell grep -c %s/usr/%s/libccore.so /proc/$PPID/maps" %
                  (tmp_path, folder), arguments=("-c", core.name), source=share + "/necropy.py",
                  changes={"CCORE_LIBRARY": None})
    assert ran.answers[0].out == "6\n"
    assert int(ran.answers[1].out) > 0


def test_link_to_the_file_works_as_well(core, tmp_path):
    link = str(tmp_path / "necropy.py")
    os.symlink(NECROPY_PY, link)
    ran = run_gdb(COUNT, arguments=("-c", core.name), source=link)
    assert ran.answers[0].out == "6\n"
