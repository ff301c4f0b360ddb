# SPDX-License-Identifier: GPL-2.0-or-later
"""Greenlets that wait for their turn. Usage: greenlets.py TRUTH-FILE [gevent|"in C"|"in deep C"]

The truth: {"greenlets": {address: {"state", "name": of gevent's that were asked for it, "frames":
[[function, file, line]] or None where they are a running thread's that cannot say them itself}}},
the innermost frame first. Ends with the reason where the library is not installed.
"""

import gc
import json
import signal
import sys
import threading
import traceback

import truth

try:
    from greenlet import getcurrent, greenlet
except ImportError:
    truth.cannot("greenlet is not installed: on Debian it is python3-greenlet")

kept, for_c = [], []
HAS_QUALIFIED_NAMES = sys.version_info >= (3, 11)


class Own(greenlet):
    pass


def switch_away(where):
    deep = [where]
    where.switch()
    return deep


def count(n, where):
    if n:
        return count(n - 1,
                     where)
    return switch_away(where)


def by_c(where):
    """With C code between two Python frames."""
    return list(map(lambda n: count(n, where), [2]))


def by_generator(where):
    def numbers():
        yield 1
        switch_away(where)

    return list(numbers())


def handles(where):
    try:
        raise KeyError("missing")
    except KeyError:
        count(1, where)


def nests(where):
    inner = greenlet(count)
    kept.append(inner)
    inner.switch(1, getcurrent())
    where.switch()


def start(function, cls=greenlet):
    made = cls(function)
    kept.append(made)
    made.switch(getcurrent())
    return made


def in_thread(ready):
    """Ends up in a greenlet that runs, with its thread's own suspended."""
    start(by_c)
    kept.append(greenlet(waits))
    kept[-1].switch(ready)


def waits(ready):
    ready.set()
    threading.Event().wait()


def frames_of(frame):
    return [[frame.f_code.co_qualname if HAS_QUALIFIED_NAMES else frame.f_code.co_name,
             frame.f_code.co_filename, line]
            for frame, line in reversed(list(traceback.walk_stack(frame))[::-1])]


def state_of(thing):
    # not as gevent's own classes say it
    if greenlet.dead.__get__(thing):
        return "finished"
    if not greenlet.__bool__(thing):
        return "created"
    if thing.gr_frame is not None:
        return "suspended"
    if thing in for_c and sys.argv[2] == "in deep C":
        return "active"
    return "suspended" if thing in for_c[1:] else "running"


def record(path, threads):
    others = [frames_of(sys._current_frames()[thread.ident]) for thread in threads]
    found = {}
    for thing in gc.get_objects():
        if not isinstance(thing, greenlet):
            continue
        state = state_of(thing)
        found[hex(id(thing))] = {
            "state": state, "name": thing.__dict__.get("name") or None,
            "type": "%s.%s" % (type(thing).__module__, type(thing).__qualname__),
            "frames": frames_of(thing.gr_frame) if thing.gr_frame is not None else
            others[0] if state == "running" and thing is not getcurrent() else
            None if state == "running" else []}
    with open(path, "w") as text:
        json.dump({"greenlets": found, "main": hex(id(getcurrent())), "notes": None}, text)
    truth.say_ready()
    while True:
        signal.pause()


def main(path):
    for function in (count_from_three, by_c, by_generator, handles, nests):
        start(function)
    start(by_c, Own)
    if sys.argv[2:]:
        kept.append(greenlet(getcurrent().switch))
        kept[-1].switch()
        for_c[:] = [getcurrent(), kept[-1]]
        # deeper on the stack than where that one began, or at the same depth
        return (list(map(lambda path: record(path, []), [path])) if sys.argv[2] == "in deep C"
                else record(path, []))
    kept.append(greenlet(count))
    ended = greenlet(lambda: None)
    ended.switch()
    kept.append(ended)
    ready = threading.Event()
    thread = threading.Thread(target=in_thread, args=(ready,))
    thread.daemon = True
    thread.start()
    ready.wait()
    while thread.ident not in sys._current_frames():
        pass
    record(path, [thread])


def count_from_three(where):
    count(3, where)


def sleeps(event):
    import gevent
    gevent.sleep(
        1000)
    event.set()


def waits_for(event):
    event.wait()


def main_gevent(path):
    try:
        import gevent
        import gevent.event
        import gevent.pool
    except ImportError:
        truth.cannot("gevent is not installed: on Debian it is python3-gevent")
    event = gevent.event.Event()
    pool = gevent.pool.Pool(3)
    kept.append(gevent.spawn(sleeps, event))
    kept.append(gevent.spawn(waits_for, event))
    kept.append(pool.spawn(waits_for, event))
    kept[0].name = "sleeper"
    kept.append(gevent.spawn(lambda: str(kept[1].name)))
    gevent.sleep(0.05)
    kept.append(gevent.spawn(sleeps, event))
    record(path, [])


if __name__ == "__main__":
    (main_gevent if sys.argv[2:] == ["gevent"] else main)(sys.argv[1])
