# SPDX-License-Identifier: GPL-2.0-or-later
"""`pm count TYPE`."""

from run_gdb import COUNT, run_gdb


def test_count_prints_a_number_and_keeps_it(core):
    ran = run_gdb(COUNT, "output $pm_count", "pm count Row --json", "output $pm_count",
                  arguments=("-c", core.name))
    assert ran.answers[0].out == "6\n"
    assert ran.answers[1].out == "6"
    assert ran.answers[3].out == str(6 * 3 * 400)
