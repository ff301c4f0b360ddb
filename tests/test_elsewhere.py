# SPDX-License-Identifier: GPL-2.0-or-later
"""Interpreters where they are not expected: in containers, inside other programs, in images that
are a folder here."""

import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

import oracle
from oracle import necropy

EMBEDDING = os.path.join(oracle.PROGRAMS, "embedding.c")
SCRIPT = """
import sys, time
class Kept(object): pass
kept = [Kept() for _ in range(7)]
print("ready"); sys.stdout.flush()
time.sleep(1000)
"""
CONFIG = """
import json, sysconfig
names = ("LIBDIR", "LDVERSION", "LIBPL", "LIBS", "SYSLIBS")
print(json.dumps([sysconfig.get_paths()["include"], [sysconfig.get_config_var(n) for n in names]]))
"""


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


class Running(object):
    """A process that has said "ready"; the pid is its own, not that of what started it."""

    def __init__(self, command, environment=None):
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, preexec_fn=oracle.prepare_target,
                                      env=dict(oracle.clean_environment(), **(environment or {})))
        line = self.child.stdout.readline()
        if line != b"ready\n":
            self.close()
            pytest.skip("it does not start here: %s" % self.child.stderr.read().decode()[-300:])
        self.pid = self.child.pid

    def inner(self):
        """The one process that it has started."""
        children = oracle.read_text("/proc/%d/task/%d/children" % (self.pid, self.pid)).split()
        return int(children[0])

    def close(self):
        self.child.kill()
        self.child.wait(oracle.PATIENCE)


def kept(target, *options):
    """How many of the program's objects there are, from a whole answer."""
    answer = necropy("count", target, "__main__.Kept", "--json", *options)
    assert answer.status == 0, answer.err
    return answer.rows[0]["count"]


# --- inside other programs

def configuration(python):
    try:
        include, values = json.loads(python.evaluate(CONFIG))
    except subprocess.CalledProcessError:
        include, values = "", [None] * 5
    if not os.path.exists(os.path.join(include, "Python.h")) or not shutil.which("cc"):
        pytest.skip("there is no C compiler, or no Python.h of %s" % python.name)
    return include, values


