# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that wait for what others could set or feed. Usage: referrers.py TRUTH-FILE

The truth: {"referrers": {waiting thread: [[thread, or "task " and the task's name; the variable and
what leads on from it, or a pattern of that; the frame's function]]}}. Runs on CPython 2.7 and 3.6
or later; those of asyncio on 3.8 or later, where tasks have names.
"""

import json
import sys
import threading
import time

import truth

try:
    import queue
except ImportError:
    import Queue as queue

referrers, kept = {}, []
of_all = threading.Event()


def start(name, function, *arguments):
    thread = threading.Thread(target=function, args=arguments, name=name)
    thread.daemon = True
    thread.start()


def sleep():
    time.sleep(1000)


class Producer(object):
    def __init__(self, jobs):
        self.jobs = jobs

    def produce(self):
        sleep()


class Slots(object):
    __slots__ = ("event",)

    def __init__(self, event):
        self.event = event


def waits(thing):
    getattr(thing, "get", getattr(thing, "wait", None))()


def in_a_list(events):
    sleep()


def in_a_dict(by_name):
    sleep()


def in_slots(slots):
    sleep()


def by_closure(event):
    def function():
        if event is None:
            return
        sleep()
    return function


def by_method(function):
    sleep()


def names_a_global():
    sleep()
    of_all.set()


def names_no_global():
    sleep()


def too_far(thing):
    sleep()


def waits_for_global():
    of_all.wait()


def acquires(lock):
    lock.acquire()


def waits_for_lock(lock):
    lock.acquire()


def has_lock(lock):
    sleep()


def expect(name, *found):
    referrers[name] = [list(one) for one in found]


WITH_ASYNCIO = """
import asyncio

async def will_set(event):
    await asyncio.sleep(1000)
    event.set()

async def starts(event):
    kept.append(asyncio.get_running_loop().create_task(will_set(event), name="setting"))

async def returns():
    asyncio.current_task().set_name("returning")
    await asyncio.sleep(1000)
"""


def with_asyncio():
    names = {"kept": kept}
    exec(WITH_ASYNCIO, names)
    loop = names["asyncio"].new_event_loop()
    start("loop", loop.run_forever)
    event = threading.Event()
    start("of task", waits, event)
    expect("of task", ("task setting", "event", "will_set"))
    names["asyncio"].run_coroutine_threadsafe(names["starts"](event), loop).result()
    future = names["asyncio"].run_coroutine_threadsafe(names["returns"](), loop)
    start("of coroutine", future.result)
    expect("of coroutine", ("task returning", r"its .+", None))


def main(path):
    jobs = queue.Queue()
    start("get", waits, jobs)
    start("producer", Producer(jobs).produce)
    expect("get", ("producer", "self.jobs", "Producer.produce"))
    event = threading.Event()
    start("event", waits, event)
    start("list", in_a_list, [0, event])
    start("dict", in_a_dict, {"one": event})
    start("slots", in_slots, Slots(event))
    start("closure", by_closure(event))
    start("method", by_method, event.set)
    expect("event", ("list", "events[1]", "in_a_list"), ("dict", "by_name['one']", "in_a_dict"),
           ("slots", "slots.event", "in_slots"),
           ("closure", "event", "by_closure.<locals>.function"),
           ("method", "function.__self__", "by_method"))
    start("global", waits_for_global)
    start("setter", names_a_global)
    start("no setter", names_no_global)
    expect("global", ("setter", "of_all", "names_a_global"))
    alone = threading.Event()
    start("alone", waits, alone)
    start("too far", too_far, [[[[alone]]]])
    expect("alone")
    lock = threading.Lock()
    thread = threading.Thread(target=acquires, args=(lock,))
    thread.start()
    thread.join()
    start("lock", waits_for_lock, lock)
    start("has lock", has_lock, lock)
    expect("lock", ("has lock", "lock", "has_lock"))
    del event, alone, lock, jobs, thread
    if sys.version_info >= (3, 8):
        with_asyncio()
    time.sleep(0.3)
    with open(path, "w") as text:
        json.dump({"referrers": referrers, "notes": None}, text)
    truth.say_ready()
    sleep()


if __name__ == "__main__":
    main(sys.argv[1])
