#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom: the layers of ARCHITECTURE.md. Prints what breaks them, exits 1."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A layer, and those it may include besides itself. Everything goes downward.
ALLOWED = {
    "util": "",
    "mem": "util",
    "sym": "util mem",
    "layout": "util mem sym",
    "emu": "util mem sym layout",
    "py": "util mem layout emu",
    "runtime": "util mem sym layout py",
    "alloc": "util mem sym layout runtime",
    "heap": "util mem sym layout emu py runtime alloc",
    "graph": "util heap py",
    "analysis": "util sym layout py heap graph",
    "render": "util",
    "session": "util sym layout py heap graph analysis",
    "stacks": "util mem sym layout py heap session",
    "command": "util mem sym layout py runtime alloc heap graph analysis session stacks",
    "api": "util mem sym layout py heap graph analysis session command render",
    "cli": "",
}
ELFUTILS = re.compile(r"^(libelf|gelf|dwarf|elfutils/.*)\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def sources():
    """(layer, path from ROOT) of every C file and header of ours."""
    for layer in sorted(os.listdir(os.path.join(ROOT, "ccore"))):
        folder = os.path.join("ccore", layer)
        if layer == "include" or not os.path.isdir(os.path.join(ROOT, folder)):
            continue
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if name.endswith((".c", ".h", ".def")):
                yield layer, os.path.join(folder, name)


def complaint(layer, kind, header):
    """Why a file of `layer` may not include `header`; None when it may."""
    if kind == "<":
        if ELFUTILS.match(header) and layer != "sym":
            return "only sym includes elfutils"
        return None
    if header == "ccore.h":
        return None
    other = header.split("/")[0]
    if "/" not in header:
        return "ours are included by layer: \"%s/%s\"" % (layer, header)
    if other not in ALLOWED:
        return "there is no layer %s" % other
    if other != layer and other not in ALLOWED[layer].split():
        return "%s may not use %s" % (layer, other)
    return None


def problems():
    for layer, path in sources():
        if layer not in ALLOWED:
            yield "%s: there is no layer %s" % (path, layer)
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as source:
            for number, line in enumerate(source, 1):
                found = INCLUDE.match(line)
                why = found and complaint(layer, *found.groups())
                if why:
                    yield "%s:%d: %s: %s" % (path, number, found.group(2), why)


def main():
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
