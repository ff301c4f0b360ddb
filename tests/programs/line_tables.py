# SPDX-License-Identifier: GPL-2.0-or-later
"""What CPython says of lines: for each code object of many, its table and every position.

Prints two lines for each code object: the table as tests/c/decode_lines.c takes it, and
LINE,END,COLUMN,END-COLUMN of every second offset (-1: none; where this Python knows no columns,
LINE,-1,-1,-1). Runs on CPython 2.7 and 3.6 or later.
"""

import binascii
import dis
import importlib
import sys

MODULES = ("argparse", "ast", "collections", "decimal", "difflib", "doctest", "email.message",
           "functools", "inspect", "json.decoder", "logging", "optparse", "pdb", "pickle",
           "subprocess", "tarfile", "threading", "traceback", "typing", "unittest.case",
           "xml.dom.minidom", "zipfile", "asyncio.tasks", "asyncio.base_events", "dataclasses",
           "enum", "statistics", "_pydecimal", "ipaddress", "turtle", "configparser")

UNSIGNED, SIGNED, RANGES, LOCATIONS = range(4)

STATEMENTS = """
def every(things, *args, **kwargs):
    x = [a
         for a in
         things if a]
    y = {a: b for a, b in zip(x,
                              x)}
    for i, thing in enumerate(
            things):
        if thing: continue
        elif i > 3 and \\
                x or y: break
        else:
            pass
    else:
        x = (lambda q,
             r=1: q
             + r)
    while x:
        try:
            x = call(x,
                     *args,
                     **kwargs)
        except (ValueError,
                TypeError) as error:
            raise KeyError(
                error)
        except Exception:
            del x
        else: x = None
        finally:
            y = (1 if x
                 else
                 2)
    with open("a") as a, \\
            open("b") as b:
        assert a is not b, (
            "same")
        a.b.c[1:
              2].d = b.c
        x += 1; y -= 2; z = x ** y
    class Inner(
            object):
        value = 1

        @staticmethod
        def method(
                self): return self.value

    def generate():
        got = yield
        while got:
            got = yield (got,
                         1)

    return Inner(
        ).method(every)(
            1, 2)




































































































































































































































def far_below(): return (1 +

   2)
"""

NEW_STATEMENTS = (
    """
async def waits(things):
    async with a as b, \\
            c:
        await b(
            1)
    async for i in things:
        yield i
    return_value = [x async for x in things]
    f"{things!r:>{
        10}} and {return_value}" if 0 else f"{things} {1 +
2}"
""",
    """
async def waits(things):
    async with a as b:
        await b(
            1)
    async for i in things:
        yield i
    print(f"{things!r} and {i}",
          *things, sep="")
""",
    """
def walrus(things, /, a, *, b):
    while (n := a(
            things)) and \\
            n > 3:
        b = n
    return (
        b := 3)
""",
    """
def matches(thing):
    match thing:
        case [a, b, *rest] if (
                a): return a
        case {"key": value}:
            return (value
                    + 1)
        case str() | int():
            pass
        case _:
            return
""",
    """
def groups():
    try:
        a()
    except* ValueError as e:
        b(e)
    except* (KeyError,
             TypeError):
        pass
    finally: c()
""",
    """
def generic[T: int](x: T) -> T:
    type Alias[U] = list[
        U]
    return [y for y in x
            if [z for z in y]]
""",
)


def sources():
    yield "\n" * 300 + STATEMENTS
    yield "\n".join("x%d = f(%d,\n\n\n  %d)" % (i, i, i) for i in range(300))
    yield "def wide(): return " + " + ".join("call(%d)" % i for i in range(400))
    yield "x = u'\u00e9\u00e9' + \\\n call(u'\u4e2d', y)"
    for source in NEW_STATEMENTS:
        yield source


def codes_in(code, found):
    found.append(code)
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            codes_in(constant, found)


def all_codes():
    found = []
    for i, source in enumerate(sources()):
        try:
            codes_in(compile(source, "<%d>" % i, "exec"), found)
        except SyntaxError:
            pass  # newer than this Python
    for name in MODULES:
        try:
            module = importlib.import_module(name)
            path = module.__file__.replace(".pyc", ".py")
            with open(path, "rb") as text:
                codes_in(compile(text.read(), path, "exec"), found)
        except (ImportError, AttributeError):
            pass
    return found


def kind():
    return (UNSIGNED if sys.version_info < (3, 6) else SIGNED if sys.version_info < (3, 10)
            else RANGES if sys.version_info < (3, 11) else LOCATIONS)


def lines_by_offset(code):
    size = len(code.co_code)
    lines = [-1] * size
    if hasattr(code, "co_lines"):
        for start, end, line in code.co_lines():
            for i in range(start, min(end, size)):
                lines[i] = -1 if line is None else line
        return lines
    starts = list(dis.findlinestarts(code)) + [(size, None)]
    for i in range(starts[0][0] if starts else size):
        lines[i] = code.co_firstlineno
    for (start, line), (end, _) in zip(starts, starts[1:]):
        for i in range(start, end):
            lines[i] = line
    return lines


def positions(code):
    if hasattr(code, "co_positions"):
        for line, end, column, end_column in code.co_positions():
            yield tuple(-1 if x is None else x for x in (line, end, column, end_column))
    else:
        for line in lines_by_offset(code)[::2]:
            yield line, -1, -1, -1


def main():
    for code in all_codes():
        table = code.co_linetable if kind() >= RANGES else code.co_lnotab
        print("%d %d %d %s" % (kind(), code.co_firstlineno, len(code.co_code),
                               binascii.hexlify(table).decode()))
        found = list(positions(code))
        if hasattr(code, "co_positions"):  # both of CPython's own views must agree
            assert [at[0] for at in found] == lines_by_offset(code)[::2], code
        print("".join("%d,%d,%d,%d " % at for at in found))


if __name__ == "__main__":
    main()
