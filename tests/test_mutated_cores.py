# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores with lies in them: every command ends soon, in one of its ways, and breaks no rule of C.

The build under ASan and UBSan reads them. A mutation is known by its number, and is always the
same. By hand, over every CPython found, from number 5000 on:

    NECROPY_MUTATIONS=5000:2000 /usr/bin/python3 -m pytest tests/test_mutated_cores.py -k 3.12

`make test-long` tries 1,000 with each. Every fourth is read by the release build, whose memory is
its own and no sanitizer's: it keeps to --max-memory.
"""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

import pytest

from oracle import DEBIAN_PYTHON, NECROPY, ROOT, clean_environment

NECROPY_ASAN = os.path.join(ROOT, "build", "asan", "necropy")
FIRST, COUNT, COUNT_LONG = 0, 66, 1000
# Seconds of processor time for one command, which takes a tenth of one when nothing is wrong; and
# on the clock, on a machine that is busy.
PATIENCE, PATIENCE_ON_THE_CLOCK = 10, 100
MEMORY = 256 << 20
RESIDENT_MAX = 1 << 30  # bytes; what the sanitizers need of their own is in it
CODE_BYTES = 64 << 20  # the program and its libraries, and their tables of other programs
NEVER = ("Sanitizer", "runtime error", "Assertion `", "Traceback (", "(null)")
IS_LONG = bool(os.environ.get("NECROPY_LONG") or os.environ.get("NECROPY_MUTATIONS"))
SANITIZED = 97
SANITIZERS = {
    "ASAN_OPTIONS": "exitcode=%d:quarantine_size_mb=8:allocator_may_return_null=1" % SANITIZED,
    "UBSAN_OPTIONS": "exitcode=%d:print_stacktrace=1" % SANITIZED,
}
PT_LOAD, PT_NOTE = 1, 4
# Of a process that is forked from a large one, the kernel counts what that one had resident.
MEASURE = """
import os, sys
pid = os.fork()
if not pid:
    os.execv(sys.argv[2], sys.argv[2:])
status, usage = os.wait4(pid, 0)[1:]
with open(sys.argv[1], "w") as measured:
    measured.write("%d %d %f" % (status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime))
"""
PAGE = 4096
HOSTILE = (0, 1, 7, 8, 0xff, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 47,
           (1 << 61) + 3, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)


class Core(object):
    """A core that is changed and restored, again and again."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "r+b")
        self.size = os.path.getsize(path)
        header = self.read(0, 64)
        self.headers_at, = struct.unpack_from("<Q", header, 32)
        self.header_size, self.header_n = struct.unpack_from("<HH", header, 54)
        self.loads, self.notes = [], []
        for i in range(self.header_n):
            kind, _, off, addr, _, in_file = struct.unpack(
                "<IIQQQQ", self.read(self.headers_at + i * self.header_size, 40))
            if kind == PT_NOTE:
                self.notes.append((off, in_file))
            elif kind == PT_LOAD and in_file:
                self.loads.append((off, in_file, addr))
        self.undo = []

    def read(self, off, n):
        self.file.seek(off)
        return self.file.read(n)

    def write(self, off, data):
        data = data[:max(0, self.size - off)]
        self.undo.append((off, self.read(off, len(data))))
        self.file.seek(off)
        self.file.write(data)
        self.file.flush()

    def put(self, off, word):
        self.write(off, struct.pack("<Q", word & (1 << 64) - 1))

    def restore(self):
        for off, data in reversed(self.undo):
            self.file.seek(off)
            self.file.write(data)
        self.file.truncate(self.size)
        self.file.flush()
        self.undo = []

    def saved_from(self, off):
        """(offset, bytes) of all that is not a hole: cores of reserved memory are sparse."""
        while off < self.size:
            try:
                off = os.lseek(self.file.fileno(), off, os.SEEK_DATA)
            except OSError:  # only a hole is left
                return
            end = os.lseek(self.file.fileno(), off, os.SEEK_HOLE)
            yield off, self.read(off, end - off)
            off = end

    def word_at(self, off):
        return struct.unpack("<Q", self.read(off, 8))[0]

    def is_pointer(self, word):
        return any(addr <= word < addr + n for _, n, addr in self.loads)


