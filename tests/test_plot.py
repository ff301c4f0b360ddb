# SPDX-License-Identifier: GPL-2.0-or-later
"""plot: what is drawn of recordings, with matplotlib and without."""

import os
import re
import stat
import subprocess
import xml.etree.ElementTree

import pytest

from oracle import necropy

HEADER = ("time,elapsed,vmsize,rss,shr,pss,attaches,arenas,count0,count1,count2,collections0,"
          "collections1,collections2,long_lived,generation0,generation1,generation2,frozen,"
          "stopped_us\n")
MIB = 1 << 20


def line(second, rss):
    return "%d.000,%d.000,%d,%d,%d,,0,4,1,2,3,,,,1000,,,,,0\n" % (
        1700000000 + second, second, 100 * MIB, rss, MIB)


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "growing.csv"
    path.write_text(HEADER + "".join(line(i, (10 + 5 * i) * MIB) for i in range(8)))
    return path


def texts_of(svg):
    """Comments of matplotlib's SVG hold the texts that it draws as shapes."""
    xml.etree.ElementTree.parse(str(svg))
    return re.findall(r"<!-- (.*?) -->", svg.read_text())


def have_matplotlib():
    return any(subprocess.run([python, "-c", "import matplotlib"], stderr=subprocess.DEVNULL)
               .returncode == 0 for python in ("python3", "/usr/bin/python3"))


needs_matplotlib = pytest.mark.skipif(not have_matplotlib(), reason="python3-matplotlib is missing")


@needs_matplotlib
def test_a_picture_has_the_columns_and_the_marks(run, tmp_path):
    answer = necropy("plot", run, "-o", tmp_path / "run.svg", "--mark", "3.5=release 2")
    assert (answer.status, answer.err) == (0, "")
    texts = texts_of(tmp_path / "run.svg")
    assert {"memory", "address space", "objects of the collector", "pymalloc arenas", "rss",
            "long_lived", "release 2", "seconds"} <= set(texts)
    assert "System V attaches" not in texts, "there never was one"
    assert sorted(os.listdir(str(tmp_path))) == ["growing.csv", "run.svg"]


@needs_matplotlib
def test_several_recordings_are_told_apart(run, tmp_path):
    other = tmp_path / "steady.csv"
    other.write_text(HEADER + "".join(line(i, 20 * MIB) for i in range(8)))
    answer = necropy("plot", run, other, "-o", tmp_path / "both.svg", "--columns", "rss")
    assert answer.status == 0, answer.err
    assert {"growing.csv: rss", "steady.csv: rss"} <= set(texts_of(tmp_path / "both.svg"))


@needs_matplotlib
def test_the_same_recording_gives_the_same_picture(run, tmp_path):
    for name in ("one.svg", "two.svg"):
        assert necropy("plot", run, "-o", tmp_path / name, "--columns", "rss").status == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@needs_matplotlib
def test_a_picture_may_be_made_of_dots(run, tmp_path):
    assert necropy("plot", run, "-o", tmp_path / "run.png", "--columns", "rss").status == 0
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(os.stat(tmp_path / "run.png").st_mode) == 0o600


def without_matplotlib(tmp_path):
    """An environment whose Pythons do not find it."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")
    return dict(os.environ, PYTHONPATH=str(tmp_path), PYTHONIOENCODING="utf-8")


def test_lines_of_text_need_no_matplotlib(run, tmp_path):
    answer = necropy("plot", run, "--open", env=without_matplotlib(tmp_path))
    assert (answer.status, answer.err) == (0, "")
    rss = re.search(r"^  rss +(\S+) +(.*)$", answer.out, re.MULTILINE)
    assert rss.group(1) == "▁▂▃▄▅▆▇█"
    assert rss.group(2) == "10.0 MiB → 45.0 MiB"
    shr = re.search(r"^  shr +(\S+) ", answer.out, re.MULTILINE)
    assert shr.group(1) == "▁" * 8
    assert not re.search(r"^  pss ", answer.out, re.MULTILINE), "it was not known"


def test_what_a_picture_needs_is_told(run, tmp_path):
    answer = necropy("plot", run, "-o", tmp_path / "run.svg", env=without_matplotlib(tmp_path))
    assert answer.status == 2
    assert "python3-matplotlib" in answer.err and "--open" in answer.err
    assert not (tmp_path / "run.svg").exists()


def test_a_torn_line_is_left_out_and_told(run):
    with open(str(run), "a") as text:
        text.write("1700000009.000,9.0")
    answer = necropy("plot", run, "--open", "--columns", "rss")
    assert answer.status == 3
    assert "1 lines are not whole" in answer.err
    assert "10.0 MiB → 45.0 MiB" in answer.out


def test_mistakes_are_told(run, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    empty = tmp_path / "empty.csv"
    empty.write_text(HEADER)
    for words, status, said in (
            ((run,), 1, "--open"),
            ((run, "-o", tmp_path / "run.gif"), 1, ".svg"),
            ((run, "--open", "--columns", "rss,pss"), 1, "pss"),
            ((run, "--open", "--mark", "soon=x"), 1, "SECONDS=TEXT"),
            (("--open",), 1, "runs"),
            ((tmp_path / "none.csv", "--open"), 2, "No such file"),
            ((other, "--open"), 2, "is no recording"),
            ((empty, "--open"), 2, "has no samples")):
        answer = necropy("plot", *words)
        assert answer.status == status, (words, answer.err)
        assert said in answer.err and answer.out == ""


def test_what_was_recorded_can_be_drawn(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    path = tmp_path / "run.csv"
    assert necropy("record", target.pid, "-o", path, "--interval", "20ms", "--duration", "100ms",
                   "--count-every", "3").status == 0
    answer = necropy("plot", path, "--open")
    assert (answer.status, answer.err) == (0, "")
    assert {"rss", "vmsize", "long_lived", "generation2", "arenas"} <= set(
        re.findall(r"^  (\w+)", answer.out, re.MULTILINE))