def embedded(python, directory, options, static):
    include, (folder, version, static_folder, libraries, more) = configuration(python)
    name = "python%s" % (version or "%d.%d" % python.version[:2])
    archive = os.path.join(static_folder or "", "lib%s.a" % name)
    shared = os.path.join(folder or "", "lib%s.so" % name)
    if not os.path.exists(archive if static else shared):
        pytest.skip("%s has no %s" % (python.name, archive if static else shared))
    link = [archive, "-Wl,-export-dynamic", "-lm", "-ldl", "-lutil", "-lpthread"] \
        + (libraries or "").split() + (more or "").split() if static \
        else ["-L" + folder, "-l" + name, "-Wl,-rpath," + folder]
    program = os.path.join(directory, "embedding")
    command = ["cc"] + options + ["-I" + include, EMBEDDING, "-o", program] + link
    for more in ([], ["-lexpat", "-lz"]):  # which Debian's archive needs and does not name
        done = subprocess.run(command + more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0 or not static:
            break
    if done.returncode != 0:
        pytest.skip("it cannot be linked: %s" % done.stdout.decode()[-300:])
    prefix = python.evaluate("import sys; print(sys.prefix)").strip()
    return program, {"PYTHONHOME": prefix}


@pytest.mark.parametrize("options,static", [(["-no-pie"], False), (["-pie", "-fPIE"], False),
                                            (["-no-pie"], True), (["-pie", "-fPIE"], True)],
                         ids=["fixed", "pie", "static-fixed", "static-pie"])
def test_interpreter_inside_a_program(python, directory, options, static):
    program, environment = embedded(python, directory, options, static)
    running = Running([program], environment)
    try:
        assert kept(running.pid) == 7
        running.child.send_signal(signal.SIGSTOP)
        info = {row["key"]: row["value"] for row in necropy("info", running.pid, "--json").rows}
        assert ("libpython" in info["interpreter"]) is not static
    finally:
        running.close()


def test_program_without_build_id_is_known_by_how_it_begins(debian, directory):
    why_not = oracle.why_no_kernel_core() or not shutil.which("objcopy") and "there is no objcopy"
    if why_not:
        pytest.skip(why_not)
    program, environment = embedded(debian, directory, ["-no-pie", "-Wl,--build-id=none"], True)
    image = os.path.join(directory, "image")
    os.makedirs(image + directory)
    subprocess.check_call(["objcopy", "--strip-all", program, image + program])
    running = Running(["sh", "-c", "cd %s && exec ./embedding" % directory], environment)
    running.child.send_signal(signal.SIGABRT)
    running.child.wait(oracle.PATIENCE)
    [core] = glob.glob(oracle.kernel_core_path(running.pid, directory))
    os.unlink(program)
    assert kept(core, "--sysroot", image, "--no-cache") == 7
    # another program of that name is not taken for it
    shutil.copy(os.path.realpath(debian.path), image + program)
    notes = necropy("types", core, "--sysroot", image, "--json").document["notes"]
    assert any("is another build here" in note and program in note for note in notes)


# --- two in one process

BRIDGE = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "bridge", 0, -1, 0};
PyMODINIT_FUNC PyInit_bridge(void) { return PyModule_Create(&definition); }
"""
SECOND = """
import ctypes, os
second = ctypes.PyDLL(%r, mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
second.Py_InitializeEx(0)
"""


def shared_libpython(python):
    """Linker options, and the path, of a libpython beside an interpreter that has one inside."""
    include, (folder, version, _, _, _) = configuration(python)
    path = os.path.join(folder or "", "libpython%s.so.1.0" % version)
    if "/libpython" in python.image or not os.path.exists(path):
        pytest.skip("%s is not static, or there is no %s" % (python.name, path))
    return ["-I" + include, "-Wl,--no-as-needed", path], path


@pytest.mark.parametrize("name", ["python", "another"])
def test_extension_that_brings_a_second_interpreter_along(debian, directory, name):
    options, path = shared_libpython(debian)
    source, program = os.path.join(directory, "bridge.c"), os.path.join(directory, name)
    with open(source, "w") as out:
        out.write(BRIDGE)
    subprocess.check_call(["cc", "-shared", "-fPIC", source, "-o",
                           os.path.join(directory, "bridge.so")] + options)
    shutil.copy(debian.image, program)
    script = "import sys; sys.path.insert(0, %r); import bridge\n" % directory + SCRIPT
    running = Running([program, "-c", script], {"PYTHONHOME": "/usr"})
    try:
        assert os.path.realpath(path) in oracle.read_text("/proc/%d/maps" % running.pid)
        assert kept(running.pid, "--no-cache") == 7
        assert kept(running.pid, "--no-cache", "--debug-dir", oracle.PROGRAMS) == 7
        info = {row["key"]: row["value"] for row in necropy("info", running.pid, "--json").rows}
        assert info["interpreter"] == program
    finally:
        running.close()


def test_two_interpreters_of_two_files_that_run(debian):
    path = shared_libpython(debian)[1]
    running = Running([debian.path, "-c", SECOND % path + SCRIPT])
    try:
        answer = necropy("count", running.pid, "__main__.Kept", "--json")
        assert answer.status == 3 and answer.rows[0]["count"] == 7
        notes = [note for note in answer.document["notes"] if "another interpreter runs" in note]
        assert len(notes) == 1 and os.path.realpath(path) in notes[0] and debian.image in notes[0]
    finally:
        running.close()


# --- containers

def in_namespaces(path, directory):
    """The interpreter, in namespaces of its own where alone it is found at that path."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    shell = "mount -t tmpfs none %s && cp %s %s/python && exec %s/python -S -E -c '%s'" % (
        directory, path, directory, directory, SCRIPT)
    return Running(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                    "-c", shell])


