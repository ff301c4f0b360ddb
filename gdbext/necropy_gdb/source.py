# SPDX-License-Identifier: GPL-2.0-or-later
"""What gdb has open, and how the library gets at it.

A core file is given by its path and a local process by its number: then the library reads
for itself. Anything else (a remote target, a core that gdb has unpacked) is read through
gdb, from a list of what is mapped that gdb helps to make.
"""

import os
import re
import tempfile

import gdb

PAGE = 4096


class Core:
    """A core file on this machine."""

    kind = "core"
    changes_when_running = False
    through_gdb = False

    def __init__(self, path):
        self._path = path
        status = os.stat(path)
        # another file of that name is another core
        self.identity = ("core", path, status.st_dev, status.st_ino, status.st_size,
                         status.st_mtime_ns)

    def open(self, library, choices, callbacks):
        return library.open_core(self._path, choices, callbacks(None))


class Process:
    """A process of this machine that gdb holds stopped."""

    kind = "native"
    changes_when_running = True
    through_gdb = False

    def __init__(self, inferior):
        self._pid = inferior.pid
        self.identity = ("process", inferior.pid)

    def open(self, library, choices, callbacks):
        return library.open_pid(self._pid, choices, callbacks(None))


class Memory:
    """Memory that only gdb can read."""

    changes_when_running = True
    through_gdb = True

    def __init__(self, inferior, kind, path=None):
        self.kind = kind
        self._inferior = inferior
        self.identity = ("memory", kind, path, inferior.num, inferior.pid)

    def open(self, library, choices, callbacks):
        choices = choices._replace(maps=None)
        return library.open_memory(maps_text(self._inferior), choices, callbacks(self._read))

    def _read(self, addr, size):
        """`size` bytes at `addr`; None where gdb cannot read them all."""
        try:
            return bytes(self._inferior.read_memory(addr, size))
        except gdb.error:  # gdb.MemoryError among them
            return None


def find(inferior):
    """What `inferior` has open, or None. GdbError when it cannot be read now."""
    kind = target_kind(inferior)
    if not inferior.pid:  # gdb can list a core as the connection of an inferior without one
        return None
    if kind == "core":
        path = core_path(inferior)
        return Core(path) if is_readable_elf(path) else Memory(inferior, kind, path)
    if any(thread.is_running() for thread in inferior.threads()):
        raise gdb.GdbError("The process is running: stop it first, with `interrupt` or Ctrl-C.")
    return Process(inferior) if kind == "native" else Memory(inferior, kind)


def path_or_pid(inferior):
    """The target as the command line tool takes it, or None when it cannot take it."""
    kind = target_kind(inferior) if inferior.pid else ""
    if kind == "core":
        return core_path(inferior)
    return str(inferior.pid) if kind == "native" else None


def target_kind(inferior):
    """gdb's name for what `inferior` runs on: "core", "native", "remote" …; "" for nothing."""
    if hasattr(inferior, "connection"):  # gdb 11
        return inferior.connection.type if inferior.connection else ""
    kinds = re.findall(r"^\s*- ([\w-]+) \(", gdb.execute("maint print target-stack", False, True),
                       re.MULTILINE)
    return next((kind for kind in kinds if kind not in ("exec", "None", "multi-thread")), "")


def core_path(inferior):
    """The path of the core file that gdb has open, or None."""
    corefile = getattr(inferior, "corefile", None)  # newer than gdb 16
    if corefile is not None:
        return corefile.filename
    match = re.search(r"^Local core dump file:\s*`(.+)', file type ",
                      gdb.execute("info files", False, True), re.MULTILINE)
    return match.group(1) if match else None


def is_readable_elf(path):
    """False also for what gdb has unpacked: a file that is gone, or is compressed."""
    try:
        with open(path or "", "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


# --- what is mapped, as /proc/PID/maps says it

def maps_text(inferior):
    """The list of mappings of what gdb has open; GdbError when there is no way to get one."""
    text = remote_maps(inferior) or listed_maps() or sections_maps()
    if not text:
        raise gdb.GdbError("gdb cannot tell what is mapped in this target.")
    return text


def remote_maps(inferior):
    """/proc/PID/maps of the machine where gdbserver runs, or None.

    It is the only list that has the inodes, which tell shared memory segments apart.
    """
    if "remote" not in target_kind(inferior):
        return None
    descriptor, path = tempfile.mkstemp(prefix="necropy-maps.")
    os.close(descriptor)
    try:
        gdb.execute("remote get /proc/%d/maps %s" % (inferior.pid, path), False, True)
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except gdb.error:  # no file access there, or no such pid: some stubs make pids up
        return None
    finally:
        os.unlink(path)
    return text if covers(text, program_counter()) else None


def covers(text, addr):
    """Is `addr` mapped, in this list? A list of some other process would not do."""
    ranges = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) ", text, re.MULTILINE)
    return any(int(start, 16) <= addr < int(end, 16) for start, end in ranges)


