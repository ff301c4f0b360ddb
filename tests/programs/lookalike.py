# SPDX-License-Identifier: GPL-2.0-or-later
"""An object of a static type that lies elsewhere, and looks like one of the interpreter's own.
Usage: lookalike.py TRUTH-FILE

The type is a copy of the interpreter's. Runs on CPython 3.6 or later.
"""

import _string
import ctypes
import sys

import truth

original = _string.formatter_parser("{}")
copy = _string.formatter_parser("{}")
struct = ctypes.create_string_buffer(ctypes.string_at(id(type(original)), type.__basicsize__))
type_of_copy = ctypes.c_void_p.from_address(id(copy) + object.__basicsize__ - 8)
type_of_copy.value = ctypes.addressof(struct)

if __name__ == "__main__":
    truth.record_and_wait(sys.argv[1], notes={"type": type(original).__name__}, detail="counts")
