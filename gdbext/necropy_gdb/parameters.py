# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings: `set pm limit 50`, `show pm limit`, `with pm limit 3 -- pm types`.

Each row of SETTINGS is one of them. Those with an option of the command line can also be
given there, for that command only.
"""

import collections
import os
import re

import gdb

from . import _native

DEFAULT_LIMIT = 20
THREADS_MAX = 1024
FILE = gdb.PARAM_OPTIONAL_FILENAME

# what the value of an option is called, where it is no number; "" where there is none
METAVARS = {FILE: "FILE", gdb.PARAM_BOOLEAN: "", gdb.PARAM_STRING: "SIZE"}

Setting = collections.namedtuple("Setting", "name kind initial option summary details")

SETTINGS = (
    Setting("limit", gdb.PARAM_ZUINTEGER_UNLIMITED, DEFAULT_LIMIT, None,
            "how many rows a table has",
            "A number or \"unlimited\". The option -n of a command goes before it."),
    Setting("exe", FILE, None, "--exe",
            "the interpreter's binary, where it is not found by itself",
            "Without a value it is looked for by name and build-id."),
    Setting("debug-dir", FILE, None, "--debug-dir",
            "folders with separate debug files, divided by colons",
            "Without a value: gdb's debug-file-directory and /usr/lib/debug."),
    Setting("sysroot", FILE, None, "--sysroot",
            "the folder in which the files of the target are looked up",
            "Without a value: gdb's sysroot, where that is a folder."),
    Setting("maps", FILE, None, "--maps",
            "a saved copy of /proc/PID/maps that belongs to the core",
            "Without a value: the file named as the core, with .maps added, if there is one."),
    Setting("layout", FILE, None, "--layout",
            "a file with the interpreter's layout, as the command layout writes it",
            "Without a value it is found. With a command it is written --layout=FILE."),
    Setting("debuginfod", gdb.PARAM_BOOLEAN, False, "--debuginfod",
            "whether debug information may be fetched from servers",
            "From those that $DEBUGINFOD_URLS names."),
    Setting("max-memory", gdb.PARAM_STRING, "", "--max-memory",
            "how much memory an analysis may use",
            "As in 500M or 4G. Without a value: three quarters of the machine's."),
    Setting("threads", gdb.PARAM_ZUINTEGER, 0, "--threads",
            "how many threads an analysis may use",
            "0: one per processor, but at most 8."),
    Setting("redact", gdb.PARAM_BOOLEAN, False, "--redact",
            "whether type, length and a hash are shown in place of values",
            "For answers that are shown to others. Equal values have equal hashes."),
    Setting("isolate", gdb.PARAM_BOOLEAN, False, "--isolate",
            "whether cores are read by a process that can do nothing else",
            "For cores from strangers. Each command then opens the core anew."),
    Setting("cache", gdb.PARAM_BOOLEAN, True, "--no-cache",
            "whether struct layouts are kept in the user's cache folder",
            "They are then found faster the next time."),
    Setting("frame-filter", gdb.PARAM_BOOLEAN, False, None,
            "whether gdb's own backtrace has Python's frames in place",
            "Each frame of the interpreter's evaluation loop is shown as those that it runs. "
            "It then also finds its way through CPython's trampolines for perf."),
)


class Parameter(gdb.Parameter):
    """One setting, made from its row."""

    def __init__(self, setting):
        self.__doc__ = setting.details  # gdb takes the three texts when the setting is made
        self.set_doc = "Set %s." % setting.summary
        self.show_doc = "Show %s." % setting.summary
        self._name = setting.name
        super().__init__("pm " + setting.name, gdb.COMMAND_DATA, setting.kind)
        self.value = setting.initial

    def get_set_string(self):
        if self._name == "frame-filter":
            gdb.invalidate_cached_frames()  # some may be found by another way
        return ""

    def get_show_string(self, shown):
        return "pm %s is %s." % (self._name, shown if shown else "not set")


class SetPrefix(gdb.Command):
    """Settings of pm.

    Usage: set pm NAME VALUE"""

    def __init__(self):
        super().__init__("set pm", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, _from_tty):
        if argument.strip():
            raise gdb.GdbError('pm has no setting "%s": "show pm" lists them.' %
                               argument.split()[0])
        gdb.execute("help set pm")


class ShowPrefix(gdb.Command):
    """Settings of pm, all of them when none is named.

    Usage: show pm [NAME]"""

    def __init__(self):
        super().__init__("show pm", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, _from_tty):
        if argument.strip():
            raise gdb.GdbError('pm has no setting "%s": "show pm" lists them.' %
                               argument.split()[0])
        for setting in SETTINGS:
            gdb.execute("show pm " + setting.name)


def register():
    SetPrefix()
    ShowPrefix()
    for setting in SETTINGS:
        Parameter(setting)


# --- what the settings come to

def limit_arguments():
    """The option -n that `set pm limit` stands for; none where nothing was set.

    It goes before the user's words: of two -n the last one counts.
    """
    limit = gdb.parameter("pm limit")
    if limit == DEFAULT_LIMIT:
        return []
    return ["-n", "all" if limit is None or limit < 0 else str(limit)]


def take_options(argv):
    """Split the options that are settings from `argv`: ({name: str or True}, the rest).

    GdbError when one lacks its value.
    """
    by_option = {s.option: s for s in SETTINGS if s.option}
    given, rest, words = {}, [], iter(argv)
    for word in words:
        if word == "--":
            return given, rest + [word] + list(words)
        option, equals, value = word.partition("=")
        setting = by_option.get(option)
        # "pm info --layout" is an option of the command's own
        if setting is None or (setting.name == "layout" and not equals):
            rest.append(word)
        elif setting.kind == gdb.PARAM_BOOLEAN:
            given[setting.name] = not setting.initial
        else:
            given[setting.name] = value if equals else next(words, None)
            if not given[setting.name]:
                raise gdb.GdbError("%s needs a value." % option)
    return given, rest


def is_isolated(argv):
    """Whether the command line `argv` is to be answered by another process than gdb."""
    return gdb.parameter("pm isolate") or "isolate" in take_options(argv)[0]


def choices(given):
    """The settings as _native.Choices, `given` going before them. GdbError for bad numbers."""
    def of(name):
        return given.get(name, gdb.parameter("pm " + name))
    flags = _native.REDACT if of("redact") else 0
    flags |= _native.DEBUGINFOD if of("debuginfod") else 0
    flags |= 0 if of("cache") else _native.NO_CACHE
    return _native.Choices(
        exe=of("exe") or None,
        debug_dirs=of("debug-dir") or gdb_debug_dirs(),
        sysroot=of("sysroot") or gdb_sysroot(),
        maps=of("maps") or None,
        layout=of("layout") or None,
        max_bytes=number_of_bytes(of("max-memory") or "0"),
        threads=number_of_threads(of("threads") or 0),
        flags=flags)


def gdb_debug_dirs():
    """Where gdb looks for debug files, and where distributions put them."""
    folders = (gdb.parameter("debug-file-directory") or "").split(":")
    folders = [folder for folder in folders if os.path.isdir(folder)]
    if "/usr/lib/debug" not in folders:
        folders.append("/usr/lib/debug")
    return ":".join(folders)


def gdb_sysroot():
    """gdb's sysroot where it is a local folder, else None: "target:" is the target's own."""
    folder = gdb.parameter("sysroot") or ""
    return folder if folder != "/" and os.path.isdir(folder) else None


def number_of_threads(value):
    if not re.match(r"\d{1,4}$", str(value)) or int(value) > THREADS_MAX:
        raise gdb.GdbError("threads %s: must be a number up to %d." % (value, THREADS_MAX))
    return int(value)


def number_of_bytes(value):
    """Bytes of "500M", "4GiB" or a plain number."""
    match = re.match(r"(\d{1,15})(?:([KMGT])(?:iB)?)?$", value.strip())
    if not match:
        raise gdb.GdbError("max-memory %s: must be a size such as 512M or 4G." % value)
    return int(match.group(1)) << " KMGT".index(match.group(2) or " ") * 10