# --- mutations: each takes a core and a random.Random

def some_word(core, chance):
    """Offset of a word; segments are chosen alike, since the small ones hold the types."""
    off, n, _ = chance.choice(core.loads)
    return off + chance.randrange(n // 8) * 8


def words_that(core, chance, wanted, test):
    """Offsets of about `wanted` words that pass `test`."""
    found = []
    for _ in range(40 * wanted):
        off = some_word(core, chance)
        if test(core.word_at(off)):
            found.append(off)
        if len(found) == wanted:
            break
    return found


def change_bytes(core, chance):
    for _ in range(chance.choice((1, 100, 5000))):
        core.write(some_word(core, chance) + chance.randrange(8),
                   bytes([chance.randrange(256)]))


def change_words(core, chance):
    for off in words_that(core, chance, chance.choice((1, 100, 3000)), lambda word: word):
        core.put(off, chance.choice(HOSTILE))


def change_pointers(core, chance):
    """To where other pointers lead, or beside it."""
    places = words_that(core, chance, chance.choice((2, 100, 2000)), core.is_pointer)
    targets = [core.word_at(off) for off in places]
    chance.shuffle(targets)
    for off, target in zip(places, targets):
        core.put(off, target + chance.choice((0, 0, 8, -16, 4096, 1)))


def change_lengths(core, chance):
    """Small numbers become large ones, or negative."""
    for off in words_that(core, chance, chance.choice((10, 500)), lambda word: 0 < word < 65536):
        old = core.word_at(off)
        core.put(off, chance.choice(HOSTILE + (old + 1, old << 20)))


def change_pages(core, chance):
    for _ in range(chance.choice((1, 10, 300))):
        off = some_word(core, chance) // PAGE * PAGE
        core.write(off, chance.choice((bytes(PAGE), b"\xff" * PAGE,
                                       core.read(some_word(core, chance) // PAGE * PAGE, PAGE))))


def change_notes(core, chance):
    off, n = chance.choice(core.notes)
    for _ in range(chance.choice((1, 10, 200))):
        size = chance.choice((1, 4, 8))
        core.write(off + chance.randrange(n // 8) * 8,
                   struct.pack("<Q", chance.choice(HOSTILE))[:size])


def change_headers(core, chance):
    for _ in range(chance.choice((1, 3, 30))):
        at = core.headers_at + chance.randrange(core.header_n * core.header_size // 8) * 8
        old = core.word_at(at)
        core.put(at, chance.choice(HOSTILE + (old ^ 1 << chance.randrange(64), old + PAGE)))


def change_elf_header(core, chance):
    core.write(chance.randrange(16, 64), bytes([chance.randrange(256)]))


def cut(core, chance):
    where = chance.choice((chance.randrange(core.size), chance.randrange(PAGE * 4)))
    core.undo += reversed(list(core.saved_from(where)))
    core.file.truncate(where)


MUTATIONS = (change_bytes, change_words, change_pointers, change_lengths, change_pages,
             change_pointers, change_words, change_notes, change_headers, change_elf_header, cut)


# --- asking

def questions(addresses):
    yield ("types",)
    yield ("why", "dict", "-k", "3")
    yield ("bt", "--locals")
    yield ("threads",)
    yield ("tasks", "--all")
    yield ("report", "crash")
    yield ("report", "hang")
    yield ("objects", "*", "-n", "50")
    yield ("types", "--gc", "--json")
    yield ("graph", "Target", "--direction", "both", "--depth", "2")
    yield ("gc",)
    yield ("gc", "--cycles")
    yield ("verify", "-n", "all")
    yield ("why", "Target", "--to", "any", "-k", "2", "--max-depth", "0")
    yield ("show", addresses)
    yield ("objects", "*", "--where", "repr~*x*", "-n", "50", "--json")
    yield ("maps",)
    yield ("shm",)
    yield ("memory", "--json")
    yield ("memory", "--blame", "--below", "100", "-n", "50")
    yield ("arenas", "--each")
    yield ("arenas",)
    yield ("malloc",)
    yield ("graph", "Target", "--chain", "--to", "any")
    yield ("info", "--layout")
    yield ("export", "--roots")
    yield ("classes",)
    yield ("objects", "*", "--where", "a.b[0]!=1", "--where", "number>1", "-n", "50")
    yield ("backrefs", addresses, "--weak")


def ask(path, question, cache, program=NECROPY_ASAN):
    """(status, what was said, bytes resident at most, seconds of processor time)."""
    command = [program, question[0], path] + list(question[1:]) + \
        ["--max-memory", str(MEMORY), "--threads", "2"]
    environment = dict(clean_environment(), XDG_CACHE_HOME=cache, **SANITIZERS)
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile() as measured:
        child = subprocess.Popen([sys.executable, "-ISc", MEASURE, measured.name] + command,
                                 stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                 env=environment, start_new_session=True)
        try:
            child.wait(PATIENCE_ON_THE_CLOCK)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        status, resident, took = (measured.read() or b"%d 0 0" % signal.SIGKILL).split()
        status = int(status)
        said.seek(0, os.SEEK_END)
        size = said.tell()
        said.seek(max(0, size - 65536))
        return (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status),
                said.read().decode(errors="replace"), int(resident) * 1024, float(took))


def problem_with(path, question, cache, is_release):
    status, said, resident, took = ask(path, question, cache,
                                       NECROPY if is_release else NECROPY_ASAN)
    if took > PATIENCE:
        return "it takes %.1f s" % took
    if status not in (0, 1, 2, 3):
        return "status %d: %s" % (status, said[-3000:])
    # what is mapped of the core counts, and does not matter
    allowed = MEMORY + CODE_BYTES if is_release else RESIDENT_MAX
    if resident > allowed + os.path.getsize(path):
        return "it takes %d MiB" % (resident >> 20)
    if question[0] == "memory" and status in (0, 3) and said.startswith("{"):
        mapped = json.loads(ask(path, ("maps", "-n", "0", "--json"), cache)[1])["totals"]["size"]
        accounted = sum(row["size"] for row in json.loads(said)["rows"])
        if accounted != mapped:
            return "it accounts for %d bytes of %d" % (accounted, mapped)
    return next((said[-3000:] for never in NEVER if never in said), None)


def wanted_mutations():
    count = COUNT_LONG if IS_LONG else COUNT
    first, _, count = os.environ.get("NECROPY_MUTATIONS", "%d:%d" % (FIRST, count)).partition(":")
    return (int(first), int(count)) if count else (0, int(first))


def addresses_in(path, cache):
    _, said, _, _ = ask(path, ("objects", "*", "-n", "300", "--sort", "addr", "--json"), cache)
    if not said.startswith("{"):  # the beginning is cut off
        said = "{\"rows\": [" + said[said.index("{\"addr\""):]
    return [row["addr"] for row in json.loads(said)["rows"]]


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(not os.path.exists(NECROPY_ASAN),
                    reason="%s is not there: make MODE=asan" % NECROPY_ASAN)
def test_mutated_core(lab, python, directory):
    if python.path != DEBIAN_PYTHON and not IS_LONG:
        pytest.skip("one CPython is enough; NECROPY_MUTATIONS=N asks for every one")
    copy, cache = os.path.join(directory, "core"), directory
    subprocess.run(["cp", "--sparse=always", lab.target(python, "mixed").name, copy], check=True)
    addresses = addresses_in(copy, cache)
    core = Core(copy)
    first, count = wanted_mutations()
    problems = []
    for number in range(first, first + count):
        chance = random.Random("%s %d" % (python.name, number))
        mutate = MUTATIONS[number % len(MUTATIONS)]
        every = list(questions(chance.choice(addresses)))
        question = every[number % len(every)]
        mutate(core, chance)
        problem = problem_with(copy, question, cache, number % 4 == 3)
        core.restore()
        if problem:
            problems.append("mutation %d (%s), %s: %s"
                            % (number, mutate.__name__, " ".join(question), problem))
    core.file.close()
    assert not problems, "%d problems\n%s" % (len(problems), "\n\n".join(problems[:10]))
