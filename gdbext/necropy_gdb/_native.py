# SPDX-License-Identifier: GPL-2.0-or-later
"""libccore in Python: finding and checking the library, its calls as objects and exceptions.

Nothing here knows gdb. Apart from the generated _abi.py this is the only file that uses
ctypes. Text from C arrives as str; bytes that are not UTF-8 become U+FFFD.
"""

import collections
import contextlib
import ctypes
import functools
import glob
import os
import sys

from . import _abi

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "libccore.so"


class LibraryError(Exception):
    """The library cannot be used; the text is one sentence for the user."""


class Error(Exception):
    """A call failed: `code` is an enum ccore_status, `addr` the target address or 0.

    The text is one sentence for the user.
    """

    def __init__(self, code, text, addr=0):
        super().__init__(text)
        self.code = code
        self.addr = addr


# --- loading

def candidates():
    """Where the library may be, best first; the last is left to the loader."""
    if os.environ.get("CCORE_LIBRARY"):
        return [os.environ["CCORE_LIBRARY"]]
    found = [os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", NAME)]
    above = HERE
    while above != os.path.dirname(above):
        above = os.path.dirname(above)
        found += glob.glob(os.path.join(glob.escape(above), "lib*", NAME))
        found += glob.glob(os.path.join(glob.escape(above), "lib", "*-linux-*", NAME))
    return [path for path in found if os.path.exists(path)] + [NAME]


def load():
    """The Library, checked; LibraryError tells what is wrong with it."""
    path = candidates()[0]
    try:
        c = ctypes.CDLL(path)
    except OSError as error:
        raise LibraryError("%s cannot be loaded (%s): run make, or set CCORE_LIBRARY to its path" %
                           (NAME, error))
    if not declare(c):
        raise LibraryError("%s and %s are of different versions: run make again, or reinstall" %
                           (path, os.path.join(HERE, "_abi.py")))
    return Library(c, path)


def declare(c):
    """Tell ctypes the prototypes of `c`; False when it was built from another header."""
    try:
        for name, (result, arguments) in _abi.PROTOTYPES.items():
            function = getattr(c, name)
            function.restype = result
            function.argtypes = arguments
    except AttributeError:
        return False
    return c.ccore_abi_hash() == _abi.HASH


def text(value):
    """A C string as str, NULL as None."""
    return None if value is None else value.decode("utf-8", "replace")


def encode(value):
    """str for C; None is NULL. File names keep the bytes they had."""
    return None if value is None else os.fsencode(value)


def strings(words):
    """A list of str as an array of C strings."""
    return (ctypes.c_char_p * len(words))(*[encode(word) for word in words])


# `metavar` is "" for a flag, `values` are those permitted, none where anything is
Option = collections.namedtuple("Option", "name metavar values")
Command = collections.namedtuple("Command", "name summary help argument options")


class Library:
    """The loaded library: its commands, and the ways to open a target."""

    def __init__(self, c, path):
        self.c = c
        self.path = path
        self.version = text(c.ccore_version())
        self.commands = [self._command(i) for i in range(c.ccore_command_n())]

    def _command(self, i):
        options = []
        while self.c.ccore_command_option(i, len(options)) is not None:
            j = len(options)
            values = text(self.c.ccore_command_option_values(i, j)) or ""
            options.append(Option(text(self.c.ccore_command_option(i, j)),
                                  text(self.c.ccore_command_option_metavar(i, j)) or "",
                                  values.split("|") if values else []))
        return Command(text(self.c.ccore_command_name(i)), text(self.c.ccore_command_summary(i)),
                       text(self.c.ccore_command_help(i)), text(self.c.ccore_command_argument(i)),
                       options)

    def check(self, argv):
        """Error when a command line is not understood."""
        error = _abi.ccore_error()
        check(self.c, self.c.ccore_check(strings(argv), len(argv), error), error)

    def line_output(self, argv):
        """The file of -o in a command line, or None."""
        path = self.c.ccore_line_output(strings(argv), len(argv))
        return None if path is None else os.fsdecode(path)

    def way_back(self, code):
        """(offset of the return address, of the caller's rbp or None) on the stack, or None."""
        return_at, rbp_at = ctypes.c_int64(), ctypes.c_int64()
        if not self.c.ccore_way_back(code, len(code), return_at, rbp_at):
            return None
        return return_at.value, None if rbp_at.value < 0 else rbp_at.value

    def open_core(self, path, choices, callbacks):
        """A Session on the core file at `path`; Error when it cannot be had."""
        return Session(self.c, self.c.ccore_open_core, (encode(path),), choices, callbacks)

    def open_pid(self, pid, choices, callbacks):
        """A Session on process `pid`, which the caller holds stopped."""
        choices = choices._replace(flags=choices.flags | _abi.CCORE_OPEN_STOPPED)
        return Session(self.c, self.c.ccore_open_pid, (pid,), choices, callbacks)

    def open_memory(self, maps, choices, callbacks):
        """A Session on memory that `callbacks` reads; `maps` is as /proc/PID/maps."""
        arguments = (encode(maps), callbacks.read_fn, None)
        return Session(self.c, self.c.ccore_open_callback, arguments, choices, callbacks)


REDACT = _abi.CCORE_OPEN_REDACT
NO_CACHE = _abi.CCORE_OPEN_NO_CACHE
DEBUGINFOD = _abi.CCORE_OPEN_DEBUGINFOD

# What the user may choose when a target is opened: as struct ccore_open_opts, str or None.
Choices = collections.namedtuple("Choices",
                                 "exe debug_dirs sysroot maps max_bytes threads flags layout")
Choices.__new__.__defaults__ = (None,)  # of layout


# --- callbacks

LOST_HOOK = "unraisablehook" if hasattr(sys, "unraisablehook") else "excepthook"


class Callbacks:
    """Python functions that C calls during a session's calls.

    `progress(what, done, total)` returns nothing and cancels by raising. `read(addr, size)`
    returns that many bytes or raises. An exception must not pass through C: it is kept,
    everything further is refused, and `calling()` raises it when C has returned.
    """

    def __init__(self, progress, read=None):
        self._progress = progress
        self._read = read
        self._kept = None
        # C may call these as long as the session lives, so they must live as long.
        self.progress_fn = _abi.ccore_progress_fn(self._on_progress)
        self.read_fn = _abi.ccore_read_fn(self._on_read)

    def _on_progress(self, _ctx, what, done, total):
        try:
            if self._kept is not None:
                return 0
            self._progress(text(what), done, total)
            return 1
        except BaseException as error:  # also KeyboardInterrupt: see the class
            self._kept = error
            return 0

    def _on_read(self, _ctx, addr, buffer, size):
        try:
            if self._kept is not None:
                return -1
            data = self._read(addr, size)
            if data is None or len(data) != size:
                return -1
            ctypes.memmove(buffer, data, size)
            return size
        except BaseException as error:
            self._kept = error
            return -1

    def _on_lost(self, before, *lost):
        """Ctrl-C can strike after C has entered a callback and before its `try`.

        ctypes has nowhere to raise that and gives it to a hook: before Python 3.8 to
        sys.excepthook(type, value, traceback), then to sys.unraisablehook(object).
        """
        value = lost[1] if len(lost) == 3 else lost[0].exc_value
        if isinstance(value, KeyboardInterrupt):
            self._kept = value
        else:
            before(*lost)

    @contextlib.contextmanager
    def calling(self):
        """Around a call to C: raises what was kept, in place of what the call raised."""
        self._kept = None
        before = getattr(sys, LOST_HOOK)
        try:
            try:
                setattr(sys, LOST_HOOK, functools.partial(self._on_lost, before))
                yield
            finally:
                setattr(sys, LOST_HOOK, before)
        except Error:
            if self._kept is None:
                raise
        kept, self._kept = self._kept, None
        if kept is not None:
            raise kept


# --- sessions and results

def check(c, status, error):
    """Raise Error for a failed call's `status` and struct ccore_error."""
    if status >= 0:
        return
    words = text(error.text) or text(c.ccore_status_text(status))
    raise Error(status, words, error.addr)


class Session:
    """A target opened for reading. close() when done; results outlive it."""

    _handle = None  # for close(), where Ctrl-C strikes before there is one

    def __init__(self, c, opener, arguments, choices, callbacks):
        self._c = c
        self._callbacks = callbacks
        self._handle = ctypes.POINTER(_abi.ccore_session)()
        error = _abi.ccore_error()
        options = self._options(choices, callbacks)
        with callbacks.calling():
            status = opener(*arguments, options, self._handle, error)
            check(c, status, error)

    @staticmethod
    def _options(choices, callbacks):
        return _abi.ccore_open_opts(
            size=ctypes.sizeof(_abi.ccore_open_opts),
            exe=encode(choices.exe),
            debug_dirs=encode(choices.debug_dirs),
            sysroot=encode(choices.sysroot),
            maps=encode(choices.maps),
            layout=encode(choices.layout),
            max_bytes=choices.max_bytes,
            threads=choices.threads,
            flags=choices.flags,
            progress=callbacks.progress_fn)

    def run(self, argv):
        """The Result of a command line: its name, arguments and options. Error, or what a
        callback has raised."""
        if not self._handle:
            raise ValueError("the session is closed")
        result = Result(self._c)
        error = _abi.ccore_error()
        with self._callbacks.calling():
            status = self._c.ccore_run(self._handle, strings(argv), len(argv), result.handle, error)
            check(self._c, status, error)
        return result

    def close(self):
        """Free it. Closing twice is allowed."""
        handle, self._handle = self._handle, None
        if handle:
            self._c.ccore_close(handle)

    __del__ = close


class Result:
    """The answer to one command. Sizes are bytes, addresses the target's."""

    handle = None  # for close(), where Ctrl-C strikes before there is one

    def __init__(self, c):
        self._c = c
        # Owned from before the call that fills it, so that Ctrl-C cannot leak it.
        self.handle = ctypes.POINTER(_abi.ccore_result)()

    def close(self):
        handle, self.handle = self.handle, None
        if handle:
            self._c.ccore_result_free(handle)

    __del__ = close

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def all_n(self):
        """How many rows there were before any limit."""
        return self._c.ccore_result_all_n(self.handle)

    @property
    def output(self):
        """The file that -o named, or None."""
        path = self._c.ccore_result_output(self.handle)
        return None if path is None else os.fsdecode(path)

    def columns(self):
        """Every Column, by name and in their order."""
        found = collections.OrderedDict()
        for i in range(self._c.ccore_result_column_n(self.handle)):
            column = _abi.ccore_column()
            check(self._c, self._c.ccore_result_column(self.handle, i, column), _abi.ccore_error())
            found[text(column.name)] = Column(self, column)
        return found

    def render(self, width, color):
        """The answer as bytes, in the format its options asked for."""
        data, size, error = ctypes.c_char_p(), ctypes.c_uint64(), _abi.ccore_error()
        flags = _abi.CCORE_RENDER_COLOR if color else 0
        check(self._c, self._c.ccore_result_render(self.handle, width, flags, data, size, error),
              error)
        return ctypes.string_at(data, size.value)

    def write(self, path):
        """Render to a file: all of it appears there, or nothing."""
        error = _abi.ccore_error()
        check(self._c, self._c.ccore_result_write(self.handle, encode(path), error), error)


class Column:
    """One column of a result, as a sequence of int or str (None: not known)."""

    def __init__(self, result, column):
        self._result = result  # owns the array
        self.is_addr = column.type == _abi.CCORE_ADDR
        self._is_text = column.type == _abi.CCORE_STR
        size = result._c.ccore_result_row_n(result.handle)
        item = ctypes.c_char_p if self._is_text else ctypes.c_uint64
        self._items = (item * size).from_address(column.data) if size else ()

    def __len__(self):
        return len(self._items)

    def __getitem__(self, row):
        if not self._result.handle:
            raise ValueError("the result is closed")
        value = self._items[row]
        return text(value) if self._is_text else value
