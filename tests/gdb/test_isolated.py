# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm --isolate` and `set pm isolate on`: the command line tool reads the core, and not gdb."""

import os

from oracle import necropy
from run_gdb import COUNT, run_gdb


def test_answers_are_those_of_the_command_line(core):
    ran = run_gdb("pm types --isolate -n 3 --json", "set pm isolate on", "pm why DB",
                  "with pm limit 2 -- pm types --csv", "pm bt --redact", "set pm isolate off",
                  COUNT, arguments=("-c", core.name))
    assert ran.answers[0].out == necropy("types", core.name, "-n", "3", "--json").out
    assert ran.answers[2].out == necropy("why", core.name, "DB").out
    assert len(ran.answers[3].out.splitlines()) == 3
    assert ran.answers[4].out == necropy("bt", core.name, "--redact").out
    assert ran.answers[6].out == "6\n"
    assert not any(answer.err for answer in ran.answers)


def test_gdb_itself_opens_nothing(core):
    ran = run_gdb("set pm isolate on", "pm types -n 1", "pm locals -n 1",
                  "python import necropy_gdb.session as s; print(s._open)",
                  "pm up", "complete pm count D", arguments=("-c", core.name))
    assert ran.answers[1].out and ran.answers[2].out
    assert ran.answers[3].out == "{}\n"
    assert len(ran.answers[4].err.splitlines()) == 1 and "isolate" in ran.answers[4].err
    assert not ran.answers[5].err


def test_output_file(core, tmp_path):
    path = str(tmp_path / "types.json")
    ran = run_gdb("pm types --isolate --json -o " + path, arguments=("-c", core.name))
    assert ran.answers[0].out == "Wrote %s\n" % path
    with open(path) as got:
        assert got.read() == necropy("types", core.name, "--json").out


def test_errors_are_one_sentence(core):
    ran = run_gdb("pm count NoSuchType --isolate", "pm types --isolate --max-memory 1K",
                  "pm nothing --isolate", "pm types --isolate --layout=/nonexistent",
                  "pm types --isolate --debuginfod", arguments=("-c", core.name))
    for answer in ran.answers:
        assert not answer.out and len(answer.err.splitlines()) == 1
        assert "necropy:" not in answer.err
    assert "/nonexistent" in ran.answers[3].err and "--debuginfod" in ran.answers[4].err
    assert run_gdb("pm types --isolate").answers[0].err.startswith("No core or process")


def test_process_is_refused(alive):
    ran = run_gdb("pm types --isolate", arguments=("-p", str(alive.pid)))
    assert "generate-core-file" in ran.answers[0].err


def test_crash_leaves_gdb_as_it_was(core, tmp_path):
    tool = tmp_path / "necropy"
    tool.write_text("#!/bin/sh\nkill -SEGV $$\n")
    tool.chmod(0o700)
    ran = run_gdb("python import necropy_gdb.isolated as i; i.tool = lambda _: %r" % str(tool),
                  "pm types --isolate", COUNT, arguments=("-c", core.name))
    assert len(ran.answers[1].err.splitlines()) == 1
    assert ran.answers[2].out == "6\n"
    assert os.path.exists(core.name)
