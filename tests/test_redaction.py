# SPDX-License-Identifier: GPL-2.0-or-later
"""`--redact`: no value is in any answer, and all that is no value still is."""

import json
import os
import re
import stat

import pytest

from oracle import address, necropy

pytestmark = pytest.mark.by_family

SECRET_ARGUMENT = "S3CRET-argv"
# As texts and numbers are shown, and as bytes of them would be in hex.
SECRETS = re.compile("s3cret|5333435245|73519246|735192|24680|\\b3435192", re.IGNORECASE)
HASH = r"#[0-9a-f]{12}>"
MAIN = ("--frame", "1")
WITHOUT_VALUES = [
    ("info", "--layout"), ("gc",), ("types",), ("classes",), ("shm",), ("maps",),
    ("export", "--roots"), ("verify", "-n", "all"), ("tasks", "--all"),
    ("tasks", "--all", "--group"),
    ("print", "vault.nothing") + MAIN, ("print", "held") + MAIN,
]
QUESTIONS = WITHOUT_VALUES + [
    ("threads",), ("report", "crash"), ("locals",) + MAIN,
    ("objects", "*", "-n", "all"), ("objects", "str", "-n", "all", "--csv"),
    ("bt", "--locals", "--native"), ("bt", "--locals", "--json"),
    ("why", "Vault", "-k", "3"), ("why", "Slotted", "--to", "any"),
    ("graph", "Vault", "--direction", "both", "--depth", "3"),
    ("print", "things") + MAIN, ("print", "things[0]") + MAIN, ("print", "vault.token") + MAIN,
    ("print", "NUMBERS[0]") + MAIN, ("print", "key") + MAIN,
]


@pytest.fixture
def target(lab, python):
    return lab.target(python, "private", arguments=(SECRET_ARGUMENT,))


def questions(target):
    yield from QUESTIONS
    objects = [address(i) for i in target.truth.notes["objects"]]
    yield from (("show", addr) for addr in objects)
    yield from ((command, addr) for command in ("refs", "backrefs") for addr in objects[:2])


def found_in(answer):
    lines = (answer.out + answer.err).splitlines()
    addresses = re.compile(r"0x[0-9a-f]+|" + HASH)
    return [line[:300] for line in lines if SECRETS.search(addresses.sub("", line))]


def test_no_value_is_in_any_answer(target):
    problems = {}
    for question in questions(target):
        answer = target.run(*(question + ("--redact",)))
        if answer.status != (1 if "vault.nothing" in question else 0):
            problems[question] = answer.err
        leaks = found_in(answer)
        if leaks:
            problems[question] = leaks[:5]
    assert problems == {}


def test_values_are_in_the_answers_otherwise(target):
    # else the test above would test nothing
    assert [question for question in QUESTIONS if question not in WITHOUT_VALUES
            and not found_in(target.run(*question))] == []


def test_all_but_values_is_as_without(target):
    plain, redacted = (target.ask("objects", "*", "-n", "all", *options).rows
                       for options in ((), ("--redact",)))
    assert [{**row, "repr": ""} for row in redacted] == [{**row, "repr": ""} for row in plain]
    for question in (("export", "--roots"), ("types", "-n", "all"), ("maps",), ("gc",)):
        assert target.run(*(question + ("--redact",))).out == target.run(*question).out


def attributes(target, *options):
    [vault] = target.ask("objects", "Vault").rows
    rows = target.ask("show", vault["addr"], *options).rows
    return {row["key"]: row["value"] for row in rows if row["key"].startswith(".")}


def test_attributes_are_named_and_equal_values_are_equal(target):
    shown = attributes(target, "--redact")
    assert {".token", ".twin", ".number"} <= set(shown)
    assert re.match(r"<str 16 %s$" % HASH, shown[".token"])
    assert shown[".token"] == shown[".twin"]
    assert re.match(r"<(int|long) \d+ %s$" % HASH, shown[".number"])
    again = {row["key"]: row["value"]
             for row in necropy("show", target.name, target.ask("objects", "Vault").rows[0]["addr"],
                                "--redact", "--json").rows}
    assert again[".token"] != shown[".token"], "each run has a key of its own"


def test_names_of_variables_stay_and_keys_do_not(target):
    chain = [row["label"] for row in target.ask("why", "Slotted", "--redact").rows]
    assert "['things']" in chain
    keys = target.ask("print", "things[15]", "--frame", "1", "--redact").rows[0]
    assert re.search(r"<str 10 %s" % HASH, json.dumps(keys))


@pytest.mark.parametrize("command,name", [(("types", "--json"), "types.json"),
                                          (("export",), "graph.jsonl"),
                                          (("graph", "Vault"), "graph.dot")])
def test_files_are_for_their_owner_only(lab, debian, tmp_path, command, name):
    target = lab.target(debian, "private", arguments=(SECRET_ARGUMENT,))
    path = str(tmp_path / name)
    assert target.run(*(command + ("-o", path))).status == 0
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_devices_are_written_to_and_not_replaced(lab, debian):
    target = lab.target(debian, "private", arguments=(SECRET_ARGUMENT,))
    for command in ("types", "export"):
        assert target.run(command, "-o", "/dev/null").status == 0
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
