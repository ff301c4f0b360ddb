# SPDX-License-Identifier: GPL-2.0-or-later
"""Every `pm` command answers as the command line does, however the target was opened."""

import json

import pytest

from conftest import GdbServer
from oracle import necropy
from run_gdb import COUNT, run_gdb

QUESTIONS = (
    "info", "types", "types --gc --by count -n all", "count DB", "objects DB", "why DB",
    "classes -n all", "objects DB --where path~test", "graph DB --depth 2 --too-many 2",
    "why DB -k 3", "graph DB --chain", "gc", "maps -n all", "shm",
    "arenas", "arenas --each", "malloc", "memory", "memory --blame",
    "verify -n all", "bt --locals", "bt -n 1", "bt --native", "threads",
    "report crash", "report hang", "tasks", "gc --cycles",
)
# A live process is not the same for two readers: gdb has made pages of it private, and it is
# in the state that its reader has put it in.
STEADY = tuple(q for q in QUESTIONS
               if q.split()[0] not in ("info", "maps", "memory", "threads", "report")
               and "--native" not in q)


def asked(commands, arguments=(), before=()):
    """{question: document} from one gdb."""
    questions = ["pm %s --json" % question for question in commands]
    ran = run_gdb(*(list(before) + questions), arguments=arguments)
    answers = ran.answers[len(before):]
    for question, answer in zip(questions, answers):
        assert answer.out.startswith("{"), (question, answer)
    return {question: json.loads(answer.out) for question, answer in zip(commands, answers)}


def on_the_command_line(target, commands):
    """The same by the tool. To be asked first: then the layout is in the cache for both."""
    documents = {}
    necropy("info", target.name)
    for question in commands:
        words = question.split()
        documents[question] = necropy(words[0], target.name, *(words[1:] + ["--json"])).document
    return documents


def test_commands_that_take_an_address_give_the_documents_of_the_command_line(core):
    addr = necropy("objects", core.name, "DB", "--json").rows[0]["addr"]
    commands = ("show", "refs", "backrefs", "backrefs --weak", "why", "graph")
    questions = ["%s %s" % (command, addr) for command in commands]
    expected = on_the_command_line(core, questions)
    assert asked(questions, ("-c", core.name)) == expected


def assert_same_rows(found, expected):
    for question, document in expected.items():
        for part in ("command", "columns", "rows", "totals"):
            assert found[question].get(part) == document.get(part), (question, part)


def test_core_alone_gives_the_documents_of_the_command_line(core):
    expected = on_the_command_line(core, QUESTIONS)
    assert asked(QUESTIONS, ("-c", core.name)) == expected


def test_core_with_executable_gives_the_documents_of_the_command_line(core):
    expected = on_the_command_line(core, QUESTIONS)
    assert asked(QUESTIONS, (core.python.image, "-c", core.name)) == expected


def test_every_python_gives_the_documents_of_the_command_line(mixed_core):
    questions = ("types --gc -n all", "objects __main__.Target -n all", "why __main__.Target", "gc")
    expected = on_the_command_line(mixed_core, questions)
    assert asked(questions, ("-c", mixed_core.name)) == expected


def test_attached_process_gives_the_rows_of_the_command_line(alive):
    expected = on_the_command_line(alive, STEADY)
    assert_same_rows(asked(STEADY, ("-p", str(alive.pid))), expected)
    assert alive.process.state() == "S", "the process goes on when gdb has gone"


def test_remote_target_gives_the_rows_of_the_command_line(alive):
    expected = on_the_command_line(alive, STEADY)
    server = GdbServer(alive.pid)
    try:
        found = asked(STEADY, before=server.commands)
    finally:
        server.close()
    # where the threads' C stacks are is not asked of gdb, and the notes say so
    for verified in (found["verify -n all"], expected["verify -n all"]):
        verified["rows"] = [row for row in verified["rows"] if row["check"] != "hidden"]
    assert "C stacks" in " ".join(found["verify -n all"]["notes"])
    # nor which segments the kernel has marked
    for row in expected["shm"]["rows"]:
        row["verdict"] = row["verdict"] and \
            row["verdict"].replace(" marked for removal, but still mapped,", "")
    assert_same_rows(found, expected)


