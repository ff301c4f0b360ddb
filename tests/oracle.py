# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: interpreters, targets in three ways, and asking necropy.

A Target is a program of tests/programs in a state where it can be read: its
core by the kernel, its core by gdb's gcore, or the living process. Beside it
lies the truth that CPython itself has written down (programs/truth.py).
"""

import collections
import copy
import ctypes
import functools
import glob
import json
import os
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PROGRAMS = os.path.join(HERE, "programs")
LEAKY_APP = os.path.join(ROOT, "corefiles", "programs", "leaky_app.py")
NECROPY = os.environ.get("NECROPY", os.path.join(ROOT, "build", "necropy"))
DEBIAN_PYTHON = "/usr/bin/python3"
# What scripts in corefiles/ have made: SUITE-VERSION/python, VERSIONt/bin/python3. Every process
# of a test run takes it from the first, which gives the others a cache of their own.
MADE_PYTHONS = os.environ.setdefault("NECROPY_MADE_PYTHONS", os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "necropy-pythons"))

WAYS = ("kernel", "gcore", "alive")
# Where CPythons begin that keep objects, frames and locks in another manner than those before.
FAMILIES = ((3, 0), (3, 11), (3, 12))
PATIENCE = 120  # seconds; far more than anything here takes, for slow machines


# --- necropy

class Answer(object):
    """What one run of necropy has said."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    @functools.cached_property
    def document(self):
        assert self.out, "no answer, status %d: %s" % (self.status, self.err)
        return json.loads(self.out)

    @property
    def rows(self):
        return self.document["rows"]

    def column(self, name):
        return [row[name] for row in self.rows]


def necropy(*arguments, **options):
    """Run the command line tool. `options` go to subprocess.run()."""
    assert os.access(NECROPY, os.X_OK), "%s is missing: run make first" % NECROPY
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([NECROPY] + [str(a) for a in arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE, **options)
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def chains(answer):
    """The chains of a `why`, each a list of rows from the root down."""
    paths = collections.OrderedDict()
    for row in answer.rows:
        paths.setdefault(row["path"], []).append(row)
    return [sorted(rows, key=lambda row: row["step"]) for rows in paths.values()]


def address(number):
    return "0x%x" % number


def number(text):
    return int(text, 16)


# --- interpreters

class Python(object):
    """A CPython found on this machine."""

    def __init__(self, path):
        self.path = path
        facts = json.loads(self.evaluate(
            "import json, sys; print(json.dumps([sys.version_info[:3], "
            "hasattr(sys, 'gettotalrefcount'), 't' in getattr(sys, 'abiflags', ''), "
            "open('/proc/self/maps').read()]))"))
        self.version = tuple(facts[0])
        self.free_threaded = facts[2]
        self.kind = self.version[:2] + tuple(facts[1:3])  # what layouts mostly depend on
        self.name = (".".join(str(n) for n in self.version) + ("t" if facts[2] else "")
                     + ("d" if facts[1] else ""))
        self.has_own_libc = bool(re.match(r"%s/\w+-" % re.escape(MADE_PYTHONS), path))
        if self.has_own_libc:
            self.name += "-" + os.path.basename(os.path.dirname(path)).split("-")[0]
        self.image = image_of_python(facts[3])
        self.loader = re.search(r" (/\S*/(?:ld-[^/\s]*|libc\.so))$", facts[3],
                                re.MULTILINE).group(1)
        self.command = [path]

    @property
    def family(self):
        return self.free_threaded, sum(self.version >= begin for begin in FAMILIES)

    def evaluate(self, code):
        return subprocess.check_output([self.path, "-E", "-s", "-c", code], env=clean_environment(),
                                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       timeout=PATIENCE).decode()

    def run_by_loader(self):
        """The same, as `ld.so PYTHON`: to the kernel it is the loader that runs."""
        other = copy.copy(self)
        other.command = [self.loader, os.path.realpath(self.path)]
        return other

    def why_not(self):
        """Why necropy is not expected to know this interpreter's layout, or None."""
        if has_debug_information(self.image):
            return None
        return "%s has no debug information (on Debian: install python3-dbg)" % self.image


def image_of_python(maps):
    """The file that holds the interpreter: libpython where there is one."""
    code = re.findall(r"^\S+ r.xp .* (/\S*python[^/\s]*)$", maps, re.MULTILINE)
    return ([path for path in code if "/libpython" in path] + code)[0]


def find_pythons():
    """Every CPython installed on this machine, named uniquely: one build of each version and kind.

    NECROPY_PYTHONS=a:b names them instead; =all adds other builds, and those that corefiles/ has
    made, which other suites' changes can break from one day to the next. Without those on musl,
    which lack modules that most programs here want: test_musl.py has tests of its own.
    """
    wanted = os.environ.get("NECROPY_PYTHONS", "")
    if wanted and wanted != "all":
        paths = wanted.split(":")
    else:
        paths = ([DEBIAN_PYTHON] + sorted(glob.glob("/usr/bin/python3.*d"))
                 + sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))))
    if wanted == "all":
        paths += (sorted(glob.glob(os.path.join(MADE_PYTHONS, "*-*", "python")))
                  + sorted(path for path in glob.glob(os.path.join(MADE_PYTHONS, "*/bin/python3"))
                           if "-musl/" not in path))
    pythons = [Python(path) for path in paths if os.access(path, os.X_OK)]
    if not wanted:
        first = {}
        for python in pythons:
            first.setdefault(python.kind, python)
        pythons = list(first.values())
    counts = collections.Counter()
    for python in pythons:
        counts[python.name] += 1
        if counts[python.name] > 1:
            python.name += "-%d" % counts[python.name]
    return pythons


