# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm COMMAND --isolate`: the command line tool reads the core, in a sandbox, and not gdb.

A core may be made so that its readers go wrong. What goes wrong is then a process that can
open no file for writing, start no program and reach no network.
"""

import glob
import os
import re
import shutil
import subprocess

import gdb

from . import _native, source
from .session import NO_TARGET

NAME = "necropy"
CONTROLS = re.compile("[\0-\b\v-\x1f\x7f-\x9f]")


def answer(library, argv, choices):
    """What the tool prints, as bytes; GdbError with its sentence where it has no answer."""
    child = subprocess.Popen([tool(library)] + command_line(argv, choices),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    try:
        out, err = child.communicate()
    except BaseException:  # Ctrl-C: it has come to the child as well, or it ends now
        child.kill()
        child.communicate()
        raise
    # gdb may have taken the status, and Python then takes it for 0
    if child.returncode not in (0, 3) or (err and not out):
        raise gdb.GdbError(sentence(err.decode("utf-8", "replace")))
    return CONTROLS.sub("?", out.decode("utf-8", "replace")).encode()


def sentence(said):
    return CONTROLS.sub(" ", said.replace(NAME + ": ", "", 1)).strip() or \
        "The isolated reader has ended without a word."


def command_line(argv, choices):
    """The words of the tool for the command line `argv` of the library."""
    words = [argv[0], target(), "--isolate", "--no-progress"]
    for option, value in (("--exe", choices.exe), ("--debug-dir", choices.debug_dirs),
                          ("--sysroot", choices.sysroot), ("--maps", choices.maps),
                          ("--max-memory", choices.max_bytes), ("--threads", choices.threads)):
        words += [option, str(value)] if value else []
    words += ["--layout=" + choices.layout] if choices.layout else []
    words += ["--debuginfod"] if choices.flags & _native.DEBUGINFOD else []
    words += ["--redact"] if choices.flags & _native.REDACT else []
    words += ["--no-cache"] if choices.flags & _native.NO_CACHE else []
    return words + argv[1:]


def target():
    """The path of the core that gdb has open; GdbError when it has something else."""
    inferior = gdb.selected_inferior()
    found = source.find(inferior)
    if found is None:
        raise gdb.GdbError(NO_TARGET)
    path = source.path_or_pid(inferior) if found.kind == "core" else None
    if path is None:
        raise gdb.GdbError("Only cores can be read in isolation: `generate-core-file` makes one "
                           "of a process.")
    return os.path.abspath(path)


def tool(library):
    """The path of the command line tool that belongs to the library; GdbError without one."""
    folder = os.path.dirname(os.path.realpath(library.path)) if "/" in library.path else ""
    places = [os.path.join(folder, NAME)] if folder else []
    while folder and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        places += glob.glob(os.path.join(glob.escape(folder), "bin", NAME))
    for path in places + [shutil.which(NAME) or ""]:
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise gdb.GdbError("The command line tool %s, which reads in isolation, is not installed." %
                       NAME)
