# SPDX-License-Identifier: GPL-2.0-or-later
"""What cannot be read is refused in one sentence, and what is damaged is answered as such."""

import bz2
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import corewriter
import oracle
from oracle import DEBIAN_PYTHON, address, necropy, state_of

ANSWERED, USAGE, UNREADABLE, INCOMPLETE = 0, 1, 2, 3
NEVER_IN_MESSAGES = ("Traceback", "Assertion", "Segmentation", "(null)", "runtime error",
                     "AddressSanitizer")

ABORTING_PROGRAM = "#include <stdlib.h>\nint main(void) { abort(); }\n"

COMMANDS = [("info",), ("types",), ("count", "DB"), ("objects", "DB"), ("why", "DB"), ("gc",),
            ("maps",), ("shm",), ("memory",), ("arenas",), ("malloc",), ("bt", "--locals"),
            ("threads",), ("report", "crash"), ("report", "hang")]


def assert_refused(answer, status, *words):
    """One sentence on standard error, nothing on standard output, and each of `words` in it."""
    assert answer.status == status, (answer.status, answer.err)
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert len(lines) == 1, "expected one sentence, got: %r" % answer.err
    assert len(lines[0].split()) >= 4, "too short to help: %r" % answer.err
    for word in words:
        assert word in lines[0]
    for never in NEVER_IN_MESSAGES:
        assert never not in lines[0]


@pytest.fixture
def directory():
    # not tmp_path: what lies here is large, and pytest would keep it
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


def file_with(directory, content, name="core"):
    path = os.path.join(directory, name)
    with open(path, "wb") as new:
        new.write(content)
    return path


def head_of(path, length):
    with open(path, "rb") as core:
        return core.read(length)


@pytest.fixture
def sleeper():
    """A living process that is no Python."""
    child = subprocess.Popen(["sleep", "1000"])
    time.sleep(0.05)
    yield child.pid
    child.kill()
    child.wait()


# --- files that are no core of a Python

def test_missing_file(directory):
    path = os.path.join(directory, "nothing-here")
    assert_refused(necropy("types", path), UNREADABLE, path)


def test_empty_file(directory):
    path = file_with(directory, b"")
    assert_refused(necropy("types", path), UNREADABLE, path)


@pytest.mark.parametrize("content", [b"hello\n", b"\x7fEL", b"\x7fELF", b"\0" * 5000,
                                     b"\x7fELF" + b"\xff" * 5000])
def test_file_that_is_not_elf(directory, content):
    path = file_with(directory, content)
    assert_refused(necropy("types", path), UNREADABLE, path)


@pytest.mark.parametrize("content,words", [
    (corewriter.header(machine=corewriter.EM_AARCH64), ("64-bit ARM", "x86-64")),
    (corewriter.header(machine=corewriter.EM_386, elf_class=1), ("32-bit", "x86-64")),
    (corewriter.header(order=2), ("big-endian", "x86-64")),
    (b"MDMP\x93\xa7" + bytes(100), ("minidump",)),
    (b"\xcf\xfa\xed\xfe" + bytes(100), ("Mach-O",)),
    (b"KDUMP   " + bytes(100), ("kdump",)),
    (bz2.compress(b"core"), ("bzip2", "bunzip2")),
], ids=lambda value: value[0].replace(" ", "-") if isinstance(value, tuple) else "")
def test_what_it_is_instead_is_named(directory, content, words):
    path = file_with(directory, content)
    assert_refused(necropy("types", path), UNREADABLE, path, *words)
    assert_refused(necropy("types", path, "--isolate"), UNREADABLE, path, *words)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_device_instead_of_a_core(path):
    assert_refused(necropy("types", path), UNREADABLE, path)


def test_directory_instead_of_a_core(directory):
    assert_refused(necropy("types", directory), UNREADABLE, directory)


def test_executable_instead_of_a_core():
    path = os.path.realpath(DEBIAN_PYTHON)
    assert_refused(necropy("types", path), UNREADABLE, path, "core")


def test_core_of_a_program_in_c(directory):
    why_not = oracle.why_no_kernel_core()
    if why_not:
        pytest.skip(why_not)
    file_with(directory, ABORTING_PROGRAM.encode(), "aborting.c")
    subprocess.run(["cc", "aborting.c", "-o", "aborting"], cwd=directory, check=True)
    child = subprocess.Popen(["./aborting"], cwd=directory, preexec_fn=oracle.allow_core)
    child.wait()
    [core] = glob.glob(oracle.kernel_core_path(child.pid, directory))
    assert_refused(necropy("types", core), UNREADABLE, core, "Python")


