# SPDX-License-Identifier: GPL-2.0-or-later
"""One open session for each inferior, for as long as what it has read stays true.

A session on a core lasts until gdb has another core. All others end when the program runs
or its memory is changed. An event may arrive while a session is at work, so events only
mark it; its next user, or the next prompt, closes it.
"""

import gdb

from . import _native, source

NO_TARGET = "No core or process: open one with `core FILE` or `attach PID`."

_library = None
_open = {}      # number of the inferior -> Open
_handlers = []  # (event registry, function)


class Open:
    """A session, and what it was opened with.

    A `reporter(what, done, total)` is told of progress and cancels by raising.
    """

    def __init__(self, target, identity, choices, reporter):
        self.identity = identity
        self.kind = target.kind
        self.changes_when_running = target.changes_when_running
        self._through_gdb = target.through_gdb
        self.stale = False
        self._type_names = None
        self._reporter = reporter
        self._native = target.open(_library, choices, self._callbacks)

    def _callbacks(self, read):
        return _native.Callbacks(self._progress, read)

    def _progress(self, what, done, total):
        self._reporter(what, done, total)

    def run(self, argv, reporter):
        """The _native.Result of a command line."""
        self._reporter = reporter
        try:
            return self._native.run(argv)
        except _native.Error:
            raise
        except BaseException:
            # a read that Ctrl-C has ended is remembered by C as memory that cannot be read
            self.stale = self.stale or self._through_gdb
            raise

    def type_names(self):
        """The names of all types that have objects, for completion."""
        if self._type_names is None:
            with self.run(["types", "-n", "all"], silent) as result:
                self._type_names = list(result.columns()["type"])
        return self._type_names

    def close(self):
        self._native.close()


def silent(_what, _done, _total):
    """A reporter that says nothing."""


def current(choices, reporter):
    """The Open session on what the selected inferior has open, a new one where needed.

    GdbError when it has nothing open, _native.Error when that cannot be read.
    """
    if gdb.parameter("pm isolate"):
        raise gdb.GdbError("This needs the core to be read by gdb, but `pm isolate` is on.")
    inferior = gdb.selected_inferior()
    target = source.find(inferior)
    if target is None:
        drop(inferior.num)
        raise gdb.GdbError(NO_TARGET)
    identity = (target.identity, choices)
    opened = _open.get(inferior.num)
    if opened is None or opened.stale or opened.identity != identity:
        drop(inferior.num)
        opened = _open[inferior.num] = Open(target, identity, choices, reporter)
    return opened


def drop(number):
    """Close the session of inferior `number`, if there is one."""
    opened = _open.pop(number, None)
    if opened is not None:
        opened.close()


# --- events

def _changed(_event=None):
    """Something has run or been written to: which of the inferiors is not always said."""
    for opened in _open.values():
        opened.stale = opened.stale or opened.changes_when_running


def _tidy():
    """At the prompt: free what belongs to targets that are gone."""
    inferiors = {inferior.num: inferior for inferior in gdb.inferiors()}
    for number, opened in list(_open.items()):
        inferior = inferiors.get(number)
        gone = inferior is None or source.target_kind(inferior) != opened.kind
        if gone or opened.stale:
            drop(number)


def start(library):
    """Use `library`, and listen to gdb's events."""
    global _library
    _library = library
    # attaching again to the same process shows as new threads and object files
    for name in ("cont", "exited", "new_thread", "new_objfile", "clear_objfiles",
                 "memory_changed", "inferior_deleted"):
        _listen(name, _changed)
    _listen("before_prompt", _tidy)


def _listen(name, function):
    registry = getattr(gdb.events, name, None)  # old gdbs lack some
    if registry is not None:
        registry.connect(function)
        _handlers.append((registry, function))


def stop():
    """Close everything and listen no more."""
    while _handlers:
        registry, function = _handlers.pop()
        registry.disconnect(function)
    for number in list(_open):
        drop(number)
