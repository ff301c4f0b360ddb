# SPDX-License-Identifier: GPL-2.0-or-later
"""A CPython that necropy has no tables of, and how much of its references it knows all the same.

Of the layout of a CPython only this stays: the header of an object, types, the collector, the
states of the runtime, of interpreters and of threads, and the allocator's arenas. What objects
refer to must then come from their types' own code.

Usage: unknown.py prints the share of gc.get_referents() that is found, for every Python.
"""

import collections
import os
import re
import sys

import pytest

import oracle
import parity

STRUCTS = {
    "PyObject", "PyVarObject", "PyTypeObject", "PyHeapTypeObject", "PyMemberDef",
    "PyGC_Head", "gc_generation", "gc_runtime",
    "runtime", "debug_offsets", "PyInterpreterState", "static_type_state", "PyThreadState",
    "PyThreadStateImpl",
    "arena_object", "pool_header", "obmalloc_state",
    "mi_heap", "mi_page_queue", "mi_page", "mi_segment", "mi_arena",
}
SYMBOLS = {
    "TYPE_TYPE", "NONE", "PyRuntime", "INTERP_HEAD", "GENERATIONS", "COLLECTING", "THREAD_SWAP",
    "ARENAS", "MAXARENAS", "ARENA_N", "MI_ARENAS", "MI_ARENA_N",
}


def struct_of_fields():
    """{name of a row: the struct that it is of}."""
    with open(os.path.join(oracle.ROOT, "ccore", "layout", "cpython.def")) as text:
        rows = text.read()
    of = dict(re.findall(r"^FIELD\((\w+), (\w+),", rows, re.MULTILINE))
    of.update({name: "debug_offsets" for name in re.findall(r"^OFFSET\((\w+),", rows,
                                                            re.MULTILINE)})
    return of


def write_layout(python, path, stays):
    """The rows of this Python's layout for which stays(kind, name) is true."""
    whole = str(path) + ".whole"
    assert oracle.necropy("layout", python.image, "-o", whole).status == 0
    with open(whole) as text:
        lines = text.read().splitlines()
    kept = [line for line in lines[:-1]
            if not re.match(r"[SMFERY] ", line) or stays(*line.split()[:2])]
    with open(str(path), "w") as out:
        out.write("\n".join(kept + ["end %d\n" % sum(bool(re.match(r"[SMFERY] ", line))
                                                     for line in kept)]))
    return str(path)


def write_thin_layout(python, path):
    """Nothing but what is named above."""
    of = struct_of_fields()

    def stays(kind, name):
        if kind == "Y":
            return name in SYMBOLS
        return {"S": name, "F": of.get(name), "R": name.split(".")[0]}.get(kind) in STRUCTS

    return write_layout(python, path, stays)


class Shares(object):
    """Of the references that gc.get_referents() gave, those that are found, by type.

    The frame that recorded went on to run, and what a running frame holds it shows to no one.
    """

    def __init__(self, target, arguments):
        truth, heap = parity.read_truth(target), parity.read_heap(target, arguments)
        self.wanted = collections.Counter()
        self.missing = collections.Counter()
        self.extra = collections.Counter()
        self.not_found = collections.Counter()
        self.examples = {}
        for addr, row in truth.items():
            if not row["tracked"]:
                continue
            found = heap.get(addr)
            wanted = collections.Counter(row["visit"])
            visited = collections.Counter(found["visit"] if found else ())
            self.not_found[row["type"]] += found is None
            self.wanted[row["type"]] += len(row["visit"])
            missing, extra = sum((wanted - visited).values()), sum((visited - wanted).values())
            self.missing[row["type"]] += missing
            self.extra[row["type"]] += extra
            if missing or extra:
                self.examples.setdefault(row["type"], addr)

    def share(self):
        """Of all that is wanted, or found without being wanted."""
        wrong = sum(self.missing.values()) + sum(self.extra.values())
        return 1 - float(wrong) / (sum(self.wanted.values()) + sum(self.extra.values()))

    def text(self):
        lines = ["%.4f %% of %d references of %d types" % (100 * self.share(),
                                                           sum(self.wanted.values()),
                                                           len(self.wanted))]
        for name in sorted(self.examples):
            lines.append("    %s: of %d references %d missing, %d extra; %d objects not found; %s"
                         % (name, self.wanted[name], self.missing[name], self.extra[name],
                            self.not_found[name], self.examples[name]))
        return "\n".join(lines)


def shares_of(target):
    """What is found of `target` with nothing but its code, and without debug information."""
    nothing = os.path.join(target.directory, "nothing")
    os.makedirs(nothing, exist_ok=True)
    layout = write_thin_layout(target.python, os.path.join(target.directory, "layout"))
    return Shares(target, ["--layout", layout, "--debug-dir", nothing])


def main():
    for python in oracle.find_pythons():
        for program in sys.argv[1:] or ["zoo"]:
            name, *arguments = program.split()
            try:
                target = oracle.Target(python, name, "kernel", arguments)
            except pytest.skip.Exception as reason:
                print("%-9s %s: %s" % (python.name, program, reason))
                continue
            try:
                print("%-9s %s: %s" % (python.name, program, shares_of(target).text()))
            finally:
                target.close()


if __name__ == "__main__":
    main()
