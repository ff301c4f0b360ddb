# SPDX-License-Identifier: GPL-2.0-or-later
"""Tiny ELF cores, made of any bytes and any lie.

    core = Core()
    core.note(NT_FILE, files([(0x400000, 0x401000, 0, "/usr/bin/python3")]))
    core.load(0x400000, b"\\x7fELF...", size=0x1000, flags=R | X)
    open(path, "wb").write(core.data())

What load() and note() are not told they make true; what they are told they write, true or not.
Run as a program it writes the seeds of the fuzzers into tests/fuzz/corpus.
"""

import os
import struct

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
X, W, R = 1, 2, 4
EM_386, EM_X86_64, EM_AARCH64 = 3, 62, 183
NT_PRSTATUS, NT_PRPSINFO, NT_AUXV = 1, 3, 6
NT_FILE, NT_SIGINFO = 0x46494c45, 0x53494749
NT_GNU_BUILD_ID = 3
AT_PHDR, AT_ENTRY, AT_EXECFN = 3, 9, 31
PN_XNUM = 0xffff
PAGE = 4096
MANY = (1 << 64) - 1

EHDR = "<16sHHIQQQIHHHHHH"
PHDR = "<IIQQQQQQ"
SHDR = "<IIQQQQIIQQ"
EHDR_BYTES, PHDR_BYTES = struct.calcsize(EHDR), struct.calcsize(PHDR)


def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def note(kind, desc, name=b"CORE\0", name_size=None, desc_size=None):
    """One note; the sizes may lie."""
    head = struct.pack("<III", len(name) if name_size is None else name_size,
                       len(desc) if desc_size is None else desc_size, kind)
    return head + pad(name, 4) + pad(desc, 4)


def files(entries, page_size=PAGE, count=None, end=b"\0"):
    """NT_FILE for (start, end, offset in pages of that size, name); gcore's page size is 1."""
    numbers = [len(entries) if count is None else count, page_size]
    for first, last, offset, _ in entries:
        numbers += [first, last, offset]
    return struct.pack("<%dQ" % len(numbers), *numbers) \
        + b"\0".join(name.encode() for _, _, _, name in entries) + end


def prstatus(tid, signal=0, pc=0, sp=0, fs_base=0):
    data = bytearray(336)
    struct.pack_into("<h", data, 12, signal)
    struct.pack_into("<i", data, 32, tid)
    for register, value in ((16, pc), (19, sp), (21, fs_base)):
        struct.pack_into("<Q", data, 112 + 8 * register, value)
    return bytes(data)


def prpsinfo(pid, args):
    data = bytearray(136)
    struct.pack_into("<i", data, 24, pid)
    data[56:56 + 80] = args.encode()[:80].ljust(80, b"\0")
    return bytes(data)


def siginfo(signal, code=0, addr=0):
    return struct.pack("<iii4xQ", signal, 0, code, addr).ljust(128, b"\0")


def auxv(**values):
    """auxv(phdr=0x400040, entry=0x401000)"""
    names = {"phdr": AT_PHDR, "entry": AT_ENTRY, "execfn": AT_EXECFN}
    pairs = [(names[name], value) for name, value in values.items()] + [(0, 0)]
    return b"".join(struct.pack("<QQ", *pair) for pair in pairs)


def stack(top, args, environment=("LANG=C",), path="/nowhere/python3"):
    """(address, bytes, address of the path) of a stack as the kernel makes it, up to `top`."""
    strings = b"".join(text.encode() + b"\0" for text in (*args, *environment, path))
    strings += b"\0" * 8
    strings = b"\0" * (-len(strings) % 16) + strings
    at = top - len(strings.lstrip(b"\0"))
    pointers = []
    for text in (*args, *environment):
        pointers.append(at)
        at += len(text.encode()) + 1
    vector = struct.pack("<4Q", AT_EXECFN, at, 0, 0)
    words = [len(args), *pointers[:len(args)], 0, *pointers[len(args):], 0]
    data = struct.pack("<%dQ" % len(words), *words) + vector + strings
    return top - len(data), data, at


