# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line itself: where words may stand, what is written where, exit status."""

import csv
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

import oracle
from oracle import necropy

ANSWERED, USAGE, UNREADABLE = 0, 1, 2


def on_terminal(arguments, columns=80, environment=None):
    """(exit status, what a terminal got) of necropy with standard output on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    clean.update({"TERM": "xterm"}, **(environment or {}))
    process = subprocess.Popen([oracle.NECROPY] + list(arguments), stdin=subprocess.DEVNULL,
                               stdout=slave, stderr=subprocess.PIPE, env=clean)
    os.close(slave)
    got = b""
    while True:
        try:
            some = os.read(master, 65536)
        except OSError:  # how Linux says that the other end is closed
            some = b""
        if not some:
            break
        got += some
    os.close(master)
    process.stderr.read()
    process.stderr.close()
    return process.wait(oracle.PATIENCE), got.decode().replace("\r\n", "\n")


def test_help_lists_the_commands_with_a_line_each():
    answer = necropy("--help")
    assert answer.status == ANSWERED and answer.err == ""
    for command in ("info", "types", "count", "objects", "show", "refs", "backrefs", "why",
                    "graph", "gc", "maps", "shm"):
        assert re.search(r"^  %s +\S.{10,}$" % command, answer.out, re.MULTILINE)
    assert max(len(line) for line in answer.out.splitlines()) <= 100


def test_help_of_a_command_needs_no_target():
    assert necropy("why", "--help").out == necropy("--help", "why", "/nonexistent").out


def test_the_formats_say_every_key_of_every_command(leaky_core):
    with open(os.path.join(oracle.ROOT, "docs", "formats.md"), encoding="utf-8") as text:
        section = text.read().split("### Rows of the commands")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.*) \|$", section, re.MULTILINE)
    keys = {}
    for commands, said in rows:
        for command in re.findall(r"\w+", commands):
            keys.setdefault(command, []).append(set(re.findall(r"`(\w+)`", said)))
    addr = leaky_core.ask("objects", "dict", "-n", "1").document["rows"][0]["addr"]
    for command, words in (("types", []), ("types", ["--unreachable"]), ("count", ["dict"]),
                           ("objects", ["dict"]), ("objects", ["dict", "--unreachable"]),
                           ("classes", []), ("refs", [addr]), ("backrefs", [addr]),
                           ("why", [addr]), ("graph", [addr]), ("threads", []), ("bt", []),
                           ("tasks", []), ("locals", []), ("report", ["crash"]), ("shm", []),
                           ("maps", []), ("maps", ["--by", "kind"]), ("verify", []),
                           ("gc", []), ("info", [])):
        shown = [column["name"] for column in leaky_core.ask(command, *words).document["columns"]]
        assert len(keys[command]) == 1, "%s is described twice" % command
        said = keys[command][0] | (keys["bt"][0] if command == "tasks" else set())
        assert set(shown) - said == set(), command


def test_words_may_stand_anywhere(leaky_core):
    path = leaky_core.name
    want = leaky_core.run("types", "-n", "2", "--json").out
    for line in (("types", "-n", "2", path, "--json"), ("types", "--json", "-n2", path),
                 ("--threads=2", "types", path, "-n2", "--json", "--no-progress"),
                 ("types", "--json", "-n2", "--", path)):
        assert necropy(*line).out == want


def test_value_of_an_option_before_the_target_is_not_the_target(leaky_core):
    assert necropy("types", "--by", "name", leaky_core.name, "--csv").out == \
        leaky_core.run("types", "--by", "name", "--csv").out


def test_command_must_come_first(leaky_core):
    answer = necropy(leaky_core.name, "types")
    assert answer.status == USAGE
    assert "the command comes before the target" in answer.err


def test_beginnings_of_option_names(leaky_core):
    assert leaky_core.run("types", "--match", "dict", "--csv").out == \
        leaky_core.run("types", "--mat=dict", "--csv", "--no-prog").out
    answer = leaky_core.run("types", "--js")
    assert answer.status == USAGE and "--json" in answer.err


@pytest.mark.parametrize("arguments", [("types", "-n", "all"), ("objects", "DB"), ("maps",),
                                       ("why", "DB"), ("shm",), ("gc",), ("info",)])
def test_csv_and_json_lines_say_what_json_says(leaky_core, arguments):
    rows = leaky_core.run(*(arguments + ("--json",))).rows
    lines = leaky_core.run(*(arguments + ("--jsonl",))).out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    records = list(csv.DictReader(leaky_core.run(*(arguments + ("--csv",))).out.splitlines()))

    def as_csv(value):
        if value is None:
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    assert [dict(record) for record in records] == \
        [{key: as_csv(value) for key, value in row.items()} for row in rows]


def test_rows_are_limited_but_totals_are_not(leaky_core):
    some = leaky_core.run("types", "--json", "-n", "3").document
    every = leaky_core.run("types", "--json", "-n", "all").document
    assert len(some["rows"]) == 3 and some["rows"] == every["rows"][:3]
    assert some["all_rows"] == every["all_rows"] == len(every["rows"])
    assert some["totals"] == every["totals"]
    assert every["totals"]["count"] == sum(row["count"] for row in every["rows"])
    assert len(leaky_core.run("types", "--json").rows) == 20


def test_document_says_what_it_rests_on(leaky_core):
    document = leaky_core.run("types", "--json").document
    assert document["schema"] == 1 and document["command"] == "types"
    target = document["target"]
    assert target["kind"] == "core" and target["path"] == leaky_core.name
    assert re.match(r"\d+\.\d+\.\d+", target["python"])
    assert document["complete"] is True and document["damage"] == []
    assert [column["name"] for column in document["columns"]] == list(document["rows"][0])


def test_text_ends_with_what_was_left_out_and_the_totals(leaky_core):
    lines = leaky_core.run("types", "-n", "2").out.splitlines()
    assert re.match(r"… [\d,]+ more types, [\d.]+ [KM]iB$", lines[3])
    totals = r"Total [\d,]+ objects, [\d.]+ [KM]iB( \(.*dead objects? kept for reuse\))?$"
    assert re.match(totals, lines[4])


def test_sizes_in_bytes(leaky_core):
    out = leaky_core.run("types", "--bytes").out
    assert "KiB" not in out and "MiB" not in out


def test_same_question_same_bytes(leaky_core):
    for arguments in (("types",), ("why", "DB", "-k", "3", "--json"), ("graph", "DB")):
        assert necropy(arguments[0], leaky_core.name, *arguments[1:]).out == \
            necropy(arguments[0], leaky_core.name, *arguments[1:]).out


def test_output_file(leaky_core, tmp_path):
    path = str(tmp_path / "types.json")
    with open(path, "w") as old:
        old.write("old")
    answer = leaky_core.run("types", "--json", "-o", path)
    assert (answer.status, answer.out) == (ANSWERED, "")
    with open(path) as new:
        assert new.read() == leaky_core.run("types", "--json").out
    assert os.listdir(str(tmp_path)) == ["types.json"]


def test_suffix_of_the_output_file_chooses_the_picture(leaky_core, tmp_path):
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "dot": b"digraph"}
    for suffix, begin in begins.items():
        path = str(tmp_path / ("picture." + suffix))
        answer = leaky_core.run("graph", "DB", "--chain", "-o", path)
        assert answer.status == ANSWERED, answer.err
        with open(path, "rb") as picture:
            assert picture.read().startswith(begin)


@pytest.mark.parametrize("command", ["types", "export"])  # the latter streams
def test_output_that_is_full(leaky_core, command):
    with open("/dev/full", "w") as full:
        done = subprocess.run([oracle.NECROPY, command, leaky_core.name], stdout=full,
                              stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == UNREADABLE
    assert done.stderr == "necropy: cannot write to standard output: No space left on device\n"


def test_terminal_gets_colour_and_lines_that_fit(leaky_core):
    status, out = on_terminal(["objects", leaky_core.name, "dict"], columns=60)
    assert status == ANSWERED
    assert out.startswith("\033[1m")
    plain = re.sub(r"\033\[[0-9]*m", "", out)
    rows = [line for line in plain.splitlines() if line.startswith("0x")]
    assert rows and max(len(row) for row in rows) <= 60
    assert any(row.endswith("…") for row in rows)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_refused(leaky_core, environment):
    assert "\033" not in on_terminal(["types", leaky_core.name], environment=environment)[1]


def test_png_is_kept_from_the_terminal(leaky_core):
    status, out = on_terminal(["graph", leaky_core.name, "DB", "--format", "png"])
    assert (status, out) == (USAGE, "")


@pytest.mark.parametrize("wrong", [("--max-memory", "much"), ("--max-memory", "0"),
                                   ("--max-memory", "99999999T"), ("--threads", "0"),
                                   ("--threads=1025",), ("--exe",), ("--no-progress=1",)])
def test_options_of_the_tool_with_wrong_values(leaky_core, wrong):
    answer = leaky_core.run("types", *wrong)
    assert (answer.status, answer.out) == (USAGE, "")
    assert answer.err.startswith("necropy: " + wrong[0].split("=")[0])


@pytest.mark.parametrize("wrong,advice", [
    (("bogus",), "necropy --help"), (("types", "--bogus"), "--help"),
    (("count", "NoSuchThing"), "types"), (("why", "DB", "--to", "nothing"), "static"),
    (("why", "DB", "-k", "0"), "from 1")])
def test_messages_say_what_to_do_next(leaky_core, wrong, advice):
    answer = leaky_core.run(*wrong)
    assert answer.status == USAGE
    assert answer.out == "" and len(answer.err.splitlines()) == 1 and advice in answer.err


def test_other_folders_of_debug_files_replace_those_that_were_remembered(leaky_core):
    def layout(*options):
        return leaky_core.ask("types", "-n", "0", *options).document["target"]["layout"]

    assert layout() == layout() == "dwarf"
    assert layout("--debug-dir", oracle.PROGRAMS) == "table"


def test_too_little_memory_is_said(leaky_core):
    answer = leaky_core.run("types", "--max-memory", "1K")
    assert answer.status == UNREADABLE
    assert "memory" in answer.err and len(answer.err.splitlines()) == 1