def test_fifo_is_refused_and_not_waited_for(directory):
    path = os.path.join(directory, "fifo")
    os.mkfifo(path)
    assert_refused(necropy("types", path), UNREADABLE, path)


def test_core_on_standard_input(leaky_core):
    with open(leaky_core.name, "rb") as core:
        answers = [necropy("count", "/dev/stdin", "DB", "--json", *options, stdin=core)
                   for options in ((), ("--isolate",))]
    for answer in answers:
        assert answer.rows == leaky_core.ask("count", "DB").rows
    reading, writing = os.pipe()
    try:
        answer = necropy("types", "/dev/stdin", stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)
    assert_refused(answer, UNREADABLE, "/dev/stdin", "pipe", "save")


def test_core_with_more_segments_than_its_header_can_count(leaky_core, directory):
    with open(leaky_core.name, "rb") as core:
        data = core.read()
    segments = corewriter.PN_XNUM + 1
    path = file_with(directory, corewriter.with_more_segments(data, segments))
    assert necropy("count", path, "DB", "--json").rows == leaky_core.ask("count", "DB").rows
    assert len(necropy("maps", path, "-n", "all", "--csv").out.splitlines()) > segments


@pytest.mark.parametrize("name", [
    "core.python3.1000.0a1b2c3d4e5f60718293a4b5c6d7e8f9.4242.1700000000000000.zst",
    "core.my\\x20prog.0.0a1b.42.1", "core.a b'c\"d.0.0a1b.42.1", "-core", "\u00e4\n"])
def test_core_of_any_name(leaky_core, directory, name):
    # what it is, compressed or not, its bytes tell
    os.symlink(leaky_core.name, os.path.join(directory, name))
    answer = necropy("count", "./" + name, "DB", "--json", cwd=directory)
    assert answer.rows == leaky_core.ask("count", "DB").rows
    assert answer.document["target"]["path"] == "./" + name


def test_core_in_a_folder_that_nobody_may_write_to(leaky_core, directory):
    path = shutil.copy(leaky_core.name, os.path.join(directory, "core"))
    os.chmod(path, 0o400)
    os.chmod(directory, 0o500)
    before = os.stat(path)
    try:
        answer = necropy("count", path, "DB", "--json")
    finally:
        os.chmod(directory, 0o700)
    assert answer.rows == leaky_core.ask("count", "DB").rows
    assert os.listdir(directory) == ["core"] and os.stat(path).st_mtime_ns == before.st_mtime_ns


def test_file_that_must_not_be_read(leaky_core):
    if os.getuid() != 0:
        pytest.skip("only root can become a user who may not read the core")
    try:
        answer = necropy("types", leaky_core.name, user=65534, group=65534, extra_groups=[])
    except PermissionError:
        pytest.skip("other users cannot run the tool where it lies")
    assert_refused(answer, UNREADABLE, leaky_core.name)


# --- cores that are damaged

@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_bears_half_a_core(leaky_core, directory, command):
    path = file_with(directory, head_of(leaky_core.name, os.path.getsize(leaky_core.name) // 2))
    answer = necropy(command[0], path, *(command[1:] + ("--json",)))
    # a type of which nothing is left cannot be told from a type that never was
    assert answer.status in (USAGE, UNREADABLE, INCOMPLETE), answer.err
    for never in NEVER_IN_MESSAGES:
        assert never not in answer.err


def test_core_with_bytes_destroyed_does_not_stop_the_tool(leaky_core, directory):
    path = shutil.copy(leaky_core.name, os.path.join(directory, "core"))
    size = os.path.getsize(path)
    problems = {}
    for i in range(1, 40):
        offset = size * i // 40
        with open(path, "r+b") as core:
            core.seek(offset)
            core.write(bytes((i * 37 + j * 101) % 256 for j in range(512)))
        for command in (("types",), ("why", "DB")):
            answer = necropy(command[0], path, *(command[1:] + ("--json",)))
            if answer.status not in (ANSWERED, USAGE, UNREADABLE, INCOMPLETE):
                problems[offset, command[0]] = (answer.status, answer.err[-300:])
    assert problems == {}


# --- processes

def test_process_that_is_gone():
    child = subprocess.Popen(["true"])
    child.wait()
    assert_refused(necropy("types", child.pid), UNREADABLE, str(child.pid))


@pytest.mark.parametrize("pid", ["999999999", "4294967297", "99999999999999999999999999"])
def test_number_that_is_no_process(pid):
    assert_refused(necropy("types", pid), UNREADABLE, pid)


def test_process_that_runs_no_python_is_refused_and_runs_on(sleeper):
    assert_refused(necropy("types", sleeper), UNREADABLE, str(sleeper), "Python")
    assert state_of(sleeper) == "S"


def test_process_of_somebody_else(lab, debian):
    if os.getuid() != 0:
        target = 1
    else:
        target = lab.target(debian, "mixed", "alive").pid
    options = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    try:
        answer = necropy("types", target, **options)
    except PermissionError:
        pytest.skip("other users cannot run the tool where it lies")
    assert_refused(answer, UNREADABLE, str(target))


def test_process_itself_is_never_left_stopped(lab, debian):
    target = lab.target(debian, "mixed", "alive")
    for command in COMMANDS[:3]:
        necropy(command[0], target.name, *command[1:])
        assert state_of(target.pid) == "S"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL],
                         ids=["SIGINT", "SIGTERM", "SIGKILL"])
