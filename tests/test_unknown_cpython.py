# SPDX-License-Identifier: GPL-2.0-or-later
"""A CPython that necropy has no tables of: what its own code says takes the place of them.

Of the layout nothing stays but the object header, types, the collector and the states that lead
to it, and there is no debug information. The truth is gc.get_referents() in the process.
"""

import collections
import copy
import os
import shutil
import stat
import struct
import subprocess

import pytest

from oracle import Target, address, necropy
from test_references import Binding
from unknown import shares_of, write_thin_layout

SHARE = 0.999  # of all references, that the project promises
GONE = ("dict", "list", "tuple", "set", "str", "code", "frame", "module", "function")


@pytest.fixture
def options(mixed_core, tmp_path):
    """What makes the target's CPython one that is not known."""
    return ["--layout=" + write_thin_layout(mixed_core.python, tmp_path / "layout"),
            "--debug-dir", str(tmp_path)]


# --- the figure

def test_nearly_all_references_come_from_the_types_own_code(debian):
    target = Target(debian, "zoo", "kernel")
    try:
        shares = shares_of(target)
    finally:
        target.close()
    print(shares.text())
    assert shares.share() >= SHARE, shares.text()
    assert sum(shares.wanted.values()) > 50000
    assert sum(shares.not_found.values()) == 0
    assert {"dict", "list", "tuple", "set", "frame", "generator", "function", "module", "type",
            "zoo.Plain", "collections.deque"} <= set(shares.wanted)


def test_so_they_do_of_every_python(mixed_core, tmp_path, options):
    truth = mixed_core.truth
    binding = Binding(mixed_core.name, options[0].split("=")[1], str(tmp_path))
    known = right = 0
    sources = collections.Counter()
    for addr, name in sorted(truth.objects.items())[::8]:
        if addr not in truth.edges or name == "frame":
            continue
        found, some = binding.references_and_sources(addr)
        if not found["visit"] and is_interned(truth.edges[addr], found):
            continue
        known += len(truth.edges[addr] | found["visit"])
        right += len(truth.edges[addr] & found["visit"])
        sources.update(some)
    binding.session.close()
    assert right >= known * SHARE
    assert sources["emulated"] > known / 2 > 250


def is_interned(edges, found):
    """Whether it is the dict of interned strings, which are held by no reference."""
    return bool(edges) and found["weak"] == edges


# --- it is said

def test_it_is_said_what_is_not_known(mixed_core, options):
    info = necropy("info", mixed_core.name, "--json", *options)
    said = {row["key"]: row["value"] for row in info.rows}
    assert info.status == 3
    assert info.document["complete"] is False
    for name in GONE:
        assert name in said["tables"].replace("none of ", "").split(", ")
    notes = [note for note in info.document["notes"] if "no table of" in note]
    assert len(notes) == 1 and "own code" in notes[0]


def test_of_a_whole_layout_nothing_of_that_is_said(mixed_core):
    info = mixed_core.run("info", "--json")
    assert info.status == 0
    assert not any("table" in note for note in info.document["notes"])
    assert "tables" not in {row["key"] for row in info.rows}


def test_what_only_a_table_knows_is_missed_and_not_guessed_at(mixed_core, options):
    bt = necropy("bt", mixed_core.name, "--json", *options)
    assert bt.status == 3
    assert not [row for row in bt.rows if not row["native"]]
    dicts = necropy("objects", mixed_core.name, "dict", "-n", "5", "--json", *options)
    assert all(row["estimated"] for row in dicts.rows)


# --- it is counted, and all is answered

def last_part(name):
    return name.rsplit(".", 1)[-1]


def test_objects_are_counted_by_type(mixed_core, options):
    truth = mixed_core.truth
    answer = necropy("types", mixed_core.name, "--gc", "-n", "all", "--json", *options)
    found = collections.Counter()
    for row in answer.rows:
        found[last_part(row["type"])] += row["count"]
    wanted = collections.Counter(map(last_part, truth.objects.values()))
    assert sum(found.values()) == sum(wanted.values())
    for name in GONE + ("type", "DB"):
        assert found[name] == wanted[name], name


