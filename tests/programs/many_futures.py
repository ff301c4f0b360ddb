# SPDX-License-Identifier: GPL-2.0-or-later
"""Many futures, which the tables know, and their own code too. Usage: many_futures.py NUMBER"""

import asyncio
import gc
import signal
import sys

import truth

if __name__ == "__main__":
    gc.disable()
    loop = asyncio.new_event_loop()
    futures = [asyncio.Future(loop=loop) for _ in range(int(sys.argv[1]))]
    truth.say_ready()
    signal.pause()
