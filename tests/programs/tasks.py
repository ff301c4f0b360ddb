# SPDX-License-Identifier: GPL-2.0-or-later
"""Tasks of asyncio that wait for each other. Usage: tasks.py TRUTH-FILE [python]

With "python" the tasks and futures are asyncio's own in Python, not those in C. The truth:
{"tasks": {address: {"name", "label", "frames": [[function, file, line]], "awaits": address of the
future}}}, the innermost coroutine first. Runs on CPython 3.6 or later.
"""

import asyncio
import json
import sys

if sys.argv[2:] == ["python"]:
    asyncio.Future = asyncio.futures.Future = asyncio.futures._PyFuture
    asyncio.Task = asyncio.tasks.Task = asyncio.tasks._PyTask

import signal  # noqa: E402  (the lines above come first)
import types  # noqa: E402

import truth  # noqa: E402

ALIKE = 7
named = {}


class OwnTask(asyncio.tasks.Task):
    pass


async def innermost(future):
    kept = [1]
    return await future, kept


async def middle(future):
    return await innermost(
        future)


async def outer(future):
    async with Context():
        await middle(future)


class Context:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *args):
        pass


class Awaitable:
    def __init__(self, future):
        self.future = future

    def __await__(self):
        return self.future.__await__()


@types.coroutine
def old_style(future):
    got = yield from future
    return got


async def through_old_style(future):
    await old_style(future)


async def numbers(future):
    yield 1
    await middle(future)
    yield 2


async def over_numbers(future):
    async for number in numbers(future):
        kept = number
    return kept


async def by_awaitable(future):
    await Awaitable(future)


async def waits_for(task):
    await task


async def gathers(*tasks):
    await asyncio.gather(*tasks)


async def sleeps():
    await asyncio.sleep(
        1000)


async def ends():
    return 1


def frame_of(coroutine):
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        if hasattr(coroutine, name):
            return getattr(coroutine, name)
    return None


def next_of(coroutine):
    for name in ("cr_await", "gi_yieldfrom", "ag_await"):
        if hasattr(coroutine, name):
            return getattr(coroutine, name)
    return None


def frames_of(task):
    """The coroutines from the task's own to the innermost, then turned around."""
    frames, at = [], task._coro
    while at is not None:
        frame = frame_of(at)
        if frame is None:
            break
        code = frame.f_code
        frames.append([getattr(code, "co_qualname", code.co_name), code.co_filename,
                       frame.f_lineno])
        at = next_of(at)
    return frames[::-1]


def record(path, loop):
    all_tasks = getattr(asyncio, "all_tasks", None) or asyncio.Task.all_tasks
    if sys.argv[2:] == ["python"]:  # from 3.14 on the other knows those in C only
        all_tasks = getattr(asyncio.tasks, "_py_all_tasks", all_tasks)
    found = {}
    for task in all_tasks(loop):
        if task.done():
            continue
        waiter = task._fut_waiter
        found[hex(id(task))] = {
            "name": task.get_name() if hasattr(task, "get_name") else None,
            "label": named.get(id(task)),
            "frames": frames_of(task),
            "awaits": hex(id(waiter)) if waiter is not None else None,
        }
    with open(path, "w") as text:
        json.dump({"tasks": found, "alike": ALIKE, "notes": None}, text)
    truth.say_ready()
    while True:
        signal.pause()


def main(path):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    future = loop.create_future()
    kept = []

    def start(label, coroutine, factory=None):
        task = factory(coroutine, loop=loop) if factory else loop.create_task(coroutine)
        named[id(task)] = label
        kept.append(task)
        return task

    if sys.argv[2:] == ["python"]:
        loop.set_task_factory(lambda loop, coroutine, **more: asyncio.Task(
            coroutine, loop=loop, **{k: v for k, v in more.items() if v is not None}))
    start("outer", outer(future))
    start("own", middle(future), OwnTask)
    start("old", through_old_style(future))
    start("over", over_numbers(future))
    start("awaitable", by_awaitable(future))
    first = start("first", sleeps())
    second = start("second", waits_for(first))
    start("gathers", gathers(first, second))
    for _ in range(ALIKE):
        start("alike", innermost(future))
    start("ended", ends())
    loop.call_later(0.2, record, path, loop)
    loop.run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
