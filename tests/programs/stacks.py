# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that wait in frames of every kind. Usage: stacks.py TRUTH-FILE [perf]

A thread of its own writes down what CPython says of all others, once none of them moves any
more: {"threads": {ident: {"name", "native_id", "frames": [{...}, ...]}}}, innermost frame first.
Runs on CPython 2.7 and 3.6 or later.
"""

import functools
import glob
import json
import os
import signal
import sys
import threading
import time

import truth

gate = threading.Lock()
expected = []  # a name for each thread that has been started
PLAIN = (int, float, str, bytes, bool, type(None), type(u""))


def wait():
    gate.acquire()


class Worker(object):
    kind = "method"

    def __init__(self):
        self.things = [1, 2, {"deep": (3, [4])}]

    def run(self, first, *rest, **named):
        total = sum([
            first, 1])
        self.inner(total)

    @staticmethod
    def static(value):
        return wait()

    def inner(self, total):
        if total:
            while True:
                Worker.static(
                    total)


class Slotted(object):
    __slots__ = ("left", "right")

    def __init__(self):
        self.left = 1
        self.right = "two"


def recursive(depth, text=u"\u00e9t\u00e9"):
    if depth:
        return recursive(depth - 1) + \
            1
    wait()


def generator(n):
    for i in range(n):
        got = yield i
        if i == 2:
            wait()


def in_generator():
    made = generator(10)
    total = 0
    for value in made:
        total += value


def in_callback():
    things = [3, 1, 2]
    things.sort(key=lambda thing: thing if thing != 2 else wait())


def in_partial():
    functools.partial(recursive, 3)()


def in_class_body():
    class Body(object):
        before = [1, 2]
        text = "body"
        wait()


def in_exec():
    namespace = {"wait": wait, "value": 17}
    exec(compile("x = 1\n\n\nwait()\n", "<made up>", "exec"), namespace)


def in_closure():
    captured, kept = {"a": 1}, 2

    def closure(argument):
        here = (argument, kept)

        def innermost():
            captured["b"] = here
            wait()
        innermost()
    closure("x")


def in_comprehension():
    return [
        thing and wait()
        for thing in (0, 0, 1)]


def in_comprehension_of_module():
    """From 3.12 on its variable is another one than the module's of the same name."""
    namespace = {"wait": wait, "element": "of the module"}
    exec(compile("[wait() for element in (1,)]", "<made up too>", "exec"), namespace)


def in_unpacked_call():
    """From 3.14 on a frame may have its function without counting it."""
    def called(*arguments):
        wait()

    def call(function, *arguments):
        function(*arguments)
    call(called, 1)


def in_handler():
    try:
        {}["missing"]
    except KeyError as error:
        try:
            int("no number")
        except ValueError:
            wait()
    finally:
        kept = 1


def in_many_lines():
    text = "a"; number = \
        1
    result = (text,
              number,
              wait(),
              text)


IN_COROUTINE = """
async def awaited(wait):
    local_of_awaited = 1
    wait()

async def outer(wait):
    local_of_outer = [
        1]
    await awaited(
        wait)

def in_coroutine(wait):
    outer(wait).send(None)

async def numbers(wait):
    yield 1
    wait()

async def over_numbers(wait):
    async for number in numbers(wait):
        pass

def in_async_generator(wait):
    over_numbers(wait).send(None)
"""


def start(name, function, *arguments, **named):
    thread = threading.Thread(target=function, args=arguments, kwargs=named, name=name)
    thread.daemon = True
    expected.append(name)
    thread.start()
    return thread


def start_all():
    start("method", Worker().run, 1, 2, key="value")
    start("recursive", recursive, 150)
    for function in (in_generator, in_callback, in_partial, in_class_body, in_exec, in_closure,
                     in_comprehension, in_comprehension_of_module, in_unpacked_call, in_handler,
                     in_many_lines):
        start(function.__name__, function)
    namespace = {}
    try:
        exec(compile(IN_COROUTINE, "<coroutines>", "exec"), namespace)
    except SyntaxError:
        return
    start("in_coroutine", namespace["in_coroutine"], wait)
    start("in_async_generator", namespace["in_async_generator"], wait)


def is_plain(value, depth=3):
    if type(value) in (list, tuple):
        return bool(depth) and len(value) <= 4 and all(is_plain(v, depth - 1) for v in value)
    if type(value) is dict:
        return (bool(depth) and len(value) <= 3
                and all(is_plain(k) and is_plain(v, depth - 1) for k, v in value.items()))
    return type(value) in PLAIN and len(repr(value)) < 40


def describe(frame):
    code = frame.f_code
    found = {"function": getattr(code, "co_qualname", code.co_name), "file": code.co_filename,
             "line": frame.f_lineno, "name": code.co_name}
    if hasattr(code, "co_positions"):
        position = list(code.co_positions())[frame.f_lasti // 2]
        found["end_line"], found["column"], found["end_column"] = position[1:]
    values = dict(frame.f_locals)
    if code.co_name == "<module>":  # whose f_locals 3.13 leaves out while a comprehension runs
        values = dict(frame.f_globals, **values)
    found["locals"] = {name: repr(value) if is_plain(value) else None
                       for name, value in values.items()}
    return found


def record(path):
    # every thread sleeps, and sleeps in the same place a little later
    same = 0
    before = None
    while same < 5:
        time.sleep(0.02)
        now = {ident: (id(frame), frame.f_lasti) for ident, frame in sys._current_frames().items()
               if ident != threading.current_thread().ident}
        same = same + 1 if now == before and len(now) > len(expected) else 0
        before = now
    threads = {thread.ident: thread for thread in threading.enumerate()}
    found = {}
    for ident, frame in sys._current_frames().items():
        thread = threads[ident]
        if thread is threading.current_thread():
            continue
        frames = []
        while frame:
            frames.append(describe(frame))
            frame = frame.f_back
        found[str(ident)] = {"name": thread.name, "frames": frames,
                             "native_id": getattr(thread, "native_id", None)}
    with open(path, "w") as text:
        json.dump({"threads": found, "notes": None, "recursion_limit": sys.getrecursionlimit(),
                   "recorder": threading.current_thread().ident}, text)
    truth.say_ready()
    wait()


def call_by_trampolines():
    """As `python -X perf` does. What it writes for perf is not wanted."""
    sys.activate_stack_trampoline("perf")
    for path in glob.glob("/tmp/perf-%d.map" % os.getpid()):
        os.remove(path)


def main(path, how=None):
    if how == "perf":
        call_by_trampolines()
    gate.acquire()
    start_all()
    recorder = threading.Thread(target=record, args=(path,), name="recorder")
    recorder.daemon = True
    recorder.start()
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
