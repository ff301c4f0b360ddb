# SPDX-License-Identifier: GPL-2.0-or-later
"""`set pm`, `show pm`, and `with`."""

import os

import pytest

from oracle import necropy
from run_gdb import COUNT, run_gdb


def rows(answer):
    """How many rows a CSV answer has."""
    return len(answer.out.splitlines()) - 1


def test_show_names_every_setting_and_its_value():
    ran = run_gdb("show pm", "set pm limit 50", "show pm limit", "set pm limit unlimited",
                  "show pm limit", "set pm exe /bin/true", "show pm exe", "set pm exe",
                  "show pm exe")
    assert len(ran.answers[0].out.splitlines()) >= 5
    assert ran.answers[2].out == "pm limit is 50.\n"
    assert ran.answers[4].out == "pm limit is unlimited.\n"
    assert ran.answers[6].out == "pm exe is /bin/true.\n"
    assert ran.answers[8].out == "pm exe is not set.\n"
    assert not ran.stderr.replace("-- mark --\n", "")


def test_limit_is_how_many_rows_there_are(core):
    ran = run_gdb("pm types --csv", "with pm limit 3 -- pm types --csv", "set pm limit 5",
                  "pm types --csv", "pm types --csv -n 7", "set pm limit unlimited",
                  "pm types --csv", arguments=("-c", core.name))
    every = len(necropy("types", core.name, "-n", "all", "--json").rows)
    counted = [rows(ran.answers[i]) for i in (0, 1, 3, 4, 6)]
    assert counted == [20, 3, 5, 7, every]


def test_unknown_setting_is_one_sentence():
    for answer in run_gdb("set pm nothing 1", "show pm nothing").answers:
        assert len(answer.err.splitlines()) == 1
        assert "nothing" in answer.err


@pytest.mark.parametrize("name", ["exe", "debug-dir", "sysroot", "maps"])
def test_help_of_a_setting_begins_with_a_short_line(name):
    answer = run_gdb("help set pm " + name).answers[0]
    assert 0 < len(answer.out.splitlines()[0]) < 80


def test_wrong_executable_is_refused_and_the_next_command_works(core):
    ran = run_gdb("set pm exe /bin/true", COUNT, "set pm exe", COUNT,
                  arguments=("-c", core.name))
    assert len(ran.answers[1].err.splitlines()) == 1
    assert ran.answers[3].out == "6\n"


def test_option_of_the_command_line_holds_for_one_command(core):
    ran = run_gdb("pm objects Row -n 1", "pm objects Row -n 1 --redact", "pm objects Row -n 1",
                  COUNT + " --no-progress --max-memory 4G --threads 1",
                  arguments=("-c", core.name))
    assert ran.answers[0].out == ran.answers[2].out
    assert not ran.answers[1].err
    assert ran.answers[3].out == "6\n"


def test_session_sees_another_maps_file(core, tmp_path):
    maps = str(tmp_path / "maps")
    with open(maps, "w") as file:
        file.write(core.maps)
    ran = run_gdb("set pm maps " + maps, "pm shm --json", arguments=("-c", core.name))
    expected = necropy("shm", core.name, "--maps", maps, "--json")
    assert ran.answers[1].out == expected.out
    assert os.path.exists(maps)
