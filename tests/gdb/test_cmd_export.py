# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm export`: the same bytes as on the command line, and $pm_count of objects."""

from oracle import necropy
from run_gdb import run_gdb


def test_prints_the_lines_of_the_command_line(core):
    expected = necropy("export", core.name).out
    ran = run_gdb("pm export", "output $pm_count", arguments=("-c", core.name))
    assert ran.answers[0].out.strip() == expected.strip()
    assert int(ran.answers[1].out) == len(expected.splitlines())


def test_writes_a_file_and_says_how_much(core, tmp_path):
    path = tmp_path / "heap.jsonl"
    ran = run_gdb("set pm limit 3", "pm export -o %s" % path, "output $pm_count",
                  "pm export -o /nonexistent/heap", arguments=("-c", core.name))
    expected = necropy("export", core.name).out
    assert path.read_text() == expected
    assert str(path) in ran.answers[1].out
    assert int(ran.answers[2].out) == len(expected.splitlines())
    assert "/nonexistent/heap" in ran.answers[3].err


def test_home_stands_for_a_folder(core, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    run_gdb("pm export -o ~/heap.jsonl", arguments=("-c", core.name))
    assert (tmp_path / "heap.jsonl").exists()