def test_process_in_namespaces_of_its_own(debian, directory):
    if debian.why_not():
        pytest.skip(debian.why_not())
    running = in_namespaces(os.path.realpath(debian.path), directory)
    try:
        pid = running.inner()
        assert os.listdir(directory) == [], "the program is not found here"
        assert kept(pid, "--no-cache") == 7
        info = {row["key"]: row["value"] for row in necropy("info", pid, "--json").rows}
        assert info["interpreter"] == os.path.join(directory, "python")
        functions = necropy("bt", pid, "--native", "--json").column("function")
        assert "_PyEval_EvalFrameDefault" in functions or "PyEval_EvalCode" in functions
        assert kept(pid, "--no-cache", "--isolate") == 7
    finally:
        running.close()


def core_of_a_copy(debian, directory):
    """A core of an interpreter that is gone, and where a copy of it lies."""
    why_not = debian.why_not() or oracle.why_no_kernel_core()
    if why_not:
        pytest.skip(why_not)
    home, image = os.path.join(directory, "home"), os.path.join(directory, "image")
    os.mkdir(home)
    python = os.path.join(home, "python")
    shutil.copy(os.path.realpath(debian.path), python)
    running = Running(["sh", "-c", "cd %s && exec %s -S -E -c '%s'" % (home, python, SCRIPT)])
    running.child.send_signal(signal.SIGABRT)
    running.child.wait(oracle.PATIENCE)
    [core] = glob.glob(oracle.kernel_core_path(running.pid, home))
    os.makedirs(image + home)
    shutil.move(python, image + home)
    return core, python, image


def test_program_that_was_replaced_while_it_ran(debian, directory):
    why_not = oracle.why_no_kernel_core()
    if why_not:
        pytest.skip(why_not)
    python = os.path.join(directory, "python")
    shutil.copy(os.path.realpath(debian.path), python)
    running = Running(["sh", "-c", "cd %s && exec %s -S -E -c '%s'" % (directory, python, SCRIPT)])
    os.unlink(python)
    shutil.copy(shutil.which("sleep"), python)  # an upgrade
    assert kept(running.pid, "--no-cache") == 7, "a process has its own file still"
    running.child.send_signal(signal.SIGABRT)
    running.child.wait(oracle.PATIENCE)
    [core] = glob.glob(oracle.kernel_core_path(running.pid, directory))
    answer = necropy("count", core, "__main__.Kept", "--json", "--no-cache")
    assert answer.status == 3 and answer.rows[0]["count"] == 7
    assert any("is another build here" in note and python in note
               for note in answer.document["notes"])
    refused = necropy("types", core, "--exe", python)
    assert refused.status == 2 and "is another build" in refused.err
    assert kept(core, "--exe", os.path.realpath(debian.path), "--no-cache") == 7


def test_core_whose_files_are_in_an_image(debian, directory):
    core, python, image = core_of_a_copy(debian, directory)
    assert kept(core, "--sysroot", image, "--no-cache") == 7
    assert kept(core, "--exe", image + python, "--no-cache") == 7
    # the debug file in the image, too
    debug = os.path.join(image, "debug")
    shutil.copytree("/usr/lib/debug/.build-id", debug + "/.build-id", symlinks=True,
                    ignore=lambda folder, names: [name for name in names
                                                  if not is_of(folder, name, debian)])
    assert kept(core, "--sysroot", image, "--debug-dir", "/debug", "--no-cache") == 7
    assert kept(core, "--sysroot", image, "--debug-dir", debug, "--no-cache") == 7
    notes = necropy("types", core, "--sysroot", image, "--json", "-n", "1").document["notes"]
    here = [note for note in notes if "are not below %s" % image in note]
    assert len(here) == 1 and "the same build" in here[0] and python not in here[0], notes
    without = necropy("types", core, "--json", "-n", "1")
    assert any("not found here" in note and python in note for note in without.document["notes"])


def is_of(folder, name, python):
    """Whether an entry of a .build-id folder leads to the debug file of `python`."""
    note = oracle.elf_sections(python.image)[".note.gnu.build-id"][16:].hex()
    return name == note[:2] or folder.endswith("/" + note[:2]) and name.startswith(note[2:])