def one_of_each_family(pythons):
    """The newest CPython of each family: enough for what does not depend on more than that.

    All, where NECROPY_PYTHONS names them or asks for all.
    """
    if os.environ.get("NECROPY_PYTHONS"):
        return list(pythons)
    newest = {}
    for python in pythons:
        if python.version > newest.setdefault(python.family, python).version:
            newest[python.family] = python
    return list(newest.values())


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def has_debug_information(path):
    """Has the ELF file itself, or a file of its build-id where necropy looks for it, DWARF?"""
    sections = elf_sections(path)
    if ".debug_info" in sections:
        return True
    note = sections.get(".note.gnu.build-id", b"")[16:].hex()
    places = ("/usr/lib/debug/.build-id/%s/%s.debug" % (note[:2], note[2:]),
              os.path.join(os.path.dirname(path), ".debug", note[2:] + ".debug"))
    return bool(note) and any(os.path.exists(place) for place in places)


def elf_sections(path):
    """{name: content} of the sections, the content for small ones only."""
    with open(path, "rb") as elf:
        header = elf.read(64)
        table, size, count, names = struct.unpack_from("<Q10xHHH", header, 0x28)
        entries = []
        for i in range(count):
            elf.seek(table + i * size)
            entries.append(struct.unpack("<I4x16xQQ", elf.read(40)))
        elf.seek(entries[names][1])
        strings = elf.read(entries[names][2])
        sections = {}
        for name, offset, length in entries:
            elf.seek(offset)
            key = strings[name:strings.index(b"\0", name)].decode()
            sections[key] = elf.read(length) if length < 4096 else b""
    return sections


# --- processes and cores

