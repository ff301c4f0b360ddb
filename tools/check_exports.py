#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's names, in four places: ccore.h declares, ccore.map lists, libccore.so has and
docs/man/ccore.h.3 explains the same ones. Prints what differs, exits 1."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = "ccore/include/ccore.h"
MAP = "ccore/ccore.map"
LIBRARY = "build/libccore.so"
MANUAL = "docs/man/ccore.h.3"


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as text:
        return text.read()


def declared():
    return set(re.findall(r"^CCORE_API [^;(]*?\b(ccore_\w+)\(", read(HEADER), re.MULTILINE))


def listed():
    return set(re.findall(r"^\s*(ccore_\w+);", read(MAP), re.MULTILINE))


def exported():
    library = os.path.join(ROOT, LIBRARY)
    nm = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                        stdout=subprocess.PIPE, universal_newlines=True)
    names = (line.split()[-1].split("@")[0] for line in nm.stdout.splitlines())
    return {name for name in names if not name.startswith("LIBCCORE_")}


def explained():
    return set(re.findall(r"\b(ccore_\w+)\s*\(", read(MANUAL).replace("\\-", "-")))


def problems():
    header = declared()
    for where, names in ((MAP, listed()), (LIBRARY, exported()), (MANUAL, explained())):
        for name in sorted(header - names):
            yield "%s: %s is missing" % (where, name)
        for name in sorted(names - header):
            yield "%s: %s is not in %s" % (where, name, HEADER)


def main():
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
