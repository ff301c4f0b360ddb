# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python frame that `pm locals` and `pm print` are about.

The thread is the one selected in gdb. Of each thread a frame is remembered, for as long as
the session lives that it was chosen in.
"""

import gdb

from . import parameters, session

_chosen = {}  # (inferior, thread id) -> number of the frame, 0 the innermost
_session = None


def thread():
    """The kernel's number of the thread selected in gdb, as text; None where gdb has none."""
    selected = gdb.selected_thread()
    return str(selected.ptid[1] or selected.ptid[2]) if selected is not None else None


def _key(opened):
    """What a frame is remembered under; frames of another session are forgotten."""
    global _session
    if _session is not opened:
        _chosen.clear()
        _session = opened
    return (gdb.selected_inferior().num, thread())


def number(opened):
    """The number of the current frame of the current thread."""
    return _chosen.get(_key(opened), 0)


def frames(opened, reporter):
    """(function, file, line) of each Python frame of the current thread, innermost first."""
    argv = ["bt"] + ([thread()] if thread() else []) + ["-n", "all"]
    with opened.run(argv, reporter) as result:
        columns = result.columns()
        first = columns["tid"][0] if len(columns["tid"]) else None
        return [(function, file, line) for function, file, line, tid
                in zip(columns["function"], columns["file"], columns["line"], columns["tid"])
                if tid == first]


def choose(opened, wanted, reporter):
    """Make frame `wanted` the current one, and return the line that shows it."""
    found = frames(opened, reporter)
    if not found:
        raise gdb.GdbError("This thread runs no Python code.")
    if wanted < 0:
        raise gdb.GdbError("This is the innermost Python frame.")
    if wanted >= len(found):
        raise gdb.GdbError("The outermost Python frame is %d." % (len(found) - 1))
    _chosen[_key(opened)] = wanted
    function, file, line = found[wanted]
    return "#%d  %s  %s:%s\n" % (wanted, function, file, line)


def current_session(reporter=session.silent):
    return session.current(parameters.choices({}), reporter)


def arguments(argv, thread_option):
    """What to add to `argv` so that it means the current thread and frame.

    `thread_option` comes before the thread; None where it is the command's argument.
    """
    added = []
    own = thread()
    if thread_option is None:
        named = any(not word.startswith("-") and before not in ("--frame", "-n", "-o")
                    for before, word in zip([""] + argv, argv))
    else:
        named = any(word.split("=")[0] == thread_option for word in argv)
    if named:
        return argv
    if own:
        added += [own] if thread_option is None else [thread_option, own]
    # which frame was chosen is known to the session in gdb
    if not any(word.split("=")[0] == "--frame" for word in argv) and \
            not parameters.is_isolated(argv):
        added += ["--frame", str(number(current_session()))]
    return argv + added
