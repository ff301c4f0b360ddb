# SPDX-License-Identifier: GPL-2.0-or-later
"""core: a core of a process that runs on, with its maps, and what may go wrong."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from oracle import NECROPY, PATIENCE, necropy, read_text, state_of

pytestmark = pytest.mark.skipif(not shutil.which("gdb"), reason="gdb is not installed")


def without_usage(smaps):
    return re.findall(r"^[0-9a-f]+-.*$", smaps, re.MULTILINE)


def test_a_core_has_its_maps_beside_it_and_is_its_owners_alone(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    path = tmp_path / "a core"
    answer = necropy("core", target.pid, "-o", path)
    assert (answer.status, answer.err) == (0, "")
    assert sorted(os.listdir(str(tmp_path))) == ["a core", "a core.maps", "a core.smaps"]
    for name in os.listdir(str(tmp_path)):
        assert stat.S_IMODE(os.stat(str(tmp_path / name)).st_mode) == 0o600
    maps = read_text("/proc/%d/maps" % target.pid)
    assert read_text(str(path) + ".maps") == maps
    assert without_usage(read_text(str(path) + ".smaps")) == without_usage(maps)
    assert state_of(target.pid) == "S", "it runs on"
    # 0x7b, as all targets of the tests have
    assert "coredump_filter is 0x7b; not saved: private mappings of files (" in answer.out
    assert re.search(r"stopped for less than [\d.]+ s$", answer.out, re.MULTILINE)
    rows = necropy("types", path, "--gc", "-n", "all", "--json").rows
    assert {row["type"]: row["count"] for row in rows} == target.truth.counts
    mappings = necropy("maps", path, "-n", "all", "--json").rows
    assert {row["perms"][3] for row in mappings} <= {"p", "s"}, "the maps were found"
    assert all(row["rss"] is not None for row in mappings if row["kind"] in ("heap", "stack"))


def test_without_a_name_the_core_is_called_by_the_process(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    assert necropy("core", target.pid, cwd=str(tmp_path)).status == 0
    assert (tmp_path / ("core.%d" % target.pid)).exists()


def test_what_hinders_a_core_is_told(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    for words, status, said in (
            ((), 1, "needs a process id"),
            (("core.1",), 1, "no process id"),
            ((target.pid, "-o", tmp_path), 2, "Is a directory"),
            ((target.pid, "-o", "/dev/null"), 2, "cannot write /dev/null"),
            ((target.pid, "-o", tmp_path / "none" / "core"), 2, "No such file or directory"),
            ((999999999, "-o", tmp_path / "core"), 2, "there is no process 999999999")):
        answer = necropy("core", *words)
        assert answer.status == status, (words, answer.err)
        assert said in answer.err and answer.out == ""
    assert os.listdir(str(tmp_path)) == []


def test_without_gdb_it_is_told_where_gdb_is(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    answer = necropy("core", target.pid, "-o", tmp_path / "core", env={"PATH": str(tmp_path)})
    assert answer.status == 2
    assert "apt install gdb" in answer.err
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to fill a file system")
def test_a_full_disk_leaves_nothing(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)],
                      stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        answer = necropy("core", target.pid, "-o", tmp_path / "core")
        assert answer.status == 2
        assert "no space left" in answer.err
        assert os.listdir(str(tmp_path)) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_who_may_not_is_told_what_would_let_him(lab, debian):
    target = lab.target(debian, "mixed", "alive")
    answer = subprocess.run(
        [NECROPY, "core", str(target.pid), "-o", "/tmp/necropy-test-core"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
        preexec_fn=lambda: os.setresuid(65534, 65534, 65534))
    assert answer.returncode == 2
    assert b"CAP_SYS_PTRACE" in answer.stderr and b"ptrace_scope" in answer.stderr
