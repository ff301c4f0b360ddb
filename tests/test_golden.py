# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts that users read and that no target changes: help, errors, a plotted recording.

`make golden` writes them anew; what they say is judged by who reads the diff.
"""

import os
import re

import pytest

import corewriter
import oracle
from test_plot import run  # noqa: F401  (a fixture)

GOLDEN = os.path.join(oracle.HERE, "golden")
SEEDS = corewriter.core_seeds()


def check(name, text):
    path = os.path.join(GOLDEN, name)
    if os.environ.get("NECROPY_GOLDEN") == "write":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    assert oracle.read_text(path) == text, "if this is better: make golden"


def commands():
    listed = re.search(r"^Commands:\n(.*?)\n\n", oracle.necropy("--help").out, re.M | re.S)
    return [line.split()[0] for line in listed.group(1).splitlines()]


@pytest.mark.parametrize("command", commands())
def test_help(command):
    answer = oracle.necropy(command, "--help")
    assert answer.status == 0
    check("help/%s.txt" % command, answer.out)


def test_help_of_all():
    check("help.txt", oracle.necropy("--help").out)


def test_errors_of_made_up_cores(tmp_path):
    said = []
    for name, data in sorted(SEEDS.items()):
        path = tmp_path / name
        path.write_bytes(data)
        answer = oracle.necropy("info", str(path))
        assert answer.status == 2 and answer.out == ""
        said.append(answer.err.replace(str(tmp_path), "/cores"))
    check("errors.txt", "".join(said))


def test_plot_on_a_terminal(run):  # noqa: F811
    answer = oracle.necropy("plot", str(run), "--open")
    assert answer.status == 0
    check("plot.txt", answer.out.replace(os.path.dirname(str(run)), "/recordings"))
