# SPDX-License-Identifier: GPL-2.0-or-later
"""record: each sample against the kernel and CPython, and whatever may happen meanwhile."""

import csv
import os
import re
import signal
import stat
import subprocess
import time

import pytest

from oracle import NECROPY, PATIENCE, necropy, read_text, state_of

COLUMNS = ["time", "elapsed", "vmsize", "rss", "shr", "pss", "attaches", "arenas", "count0",
           "count1", "count2", "collections0", "collections1", "collections2", "long_lived",
           "generation0", "generation1", "generation2", "frozen", "stopped_us"]
QUICK = ("--interval", "50ms")


def samples(path):
    """The samples of a recording, numbers or None; each line must be whole."""
    with open(str(path)) as text:
        content = text.read()
    assert content.endswith("\n")
    rows = list(csv.reader(content.splitlines()))
    assert rows[0] == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    return [{name: float(x) if name in COLUMNS[:2] else int(x) if x else None
             for name, x in zip(COLUMNS, row)} for row in rows[1:]]


def record(pid, path, *options):
    answer = necropy("record", pid, "-o", path, *(QUICK + options))
    assert answer.status == 0, answer.err
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    return samples(path)


def status_of(pid):
    """{name: bytes} of the kernel's own counts."""
    text = read_text("/proc/%d/status" % pid)
    return {name: int(kib) * 1024 for name, kib in
            re.findall(r"^(VmSize|VmRSS|RssFile|RssShmem):\s+(\d+) kB$", text, re.MULTILINE)}


def start(path, pid, *options, watch=None):
    """A recording under way, with at least two samples. `watch` is called while waiting."""
    command = [NECROPY, "record", str(pid), "-o", str(path)] + list(QUICK + options)
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE
    while not (path.exists() and path.read_text().count("\n") >= 3):
        assert running.poll() is None, running.stderr.read().decode()
        assert time.monotonic() < deadline, "no samples come"
        watch() if watch else time.sleep(0.01)
    return running


def end(running):
    out, err = running.communicate(timeout=PATIENCE)
    return running.returncode, out.decode() + err.decode()


