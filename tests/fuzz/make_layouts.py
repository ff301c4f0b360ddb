#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write tests/fuzz/layouts: what fuzz_family and fuzz_frame read instead of debug information.

    make && tests/fuzz/make_layouts.py [PYTHON ...]

One file for each interpreter, a line for each row it has, by name: a row that is added to
cpython.def or members.def later is one the file does not have, as in a build without it.
"""

import glob
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KINDS = "SMFERY"
WANTED = ("2.7", "3.6", "3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.15")
PLACES = ("~/.pyenv/versions/%s.*/bin/python", "~/.cache/necropy-pythons/sid-%s/python",
          "~/.cache/necropy-pythons/%s/bin/python3")
MODULES = ("_asyncio", "_csv", "_ctypes", "_datetime", "_decimal", "_elementtree", "_json",
           "_queue", "_sqlite3", "_struct", "_zoneinfo", "array", "datetime")
PROGRAM = ("import collections, functools, io, itertools, operator, os, sys, time\n"
           "for name in %r:\n  try: __import__(name)\n  except ImportError: pass\n" % (MODULES,) +
           "os.write(1, ('%x' % sys.hexversion).encode()); time.sleep(1000)")


def layout_of(python):
    """What `necropy layout` says of a process of `python`, in six words a line."""
    child = subprocess.Popen([python, "-E", "-s", "-c", PROGRAM], stdout=subprocess.PIPE)
    try:
        version = os.read(child.stdout.fileno(), 16).decode()
        text = subprocess.check_output(
            [os.path.join(ROOT, "build", "necropy"), "layout", "--no-cache", str(child.pid)],
            stderr=subprocess.DEVNULL).decode()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    lines = ["V version %d 0 0 0" % int(version, 16)]
    for words in (line.split() for line in text.splitlines()):
        if words[0] in KINDS and len(words) > 2:
            lines.append(" ".join((words + ["0"] * 3)[:6]))
    return "\n".join(lines) + "\n"


def pythons():
    found = [("debian", "/usr/bin/python3")]
    for version in WANTED:
        there = [path for place in PLACES
                 for path in sorted(glob.glob(os.path.expanduser(place % version)))]
        found += [(version, path) for path in there[:1]]
    return [(name, path) for name, path in found if os.path.exists(path)]


def main():
    chosen = [(os.path.basename(path), path) for path in sys.argv[1:]] or pythons()
    os.makedirs(os.path.join(HERE, "layouts"), exist_ok=True)
    for name, path in chosen:
        text = layout_of(path)
        with open(os.path.join(HERE, "layouts", name), "w", encoding="ascii") as out:
            out.write(text)


if __name__ == "__main__":
    main()