def program_counter():
    return int(gdb.parse_and_eval("(unsigned long) $pc"))


def listed_maps():
    """From gdb's list of mappings, and for a core its segments besides; None without one."""
    try:
        listing = gdb.execute("info proc mappings", False, True)
    except gdb.error:
        return None
    files = parse_mappings(listing)
    segments = parse_sections(gdb.execute("info files", False, True), r"load\d+\w*")
    return format_maps(files + gaps(segments, files))


def parse_mappings(listing):
    """[(start, end, permissions, offset, name)] of the lines of `info proc mappings`."""
    line = re.compile(r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)"
                      r"(?:[ \t]+([r-][w-][x-][ps]))?(?:[ \t]+(\S.*?))?[ \t]*$", re.MULTILINE)
    found = []
    for start, end, offset, permissions, name in line.findall(listing):
        found.append((int(start, 16), int(end, 16), permissions or "rwxp", int(offset, 16), name))
    return found


def parse_sections(listing, name):
    """[(start, end, "rw-p", 0, "")] of the sections called `name` in `info files`."""
    line = re.compile(r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is %s$" % name, re.MULTILINE)
    return [(int(start, 16), int(end, 16), "rw-p", 0, "") for start, end in line.findall(listing)]


def gaps(segments, files):
    """Those `segments` that do not begin inside one of `files`."""
    return [s for s in segments if not any(f[0] <= s[0] < f[1] for f in files)]


def sections_maps():
    """From the sections of the files gdb knows; what lies between is offered as one piece each.

    Where no list of mappings can be had, this shows the modules, and all other memory as
    something that may be read or not.
    """
    sections = loaded_sections()
    if not sections:
        return None
    files = merge(sections)
    ends = [PAGE] + [f[1] for f in files]
    starts = [f[0] for f in files] + [1 << 47]
    between = [(end, start, "rw-p", 0, "") for end, start in zip(ends, starts) if end < start]
    return format_maps(files + between)


def loaded_sections():
    """[(start, end, permissions, offset, file)] of the sections of gdb's files, by address."""
    listing = gdb.execute("maint info sections -all-objects", False, True)
    heading = re.compile(r"^(?:Exec|Object) file: `(?:target:)?(.*)', file type")
    line = re.compile(r"^\s*\[\d+\]\s+0x([0-9a-f]+)->0x([0-9a-f]+) at 0x([0-9a-f]+): (.*)$")
    found, with_code, name = set(), set(), ""
    for text in listing.splitlines():
        match = heading.match(text)
        if match:  # the vdso has no path
            name = match.group(1) if match.group(1).startswith("/") else ""
        match = line.match(text)
        flags = match.group(4).split() if match else ()
        if "LOAD" in flags:
            start, end, offset = (int(match.group(i), 16) for i in (1, 2, 3))
            found.add((start, end, "rwxp", offset, name))
            with_code.update([name] if "CODE" in flags else [])
    # separate debug files have some notes to load, but no code
    return sorted(section for section in found if section[4] in with_code)


def merge(sections):
    """Whole pages from sections: those of a file that follow each other become one."""
    pages = []
    for start, end, permissions, offset, name in sections:
        first, last = start // PAGE * PAGE, -(-end // PAGE) * PAGE
        offset -= start - first
        if pages and pages[-1][4] == name and first - pages[-1][0] == offset - pages[-1][3]:
            pages[-1] = (pages[-1][0], max(last, pages[-1][1]), permissions, pages[-1][3], name)
            continue
        if pages:
            first, offset = max(first, pages[-1][1]), offset + max(0, pages[-1][1] - first)
        if first < last:
            pages.append((first, last, permissions, offset, name))
    return pages


def format_maps(mappings):
    """The text of /proc/PID/maps; devices and inodes are not known."""
    return "".join("%x-%x %s %08x 00:00 0 %s\n" % mapping_fields(m) for m in sorted(mappings))


def mapping_fields(mapping):
    start, end, permissions, offset, name = mapping
    return start, end, permissions, max(offset, 0), name
