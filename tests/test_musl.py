# SPDX-License-Identifier: GPL-2.0-or-later
"""CPython on musl, another C library, as in Alpine's images: corefiles/build-pythons.sh makes it.

Its modules are those of CPython's own sources, so the programs that want ctypes do not run on it.
"""

import glob
import os

import pytest

import oracle
from oracle import address, chains, number
from test_allocators import assert_sums_to_what_is_mapped
from test_bt import by_thread
from test_layouts import counts, lone_cores, types_of, unlike  # noqa: F401  (a fixture)
from test_types import ALL, differences, objects_of

PROGRAMS = ("mixed", "threads", "finalizer")


@pytest.fixture(scope="module")
def musl():
    found = glob.glob(os.path.join(oracle.MADE_PYTHONS, "*-musl", "bin", "python3"))
    if not found:
        pytest.skip("there is no CPython on musl (corefiles/build-pythons.sh 3.13-musl)")
    return oracle.Python(found[0])


@pytest.fixture
def musl_mixed(lab, musl, way):
    return lab.target(musl, "mixed", way)


@pytest.mark.parametrize("program", PROGRAMS)
def test_objects_agree_one_by_one_with_gc_get_objects(lab, musl, way, program):
    target = lab.target(musl, program, way)
    found = objects_of(target, "*", "--gc")
    assert differences({a: row["type"] for a, row in found.items()}, target.truth.objects) == {}


def test_types_agree_with_gc_get_objects(musl_mixed):
    rows = musl_mixed.ask("types", "--gc", *ALL).rows
    assert {row["type"]: row["count"] for row in rows} == musl_mixed.truth.counts


def test_chains_are_as_short_as_those_of_python(musl_mixed):
    # a few of each kind: which kinds there are is tested with every other interpreter
    for name, chain in sorted(musl_mixed.truth["chains"].items())[::5]:
        if "deque" in name:
            continue
        [rows] = chains(musl_mixed.ask("why", address(chain[-1]), *ALL))
        assert (rows[0]["type"], number(rows[-1]["addr"])) == ("module", chain[-1]), name
        assert len(rows) <= len(chain), name


def test_its_malloc_is_named_and_not_walked(musl_mixed):
    answer = musl_mixed.ask("malloc")
    said = "not glibc's, but musl's"
    assert answer.rows == [] and [said in note for note in answer.document["notes"]] == [True]
    notes = musl_mixed.ask("memory", *ALL).document["notes"]
    assert [note for note in notes if said in note and "part of unknown" in note]


def test_what_is_mapped_is_accounted_for(musl_mixed):
    lines = assert_sums_to_what_is_mapped(musl_mixed)
    assert ("unknown", "anonymous") in lines and not [path for path in lines if path[0] == "malloc"]


def test_python_stacks_are_those_of_the_program(lab, musl):
    target = lab.target(musl, "stacks")
    found = by_thread(target.ask("bt", *ALL).rows)
    for ident, thread in target.truth["threads"].items():
        assert [(row["function"], row["line"]) for row in found[int(ident)]] == [
            (frame["function"], frame["line"]) for frame in thread["frames"]], thread["name"]


def test_code_without_symbols_is_not_called_by_what_stands_before_it(lab, musl):
    functions = lab.target(musl, "stacks").run("bt", "--native", "--json", *ALL).column("function")
    assert "wait" in functions and "memset" not in functions


@pytest.mark.parametrize("how", ["--strip-debug", "--strip-all"])
def test_stripped_it_says_the_same(lab, musl, tmp_path, how):
    core = lab.target(musl, "mixed")
    path = str(tmp_path) + musl.image
    os.makedirs(os.path.dirname(path))
    oracle.subprocess.check_call(["objcopy", how, musl.image, path])
    stripped = core.run("types", "--json", "--sysroot", str(tmp_path), "--debug-dir",
                        oracle.PROGRAMS, "--no-cache", *ALL)
    # no table of a build on musl is brought along: that of the same version is, and it is said
    assert (stripped.status, stripped.document["target"]["layout"]) == (3, "nearest-table")
    assert stripped.rows == core.ask("types", *ALL).rows


def test_a_core_without_its_interpreter_is_read_by_the_nearest_table(lab, musl, lone_cores):
    core = lab.target(musl, "mixed")
    alone = types_of(lone_cores(core))
    assert (alone.status, alone.document["target"]["layout"]) == (3, "nearest-table")
    wrong, missing = unlike(counts(alone), counts(core.ask("types", *ALL)))
    assert wrong == {} and 0 <= missing < 5
    # what lies behind the locks of musl in _PyRuntime is not where the table has it
    said = oracle.necropy("report", lone_cores(core), "crash", "--json").rows
    assert "faulthandler" not in [row["key"] for row in said]