def module(build_id=b"\xb1\xd0" * 10, size=4 * PAGE, kind=ET_DYN, vaddr=0):
    """The first page of an ELF file as the kernel saves it: headers and the build-id."""
    phdrs = [(PT_LOAD, R, 0, vaddr, vaddr, PAGE, PAGE, PAGE),
             (PT_LOAD, R | X, PAGE, vaddr + PAGE, vaddr + PAGE, PAGE, size - PAGE, PAGE)]
    ident = note(NT_GNU_BUILD_ID, build_id, b"GNU\0")
    at = EHDR_BYTES + PHDR_BYTES * (len(phdrs) + 1)
    phdrs.append((PT_NOTE, R, at, vaddr + at, vaddr + at, len(ident), len(ident), 4))
    return pad(header(kind, phnum=len(phdrs))
               + b"".join(struct.pack(PHDR, *phdr) for phdr in phdrs) + ident, PAGE)


LINK_MAP = "<QQQQQ"  # l_addr, l_name, l_ld, l_next, l_prev
DT_PLTGOT, DT_STRTAB, DT_SONAME, DT_DEBUG = 3, 5, 14, 21


def loaded(base, soname, debug=0, entry=0):
    """(headers, variables) of an ELF file at `base`: the first page of it, and the fourth.

    `debug` is where the dynamic linker's struct r_debug is, `entry` the file's struct link_map.
    """
    names = b"\0" + soname.encode() + b"\0"
    strings, got = 0x800, 3 * PAGE + 0x200
    tags = [(DT_STRTAB, base + strings), (DT_SONAME, 1), (DT_PLTGOT, base + got),
            (DT_DEBUG, debug), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags)
    variables = pad(dynamic, 0x200) + struct.pack("<QQQ", base + 3 * PAGE, entry, 0)
    phdrs = [(PT_LOAD, R, 0, 0, 0, PAGE, PAGE, PAGE),
             (PT_LOAD, R | X, PAGE, PAGE, PAGE, 2 * PAGE, 2 * PAGE, PAGE),
             (PT_LOAD, R | W, 3 * PAGE, 3 * PAGE, 3 * PAGE, PAGE, PAGE, PAGE),
             (PT_DYNAMIC, R | W, 3 * PAGE, 3 * PAGE, 3 * PAGE, len(dynamic), len(dynamic), 8)]
    head = header(ET_DYN, phnum=len(phdrs)) + b"".join(struct.pack(PHDR, *p) for p in phdrs)
    return pad(pad(head, strings) + names, PAGE), pad(variables, PAGE)


def without_notes(links, **wild):
    """A core of two files and the dynamic linker's list of them; `links`: (next, prev) of each."""
    sp, top_of_stack, _ = stack(0x800000, ["python3"])
    maps, names, debug = 0x600000, 0x600200, 0x600100
    bases = [0x400000, 0x500000]
    entries = [maps + 64 * i for i in range(2)]
    core = Core()
    for i, base in enumerate(bases):
        head, variables = loaded(base, ("", "libc.so.6")[i], debug if not i else 0, entries[i])
        core.load(base, head, flags=R).load(base + 3 * PAGE, variables)
    data = bytearray(PAGE)
    for i, base in enumerate(bases):
        values = {"l_addr": base, "l_name": names + 16 * i, "l_ld": base + 3 * PAGE}
        values.update(wild)
        struct.pack_into(LINK_MAP, data, 64 * i, values["l_addr"], values["l_name"],
                         values["l_ld"], *[entries[k] if k is not None else 0 for k in links[i]])
    struct.pack_into("<QQ", data, 0x100, 1, entries[0])
    data[0x210:0x220] = pad(b"/lib/libc.so.6\0", 16)
    return core.load(maps, bytes(data)).load(sp, top_of_stack).data()


def header(kind=ET_CORE, machine=EM_X86_64, phnum=0, phoff=EHDR_BYTES, phentsize=PHDR_BYTES,
           shoff=0, elf_class=2, order=1):
    ident = b"\x7fELF" + bytes([elf_class, order, 1])
    return struct.pack(EHDR, ident, kind, machine, 1, 0, phoff, shoff, 0, EHDR_BYTES, phentsize,
                       phnum, 64, 0, 0)


class Core:
    """Segments and notes in the order in which they are added; `lies` go to header()."""

    def __init__(self, align=1, **lies):
        self.align = align  # of the bytes in the file: PAGE as the kernel does, 1 as gcore
        self.lies = lies
        self.pieces = []

    def load(self, addr, data=b"", size=None, flags=R | W, offset=None, filesz=None):
        self.pieces.append((PT_LOAD, flags, addr, data, len(data) if size is None else size,
                            offset, filesz))
        return self

    def notes(self, *notes, filesz=None):
        self.pieces.append((PT_NOTE, 0, 0, b"".join(notes), 0, None, filesz))
        return self

    def data(self):
        at = EHDR_BYTES + PHDR_BYTES * len(self.pieces)
        phdrs, body = b"", b""
        for kind, flags, addr, data, size, offset, filesz in self.pieces:
            if kind == PT_LOAD:
                body += b"\0" * (-(at + len(body)) % self.align)
            here = at + len(body) if offset is None else offset
            phdrs += struct.pack(PHDR, kind, flags, here, addr, 0,
                                 len(data) if filesz is None else filesz, size, self.align)
            body += data
        lies = dict({"phnum": len(self.pieces)}, **self.lies)
        return header(**lies) + phdrs + body


