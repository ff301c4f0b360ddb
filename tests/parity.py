# SPDX-License-Identifier: GPL-2.0-or-later
"""Every object of a core beside what CPython said of it: `make parity` prints the table.

A program (tests/programs) records itself with recorder.py and is cored. Object by object:
is it found, under its type; does the collector have it; are the references that tp_traverse
reports those of gc.get_referents(), each as often; is what it owns besides among the
references; is its size that of sys.getsizeof(), and if not, is it said to be an estimate.
Differences that are known, with the reason, are in parity_known.txt.

Usage: parity.py ["PROGRAM ARGUMENTS" ...]
"""

import argparse
import collections
import fnmatch
import json
import os
import re
import subprocess
import sys

import pytest

import oracle

sys.path.insert(0, os.path.join(oracle.ROOT, "gdbext"))
from necropy_gdb import _native  # noqa: E402  (found by the line above)

KNOWN = os.path.join(oracle.HERE, "parity_known.txt")
PROGRAMS = ("zoo", "libraries numpy", "libraries django", "libraries lxml")
CHECKS = ("found", "type", "gc", "visit", "own", "size", "estimate")
SHOWN = 3  # examples of a difference


def read_lines(lines):
    """({address: row}, the last row without an address)."""
    objects, last = {}, None
    for text in lines:
        row = json.loads(text)
        if "type" in row:
            objects[row["addr"]] = row
        else:
            last = row
    return objects, last


def read_truth(target):
    """{address: row} of what the program recorded; nothing may have changed meanwhile."""
    with open(os.path.join(target.directory, "truth.json")) as lines:
        objects, changes = read_lines(lines)
    assert changes == {"appeared": [], "vanished": []}, changes
    return objects


def read_heap(target, options=()):
    """{address: row} of all that necropy finds.

    It may find objects that CPython's own lists do not lead to, and something wrong with those:
    status 3. That all others are whole is what is compared here.
    """
    with open(os.devnull, "w") as nowhere:
        export = subprocess.Popen([oracle.NECROPY, "export", target.name, "--format", "jsonl"]
                                  + list(options),
                                  stdout=subprocess.PIPE, stderr=nowhere)
        objects, _ = read_lines(export.stdout)
        export.stdout.close()
    assert export.wait() in (0, 3), "necropy export: status %d" % export.returncode
    return objects


def differences(truth, found, heap):
    """{check: what is different} of one object; `found` may be None."""
    if found is None:
        return {"found": "not found"}
    result = {}
    if found["type"] != truth["type"]:
        result["type"] = found["type"]
    if found["gc"] != truth["gc"]:
        result["gc"] = "found in a list" if found["gc"] else "not found in a list"
    if found["visit"] != truth["visit"] and sorted(found["visit"]) != sorted(truth["visit"]):
        result["visit"] = describe(found, truth)
    if truth["own"] and not set(truth["own"]) <= set(found["own"] + found["visit"]):
        result["own"] = "not owned: " + " ".join(set(truth["own"]) - set(found["own"]))
    stray = [to for to in found["own"] if to not in heap]
    if stray:
        result["own"] = "owned, and no objects: " + " ".join(stray)
    if truth["size"] >= 0 and found["size"] != truth["size"]:
        result["estimate" if "estimated" in found else "size"] = "%d instead of %d" % (
            found["size"], truth["size"])
    return result


def describe(found, truth):
    is_there, wanted = map(collections.Counter, (found["visit"], truth["visit"]))
    parts = ["not visited: %s%s" % (to, kind_of(found, to)) for to in wanted - is_there]
    parts += ["visited: %s" % to for to in is_there - wanted]
    return "; ".join(parts[:6]) + ("; …" if len(parts) > 6 else "")


def kind_of(found, to):
    kinds = [kind for kind in ("own", "weak", "borrowed", "guess") if to in found.get(kind, ())]
    return " (%s)" % kinds[0] if kinds else ""


