# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's own way out of CPython's trampolines for perf: `set pm frame-filter on`.

With `-X perf` each code object of 3.12 and later has a piece of code in anonymous memory between
two evaluation loops. No unwind table is for it, and gdb's backtrace ends there. The library says
where such code has put its return address; all other frames are left to gdb.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder

NAME = "necropy"
ARCHITECTURE = "i386:x86-64"
CODE_BYTES = 32
PAGE = 4096
KEPT = ("rbx", "rbp", "r12", "r13", "r14", "r15")  # for the caller, by who is called


class FrameId:
    """What gdb knows a frame by."""

    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


def code_at(pc):
    """The bytes from an instruction on, as far as they can be read."""
    for size in (CODE_BYTES, min(CODE_BYTES, PAGE - pc % PAGE)):
        try:
            return bytes(gdb.selected_inferior().read_memory(pc, size))
        except gdb.MemoryError:
            pass
    return b""


def is_known(pc):
    """Whether a file is loaded there."""
    return gdb.solib_name(pc) is not None or gdb.find_pc_line(pc).symtab is not None


class TrampolineUnwinder(Unwinder):
    """What gdb asks for the caller of a frame, before it looks itself."""

    def __init__(self, library):
        super().__init__(NAME)
        self._library = library

    def __call__(self, frame):
        if not gdb.parameter("pm frame-filter") or frame.architecture().name() != ARCHITECTURE:
            return None
        pc = frame.read_register("rip")
        found = None if is_known(int(pc)) else self._library.way_back(code_at(int(pc)))
        try:
            return found and self._callers(frame, pc, *found)
        except gdb.MemoryError:  # the stack is not in the core
            return None

    @staticmethod
    def _callers(frame, pc, return_at, rbp_at):
        """The registers as they are when `frame` has returned."""
        sp = frame.read_register("rsp")
        above = sp + return_at + 8
        callers = frame.create_unwind_info(FrameId(above, pc))
        callers.add_saved_register("rip", word_at(sp + return_at, pc.type))
        callers.add_saved_register("rsp", above.cast(sp.type))
        for name in KEPT:
            value = frame.read_register(name)
            if name == "rbp" and rbp_at is not None:
                value = word_at(sp + rbp_at, value.type)
            if not value.is_optimized_out:
                callers.add_saved_register(name, value)
        return callers


def word_at(address, kind):
    """What lies at `address`, as a gdb.Value of this type."""
    return address.cast(kind.pointer()).dereference()


def register(library):
    """Make it known to gdb."""
    register_unwinder(None, TrampolineUnwinder(library), replace=True)


def unregister():
    gdb.frame_unwinders[:] = [one for one in gdb.frame_unwinders if one.name != NAME]
    gdb.invalidate_cached_frames()
