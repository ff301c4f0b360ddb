# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads blocked in locks, with objects only their locals hold. Usage: threads.py TRUTH-FILE

The notes name each object: {name: [id, local variable, function]}.
"""

import sys
import threading
import time

import truth

WORKERS = 4
notes = {}
blocked = []


class Treasure(object):
    """An object that nothing but a local variable of a running function holds."""


def work(number, lock):
    treasure = Treasure()
    notes["worker %d" % number] = [id(treasure), "treasure", "work"]
    deeper(lock)


def deeper(lock):
    nested_treasure = [Treasure()]
    notes["nested %d" % len(blocked)] = [id(nested_treasure[0]), "nested_treasure", "deeper"]
    blocked.append(True)
    lock.acquire()


def start_workers(lock):
    for number in range(WORKERS):
        thread = threading.Thread(target=work, args=(number, lock))
        thread.daemon = True
        thread.start()
        while len(blocked) <= number:
            time.sleep(0.001)


def main(path):
    main_treasure = Treasure()
    notes["main"] = [id(main_treasure), "main_treasure", "main"]
    captured_treasure = Treasure()
    notes["captured"] = [id(captured_treasure), "captured_treasure", "main"]

    def capture():
        return captured_treasure

    lock = threading.Lock()
    lock.acquire()
    start_workers(lock)
    time.sleep(0.05)  # the last one has said so, but may not be in acquire() yet
    truth.record_and_wait(path, (), notes)
    return capture


if __name__ == "__main__":
    main(sys.argv[1])