def test_process_runs_on_when_the_reader_is_killed(lab, debian, how):
    target = lab.target(debian, "deep", "alive")
    for delay in (0.001, 0.005, 0.02, 0.05, 0.1, 0.2):
        reader = subprocess.Popen([oracle.NECROPY, "types", target.name],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        reader.send_signal(how)
        reader.wait(oracle.PATIENCE)
        deadline = time.monotonic() + 5
        while state_of(target.pid) != "S" and time.monotonic() < deadline:
            time.sleep(0.001)
        assert state_of(target.pid) == "S", "stopped %g s after the start" % delay


def test_threads_of_a_living_process_all_run_on(lab, debian):
    target = lab.target(debian, "threads", "alive")
    assert necropy("types", target.name).status == ANSWERED
    threads = os.listdir("/proc/%d/task" % target.pid)
    assert len(threads) > 1
    assert {state_of(int(thread)) for thread in threads} == {"S"}


# --- the wrong files beside the right target

def test_executable_of_another_build(leaky_core):
    other = os.path.realpath(shutil.which("sleep"))
    answer = necropy("types", leaky_core.name, "--exe", other)
    assert_refused(answer, UNREADABLE, other, "build")


@pytest.mark.parametrize("option", ["--sysroot", "--debug-dir"])
def test_folder_for_files_that_is_missing(leaky_core, directory, option):
    missing = os.path.join(directory, "missing")
    assert_refused(necropy("types", leaky_core.name, option, missing), USAGE, option, missing)
    assert_refused(necropy("types", leaky_core.name, option, file_with(directory, b"")), USAGE,
                   option)
    assert necropy("types", leaky_core.name, option, directory).status == ANSWERED


def test_one_of_several_folders_is_missing(leaky_core, directory):
    folders = "/usr/lib/debug:" + os.path.join(directory, "missing")
    assert_refused(necropy("types", leaky_core.name, "--debug-dir", folders), USAGE, "missing")


def test_executable_that_is_missing(leaky_core):
    assert_refused(necropy("types", leaky_core.name, "--exe", "/nonexistent/python"), UNREADABLE,
                   "/nonexistent/python")


def test_without_debug_information_the_package_is_named(leaky_core, directory):
    if ".debug_info" in oracle.elf_sections(os.path.realpath(DEBIAN_PYTHON)):
        pytest.skip("%s carries its debug information itself" % DEBIAN_PYTHON)
    # and where memory does not show either which of the layouts that necropy brings it may have
    cut = file_with(directory, head_of(leaky_core.name, 65536), "cut")
    answer = necropy("types", cut, "--debug-dir", directory, "--no-cache")
    assert_refused(answer, UNREADABLE, "-dbg")


@pytest.mark.by_family
@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "directory"])
def test_damaged_cache_is_made_anew(mixed_core, directory, damage):
    environment = dict(os.environ, XDG_CACHE_HOME=directory)
    before = necropy("types", mixed_core.name, "-n", "all", "--json", env=environment)
    cached = [os.path.join(d, f) for d, _, files in os.walk(directory) for f in files]
    assert cached, "the layout is kept for the next time"
    for path in cached:
        content = head_of(path, os.path.getsize(path))
        os.unlink(path)
        if damage == "directory":
            os.mkdir(path)
        else:
            file_with(os.path.dirname(path), {"garbage": b"\xa5" * len(content), "empty": b"",
                                              "cut": content[:len(content) // 2]}[damage],
                      os.path.basename(path))
    after = necropy("types", mixed_core.name, "-n", "all", "--json", env=environment)
    assert after.status == ANSWERED, after.err
    assert json.loads(after.out)["rows"] == json.loads(before.out)["rows"]


def test_cache_that_cannot_be_written_is_done_without(leaky_core, directory):
    path = file_with(directory, b"", "not-a-directory")
    answer = necropy("types", leaky_core.name, env=dict(os.environ, XDG_CACHE_HOME=path))
    assert answer.status == ANSWERED, answer.err


# --- questions that have no answer

def test_type_that_does_not_exist_brings_near_names(leaky_core):
    assert_refused(leaky_core.run("count", "Tabel"), USAGE, "Tabel", "Table")


@pytest.mark.parametrize("command", ["count", "objects", "why", "graph"])
def test_type_that_does_not_exist(leaky_core, command):
    assert_refused(leaky_core.run(command, "NoSuchTypeAnywhere"), USAGE, "NoSuchTypeAnywhere")


@pytest.mark.parametrize("command", ["show", "why", "graph"])
@pytest.mark.parametrize("wrong", ["0x0", "0x1", "0x10", "0xffffffffffffffff", "0x7fffdeadbee0"])
def test_address_that_is_no_object(leaky_core, command, wrong):
    assert_refused(leaky_core.run(command, wrong), USAGE, wrong)


@pytest.mark.parametrize("inside", [1, 8, 16])
def test_address_inside_an_object(leaky_core, inside):
    row = leaky_core.ask("objects", "DB").rows[0]
    wrong = address(oracle.number(row["addr"]) + inside)
    assert_refused(leaky_core.run("show", wrong), USAGE, wrong)


def test_address_that_is_no_number(leaky_core):
    assert_refused(leaky_core.run("show", "0xyz"), USAGE, "0xyz")


def test_unknown_command():
    assert_refused(necropy("typse", "core"), USAGE, "typse", "types")


def test_unknown_option(leaky_core):
    assert_refused(leaky_core.run("types", "--jsno"), USAGE, "--jsno")


@pytest.mark.parametrize("wrong", [("-n", "many"), ("-n",), ("-n", "-1"), ("--by", "colour"),
                                   ("--threads", "x")])
def test_option_with_a_wrong_value(leaky_core, wrong):
    assert_refused(leaky_core.run("types", *wrong), USAGE, wrong[0])


@pytest.mark.parametrize("arguments", [(), ("types",), ("count",)])
def test_missing_arguments(arguments):
    answer = necropy(*arguments)
    assert answer.status == USAGE
    assert answer.err and not answer.out


def test_missing_type(leaky_core):
    assert leaky_core.run("count").status == USAGE


def test_output_file_that_cannot_be_written(leaky_core):
    path = "/nonexistent/types.json"
    answer = leaky_core.run("types", "--json", "-o", path)
    assert answer.status != ANSWERED
    assert path in answer.err


def test_closed_output_ends_the_tool_quietly(leaky_core):
    reader = subprocess.Popen([oracle.NECROPY, "objects", leaky_core.name, "*", "-n", "all"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reader.stdout.readline()
    reader.stdout.close()
    message = reader.stderr.read().decode()
    reader.wait(oracle.PATIENCE)
    reader.stderr.close()
    assert message == "" or len(message.splitlines()) == 1


@pytest.mark.parametrize("command", [command[0] for command in COMMANDS])
def test_help_of_every_command(command):
    answer = necropy(command, "--help")
    assert answer.status == ANSWERED
    assert command in answer.out and len(answer.out.splitlines()) > 5
    assert answer.err == ""


def test_version():
    answer = necropy("--version")
    assert answer.status == ANSWERED
    assert answer.out.startswith("necropy ")


def test_interrupt_ends_with_one_line_at_most(lab, debian):
    target = lab.target(debian, "deep")
    reader = subprocess.Popen([oracle.NECROPY, "why", target.name, "Bottom"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(0.05)
    reader.send_signal(signal.SIGINT)
    message = reader.communicate(timeout=oracle.PATIENCE)[1].decode()
    assert len(message.splitlines()) <= 1

