# SPDX-License-Identifier: GPL-2.0-or-later
"""`--isolate`: the same answers, and whoever takes over the reader can do nothing with it."""

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import pytest

import oracle
from oracle import necropy
from test_cli import on_terminal

ANSWERED, USAGE, UNREADABLE, INCOMPLETE, INTERRUPTED = 0, 1, 2, 3, 130
INTRUDER = os.path.join(oracle.PROGRAMS, "intruder.c")
QUESTIONS = [("types", "--json"), ("why", "DB", "-k", "2"), ("bt", "--locals", "--native"),
             ("info", "--layout", "--json"), ("verify",), ("export", "--roots"), ("shm",),
             ("graph", "DB", "--chain"), ("objects", "DB", "--csv"), ("report", "crash"),
             ("tasks",), ("gc",), ("count", "NoSuchType"), ("types", "--nosuch")]


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="necropy-test-")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def intruder():
    """The library that tries to get out, or a skip."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    path = tempfile.mkdtemp(prefix="necropy-test-")
    library = os.path.join(path, "intruder.so")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, INTRUDER],
                   check=True)
    yield library
    shutil.rmtree(path)


def intruded(intruder, directory, core, *options, **changes):
    with open(os.path.join(directory, "there"), "w") as there:
        there.write("content")
    environment = dict(os.environ, NECROPY_UNICORN=intruder, INTRUDER_DIR=directory)
    environment.update(changes)
    return necropy("types", core.name, *options, env=environment)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda words: words[0] + words[-1])
def test_answer_is_the_same(leaky_core, question):
    plain = leaky_core.run(*question)
    isolated = leaky_core.run(*(question + ("--isolate",)))
    assert (isolated.status, isolated.out, isolated.err) == (plain.status, plain.out, plain.err)


@pytest.mark.by_family
def test_answer_is_the_same_in_every_way(mixed):
    plain = mixed.run("types", "--json")
    isolated = mixed.run("types", "--json", "--isolate")
    assert isolated.status == plain.status == ANSWERED, isolated.err
    assert isolated.out == plain.out


def test_partial_answer_has_its_status(leaky_core, directory):
    path = os.path.join(directory, "core")
    shutil.copy(leaky_core.name, path)
    os.truncate(path, os.path.getsize(path) // 2)
    plain, isolated = necropy("types", path), necropy("types", path, "--isolate")
    assert isolated.status == plain.status == INCOMPLETE
    assert isolated.out == plain.out


@pytest.mark.parametrize("target", ["/nonexistent/core", "/bin/true", "/", "999999999"])
def test_what_is_no_core_is_refused_as_without(target):
    plain, isolated = necropy("types", target), necropy("types", target, "--isolate")
    assert (isolated.status, isolated.err) == (plain.status, plain.err)
    assert isolated.status == UNREADABLE


def test_compressed_core(leaky_core, directory):
    path = os.path.join(directory, "core.gz")
    with open(path, "wb") as packed:
        subprocess.run(["gzip", "-1", "-c", leaky_core.name], stdout=packed, check=True)
    missing = ("--tmp-dir", os.path.join(directory, "missing"))
    plain, isolated = (necropy("types", path, *missing, *more) for more in ((), ("--isolate",)))
    assert (isolated.status, isolated.err) == (plain.status, plain.err)
    for options in ((), ("--tmp-dir", directory)):
        plain = necropy("types", path, *options)
        isolated = necropy("types", path, "--isolate", *options)
        assert (isolated.status, isolated.out) == (ANSWERED, plain.out), isolated.err


@pytest.mark.parametrize("command,file", [(("types", "--json"), "types.json"),
                                          (("export",), "graph.jsonl"),
                                          (("memory",), "memory.svg"),
                                          (("graph", "DB"), "graph.dot")])
@pytest.mark.parametrize("form", ["-o %s", "-o%s"])
def test_output_file(leaky_core, directory, command, file, form):
    plain, isolated = [os.path.join(directory, prefix + file) for prefix in ("plain-", "")]
    assert leaky_core.run(*(command + ("-o", plain))).status == ANSWERED
    answer = leaky_core.run(*(command + ("--isolate",) + tuple((form % isolated).split())))
    assert (answer.status, answer.out, answer.err) == (ANSWERED, "", "")
    with open(plain, "rb") as want, open(isolated, "rb") as got:
        assert got.read() == want.read()
    assert stat.S_IMODE(os.stat(isolated).st_mode) == 0o600
    assert sorted(os.listdir(directory)) == sorted([file, "plain-" + file])


def test_output_file_does_not_appear_without_an_answer(leaky_core, directory):
    path = os.path.join(directory, "out")
    assert leaky_core.run("count", "NoSuchType", "--isolate", "-o", path).status == USAGE
    assert leaky_core.run("types", "--isolate", "-o", "/nonexistent/x").status == UNREADABLE
    assert os.listdir(directory) == []


def test_device_is_written_to_and_not_replaced(leaky_core):
    answer = leaky_core.run("types", "--isolate", "-o", "/dev/null")
    assert (answer.status, answer.out) == (ANSWERED, "")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_pictures_are_refused_in_one_sentence(leaky_core, directory):
    answer = leaky_core.run("graph", "DB", "--isolate", "-o", os.path.join(directory, "x.svg"))
    assert answer.status == USAGE and "--format dot" in answer.err
    assert len(answer.err.splitlines()) == 1 and os.listdir(directory) == []


@pytest.mark.parametrize("question,word", [(("record", "-o", "run.csv"), "record"),
                                           (("types", "--debuginfod"), "--debuginfod")])
def test_what_wants_more_than_to_read_is_refused(leaky_core, directory, question, word):
    answer = necropy(question[0], leaky_core.name, "--isolate", *question[1:], cwd=directory)
    assert answer.status == USAGE and word in answer.err and os.listdir(directory) == []
    assert len(answer.err.splitlines()) == 1 and "--isolate" in answer.err


def test_terminal_is_used_as_without(leaky_core):
    plain = on_terminal(["types", leaky_core.name], 60)
    assert "\x1b[" in plain[1]
    assert on_terminal(["types", leaky_core.name, "--isolate"], 60) == plain


# --- getting out

def test_intruder_can_do_nothing_but_read(leaky_core, intruder, directory):
    answer = intruded(intruder, directory, leaky_core, "--isolate")
    said = re.findall(r"^intruder: (.*): (.*)$", answer.err, re.MULTILINE)
    assert len(said) > 30, answer.err
    assert [what for what, how in said if how == "DONE"] == ["reads"]
    assert os.listdir(directory) == ["there"]
    with open(os.path.join(directory, "there")) as there:
        assert there.read() == "content"
    assert answer.status == ANSWERED and answer.out.startswith("type ")


def test_intruder_can_do_it_without_isolation(leaky_core, intruder, directory):
    # else the test above would test nothing; what does harm is left out
    answer = intruded(intruder, directory, leaky_core, INTRUDER_IS_TAME="1")
    done = re.findall(r"^intruder: (.*): DONE$", answer.err, re.MULTILINE)
    assert {"create", "write", "append", "open for both", "unlink", "unix socket", "socketpair",
            "memfd", "fork", "vfork"} <= set(done)


@pytest.mark.parametrize("how,word", [("SEGV", "Segmentation fault"), ("ABRT", "Aborted"),
                                      ("KILL", "--max-memory"), ("exit", "ended")])
def test_crash_of_the_reader_is_one_sentence(leaky_core, intruder, directory, how, word):
    path = os.path.join(directory, "out")
    answer = intruded(intruder, directory, leaky_core, "--isolate", "-o", path,
                      INTRUDER_CRASH=how)
    assert (answer.status, answer.out) == (UNREADABLE, "")
    assert len(answer.err.splitlines()) == 1 and word in answer.err
    assert leaky_core.name in answer.err
    assert os.listdir(directory) == ["there"], "neither an output file nor a core"


def test_terminal_gets_no_forged_sequences(leaky_core, intruder):
    changes = {"NECROPY_UNICORN": intruder, "INTRUDER_CRASH": "title"}
    _, said = on_terminal(["types", leaky_core.name, "--isolate"], environment=changes)
    assert "\x1b[31mred\x1b[m ?" in said and "\xb5" in said
    assert "\x07" not in said and "\x1b]" not in said and "\x9b" not in said


def test_reader_ends_when_the_tool_is_killed(lab, debian):
    target = lab.target(debian, "deep")
    tool = subprocess.Popen([oracle.NECROPY, "why", target.name, "Bottom", "--isolate"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child = None
    deadline = time.monotonic() + oracle.PATIENCE
    while child is None and tool.poll() is None and time.monotonic() < deadline:
        child = next(iter(oracle.read_text("/proc/%d/task/%d/children"
                                           % (tool.pid, tool.pid)).split()), None)
    tool.kill()
    tool.wait(oracle.PATIENCE)
    assert child, "it has no child"
    while os.path.exists("/proc/" + child) and time.monotonic() < deadline:
        if oracle.state_of(int(child)) == "Z":
            break
        time.sleep(0.005)
    else:
        assert not os.path.exists("/proc/" + child)


def test_interrupt_is_handed_on(lab, debian):
    target = lab.target(debian, "deep")
    tool = subprocess.Popen([oracle.NECROPY, "why", target.name, "Bottom", "--isolate"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.1)
    tool.send_signal(signal.SIGINT)
    out, err = tool.communicate(timeout=oracle.PATIENCE)
    assert tool.returncode in (INTERRUPTED, ANSWERED)
    assert len(err.decode().splitlines()) <= 1
    assert tool.returncode == ANSWERED or "interrupted" in err.decode()
