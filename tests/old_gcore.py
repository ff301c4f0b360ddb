# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores as gdb's gcore wrote them before gdb 8, made of those that a kernel writes now.

What a file can give back was left out, from the memory and from the list of files; the threads'
fs_base is a number that happened to be there. What is left of a module are the pages that were
written to.
"""

import struct

from corewriter import EHDR, NT_FILE, NT_PRSTATUS, PHDR, PHDR_BYTES, PT_LOAD, PT_NOTE, W, files, \
    note

FS_BASE = 112 + 8 * 21  # in NT_PRSTATUS
GARBAGE = 0x2a479c0


def rewrite(source, target):
    with open(source, "rb") as core:
        data = core.read()
    header = list(struct.unpack_from(EHDR, data))
    phdrs = [list(struct.unpack_from(PHDR, data, header[5] + i * PHDR_BYTES))
             for i in range(header[10])]
    at = next(p for p in phdrs if p[0] == PT_NOTE)
    mapped = list_of_files(data[at[2]:at[2] + at[5]])
    writable = {p[3] for p in phdrs if p[0] == PT_LOAD and p[1] & W}
    dirty = [m for m in mapped if is_dirty(m, writable, mapped)]
    gone = {m[0] for m in mapped} - {m[0] for m in dirty}
    kept = [p for p in phdrs if p[0] == PT_LOAD and p[3] not in gone]
    notes = renewed(data[at[2]:at[2] + at[5]], dirty)
    header[10] = len(kept) + 1
    with open(target, "wb") as core:
        body = header[5] + PHDR_BYTES * header[10]
        table = [[PT_NOTE, 0, body, 0, 0, len(notes), 0, 1]]
        body += len(notes)
        for phdr in kept:
            table.append(phdr[:2] + [body] + phdr[3:])
            body += phdr[5]
        core.write(struct.pack(EHDR, *header))
        core.write(b"".join(struct.pack(PHDR, *phdr) for phdr in table) + notes)
        for phdr in kept:
            core.write(data[phdr[2]:phdr[2] + phdr[5]])


def is_dirty(mapping, writable, mapped):
    """Variables, or what was made read-only after it was relocated: it ends where they begin."""
    start, end, _, name = mapping
    return start in writable or any(m[0] == end and m[3] == name and m[0] in writable
                                    for m in mapped)


def each_note(data):
    at = 0
    while at + 12 <= len(data):
        name_n, desc_n, kind = struct.unpack_from("<III", data, at)
        name = data[at + 12:at + 12 + name_n]
        at += 12 + (name_n + 3) // 4 * 4
        yield kind, name, data[at:at + desc_n]
        at += (desc_n + 3) // 4 * 4


def list_of_files(notes):
    """[(start, end, offset in bytes, name)]"""
    desc = next(desc for kind, _, desc in each_note(notes) if kind == NT_FILE)
    count, page = struct.unpack_from("<QQ", desc)
    names = desc[16 + 24 * count:].decode().split("\0")
    rows = [struct.unpack_from("<QQQ", desc, 16 + 24 * i) for i in range(count)]
    return [(start, end, offset * page, name) for (start, end, offset), name in zip(rows, names)]


def renewed(notes, mapped):
    out = b""
    for kind, name, desc in each_note(notes):
        if kind == NT_FILE:
            desc = files(mapped, 1)
        elif kind == NT_PRSTATUS:
            desc = desc[:FS_BASE] + struct.pack("<Q", GARBAGE) + desc[FS_BASE + 8:]
        out += note(kind, desc, name)
    return out
