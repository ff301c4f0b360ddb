# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C: soon, with one line, and no half of an answer in a file's place."""

import os
import random
import signal
import subprocess
import time

import pytest

from oracle import NECROPY, PATIENCE, necropy

INTERRUPTED = 130
SOON = 5  # seconds; it takes a tenth of one, but machines that test are busy


@pytest.fixture(scope="module")
def many(lab, debian):
    """A core of some hundred thousand objects."""
    why_not = debian.why_not()
    if why_not:
        pytest.skip(why_not)
    return lab.target(debian, "many_objects", arguments=("200000",))


def start(*arguments, **options):
    return subprocess.Popen([NECROPY] + list(arguments), stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, **options)


def interrupt(child):
    """Its exit status, and what it has said; it must end soon."""
    child.send_signal(signal.SIGINT)
    errors = child.communicate(timeout=SOON)[1].decode()
    return child.returncode, errors


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_lines_that_are_being_written_end_and_it_is_said(many):
    reading, writing = os.pipe()
    child = start("export", many.name, stdout=writing)
    os.close(writing)
    read = len(os.read(reading, 1))  # it has begun, and waits for us to read on
    child.send_signal(signal.SIGINT)
    part = b"x"
    while part:
        part = os.read(reading, 1 << 20)
        read += len(part)
    os.close(reading)
    errors = child.communicate(timeout=SOON)[1].decode()
    assert child.returncode == INTERRUPTED
    assert errors == "necropy: interrupted: what was written is not the whole answer\n"
    assert read < len(necropy("export", many.name).out)


def test_a_file_that_is_being_written_is_not_left_behind(many, tmp_path):
    child = start("export", many.name, "-o", str(tmp_path / "heap.jsonl"))
    wait_for(lambda: os.listdir(str(tmp_path)))
    assert interrupt(child) == (INTERRUPTED, "necropy: interrupted\n")
    assert os.listdir(str(tmp_path)) == []


QUESTIONS = (("types",), ("types", "--gc"), ("count", "dict"), ("objects", "*"), ("classes",),
             ("why", "Node", "-k", "5"), ("why", "Node", "--exclude", "dict.x"),
             ("backrefs", None), ("backrefs", None, "--weak"), ("graph", None), ("show", None))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda words: " ".join(map(str, words)))
def test_every_command_ends_soon_at_any_time(many, question):
    """At times chosen by chance in what the whole would take: none may hang or answer in part."""
    wanted = many.ask("objects", "Node", "-n", "1").rows[0]["addr"]
    words = [wanted if word is None else word for word in question[1:]]
    begun = time.monotonic()
    whole = necropy(question[0], many.name, *words)
    seconds = time.monotonic() - begun
    assert whole.status == 0
    chance = random.Random(str(question))
    for _ in range(4):
        child = start(question[0], many.name, *words, stdout=subprocess.DEVNULL)
        time.sleep(chance.random() * seconds)
        status, errors = interrupt(child)
        # before the signal is caught it ends the process; after the work is done nothing does
        assert (status, errors) in ((INTERRUPTED, "necropy: interrupted\n"), (0, ""),
                                    (-signal.SIGINT, ""))