COMMANDS = [
    ["info", "--layout"], ["types"], ["types", "--unreachable"], ["count", "dict"],
    ["objects", "*", "-n", "2000"], ["objects", "*", "--where", "a.b!=1", "--sort", "size"],
    ["classes"], ["gc"], ["gc", "--cycles"], ["threads"], ["bt", "--locals", "--native"],
    ["locals"], ["tasks", "--all"], ["print", "a.b"], ["report", "crash"], ["report", "hang"],
    ["why", "dict", "-k", "3"], ["why", "list", "--to", "any", "-k", "2"],
    ["why", "function", "--to", "frame"], ["graph", "dict", "--direction", "both"],
    ["graph", "module", "--chain"], ["verify", "-n", "all"], ["export", "--roots"], ["maps"],
    ["memory"], ["memory", "--blame"], ["arenas", "--each"], ["malloc"], ["shm"],
    ["types", "--redact"], ["objects", "dict", "--redact"],
]


def test_every_command_answers(mixed_core, options, debian):
    # each is another start of the tool; the same of all Pythons is done in one session below
    if mixed_core.python.path != debian.path:
        pytest.skip("of one Python only")
    for command in COMMANDS:
        answer = necropy(command[0], mixed_core.name, *(command[1:] + options))
        assert answer.status in (0, 1, 3), (command, answer.err)
        if answer.status == 1:  # an argument that means nothing to it: why, in one line
            assert answer.err.count("\n") == 1, (command, answer.err)


def test_each_object_can_be_asked_about(mixed_core, tmp_path, options):
    binding = Binding(mixed_core.name, options[0].split("=")[1], str(tmp_path))
    objects = mixed_core.truth.objects
    for name in ("dict", "list", "tuple", "frame", "function", "module", "type"):
        some = sorted(addr for addr, kind in objects.items() if kind == name)
        assert some
        for command in ("show", "refs", "backrefs"):
            with binding.session.run([command, address(some[0])]) as result:
                assert result.columns()
        with binding.session.run(["why", address(some[-1]), "--to", "any"]) as result:
            assert result.columns()
    binding.session.close()


def test_nothing_that_is_sound_is_called_wrong(mixed_core, options):
    verify = necropy("verify", mixed_core.name, "--json", *options)
    assert verify.status == 3
    assert [row for row in verify.rows if row["verdict"] == "wrong"] == []
    assert verify.document["damage"] == []


def test_without_the_emulator_it_says_that_it_cannot_tell(mixed_core, options):
    environment = dict(os.environ, NECROPY_UNICORN="/nonexistent/libunicorn.so.2")
    info = necropy("info", mixed_core.name, "--json", *options, env=environment)
    assert info.status == 3
    assert any("no emulator" in note for note in info.document["notes"])


# --- one that is newer than all that were tried

def newer(python, directory):
    """`python`, but for the version that it says it is, in a copy of its file."""
    said = subprocess.run(["readelf", "-W", "--dyn-syms", "-S", python.image],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    symbol = [line.split() for line in said.splitlines() if line.endswith(" Py_Version")][0]
    section = [line for line in said.splitlines() if "[%2s]" % symbol[6] in line][0]
    start, offset = [int(text, 16) for text in section.split("]")[1].split()[2:4]]
    path = os.path.join(str(directory), "python3.16")
    shutil.copy(python.image, path)
    os.chmod(path, stat.S_IRWXU)
    with open(path, "r+b") as image:
        image.seek(int(symbol[1], 16) - start + offset)
        assert struct.unpack("<I", image.read(4))[0] >> 16 == 0x030b
        image.seek(-4, os.SEEK_CUR)
        image.write(struct.pack("<I", 0x031000f0))
    other = copy.copy(python)
    other.path = other.image = path
    other.command = [path]
    return other


def test_a_newer_cpython_is_read_and_it_is_said(debian, tmp_path):
    target = Target(newer(debian, tmp_path), "zoo", "kernel")
    try:
        shares = shares_of(target)
        info = necropy("info", target.name, "--json",
                       "--layout=" + os.path.join(target.directory, "layout"),
                       "--debug-dir", str(tmp_path))
        refused = necropy("info", target.name, "--debug-dir", str(tmp_path))
    finally:
        target.close()
    assert shares.share() >= SHARE, shares.text()
    assert info.status == 3
    assert dict((row["key"], row["value"]) for row in info.rows)["python"] == "3.16.0"
    assert any("newer than" in note for note in info.document["notes"])
    assert refused.status in (2, 3)
