# SPDX-License-Identifier: GPL-2.0-or-later
"""Tasks of Trio that wait. Usage: trio_tasks.py TRUTH-FILE [anyio]

With "anyio" the tasks are made by AnyIO, which runs on Trio. The truth: {"tasks": {address:
{"name", "state", "parent": address or None, "awaits": address or None, "children": addresses of
those it waits for, "frames": [[function, file, line]]}}}, the innermost coroutine first. Ends with
the reason where the library is not installed. Runs on CPython 3.6 or later.
"""

import json
import signal
import sys

import truth

try:
    import trio
except ImportError:
    truth.cannot("trio is not installed: on Debian it is python3-trio")

HAS_QUALIFIED_NAMES = sys.version_info >= (3, 11)


async def innermost(lock):
    async with lock:
        pass


async def waits_for(lock):
    await innermost(
        lock)


async def sleeps():
    await trio.sleep(
        1000)


async def receives(channel):
    async for _ in channel:
        pass


async def numbers():
    yield 1
    await sleeps()


async def over_numbers():
    async for _ in numbers():
        pass


async def has_children(event):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(event.wait, name="child of nursery")
        nursery.start_soon(sleeps)


async def is_in_its_block(event):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(event.wait)
        await event.wait()


async def ends():
    pass


def name_of(code):
    return code.co_qualname if HAS_QUALIFIED_NAMES else code.co_name


def frames_of(coroutine):
    """As Task.iter_await_frames(), which not all versions have, goes from one to the next."""
    frames = []
    while coroutine is not None:
        for kind in ("cr", "gi", "ag"):
            if hasattr(coroutine, kind + "_frame"):
                break
        else:
            # what stands for one step of an asynchronous generator does not name it
            import gc
            coroutine = [o for o in gc.get_referents(coroutine) if hasattr(o, "ag_frame")][0]
            kind = "ag"
        frame = getattr(coroutine, kind + "_frame")
        frames.append([name_of(frame.f_code), frame.f_code.co_filename, frame.f_lineno])
        coroutine = getattr(coroutine, kind + ("_yieldfrom" if kind == "gi" else "_await"))
    return frames[::-1]


def all_tasks(task):
    found = [task]
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            found += all_tasks(child)
    return found


def record(path):
    found = {}
    me = trio.lowlevel.current_task()
    for task in all_tasks(trio.lowlevel.current_root_task()):
        awaits = task.custom_sleep_data
        nursery = task.parent_nursery
        found[hex(id(task))] = {
            "name": task.name,
            "state": "running" if task is me else
            "pending" if task._abort_func is not None else "ready",
            "parent": hex(id(nursery.parent_task)) if nursery is not None else None,
            "awaits": hex(id(awaits)) if awaits is not None else None,
            "children": [hex(id(child)) for nursery in task.child_nurseries
                         for child in nursery.child_tasks if nursery._parent_waiting_in_aexit],
            "frames": None if task is me else frames_of(task.coro)}
    with open(path, "w") as text:
        json.dump({"tasks": found, "notes": None}, text)
    truth.say_ready()
    while True:
        signal.pause()


async def main(path):
    lock, event = trio.Lock(), trio.Event()
    send, receive = trio.open_memory_channel(0)
    await lock.acquire()
    async with trio.open_nursery() as nursery:
        for function, argument in ((waits_for, lock), (receives, receive),
                                   (has_children, event), (is_in_its_block, event)):
            nursery.start_soon(function, argument)
        nursery.start_soon(over_numbers)
        nursery.start_soon(ends)
        await trio.sleep(0.1)
        nursery.start_soon(sleeps, name="not begun")
        record(path)


async def main_anyio(path):
    import anyio

    event = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(event.wait, name="waits for an event")
        group.start_soon(has_children, trio.Event())
        await anyio.sleep(0.1)
        record(path)


if __name__ == "__main__":
    if sys.argv[2:] == ["anyio"]:
        try:
            import anyio
        except ImportError:
            truth.cannot("anyio is not installed: on Debian it is python3-anyio")
        anyio.run(main_anyio, sys.argv[1], backend="trio")
    else:
        trio.run(main, sys.argv[1])
