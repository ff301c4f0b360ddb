# SPDX-License-Identifier: GPL-2.0-or-later
"""Many objects of a type that no table knows. Usage: many_elements.py RESULT NUMBER"""

import gc
import json
import signal
import sys
from xml.etree.ElementTree import Element

import truth

if __name__ == "__main__":
    gc.disable()
    elements = [Element("item") for _ in range(int(sys.argv[2]))]
    with open(sys.argv[1], "w") as result:
        json.dump({"wanted": id(elements[len(elements) // 2])}, result)
    truth.say_ready()
    signal.pause()
