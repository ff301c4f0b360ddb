# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure necropy, and what Python does itself, on the same heap in the same run.

Environment:
  NECROPY_BENCH_OBJECTS   tracked objects in the large heap (4000000; its core takes 0.8 GB)
  NECROPY_BENCH_RUNS      runs of each measurement, the median of which counts (5)
  PYTHON                  the interpreter to look at (/usr/bin/python3)

Every time of necropy is from the start of the process to its end. Cores lie in
the page cache, as they have just been written. Ratios are shown, not judged.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import oracle  # noqa: E402  (found by the line above)

OBJECTS = int(os.environ.get("NECROPY_BENCH_OBJECTS", "4000000"))
RUNS = int(os.environ.get("NECROPY_BENCH_RUNS", "5"))
PYTHON = os.environ.get("PYTHON", oracle.DEBIAN_PYTHON)


def main():
    directory = tempfile.mkdtemp(prefix="necropy-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    os.environ["XDG_CACHE_HOME"] = os.path.join(directory, "cache")
    try:
        rows = (small_core(directory) + emulated_core(directory) + compared_core(directory)
                + large_core(directory) + many_kinds_core(directory))
    finally:
        shutil.rmtree(directory)
    print_table(["", "necropy", "rival", "ratio", "budget", "the rival"], rows)


def small_core(directory):
    """Opening a core of some megabytes, with and without the cached layout."""
    process = oracle.Process([PYTHON, "-B", oracle.LEAKY_APP, "--wait"], directory)
    core = take_core(process)
    command = [oracle.NECROPY, "info", core]
    cold = median_of(lambda: run_without_cache(command))
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    warm = median_of(lambda: run_timed(command))
    os.unlink(core)
    return [["info, small core, layout cached", seconds(warm), "", "", "< 0.050 s", ""],
            ["info, small core, layout not cached", seconds(cold), "", "", "< 0.500 s", ""]]


def emulated_core(directory):
    """What it costs to ask the types' own code, of objects that the tables do not know."""
    count = OBJECTS // 8
    result = os.path.join(directory, "elements.json")
    program = os.path.join(oracle.PROGRAMS, "many_elements.py")
    process = oracle.Process([PYTHON, "-B", program, result, str(count)], directory)
    with open(result) as text:
        wanted = oracle.address(json.load(text)["wanted"])
    core = take_core(process)
    command = [oracle.NECROPY, "why", core, wanted, "--threads", "1"]
    asked, unasked = with_and_without_emulator(command)
    os.unlink(core)
    return [["why among %d Elements" % count, seconds(asked), seconds(unasked), "", "",
             "necropy without the emulator, which guesses"],
            ["tp_traverse emulated, a thread", rate(count, asked - unasked), "", "", "> 0.3 M/s",
             ""]]


def compared_core(directory):
    """The same for objects that the tables know: `verify` asks for each, and compares."""
    count = OBJECTS // 8
    program = os.path.join(oracle.PROGRAMS, "many_futures.py")
    process = oracle.Process([PYTHON, "-B", program, str(count)], directory)
    core = take_core(process)
    command = [oracle.NECROPY, "verify", core, "--threads", "1"]
    asked, unasked = with_and_without_emulator(command)
    os.unlink(core)
    return [["verify of %d futures" % count, seconds(asked), seconds(unasked), "", "",
             "necropy without the emulator, which compares nothing"],
            ["tp_traverse emulated and compared, a thread", rate(count, asked - unasked), "", "",
             "", ""]]


def with_and_without_emulator(command):
    asked = median_of(lambda: run_timed(command))
    os.environ["NECROPY_UNICORN"] = "/nonexistent"
    unasked = median_of(lambda: run_timed(command))
    del os.environ["NECROPY_UNICORN"]
    return asked, unasked


def rate(count, time_taken):
    return "%.2f M/s" % (count / max(time_taken, 1e-9) / 1e6)


def large_core(directory):
    """Counting types and finding a chain among millions of objects."""
    say("building a heap of %d tracked objects" % OBJECTS)
    result = os.path.join(directory, "result.json")
    program = os.path.join(oracle.PROGRAMS, "many_objects.py")
    oracle.PATIENCE = 1200
    process = oracle.Process([PYTHON, "-B", program, result, str(OBJECTS)], directory)
    with open(result) as text:
        rival = json.load(text)
    core = take_core(process)
    say("core of %.2f GB, %d tracked objects" % (os.path.getsize(core) / 1e9, rival["objects"]))
    types = [oracle.NECROPY, "types", core, "--gc"]
    everything = [oracle.NECROPY, "types", core]
    why = [oracle.NECROPY, "why", core, oracle.address(rival["wanted"])]
    check(types, why, rival)
    rows = [compared("types --gc", types, rival, "types", "at least 2.0 x"),
            compared("types, %d objects of all kinds" % count_all(core), everything, rival,
                     "types", "at least 1.0 x"),
            compared("why of one object", why, rival, "why", "at least 1.0 x"),
            compared("the same: all edges, both ways", why, rival, "closure", "at least 3.0 x")]
    for name, command, objects in (("types --gc", types, rival["objects"]),
                                   ("types", everything, count_all(core)),
                                   ("why", why, count_all(core))):
        own, resident = peak_memory(command)
        rows.append(["memory of its own, %s" % name,
                     "%.1f B/object" % (own / objects), "", "", "< 60 B/object",
                     "%d objects; resident with the core's pages: %.0f MB"
                     % (objects, resident / 1e6)])
    return rows


def many_kinds_core(directory):
    """Counting everything where few objects are the collector's: numbers and texts in lists."""
    lists = OBJECTS * 39 // 40
    say("building a heap of %d lists of numbers and texts" % lists)
    result = os.path.join(directory, "kinds.json")
    program = os.path.join(oracle.PROGRAMS, "many_kinds.py")
    process = oracle.Process([PYTHON, "-B", program, result, str(lists)], directory)
    with open(result) as text:
        rival = json.load(text)
    core = take_core(process)
    count = count_all(core)
    row = compared("types, %.1f M objects of all kinds" % (count / 1e6),
                   [oracle.NECROPY, "types", core],
                   {"times": {"types": rival["time"]},
                    "rivals": {"types": "Counter of gc's %.1f M in the process"
                               % (rival["objects"] / 1e6)}},
                   "types", "at least 1.0 x")
    os.unlink(core)
    return [row]


def compared(name, command, rival, key, budget):
    ours, theirs = median_of(lambda: run_timed(command)), rival["times"][key]
    return [name, seconds(ours), seconds(theirs), "%.2f x" % (theirs / ours), budget,
            rival["rivals"][key]]


def check(types, why, rival):
    """A fast wrong answer is no answer."""
    total = json.loads(subprocess.check_output(types + ["--json"]))["totals"]["count"]
    if abs(total - rival["objects"]) > 100:
        sys.exit("bench: types counts %d objects, Python %d" % (total, rival["objects"]))
    rows = json.loads(subprocess.check_output(why + ["--json"]))["rows"]
    if not 0 < len(rows) <= rival["length"]:
        sys.exit("bench: why finds a chain of %d, Python of %d" % (len(rows), rival["length"]))


def count_all(core):
    answer = subprocess.check_output([oracle.NECROPY, "types", core, "--json"])
    return json.loads(answer)["totals"]["count"]


def take_core(process):
    """By the kernel if it leaves a file, else by gdb."""
    if oracle.why_no_kernel_core() is None:
        core = process.abort()
    else:
        core = process.gcore()
    process.close()
    return core


def median_of(measure):
    return statistics.median(measure() for _ in range(RUNS))


def run_timed(command):
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def run_without_cache(command):
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    return run_timed(command)


def peak_memory(command):
    """(anonymous memory, all resident memory) at their highest, by looking every 2 ms.

    The mapped core is file memory that the kernel can drop at any time; what the
    tool needs for itself is anonymous.
    """
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    own = resident = 0
    while child.poll() is None:
        try:
            status = oracle.read_text("/proc/%d/status" % child.pid)
        except OSError:
            break
        own = max(own, kilobytes(status, "RssAnon:"))
        resident = max(resident, kilobytes(status, "VmHWM:"))
        time.sleep(0.002)
    if child.wait() != 0:
        sys.exit("bench: %s failed" % " ".join(command))
    return own * 1024, resident * 1024


def kilobytes(status, field):
    for line in status.splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0  # a process that is ending has none


def seconds(value):
    return "%.3f s" % value


def say(text):
    print("bench: " + text, file=sys.stderr)


def print_table(head, rows):
    rows = [head] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