class Process(object):
    """A program that has said "ready" and now waits to be read."""

    def __init__(self, command, directory):
        self.directory = directory
        self.errors = open(os.path.join(directory, "stderr"), "w+b")
        self.child = subprocess.Popen(command, cwd=directory, env=clean_environment(),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=self.errors, preexec_fn=prepare_target)
        self.pid = self.child.pid
        try:
            self._wait_until_ready()
            with open("/proc/%d/coredump_filter" % self.pid, "w") as core_filter:
                core_filter.write("0x7b")
            self.maps = read_text("/proc/%d/maps" % self.pid)
            self.smaps = read_text("/proc/%d/smaps" % self.pid)
            self.command = read_text("/proc/%d/cmdline" % self.pid).rstrip("\0").split("\0")
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self):
        said = self._listen_for(r"^(ready|cannot: (.*))")
        if said and said.group(2):
            pytest.skip(said.group(2))
        if not said:
            self.errors.seek(0)
            pytest.fail("the target ended: %s" % self.errors.read().decode())
        # it has said so and is about to wait: it must be there, or the heap still changes
        deadline = time.monotonic() + PATIENCE
        while self.state() != "S":
            assert time.monotonic() < deadline, "the target does not come to rest"
            time.sleep(0.001)

    def _listen_for(self, pattern):
        """The match of `pattern` in a whole line of its output; None when it ends without."""
        text = ""
        while True:
            found = re.search(pattern + "\\b.*\n", text, re.MULTILINE)
            readable = found or select.select([self.child.stdout], [], [], PATIENCE)[0]
            assert readable, "the target says nothing"
            more = "" if found else os.read(self.child.stdout.fileno(), 4096).decode()
            if not more:
                return found
            text += more

    def state(self):
        """One letter, as ps shows it: S sleeps, T and t are stopped."""
        return state_of(self.pid)

    def abort(self):
        """Let the kernel write a core, and return its path."""
        why_not = why_no_kernel_core()
        if why_not:
            pytest.skip(why_not)
        self.child.send_signal(signal.SIGABRT)
        self.child.wait(PATIENCE)
        found = glob.glob(kernel_core_path(self.pid, self.directory))
        assert found, "the kernel has written no core to %s" % kernel_core_path(self.pid, "")
        return found[0]

    def crash(self):
        """Let it crash by itself, as it does once there is a file "crash-now"."""
        why_not = why_no_kernel_core()
        if why_not:
            pytest.skip(why_not)
        with open(os.path.join(self.directory, "crash-now"), "w"):
            pass
        self.child.wait(PATIENCE)
        found = glob.glob(kernel_core_path(self.pid, self.directory))
        assert found, "it has ended without a core, status %d" % self.child.returncode
        return found[0]

    def gcore(self):
        """Let gdb write a core, and return its path."""
        path = os.path.join(self.directory, "gcore")
        # without symbols: they are not needed to write a core, and take a second
        done = subprocess.run(["gdb", "--batch", "-nx", "-iex", "set auto-solib-add off",
                               "-iex", "set debug-file-directory /nonexistent",
                               "-iex", "set debuginfod enabled off", "-p", str(self.pid),
                               "-ex", "generate-core-file %s" % path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=clean_environment(),
                              timeout=PATIENCE, check=True)
        # of the page of system calls no one needs anything
        if re.search(rb"Memory read failed .* at 0x(?!ffffffffff600000)", done.stdout):
            pytest.skip("gdb leaves out whole stacks that this libc guards by madvise()")
        assert os.path.exists(path), "gdb has written no core"
        return path

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(PATIENCE)
        self.child.stdout.close()
        self.errors.close()


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
STACK = 1 << 20  # bytes


def prepare_target():
    """In the child, before it starts: it may dump core, and ends when the tests do."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # of the stack of each thread, too, and gdb writes all of it
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, hard))
    allow_core()


def allow_core():
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def why_no_kernel_core():
    if read_text("/proc/sys/kernel/core_pattern").startswith("|"):
        return "the kernel hands cores to a program (/proc/sys/kernel/core_pattern)"
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        return "cores are forbidden here (ulimit -H -c is 0)"
    return None


def kernel_core_path(pid, directory):
    """Where the kernel writes the core of `pid`, as a pattern for glob."""
    pattern = read_text("/proc/sys/kernel/core_pattern").strip()
    uses_pid = read_text("/proc/sys/kernel/core_uses_pid").strip() != "0"
    if uses_pid and "%p" not in pattern:
        pattern += ".%p"
    expanded = re.sub("%(.)", lambda m: {"p": str(pid), "%": "%"}.get(m.group(1), "*"), pattern)
    return os.path.join(directory, expanded)


def state_of(pid):
    return re.search(r"^State:\s+(\S)", read_text("/proc/%s/status" % pid), re.MULTILINE).group(1)


def read_text(path):
    with open(path) as text:
        return text.read()


# --- targets

class Target(object):
    """A program, run by one Python, to be read in one way."""

    def __init__(self, python, program, way, arguments=()):
        script = os.path.join(PROGRAMS, program + ".py")
        if program == "leaky_app":
            script, arguments = LEAKY_APP, ("--wait",)
        else:
            arguments = ("truth.json",) + tuple(arguments)
        command = python.command + ["-E", "-s", "-B", script] + list(arguments)
        self._start(python, way, lambda directory: Process(command, directory))

    def _start(self, python, way, start):
        """Start it by start(DIRECTORY), a Process, and let it be read as `way` says."""
        self.python = python
        self.way = way
        self.directory = tempfile.mkdtemp(prefix="necropy-test-")
        self._answers = {}
        self._truth = None
        self.process = None
        try:
            self.process = start(self.directory)
            self.pid = self.process.pid
            self.maps, self.smaps = self.process.maps, self.process.smaps
            self.command = self.process.command
            take = {"kernel": self.process.abort, "gcore": self.process.gcore,
                    "crash": self.process.crash,
                    "alive": lambda: str(self.pid)}
            self.name = take[way]()
            if way != "alive":
                self.process.close()
        except BaseException:
            self.close()
            raise

    @property
    def truth(self):
        if self._truth is None:
            with open(os.path.join(self.directory, "truth.json")) as text:
                self._truth = Truth(json.load(text), self.directory)
        return self._truth

    def run(self, command, *arguments, **options):
        """Run `necropy COMMAND TARGET ARGUMENTS`; the same question is asked once."""
        key = (command, arguments, tuple(sorted(options.items())))
        if key not in self._answers:
            self._answers[key] = necropy(command, self.name, *arguments, **options)
        return self._answers[key]

    def ask(self, command, *arguments):
        """The same, with --json, and it must have been answered in full."""
        answer = self.run(command, *(arguments + ("--json",)))
        assert answer.status == 0, "status %d: %s" % (answer.status, answer.err or answer.out[:500])
        return answer

    def close(self):
        if self.process is not None:
            self.process.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Truth(object):
    """What programs/truth.py has written down, ready for comparison."""

    def __init__(self, document, directory):
        self.document = document
        self.directory = directory
        types = document.get("types", [])
        self.objects = {i: types[t] for i, t, _ in document.get("objects", ())}
        self.others = {i: types[t] for i, t, _ in document.get("others", ())}
        self.type_of = dict(self.others)
        self.type_of.update(self.objects)
        self.sizes = {i: size for part in ("objects", "others")
                      for i, _, size in document.get(part, ()) if size >= 0}
        self.edges = {int(i): set(to) for i, to in document.get("edges", {}).items()}

    def __getitem__(self, key):
        return self.document[key]

    @property
    def notes(self):
        return self.document["notes"]

    @property
    def counts(self):
        return self.document["counts"]

    def other(self, path):
        """The truth that another interpreter of the same process has written."""
        with open(os.path.join(self.directory, path)) as text:
            return Truth(json.load(text), self.directory)


class Lab(object):
    """Starts each target once and keeps it while tests of the same Python run."""

    def __init__(self):
        self._python = None
        self._targets = {}

    def target(self, python, program, way="kernel", arguments=()):
        if python is not self._python:
            self.close()
            self._python = python
        key = (program, way, tuple(arguments))
        if key not in self._targets:
            self._targets[key] = self._start(python, program, way, arguments)
        kind, value = self._targets[key]
        if kind is not Target:  # it failed or was skipped, and would again
            raise value
        return value

    @staticmethod
    def _start(python, program, way, arguments):
        try:
            return Target, Target(python, program, way, arguments)
        except (Exception, pytest.skip.Exception, pytest.fail.Exception) as reason:
            return type(reason), reason

    def close(self):
        for kind, value in self._targets.values():
            if kind is Target:
                value.close()
        self._targets = {}