def test_remote_target_without_file_access_is_read_by_the_list_of_sections(alive, gdbserver):
    ran = run_gdb(*(gdbserver.commands + ["set remote hostio-open-packet off", COUNT]))
    assert ran.answers[-1].out.strip() == "6", ran.answers


def test_core_that_only_gdb_can_read_gives_the_same_counts(core, tmp_path):
    copy = str(tmp_path / "core")
    with open(core.name, "rb") as original, open(copy, "wb") as unpacked:
        unpacked.write(original.read())
    ran = run_gdb("shell rm " + copy, "pm types --gc -n all --json", arguments=("-c", copy))
    found = json.loads(ran.answers[1].out)
    assert found["rows"] == necropy("types", core.name, "--gc", "-n", "all", "--json").rows


def test_text_is_that_of_the_command_line(core):
    ran = run_gdb("pm types", "pm why DB", "pm shm", arguments=("-c", core.name))
    expected = [necropy("types", core.name), necropy("why", core.name, "DB"),
                necropy("shm", core.name)]
    assert [answer.out for answer in ran.answers] == [answer.out for answer in expected]


def command_names():
    return [line.split()[1] for line in run_gdb("pm").answers[0].out.splitlines()
            if line.startswith("pm ")]


def test_pm_alone_lists_the_commands():
    assert {"info", "types", "count", "objects", "why", "graph", "shm"} <= set(command_names())


def test_help_of_each_command_begins_with_a_short_line_and_has_an_example():
    names = command_names()
    ran = run_gdb(*["help pm " + name for name in names])
    for name, answer in zip(names, ran.answers):
        lines = answer.out.splitlines()
        assert 0 < len(lines[0]) < 70, (name, lines[0])
        assert any("pm " + name in line for line in lines), name
        assert "Example:" in lines, name
        assert "--json" in answer.out, name


def test_help_option_prints_the_help_without_a_target():
    ran = run_gdb("pm types --help", "help pm types")
    assert ran.answers[0].out.split() == ran.answers[1].out.split()


def test_output_goes_to_a_file(core, tmp_path):
    path = str(tmp_path / "types.json")
    ran = run_gdb("pm types --json -o " + path, "pm types -o /nonexistent/types",
                  arguments=("-c", core.name))
    assert path in ran.answers[0].out
    with open(path) as written:
        assert json.load(written)["rows"] == necropy("types", core.name, "--json").rows
    assert "/nonexistent/types" in ran.answers[1].err


def test_output_can_be_piped(core):
    ran = run_gdb("pipe pm types --csv | head -n 3", arguments=("-c", core.name))
    expected = necropy("types", core.name, "--csv").out.splitlines()[:3]
    assert ran.answers[0].out.splitlines() == expected


@pytest.mark.parametrize("command, words", [
    ("pm", []),
    ("pm typos", ["typos", "types"]),
    ("pm types --buy", ["--buy", "--by"]),
    ("pm types --by colour", ["colour", "count"]),
    ("pm types --exe", ["--exe", "value"]),
    ("pm types --threads many", ["many", "number"]),
    ("pm count", ["TYPE"]),
    ("pm count NoSuchType", ["NoSuchType"]),
    ("pm show 0x1", ["0x1"]),
    ("pm show $undefined_variable", ["$undefined_variable"]),
    ("pm show 'unfinished", []),
])
def test_mistakes_are_answered_in_one_sentence(core, command, words):
    answer = run_gdb(command, arguments=("-c", core.name)).answers[0]
    if command == "pm":
        assert not answer.err
        return
    assert len(answer.err.splitlines()) == 1, answer
    assert "Traceback" not in answer.err
    assert "Python Exception" not in answer.err
    for word in words:
        assert word in answer.err


