# SPDX-License-Identifier: GPL-2.0-or-later
"""Every object of a core beside what CPython said of it: `make parity` prints the table.

A program (tests/programs) records itself with recorder.py and is cored. Object by object:
is it found, under its type; are the references that tp_traverse reports those of
gc.get_referents(), each as often; is what it owns besides among the references; is its size
that of sys.getsizeof(). Differences that are known, with the reason, are in parity_known.txt.

Usage: parity.py [PROGRAM ...]
"""

import argparse
import collections
import fnmatch
import json
import os
import subprocess
import sys

import oracle

DUMP_HEAP = os.path.join(oracle.ROOT, "build", "release", "tests", "dump_heap")
KNOWN = os.path.join(oracle.HERE, "parity_known.txt")
PROGRAMS = ("zoo",)
CHECKS = ("found", "type", "listed", "referents", "owned", "size")
SHOWN = 3  # examples of a difference


class Object(object):
    """An object as CPython knows it, or as necropy does."""

    def __init__(self, row):
        self.__dict__.update(row)


def read_truth(path):
    """({address: Object}, what changed meanwhile)."""
    objects = {}
    with open(path) as lines:
        for text in lines:
            row = json.loads(text)
            if "id" in row:
                objects[row["id"]] = Object(row)
    return objects, row


def read_heap(core):
    """{address: Object} of all that necropy finds in `core`."""
    dump = subprocess.Popen([DUMP_HEAP, core], stdout=subprocess.PIPE)
    objects = {}
    for text in dump.stdout:
        row = json.loads(text)
        objects[row["addr"]] = Object(row)
    dump.stdout.close()
    assert dump.wait() == 0, "dump_heap failed"
    return objects


def ends(thing, *kinds):
    return collections.Counter(to for kind, to, _ in thing.edges if kind in kinds)


def check(truth, found):
    """{check: None, or what is different} of one object; `found` may be None."""
    if found is None:
        return {"found": "not found"}
    visit = ends(found, "visit")
    to = collections.Counter(truth.to)
    result = dict.fromkeys(CHECKS)
    if found.type != truth.type:
        result["type"] = found.type
    if bool(found.gc) != bool(truth.listed):
        result["listed"] = "listed" if found.gc else "not listed"
    if visit != to:
        result["referents"] = describe_edges(found, to - visit, visit - to)
    missing = set(truth.owned) - set(ends(found, "visit", "own"))
    if missing:
        result["owned"] = "missing " + addresses(missing)
    if truth.size >= 0 and found.size != truth.size:
        result["size"] = "%d instead of %d%s" % (found.size, truth.size,
                                                 ", estimated" if found.estimated else "")
    return result


def addresses(some):
    return " ".join(map(hex, sorted(some)[:5]))


def describe_edges(found, missing, extra):
    labels = {to: label.strip() for kind, to, label in found.edges}
    kinds = {to: kind for kind, to, label in found.edges if kind != "visit"}
    parts = ["-%s%s" % (hex(to), "(%s)" % kinds[to] if to in kinds else "") for to in missing]
    parts += ["+%s %s" % (hex(to), labels[to]) for to in extra]
    return " ".join(parts[:6]) + (" …" if len(parts) > 6 else "")


class Known(object):
    """parity_known.txt: which differences are expected, and why."""

    def __init__(self):
        self.rows = []
        with open(KNOWN) as text:
            for line in text:
                if line.strip() and not line.startswith("#"):
                    self.rows.append([field.strip() for field in line.split("|", 3)])

    def reason(self, python, type_name, what):
        for types, pythons, checks, reason in self.rows:
            if (any(fnmatch.fnmatchcase(type_name, t) for t in types.split()) and
                    what in checks.split() and
                    any(fnmatch.fnmatchcase(python.name, p) for p in pythons.split())):
                return reason
        return None


class Report(object):
    """The comparison of one program's core, by type."""

    def __init__(self, python, truth, heap, known):
        self.python = python
        self.totals = collections.Counter()
        self.types = collections.defaultdict(collections.Counter)
        self.differences = collections.OrderedDict()  # (type, check): [(address, text)]
        self.known = collections.Counter()
        for addr in sorted(truth):
            self._compare(truth[addr], heap.get(addr), known)
        listed = {a for a, thing in truth.items() if thing.listed}
        self.invented = {a: thing.type for a, thing in heap.items() if thing.gc and a not in listed}

    def _compare(self, truth, found, known):
        result = check(truth, found)
        for counts in (self.totals, self.types[truth.type]):
            counts["objects"] += 1
            for name in CHECKS:
                counts[name] += name in result and result[name] is None
        if found is not None:
            self.totals["found"] += 0
        for name, text in result.items():
            if text is None:
                continue
            if known.reason(self.python, truth.type, name):
                self.known[truth.type, name] += 1
            else:
                self.differences.setdefault((truth.type, name), []).append((truth.id, text))

    def print_summary(self, program):
        n = self.totals["objects"]
        print("%-10s %-12s %7d objects, " % (self.python.name, program, n) + ", ".join(
            "%s %s" % (name, "100 %" if self.totals[name] == n else
                       "%.3f %%" % (100.0 * self.totals[name] / n)) for name in CHECKS))

    def print_differences(self):
        for (type_name, what), some in sorted(self.differences.items()):
            print("    %-9s %5d of %-5d %s" % (what, len(some), self.types[type_name]["objects"],
                                               type_name))
            for addr, text in some[:SHOWN]:
                print("        %#x %s" % (addr, text))
        for addr, type_name in sorted(self.invented.items())[:SHOWN]:
            print("    listed, and not by CPython: %#x %s" % (addr, type_name))


def compare(python, program, known, arguments=()):
    target = oracle.Target(python, program, "kernel", arguments)
    try:
        truth, changes = read_truth(os.path.join(target.directory, "truth.json"))
        assert changes == {"appeared": [], "vanished": []}, changes
        return Report(python, truth, read_heap(target.name), known)
    finally:
        target.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", default=PROGRAMS)
    options = parser.parse_args()
    known = Known()
    wrong = False
    for python in oracle.find_pythons():
        for program in options.programs:
            report = compare(python, program, known)
            report.print_summary(program)
            report.print_differences()
            wrong |= bool(report.differences or report.invented)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