class Known(object):
    """parity_known.txt: which differences are expected, and why."""

    def __init__(self):
        self.rows = []
        with open(KNOWN) as text:
            for line in text:
                if line.strip() and not line.startswith("#"):
                    self.rows.append([field.split() for field in line.split("|", 3)])
        self.used = set()

    def has(self, python, type_name, check):
        found = [i for i, (types, pythons, checks, reason) in enumerate(self.rows)
                 if check in checks and reason and matches(type_name, types)
                 and matches(python.name, pythons)]
        self.used.update(found)
        return bool(found)

    def unused(self):
        """The types of rows that no difference has needed."""
        return [" ".join(row[0]) for i, row in enumerate(self.rows) if i not in self.used]


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


class Report(object):
    """The comparison of one program's core, by type."""

    def __init__(self, target, known):
        self.target = target
        self.objects = collections.Counter()
        self.different = collections.OrderedDict()  # (type, check): [(address, text)]
        self.known = {}
        self.session = None  # for labels
        truth, heap = read_truth(target), read_heap(target)
        for addr, row in truth.items():
            self.objects[row["type"]] += 1
            for name, text in differences(row, heap.get(addr), heap).items():
                self.different.setdefault((row["type"], name), []).append((addr, text))
        self.invented = [(addr, row["type"]) for addr, row in heap.items()
                         if row["gc"] and not truth.get(addr, {}).get("gc")]
        for key in list(self.different):
            if known.has(target.python, *key):
                self.known[key] = self.different.pop(key)

    def is_good(self):
        return not (self.different or self.invented)

    def share(self, check):
        """Per cent of the objects that pass `check`."""
        total = sum(self.objects.values())
        wrong = sum(len(some) for part in (self.different, self.known)
                    for (_, name), some in part.items() if name in (check, "found"))
        return "%.3f" % (100.0 * (total - wrong) / total) if wrong else "100"

    def summary(self, program):
        return "%-9s %-16s %7d objects, %4d types: " % (
            self.target.python.name, program, sum(self.objects.values()), len(self.objects)
        ) + ", ".join("%s %s %%" % (check, self.share(check)) for check in CHECKS)

    def lines(self):
        """Text of every difference, some of them with labels."""
        for (type_name, check), some in sorted(self.different.items()):
            yield "    %-6s %5d of %-5d %s" % (check, len(some), self.objects[type_name], type_name)
            for addr, text in some[:SHOWN]:
                yield "        %s: %s" % (addr, self.with_labels(addr, text))
        for addr, type_name in self.invented[:SHOWN]:
            yield "    in no list of CPython's: %s %s" % (addr, type_name)

    def with_labels(self, addr, text):
        if "visited" not in text:
            return text
        if self.session is None:
            choices = _native.Choices(None, None, None, None, 0, 1, 0)
            callbacks = _native.Callbacks(lambda what, done, total: None)
            self.session = _native.load().open_core(self.target.name, choices, callbacks)
        with self.session.run(["refs", addr, "-n", "all"]) as result:
            columns = result.columns()
            labels = {oracle.address(to): label
                      for to, label in zip(columns["addr"], columns["label"])}
        return re.sub("0x[0-9a-f]+", lambda m: "%s %s" % (m.group(), labels.get(m.group()) or ""),
                      text)


def compare(python, program, known):
    name, *arguments = program.split()
    target = oracle.Target(python, name, "kernel", arguments)
    try:
        report = Report(target, known)
        report.text = list(report.lines())
        return report
    finally:
        target.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", default=PROGRAMS)
    wrong, known = False, Known()
    for python in oracle.find_pythons():
        for program in parser.parse_args().programs:
            try:
                report = compare(python, program, known)
            except pytest.skip.Exception as reason:
                print("%-9s %s: %s" % (python.name, program, reason))
                continue
            print(report.summary(program))
            for line in report.text:
                print(line)
            sys.stdout.flush()
            wrong |= not report.is_good()
    for types in known.unused():
        print("parity_known.txt: not needed: %s" % types)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