@pytest.fixture
def program():
    """Start `python -c CODE`, once it has said something."""
    started = []

    def run(code):
        child = subprocess.Popen(["/usr/bin/python3", "-c", code], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
        started.append(child)
        assert child.stdout.readline() == b"ready\n"
        return child

    yield run
    for child in started:
        child.kill()
        child.communicate(timeout=PATIENCE)


def test_samples_are_what_the_kernel_and_the_collector_count(lab, python, tmp_path):
    target = lab.target(python, "mixed", "alive")
    rows = record(target.pid, tmp_path / "run.csv", "--duration", "150ms")
    assert len(rows) >= 3
    kernel, truth = status_of(target.pid), target.truth
    for row in rows:
        # it sleeps: nothing of it changes but what others share
        assert row["vmsize"] == kernel["VmSize"]
        assert abs(row["rss"] - kernel["VmRSS"]) <= 1 << 20
        assert abs(row["shr"] - kernel["RssFile"] - kernel["RssShmem"]) <= 1 << 20
        assert 0 < row["pss"] <= row["rss"]
        assert [row["count1"], row["count2"]] == truth["count"][1:]
        assert abs(row["count0"] - truth["count"][0]) <= 16
        stats = [found["collections"] for found in truth["gc"]["stats"]]
        found = [row["collections%d" % i] for i in range(3)]
        # 2.7 has none, and 3.15 moves them about
        assert found == (stats if (3,) < python.version < (3, 15) else [None] * 3)
        assert row["stopped_us"] == 0
        assert row["generation0"] is None


def test_a_full_count_is_that_of_the_lists(lab, python, tmp_path):
    target = lab.target(python, "mixed", "alive")
    rows = record(target.pid, tmp_path / "run.csv", "--duration", "150ms", "--count-every", "2")
    truth = {row["key"]: row["value"] for row in target.ask("gc").rows}
    for i, row in enumerate(rows):
        assert (row["stopped_us"] > 0) == (i % 2 == 0)
        for name in ("generation0", "generation1", "generation2", "frozen"):
            assert row[name] == (truth.get(name) if i % 2 == 0 else None)
    counted = sum(rows[0]["generation%d" % i] or 0 for i in range(3))
    assert counted == len(target.truth.objects)


def test_arenas_are_those_of_the_allocator(lab, debian, tmp_path):
    target = lab.target(debian, "universe", "alive")
    text = read_text("%s/truth.json.pools" % target.directory)
    arenas = int(re.search(r"# arenas allocated current\s+=\s+([\d,]+)", text)
                 .group(1).replace(",", ""))
    assert record(target.pid, tmp_path / "run.csv", "--duration", "1ms")[0]["arenas"] == arenas


def test_attaches_are_counted(lab, debian, tmp_path):
    target = lab.target(debian, "leaky_app", "alive")
    wanted = len(re.findall(r"^\S+ \S+ 00000000 .*/SYSV", target.maps, re.MULTILINE))
    assert wanted > 1
    rows = record(target.pid, tmp_path / "run.csv", "--duration", "1ms")
    assert [row["attaches"] for row in rows] == [wanted] * len(rows)


def test_growth_is_seen(program, tmp_path):
    child = program("import sys, time\nprint('ready', flush=True)\nkept = []\n"
                    "while True: kept.append(bytearray(b'x' * (1 << 20))); time.sleep(0.01)")
    rows = record(child.pid, tmp_path / "run.csv", "--duration", "500ms")
    assert rows[-1]["rss"] - rows[0]["rss"] > 5 << 20
    assert [row["elapsed"] for row in rows] == sorted(row["elapsed"] for row in rows)


def test_the_process_runs_while_it_is_recorded(program, tmp_path):
    child = program("import time\nprint('ready', flush=True)\n"
                    "kept = [[i] for i in range(300000)]\ntime.sleep(1000)")
    states = set()
    running = start(tmp_path / "run.csv", child.pid,
                    watch=lambda: states.add(state_of(child.pid)))
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        states.add(state_of(child.pid))
    running.send_signal(signal.SIGINT)
    status, text = end(running)
    assert status == 0 and "interrupted" in text and "was not stopped" in text
    assert states and not states & {"T", "t"}  # stopped; it may wait for a page, "D"
    assert len(samples(tmp_path / "run.csv")) >= 2


def test_threads_that_come_and_go_do_no_harm(program, tmp_path):
    child = program("import threading\nprint('ready', flush=True)\n"
                    "while True:\n  t = [threading.Thread(target=dict) for _ in range(20)]\n"
                    "  [x.start() for x in t]; [x.join() for x in t]; [[] for _ in range(9999)]")
    for _ in range(5):
        rows = record(child.pid, tmp_path / "run.csv", "--duration", "1ms")
        assert rows[0]["arenas"] > 0


def test_a_process_that_ends_leaves_its_samples(program, tmp_path):
    child = program("import time\nprint('ready', flush=True)\ntime.sleep(1000)")
    running = start(tmp_path / "run.csv", child.pid)
    child.kill()
    status, text = end(running)
    assert status == 3
    assert "has ended, or executes another program" in text
    assert len(samples(tmp_path / "run.csv")) >= 2


def test_a_process_that_executes_another_program_is_not_mixed_up(program, tmp_path):
    child = program("import os, sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
                    "os.execv('/usr/bin/python3', ['python3', '-c', 'import time; "
                    "time.sleep(1000)'])")
    running = start(tmp_path / "run.csv", child.pid)
    child.stdin.write(b"now\n")
    child.stdin.flush()
    status, text = end(running)
    assert status == 3
    assert "executes another program" in text
    assert child.poll() is None
    assert len({row["vmsize"] for row in samples(tmp_path / "run.csv")}) == 1


def test_a_full_disk_is_an_error_that_says_so(lab, debian):
    target = lab.target(debian, "mixed", "alive")
    answer = necropy("record", target.pid, "-o", "/dev/full", *QUICK)
    assert answer.status == 2
    assert "/dev/full" in answer.err and "No space left on device" in answer.err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to fill a file system")
def test_a_disk_that_fills_up_keeps_whole_lines(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(small)],
                      stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (small / "filler").write_bytes(b"x" * 4096)
        answer = necropy("record", target.pid, "-o", small / "run.csv", "--interval", "10ms")
        assert answer.status == 2
        assert "No space left on device" in answer.err
        kept = samples(small / "run.csv")
        assert len(kept) > 5
        assert "%d samples are in it" % len(kept) in answer.err
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_cannot_be_recorded_is_refused(lab, debian, tmp_path):
    core = lab.target(debian, "mixed")
    alive = lab.target(debian, "mixed", "alive")
    for target, options, words in (
            (core.name, ("-o", tmp_path / "run.csv"), "running process"),
            (alive.pid, (), "-o run.csv"),
            (alive.pid, ("-o", tmp_path / "run.csv", "--interval", "soon"), "500ms"),
            (alive.pid, ("-o", tmp_path / "run.csv", "--interval", "1ms"), "at least 10 ms")):
        answer = necropy("record", target, *options)
        assert answer.status == 1
        assert words in answer.err
    assert not (tmp_path / "run.csv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_who_may_not_is_told_what_would_let_him(lab, debian, tmp_path):
    target = lab.target(debian, "mixed", "alive")
    answer = subprocess.run(
        [NECROPY, "record", str(target.pid), "-o", "/dev/null"], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
        preexec_fn=lambda: os.setresuid(65534, 65534, 65534))
    assert answer.returncode == 2
    assert b"CAP_SYS_PTRACE" in answer.stderr or b"be its owner or root" in answer.stderr