def with_more_segments(core, n):
    """The bytes of a core with `n` segments more, of a page each that was not saved."""
    [phoff], [phnum] = struct.unpack_from("<Q", core, 32), struct.unpack_from("<H", core, 56)
    phdrs = core[phoff:phoff + phnum * PHDR_BYTES]
    phdrs += b"".join(struct.pack(PHDR, PT_LOAD, R | W, 0, (1 << 44) + 3 * PAGE * i, 0, 0, PAGE,
                                  PAGE) for i in range(n))
    phoff = len(core) + -len(core) % PAGE
    section = struct.pack(SHDR, 0, 0, 0, 0, 0, 0, 0, phnum + n, 0, 0)
    data = bytearray(pad(core, PAGE) + phdrs + section)
    data[:EHDR_BYTES] = header(phnum=PN_XNUM, phoff=phoff, shoff=phoff + len(phdrs))
    return bytes(data)


def process(align=1, page_size=PAGE):
    """A small whole core: two threads, a module, data of its own, a segment attached twice."""
    offset = PAGE // page_size
    sp, top_of_stack, path = stack(0x800000, ["python3", "-c", "pass", "x" * 100])
    mapped = [(0x400000, 0x401000, 0, "/nowhere/python3"),
              (0x401000, 0x404000, offset, "/nowhere/python3"),
              (0x700000, 0x701000, 0, "/SYSV00001234 (deleted)"),
              (0x701000, 0x702000, 0, "/SYSV00001234 (deleted)")]
    core = Core(align)
    core.notes(note(NT_PRSTATUS, prstatus(42, 11, 0x401010, 0x7ff000, 0x601000)),
               note(NT_PRPSINFO, prpsinfo(42, "python3 -c pass ")),
               note(NT_SIGINFO, siginfo(11, 1, 0xdead)),
               note(NT_AUXV, auxv(phdr=0x400040, entry=0x401000, execfn=path)),
               note(NT_FILE, files(mapped, page_size)),
               note(NT_PRSTATUS, prstatus(43)))
    core.load(0x400000, module(), flags=R)
    core.load(0x401000, size=3 * PAGE, flags=R | X)
    core.load(0x600000, bytes(range(256)) * 8)
    core.load(0x700000, b"s" * 64, size=PAGE)
    core.load(0x701000, b"s" * 64, size=PAGE)
    core.load(sp, top_of_stack)
    return core


