# SPDX-License-Identifier: GPL-2.0-or-later
"""What TAB offers after `pm COMMAND`: options, their values, types, file names."""

import glob
import os

import gdb

from . import _native, parameters, session

FLAG = _native.Option("", "", [])

# understood here, before the library sees the rest
OURS = [_native.Option("--help", "", []), _native.Option("--no-progress", "", [])]
OURS += [_native.Option(s.option, parameters.METAVARS.get(s.kind, "N"), [])
         for s in parameters.SETTINGS if s.option]


def complete(described, text, word):
    """What can follow `text`; gdb wants it from where `word` begins.

    Words as gdb divides them can be shorter than ours: "/" ends one. `word` is None when gdb
    only asks what kind of completion there is.
    """
    options = {option.name: option for option in described.options + OURS}
    tokens = text.split()
    token = tokens.pop() if tokens and not text[-1:].isspace() else ""
    before = options.get(tokens[-1], FLAG) if tokens else FLAG
    skip = len(token) - len(word) if word is not None and token.endswith(word) else 0
    return [full[skip:] for full in candidates(described.argument, options, before, token)]


def candidates(argument, options, before, token):
    """All that `token` can become, after the option `before`."""
    name, equals, part = token.partition("=")
    if equals and name in options:
        return [name + "=" + value for value in values(options[name], part)]
    if before.metavar:
        return values(before, token)
    if token.startswith("-"):
        return matching(options, token)
    return matching(types(), token) if "TYPE" in argument else []


def values(option, part):
    """What the value of `option` can become that begins as `part`."""
    if option.metavar in ("FILE", "DIR"):
        return files(part)
    offered = option.values
    if any(word in option.metavar for word in ("TYPE", "GLOB")):
        offered = offered + types()
    return matching(offered, part)


def files(part):
    """Paths that begin as `part`. gdb's own completer would take all that was typed for one."""
    found = paths(part)
    # gdb puts a space after the only answer: show what is in the folder then
    return paths(found[0]) or found if len(found) == 1 and found[0].endswith("/") else found


def paths(part):
    found = glob.glob(glob.escape(part) + "*")
    return sorted(path + "/" if os.path.isdir(path) else path for path in found)


def matching(names, part):
    return sorted(set(name for name in names if name.startswith(part)))


def types():
    """Types by full name and by the bare last part, which the commands take as well."""
    try:
        opened = session.current(parameters.choices({}), session.silent)
        full = opened.type_names()
    except (gdb.error, gdb.GdbError, _native.Error, KeyboardInterrupt):
        return []
    return full + [name.rpartition(".")[2] for name in full]
