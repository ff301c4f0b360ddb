# SPDX-License-Identifier: GPL-2.0-or-later
"""The main thread is done, and waits for another one to end. Usage: ended.py RESULT"""

import json
import os
import sys
import threading
import time

import truth


def work(path):
    time.sleep(.5)  # until the main thread waits: it has nothing else to do
    truth.save(path, json.dumps({"pid": os.getpid()}))
    truth.say_ready()
    time.sleep(1e6)


if __name__ == "__main__":
    threading.Thread(target=work, args=(sys.argv[1],)).start()
