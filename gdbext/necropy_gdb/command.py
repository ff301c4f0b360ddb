# SPDX-License-Identifier: GPL-2.0-or-later
"""A gdb command that is a command of the library: runs it, shows the answer."""

import os
import re

import gdb

from . import completion, isolated, parameters, session
from .errors import one_sentence
from .progress import Progress

LINES_AT_ONCE = 200
ADDRESS_MASK = (1 << 64) - 1
OF_STRUCTS = ("arenas", "bt", "malloc", "tasks", "threads")  # their addresses are of no objects


class Command(gdb.Command):
    """Base of all `pm` commands; `described` is their _native.Command."""

    def __init__(self, library, described):
        self.library = library
        self.described = described
        # gdb copies the text when the command is made
        self.__doc__ = help_text(described)
        super().__init__("pm " + described.name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        with one_sentence():
            self.run(gdb.string_to_argv(argument), from_tty)

    def complete(self, text, word):
        return completion.complete(self.described, text, word)

    def run(self, argv, from_tty):
        """Answer the command line `argv`, which does not have the command's name."""
        if "--help" in argv:
            gdb.write(help_text(self.described) + "\n")
            return
        is_isolated = parameters.is_isolated(argv)
        given, argv = parameters.take_options(argv)
        choices = parameters.choices(given)
        quiet = "--no-progress" in argv
        argv = [evaluated(word) for word in argv if word != "--no-progress"]
        argv = [self.described.name] + parameters.limit_arguments() + argv
        self.library.check(argv)
        if is_isolated:
            self.show_isolated(argv, choices)
            return
        with Progress(from_tty and not quiet) as progress:
            opened = session.current(choices, progress)
            with opened.run(argv, progress) as result:
                progress.erase()
                self.show(result, from_tty)

    def show_isolated(self, argv, choices):
        """Let another process answer. What it prints is all there is: no variables are set."""
        answer = isolated.answer(self.library, argv, choices)
        path = self.library.line_output(argv)
        if path is None:
            write(answer)
        else:
            gdb.write("Wrote %s\n" % os.path.abspath(path))

    def show(self, result, from_tty):
        """Set the convenience variables, and print or save the answer."""
        set_variable("pm_count", self.count(result))
        set_variable("pm_obj", void_pointer(self.object(result)))
        if result.output is not None:
            path = os.path.expanduser(result.output)
            result.write(path)
            gdb.write("Wrote %s\n" % os.path.abspath(path))
        else:
            piped = is_piped()
            width = 0 if piped else gdb.parameter("width") or 0
            write(result.render(width, use_color(from_tty and not piped)))

    def count(self, result):
        """What $pm_count becomes."""
        return result.all_n

    def object(self, result):
        """The address that $pm_obj becomes, of the first object in the answer; None: as it was."""
        if self.described.name in OF_STRUCTS:
            return None
        return address_in(result, 0)


def help_text(described):
    """The library's help, for gdb: the first line stands for the command in lists."""
    return described.help.rstrip("\n")


def evaluated(word):
    """`$pm_obj` and other expressions of gdb's, as a hexadecimal number; `~/x` as a path.

    Other words stay as they are.
    """
    if word.startswith("~/"):
        return os.path.expanduser(word)
    if not word.startswith("$"):
        return word
    value = gdb.parse_and_eval(word)
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_VOID:
        raise gdb.GdbError("%s has no value." % word)
    return hex(int(value) & ADDRESS_MASK)


def use_color(from_tty):
    """Colour only for a person at a terminal, whom gdb shows colours as well."""
    return (from_tty and os.isatty(1) and not os.environ.get("NO_COLOR")
            and bool(gdb.parameter("style enabled")))


def is_piped():
    """Is this `pipe pm … | COMMAND`, typed at the prompt? gdb tells only by its history."""
    lines = gdb.execute("show commands", False, True).splitlines()
    return bool(lines) and re.match(r"\s*\d+\s+(pipe\b|\|)", lines[-1]) is not None


def write(data):
    """Print an answer, by pieces: `q` at the pager then ends it soon."""
    if b"\0" in data:
        raise gdb.GdbError("The answer is no text, and not for the terminal: add -o FILE.")
    lines = data.decode("utf-8", "replace").splitlines(True)
    if lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    for first in range(0, len(lines), LINES_AT_ONCE):
        gdb.write("".join(lines[first:first + LINES_AT_ONCE]))


# --- convenience variables

def address_in(result, row):
    """The address in column "addr" of a row; None without one."""
    column = result.columns().get("addr")
    if column is None or not column.is_addr or not len(column):
        return None
    return column[row] if column[row] not in (0, ADDRESS_MASK) else None  # ADDRESS_MASK: unknown


def void_pointer(address):
    """A `void *`, or a number where the program's language has no void. None stays None."""
    if address is None:
        return None
    value = gdb.Value(address)
    try:
        return value.cast(gdb.lookup_type("void").pointer())
    except gdb.error:
        return value


def set_variable(name, value):
    """Set $NAME; nothing happens where `value` is None."""
    if value is None:
        return
    if hasattr(gdb, "set_convenience_variable"):
        gdb.set_convenience_variable(name, value)
    else:
        gdb.execute("set $%s = %s" % (name, value))