def core_seeds():
    """name -> bytes, of cores as they are and as they should not be."""
    whole = process().data()
    one = Core().load(0x10000, b"x" * 816).data()
    wide = note(NT_PRSTATUS, prstatus(1))
    return {
        "whole-gcore": process(1, 1).data(),
        "whole-kernel": process(64).data(),
        "one-load": one,
        "cut-in-program-headers": whole[:100],
        "cut-in-notes": whole[:700],
        "cut-in-memory": whole[:-100],
        "header-only": header(),
        "executable": header(ET_EXEC),
        "other-machine": header(machine=EM_AARCH64, phnum=1) + one[EHDR_BYTES:],
        "elf32": header(machine=EM_386, elf_class=1, phnum=1) + one[EHDR_BYTES:],
        "phentsize-zero": Core(phentsize=0).load(0x10000, b"x" * 112).data(),
        "phoff-at-the-end": Core(phoff=MANY - 10).load(0x10000, b"x").data(),
        "phnum-extended-without-sections": Core(phnum=PN_XNUM).load(0x10000, b"").data(),
        "phnum-extended-and-cut":
            Core(phnum=PN_XNUM, shoff=1 << 40).notes(wide).load(0x10000, b"x").data(),
        "phnum-extended":
            Core(phnum=PN_XNUM, shoff=EHDR_BYTES + 2 * PHDR_BYTES + len(wide) + 1)
            .notes(wide).load(0x10000, b"x").data()
            + struct.pack(SHDR, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0),
        "load-past-end-of-file": Core().load(0x10000, b"x" * 64, size=PAGE, offset=1 << 40,
                                             filesz=PAGE).data(),
        "load-wraps-around": Core().load(MANY - PAGE + 1, b"x" * PAGE, size=2 * PAGE)
                                   .load(MANY, b"y" * 64, size=MANY).data(),
        "loads-overlap": Core().load(0x10000, b"1" * 300).load(0x10100, b"2" * 20)
                               .load(0x100f0, b"3" * 200).load(0x10110, size=30).data(),
        "load-larger-in-file": Core().load(0x10000, b"x" * 64, size=8).data(),
        "load-of-everything": Core().load(0, b"x" * 64, size=MANY, filesz=MANY).data(),
        "no-load": Core().notes(wide).data(),
        "note-size-too-large": Core().notes(note(NT_PRSTATUS, b"", desc_size=0xfffffff0))
                                     .load(0x10000, b"x").data(),
        "note-name-too-large": Core().notes(note(NT_AUXV, b"x" * 16, name_size=0xffffffff))
                                     .load(0x10000, b"x").data(),
        "notes-past-end-of-file": Core().notes(wide, filesz=1 << 50).data(),
        "prstatus-too-short": Core().notes(note(NT_PRSTATUS, b"x" * 100))
                                    .load(0x10000, b"x").data(),
        "nt-file-count-too-large": Core().notes(note(NT_FILE, files(
            [(0x10000, 0x11000, 0, "/a")], count=1 << 61))).load(0x10000, b"x").data(),
        "nt-file-name-without-end": Core().notes(note(NT_FILE, files(
            [(0x10000, 0x11000, 0, "/abc")], end=b""))).load(0x10000, b"x").data(),
        "nt-file-offset-overflows": Core().notes(note(NT_FILE, files(
            [(0x10000, 0x11000, MANY, "/a"), (0x12000, 0x11000, 0, "/b")])))
            .load(0x10000, b"x").data(),
        "without-notes": without_notes([(1, None), (None, 0)]),
        "without-notes-list-leads-back": without_notes([(1, 1), (0, 0)]),
        "without-notes-list-of-itself": without_notes([(0, 0), (1, 1)]),
        "without-notes-list-is-wild": without_notes([(1, None), (None, 0)], l_name=MANY,
                                                    l_ld=MANY - 8),
        "module-with-wild-headers": Core().notes(note(NT_FILE, files(
            [(0x10000, 0x11000, 0, "/nowhere/m")])))
            .load(0x10000, module(size=MANY, vaddr=MANY - 0x2fff)[:1024], size=PAGE).data(),
    }


MAPS = b"""\
55f2577a9000-55f2577aa000 r--p 00000000 fe:00 73383      /usr/bin/python3.11
55f2577aa000-55f2577ab000 r-xp 00001000 fe:00 73383      /usr/bin/python3.11
55f289fff000-55f28a0c5000 rw-p 00000000 00:00 0          [heap]
7f1ae34e4000-7f1ae34f4000 rw-s 00000000 00:01 98304      /SYSV00001234 (deleted)
7f1ae34f4000-7f1ae3504000 rw-s 00000000 00:01 98304      /SYSV00001234 (deleted)
7fff8d47e000-7fff8d49f000 rw-p 00000000 00:00 0          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]
"""


def maps_seeds():
    """name -> two texts, with a NUL between them."""
    return {
        "kernel": MAPS,
        "one-over-the-other": MAPS + b"\0" + MAPS.replace(b"34f4000", b"34ec000"),
        "overlapping": b"1000-9000 rw-p 0\n2000-3000 r--s 10\n2800-a000 r-xp 0 0:0 1 x\0"
                       b"0-ffffffffffffffff r--p 0\n",
        "short-lines": b"1-2 r--p\n\n3-4 ---s 5\r\n \t\n6-7 rwx",
        "too-large": b"10000000000000000-20000000000000000 rw-p 0\n",
        "backwards": b"2000-1000 rw-p 00000000 00:00 0\n",
    }


def main():
    corpus = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fuzz", "corpus")
    for target, seeds in (("core", core_seeds()), ("maps_text", maps_seeds())):
        os.makedirs(os.path.join(corpus, target), exist_ok=True)
        for name, data in seeds.items():
            with open(os.path.join(corpus, target, name), "wb") as seed:
                seed.write(data)


if __name__ == "__main__":
    main()