def test_convenience_variables_hold_the_answer(core):
    ran = run_gdb("pm objects DB -n 2", "print $pm_count", "print $pm_obj",
                  "pm show $pm_obj --json", "pm types", "output $pm_count",
                  arguments=("-c", core.name))
    rows = necropy("objects", core.name, "DB", "--json").rows
    assert ran.answers[1].out.split() == ["$1", "=", "6"]
    assert ran.answers[2].out.split()[-1] == rows[0]["addr"]
    shown = necropy("show", core.name, rows[0]["addr"], "--json").document
    assert json.loads(ran.answers[3].out)["rows"] == shown["rows"]
    every = necropy("types", core.name, "-n", "all", "--json").rows
    assert int(ran.answers[5].out) == len(every)


def test_the_object_of_an_answer_is_what_one_asks_about_next(core):
    ran = run_gdb("pm objects DB -n 1", "output/x $pm_obj", "pm show $pm_obj", "output/x $pm_obj",
                  "pm why $pm_obj", "output/x $pm_obj", "pm bt", "pm threads", "pm report crash",
                  "pm verify", "output/x $pm_obj", "pm why DB", "output/x $pm_obj",
                  arguments=("-c", core.name))
    asked, shown, kept, as_before, nearest = [ran.answers[i].out for i in (1, 3, 5, 10, 12)]
    assert asked == shown == kept == as_before == necropy(
        "objects", core.name, "DB", "--json").rows[0]["addr"]
    assert nearest == necropy("why", core.name, "DB", "--json").rows[-1]["addr"]


def test_variables_of_gdb_are_addresses(core):
    rows = necropy("objects", core.name, "DB", "--json").rows
    ran = run_gdb("set language rust", "pm objects DB", "output/x $pm_obj", "set language c",
                  "set $mine = (char *) %s" % rows[1]["addr"], "pm show $mine --json",
                  arguments=("-c", core.name))
    assert ran.answers[2].out == rows[0]["addr"]
    shown = necropy("show", core.name, rows[1]["addr"], "--json").document
    assert json.loads(ran.answers[5].out)["rows"] == shown["rows"]


def complete(core, *texts):
    ran = run_gdb(*["complete " + text for text in texts], arguments=("-c", core.name))
    return [answer.out.splitlines() for answer in ran.answers]


def test_completion_offers_commands_options_values_and_types(core, tmp_path):
    (tmp_path / "picture.svg").write_text("")
    commands, options, values, joined, types, full, files = complete(
        core, "pm ty", "pm types --b", "pm types --by ", "pm types --by=s", "pm why D",
        "pm why __main__.D", "pm types -o %s/pic" % tmp_path)
    assert commands == ["pm types"]
    assert "pm types --by" in options and "pm types --bytes" in options
    assert values == ["pm types --by count", "pm types --by name", "pm types --by size"]
    assert joined == ["pm types --by=size"]
    assert "pm why DB" in types and all(text.startswith("pm why D") for text in types)
    assert full == ["pm why __main__.DB"]
    assert files == ["pm types -o %s/picture.svg" % tmp_path]


def test_completion_is_silent_without_a_target():
    answer = run_gdb("complete pm why D").answers[0]
    assert (answer.out, answer.err) == ("", "")


def test_record_plot_and_core_say_that_they_are_for_a_shell(core):
    ran = run_gdb("pm record -o run.csv", "pm plot --open", "pm core",
                  arguments=("-c", core.name))
    record, plot, taken = (answer.err.strip() for answer in ran.answers)
    assert taken.startswith("core is for a shell") and "generate-core-file" in taken
    assert record == "record samples a running process: give it a process id"
    assert plot.startswith("plot draws the files of record") and "necropy plot" in plot
