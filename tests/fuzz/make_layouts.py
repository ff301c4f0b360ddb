#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write tests/fuzz/layouts: what fuzz_family reads instead of debug information.

    make && tests/fuzz/make_layouts.py [PYTHON ...]

One file for each interpreter, a line for each row it has, by name: a row that is added to
cpython.def or members.def later is one the file does not have, as in a build without it.
"""

import glob
import os
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TABLES = os.path.join(ROOT, "ccore", "layout")
WANTED = ("2.7", "3.6", "3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.15")
PLACES = ("~/.pyenv/versions/%s.*/bin/python", "~/.cache/necropy-pythons/sid-%s/python",
          "~/.cache/necropy-pythons/%s/bin/python3")
MODULES = ("_asyncio", "_csv", "_ctypes", "_datetime", "_decimal", "_elementtree", "_json",
           "_queue", "_sqlite3", "_struct", "_zoneinfo", "array", "datetime")
PROGRAM = ("import collections, functools, io, itertools, operator, os, sys, time\n"
           "for name in %r:\n  try: __import__(name)\n  except ImportError: pass\n" % (MODULES,) +
           "os.write(1, ('%x' % sys.hexversion).encode()); time.sleep(1000)")


def rows(table, macro):
    """The first words of each row `macro(...)`, in their order."""
    with open(os.path.join(TABLES, table), encoding="utf-8") as source:
        return re.findall(r'^%s(?:_IN|_SINCE)?\((\w+),\s*(?:"([^"]*)")?' % macro, source.read(),
                          re.MULTILINE)


def names():
    """{kind: names of its rows} for the kinds of the layout cache."""
    return {
        "S": [row for row, _ in rows("cpython.def", "STRUCT")],
        "F": [row for row, _ in rows("cpython.def", "FIELD")],
        "Y": [row for row, _ in rows("cpython.def", "SYMBOL")],
        "M": [row for row, _ in rows("members.def", "MEMBERS")],
        "E": ["%s.%s" % row for row in rows("members.def", "EDGE")],
        "R": ["%s.%s" % row for row in rows("roots.def", r"ROOT\w*")],
    }


def cached_layout(python):
    """(hexversion, the rows that necropy caches when it reads a process of `python`)."""
    with tempfile.TemporaryDirectory() as directory:
        child = subprocess.Popen([python, "-E", "-s", "-c", PROGRAM], stdout=subprocess.PIPE)
        try:
            version = os.read(child.stdout.fileno(), 16).decode()
            subprocess.run([os.path.join(ROOT, "build", "necropy"), "info", str(child.pid)],
                           env=dict(os.environ, XDG_CACHE_HOME=directory), check=True,
                           stdout=subprocess.DEVNULL)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            child.stdout.close()
        # the interpreter's rows, and those of each extension that it has as a file of its own
        lines = []
        for path in glob.glob(os.path.join(directory, "necropy", "layout-*")):
            with open(path, encoding="ascii") as text:
                lines += text.read().splitlines()[1:-1]
        return version, sorted(lines, key=place_of_row)


def place_of_row(line):
    kind, index = line.split()[:2]
    return "SMFERY".index(kind), int(index)


def layout_by_name(python):
    by_kind = names()
    version, cached = cached_layout(python)
    lines = ["V version %d 0 0 0" % int(version, 16)]
    for line in cached:
        kind, index, numbers = line.split(" ", 2)
        lines.append("%s %s %s" % (kind, by_kind[kind][int(index)], numbers))
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
        text = layout_by_name(path)
        with open(os.path.join(HERE, "layouts", name), "w", encoding="ascii") as out:
            out.write(text)


if __name__ == "__main__":
    main()
