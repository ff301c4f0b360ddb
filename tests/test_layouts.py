# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores of interpreters without debug information, without symbols, and without their binary."""

import contextlib
import http.server
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import pytest

import oracle

sys.path.insert(0, os.path.join(oracle.ROOT, "tools"))
import gen_layouts  # noqa: E402  (found by the line above)

NOWHERE = oracle.PROGRAMS  # a folder without debug files
STRIPS = ("--strip-debug", "--strip-all")


@pytest.fixture(scope="module")
def sysroots():
    """sysroots(python, how): a folder in which its image lies stripped, as --sysroot takes it."""
    made = {}

    def get(python, how):
        if (python.image, how) not in made:
            root = tempfile.mkdtemp(prefix="necropy-test-sysroot-")
            made[python.image, how] = root
            path = root + python.image
            os.makedirs(os.path.dirname(path))
            subprocess.check_call(["objcopy", how, python.image, path])
        return made[python.image, how]
    yield get
    for root in made.values():
        shutil.rmtree(root, ignore_errors=True)


def without_symbols(core, sysroots, how):
    """The options with which no DWARF of the target's interpreter is found."""
    return ("--sysroot", sysroots(core.python, how), "--debug-dir", NOWHERE, "--no-cache")


def counts(answer):
    return {row["type"]: row["count"] for row in answer.rows}


@pytest.mark.parametrize("how", STRIPS)
def test_types_are_the_same_without_debug_information(mixed_core, sysroots, how):
    stripped = mixed_core.run("types", "-n", "all", "--json",
                              *without_symbols(mixed_core, sysroots, how))
    assert stripped.document["target"]["layout"] == "table", stripped.err
    assert counts(stripped) == counts(mixed_core.ask("types", "-n", "all"))


def exported(core, *options):
    """All objects with their references, as `export` writes them: {address: line}."""
    answer = (oracle.necropy("export", core, *options) if isinstance(core, str)
              else core.run("export", *options))
    assert answer.status in (0, 3), answer.err
    return {line.split('"', 4)[3]: line for line in answer.out.splitlines()}


def test_references_are_the_same_with_everything_stripped(mixed_core, sysroots):
    stripped = exported(mixed_core, *without_symbols(mixed_core, sysroots, "--strip-all"))
    whole = exported(mixed_core)
    differing = [address for address in whole if stripped.get(address) != whole[address]]
    assert not differing, (len(differing), len(whole), stripped.get(differing[0]),
                           whole[differing[0]])
    assert set(stripped) == set(whole)


def without_names_of_variables(answer):
    return [[(row["addr"], row["type"]) for row in chain[1:]] + [row["label"] for row in chain[2:]]
            for chain in oracle.chains(answer)]


@pytest.mark.parametrize("wanted", ("__main__.Plain", "function", "module"))
def test_chains_are_the_same_with_everything_stripped(mixed_core, sysroots, wanted):
    options = without_symbols(mixed_core, sysroots, "--strip-all")
    stripped = mixed_core.run("why", wanted, "--json", *options)
    whole = mixed_core.run("why", wanted, "--json")
    assert without_names_of_variables(stripped) == without_names_of_variables(whole)


def test_shipped_layouts_are_what_debug_information_says(python):
    """Run tools/gen_layouts.py when this fails: a row was added, or an interpreter is new."""
    found = gen_layouts.read_build(python.path)
    shipped = [build for build in gen_layouts.read(gen_layouts.OUTPUT)
               if build.build_id == found.build_id]
    if not shipped:
        pytest.skip("no table of this build is shipped")
    assert not list(gen_layouts.differences(shipped[0], found))


def test_no_collection_is_claimed_or_denied_where_nothing_tells(mixed_core, sysroots):
    document = mixed_core.run("info", "--json", *without_symbols(
        mixed_core, sysroots, "--strip-all")).document
    known = mixed_core.python.version >= (3, 7)  # in _PyRuntime; before, in a local variable
    assert document["target"]["gc_in_progress"] is (False if known else None)
    notes = [note for note in document["notes"] if "whether a collection was running" in note]
    assert len(notes) == (0 if known else 1)


# --- without the interpreter's binary

@pytest.fixture(scope="module")
def lone_cores():
    """lone_cores(core): a copy of it whose interpreter's files are nowhere."""
    made = {}

    def get(core):
        if core.name not in made:
            made[core.name] = os.path.join(core.directory, "lone-core")
            with open(core.name, "rb") as whole, open(made[core.name], "wb") as copy:
                data = whole.read()
                # no file of the program at all, as on another machine
                for name in sorted(set(re.findall(r" (/\S+)$", core.maps, re.M))):
                    data = data.replace(name.encode() + b"\0", b"/_" + name[2:].encode() + b"\0")
                copy.write(data)
        return made[core.name]
    yield get
    for path in made.values():
        if os.path.exists(path):
            os.unlink(path)


ALONE = ("--debug-dir", NOWHERE, "--no-cache")


def types_of(lone_core, *options):
    return oracle.necropy("types", lone_core, "-n", "all", "--json", *(ALONE + options))


def unlike(found, whole):
    """What is counted otherwise, but for types that look like others and have no name."""
    differing = {name for name in set(found) | set(whole) if found.get(name) != whole.get(name)}
    nameless = [name for name in differing if name.startswith("<")]
    unnamed = {name for name in differing if name not in found}
    missing = sum(whole[name] for name in unnamed) - sum(found[name] for name in nameless)
    return {n: (found.get(n), whole.get(n)) for n in differing - set(nameless) - unnamed}, missing


def test_types_of_a_core_without_its_interpreter(mixed_core, lone_cores):
    answer = types_of(lone_cores(mixed_core))
    assert answer.status == 3
    assert answer.document["target"]["layout"] == "table"
    assert answer.document["target"]["python"] == ".".join(map(str, mixed_core.python.version))
    wrong, missing = unlike(counts(answer), counts(mixed_core.ask("types", "-n", "all")))
    # of what lies in the interpreter's own data, some is an object only as its type's code reads it
    assert wrong == {} and 0 <= missing < 5
    assert len([n for n in counts(answer) if n.startswith("<")]) < 0.1 * len(counts(answer))


def test_type_that_looks_like_one_of_the_interpreters_is_named_so(lab, debian, lone_cores):
    core = lab.target(debian, "lookalike")
    found, name = counts(types_of(lone_cores(core))), core.truth.notes["type"]
    assert found[name] == 1
    other, = [each for each in found if each.startswith("<like %s 0x" % name)]
    assert found[other] == 1


@contextlib.contextmanager
def replaced(path, old, new):
    """Within it the file has `new` for each `old`, which is as long; how many they are."""
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        places = [data.find(old)]
        while places[-1] >= 0:
            places.append(data.find(old, places[-1] + 1))
        for at in places[:-1]:
            data[at:at + len(old)] = new
        try:
            yield len(places) - 1
        finally:
            for at in places[:-1]:
                data[at:at + len(old)] = old


def test_types_of_a_core_of_which_no_build_id_is_known(mixed_core, lone_cores):
    note = oracle.elf_sections(mixed_core.python.image).get(".note.gnu.build-id", b"")[16:]
    if not note:
        pytest.skip("it has no build-id")
    with replaced(lone_cores(mixed_core), note, bytes(len(note))):
        answer = types_of(lone_cores(mixed_core))
    wrong, missing = unlike(counts(answer), counts(mixed_core.ask("types", "-n", "all")))
    assert wrong == {} and 0 <= missing < 5
    assert answer.document["target"]["layout"] == "table"


def test_heap_types_of_a_core_without_its_interpreter(mixed_core, lone_cores):
    found = counts(types_of(lone_cores(mixed_core), "--gc"))
    truth = {}
    for name in mixed_core.truth.objects.values():
        if name.startswith("__main__."):
            truth[name] = truth.get(name, 0) + 1
    assert truth and {name: found.get(name) for name in truth} == truth


@pytest.mark.parametrize("program", ("stacks", "subinterpreters"))
def test_threads_and_interpreters_without_their_file(lab, python, lone_cores, program):
    if program == "stacks" and python.version[:2] not in ((2, 7), (3, 11), (3, 13)):
        pytest.skip("many threads: one Python of each way to keep frames is enough")
    core = lab.target(python, program)
    answer = types_of(lone_cores(core))
    assert answer.status == 3, answer.err
    wrong, missing = unlike(counts(answer), counts(core.ask("types", "-n", "all")))
    assert wrong == {} and 0 <= missing < 5
    alone = oracle.necropy("bt", lone_cores(core), "-n", "all", "--json", *ALONE)
    assert [(row["tid"], row["function"], row["line"]) for row in alone.rows] == [
        (row["tid"], row["function"], row["line"]) for row in core.ask("bt", "-n", "all").rows]


def test_what_sets_hold_without_the_interpreter(mixed_core, lone_cores):
    found = exported(lone_cores(mixed_core), *ALONE)
    truth = mixed_core.truth
    sets = [addr for addr, name in truth.objects.items() if name == "set" and addr in truth.edges]
    differing = [oracle.address(addr) for addr in sets if truth.edges[addr] != {
        oracle.number(to) for to in json.loads(found[oracle.address(addr)])["visit"]}]
    assert sets and not differing


@pytest.mark.parametrize("wanted", ("__main__.Plain", "module"))
def test_chains_without_the_interpreter(mixed_core, lone_cores, wanted):
    alone = oracle.necropy("why", lone_cores(mixed_core), wanted, "--json", *ALONE)
    assert without_names_of_variables(alone) == without_names_of_variables(
        mixed_core.run("why", wanted, "--json"))


def test_object_is_shown_without_the_interpreter(mixed_core, lone_cores):
    wanted = min(i for i, name in mixed_core.truth.objects.items() if name == "__main__.Plain")
    alone = oracle.necropy("show", lone_cores(mixed_core), oracle.address(wanted), "--json", *ALONE)
    assert alone.rows == mixed_core.run("show", oracle.address(wanted), "--json").rows


# --- layouts as files

def as_file(directory, build):
    """A file such as `necropy layout` writes, of a build that is shipped."""
    path = os.path.join(str(directory), "%x-%s" % (build.version, build.build_id[:8]))
    lines = ["necropy-layout 1", "version %d.%d.%d 0x%08x" % (
        build.version >> 24, build.version >> 16 & 255, build.version >> 8 & 255, build.version)]
    lines += [" ".join(key + tuple(value.split(","))) for key, value in build.rows.items()]
    with open(path, "w") as out:
        out.write("\n".join(lines + ["end %d" % len(build.rows)]) + "\n")
    return path


def test_layout_of_a_process_serves_where_nothing_else_does(lab, python, lone_cores, tmp_path):
    core = lab.target(python, "mixed")
    path = str(tmp_path / "layout")
    written = oracle.necropy("layout", core.name, "-o", path)
    assert written.status == 0, written.err
    answer = types_of(lone_cores(core), "--layout", path)
    assert answer.document["target"]["layout"] == "file"
    wrong, missing = unlike(counts(answer), counts(core.ask("types", "-n", "all")))
    assert wrong == {} and 0 <= missing < 5


def test_layout_of_a_binary(mixed_core, tmp_path, sysroots):
    path = str(tmp_path / "layout")
    options = () if mixed_core.python.why_not() is None else ("--debug-dir", NOWHERE)
    assert oracle.necropy("layout", mixed_core.python.image, "-o", path, *options).status == 0
    answer = mixed_core.run("types", "-n", "all", "--json", "--layout", path,
                            *without_symbols(mixed_core, sysroots, "--strip-all"))
    assert answer.document["target"]["layout"] == "file"
    # extension modules that are files of their own have their structs there
    assert counts(answer) == counts(mixed_core.ask("types", "-n", "all"))


def test_layout_is_read_by_the_isolated_process_too(mixed_core, lone_cores, tmp_path):
    path = str(tmp_path / "layout")
    assert oracle.necropy("layout", mixed_core.name, "-o", path).status == 0
    core = lone_cores(mixed_core)
    alone = [types_of(core, "--layout", path, *more) for more in ((), ("--isolate",))]
    assert alone[0].document["target"]["layout"] == "file"
    assert (alone[1].status, alone[1].out) == (alone[0].status, alone[0].out), alone[1].err
    missing = types_of(core, "--layout", path + "-none", "--isolate")
    assert (missing.status, missing.out) == (2, "") and path + "-none" in missing.err


def test_layout_is_made_by_an_isolated_process(mixed_core, tmp_path):
    plain, isolated = str(tmp_path / "plain"), str(tmp_path / "isolated")
    assert oracle.necropy("layout", mixed_core.name, "-o", plain).status == 0
    answer = oracle.necropy("layout", mixed_core.name, "-o", isolated, "--isolate")
    assert answer.status == 0, answer.err
    assert oracle.read_text(isolated) == oracle.read_text(plain)


def test_layout_of_another_version_is_refused_or_said_to_be_that(lab, debian, tmp_path):
    core = lab.target(debian, "mixed")
    whole = counts(core.ask("types", "-n", "all"))
    refused = 0
    for build in gen_layouts.read(gen_layouts.OUTPUT):
        answer = types_of(core.name, "--layout", as_file(tmp_path, build))
        same = build.version >> 8 == gen_layouts.read_build(debian.path).version >> 8
        assert answer.status in ((0, 2, 3) if same else (2, 3)), build
        refused += answer.status == 2
        if answer.status == 0:
            assert counts(answer) == whole
        elif answer.status == 3:
            assert any("--layout" in note for note in answer.document["notes"])
    assert refused > 10


def test_layout_of_another_build_of_its_version_is_refused_or_serves(mixed_core, tmp_path):
    whole = counts(mixed_core.ask("types", "-n", "all"))
    own = gen_layouts.read_build(mixed_core.python.path)
    for build in gen_layouts.read(gen_layouts.OUTPUT):
        if build.version >> 16 == own.version >> 16:
            answer = types_of(mixed_core.name, "--layout", as_file(tmp_path, build))
            assert answer.status == 2 or counts(answer) == whole, build.build_id


@pytest.mark.parametrize("text", ["", "necropy-layout 1\n", "necropy-layout 2\nend 0\n",
                                  "necropy-layout 1\nS PyObject\nend 1\n", "\x7fELF",
                                  "necropy-layout 1\nS PyObject 99999999999999999999\nend 1\n",
                                  "necropy-layout 1\nend 0\nend 0\n", None])
def test_file_that_is_no_layout_is_refused(leaky_core, tmp_path, text):
    path = tmp_path / "layout"
    if text is not None:
        path.write_text(text)
    answer = oracle.necropy("types", leaky_core.name, "--layout", path)
    assert (answer.status, answer.out) == (2, "")
    assert str(path) in answer.err and len(answer.err.splitlines()) == 1


def test_layout_of_what_is_no_interpreter(tmp_path):
    answer = oracle.necropy("layout", shutil.which("sleep"))
    assert answer.status == 2 and "PyType_Type" in answer.err


# --- versions of which there is no table

def test_nearest_version_is_said_to_be_that(lab, debian, lone_cores, tmp_path):
    core = lab.target(debian, "mixed")
    version = debian.version
    with open(lone_cores(core), "rb") as source:
        data = source.read()
    number = "%d.%d.%d" % version
    hexversion = version[0] << 24 | version[1] << 16 | version[2] << 8 | 0xf0
    other = tmp_path / "core"
    # what Py_GetVersion() has left, and sys.hexversion
    text = (number + " (").encode()
    assert text in data
    data = data.replace(text, text.replace(number[-2:].encode(), b".9"))
    data = data.replace(hexversion.to_bytes(4, "little"),
                        (hexversion & ~0xff00 | 0x900).to_bytes(4, "little"))
    other.write_bytes(data)
    answer = types_of(str(other))
    assert answer.status == 3
    assert answer.document["target"]["layout"] == "nearest-table"
    assert answer.document["target"]["python"] == number[:-1] + "9"
    notes = " ".join(answer.document["notes"])
    assert re.search(r"of CPython %d\.%d\.\d+ is used, the nearest" % version[:2], notes), notes


# --- sources

def test_every_field_has_a_source(mixed_core, sysroots):
    answer = mixed_core.run("info", "--layout", "-n", "all", "--json",
                            *without_symbols(mixed_core, sysroots, "--strip-all"))
    sources = {row["source"] for row in answer.rows}
    assert "table" in sources and "symbols" in sources
    assert sources <= {"table", "symbols", "structure", "not in this build"}


def test_debug_offsets_agree_with_debug_information(mixed_core):
    said = [row["value"] for row in mixed_core.ask("info").rows if row["key"] == "debug offsets"]
    assert len(said) == (mixed_core.python.version >= (3, 13))
    for text in said:
        agree, n = re.match(r"(\d+) of (\d+) fields agree$", text).groups()
        assert agree == n and int(n) > 15


def test_debug_offsets_that_disagree_are_said_to(mixed_core, tmp_path):
    if mixed_core.python.version < (3, 13):
        pytest.skip("it has none")
    with open(mixed_core.name, "rb") as source:
        data = bytearray(source.read())
    at = data.index(b"xdebugpy")
    row = [row for row in mixed_core.ask("info", "--layout", "-n", "all").rows
           if row["field"].endswith("thread_state.thread_id")][0]
    data[at + oracle.number(row["offset"])] ^= 8
    (tmp_path / "core").write_bytes(data)
    answer = oracle.necropy("count", tmp_path / "core", "dict", "--json")
    assert answer.status == 3
    assert any("PyThreadState.thread_id" in note for note in answer.document["notes"])


class Server(http.server.BaseHTTPRequestHandler):
    """What a debuginfod does: /buildid/ID/debuginfo and /buildid/ID/executable."""

    def do_GET(self):
        self.server.asked.append(self.path)
        _, _, build_id, kind = self.path.split("/", 3)
        path = "/usr/lib/debug/.build-id/%s/%s.debug" % (build_id[:2], build_id[2:])
        if kind == "executable":
            path = self.server.programs.get(build_id, "")
        there = kind in ("debuginfo", "executable") and os.path.exists(path)
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(os.path.getsize(path)) if there else "0")
        self.end_headers()
        if there:
            with open(path, "rb") as source:
                shutil.copyfileobj(source, self.wfile)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.asked, server.programs = [], {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_debug_information_is_fetched_only_when_asked_for(lab, debian, server, tmp_path):
    core = lab.target(debian, "mixed")
    if ".debug_info" in oracle.elf_sections(debian.image):
        pytest.skip("%s carries its debug information itself" % debian.image)
    environment = dict(os.environ, DEBUGINFOD_CACHE_PATH=str(tmp_path),
                       DEBUGINFOD_URLS="http://127.0.0.1:%d" % server.server_port)
    answer = oracle.necropy("info", core.name, "--json", *ALONE, env=environment)
    assert answer.document["target"]["layout"] == "table"
    assert server.asked == []
    answer = oracle.necropy("info", core.name, "--json", "--debuginfod", *ALONE, env=environment)
    if not server.asked:
        pytest.skip("elfutils has no libdebuginfod here")
    assert answer.document["target"]["layout"] == "dwarf"


def test_program_that_is_not_here_is_fetched_when_asked_for(lab, debian, lone_cores, server,
                                                            tmp_path):
    core = lab.target(debian, "mixed")
    build_id = oracle.elf_sections(debian.image)[".note.gnu.build-id"][16:].hex()
    server.programs[build_id] = debian.image
    environment = dict(os.environ, DEBUGINFOD_CACHE_PATH=str(tmp_path),
                       DEBUGINFOD_URLS="http://127.0.0.1:%d" % server.server_port)
    oracle.necropy("info", lone_cores(core), "--json", *ALONE, env=environment)
    assert server.asked == []
    options = ("--debuginfod", "--json") + ALONE
    answer = oracle.necropy("info", lone_cores(core), *options, env=environment)
    if not server.asked:
        pytest.skip("elfutils has no libdebuginfod here")
    assert "/buildid/%s/executable" % build_id in server.asked
    assert answer.document["target"]["layout"] == "dwarf"
    found = oracle.necropy("types", lone_cores(core), "-n", "all", *options, env=environment)
    whole = counts(core.ask("types", "-n", "all"))
    names = [name for name in whole if name.startswith("__main__.")]
    assert names and {name: counts(found).get(name) for name in names} == {
        name: whole[name] for name in names}


def test_program_of_another_build_is_not_believed(lab, debian, lone_cores, server, tmp_path):
    core = lab.target(debian, "mixed")
    build_id = oracle.elf_sections(debian.image)[".note.gnu.build-id"][16:].hex()
    server.programs[build_id] = shutil.which("sleep")
    environment = dict(os.environ, DEBUGINFOD_CACHE_PATH=str(tmp_path),
                       DEBUGINFOD_URLS="http://127.0.0.1:%d" % server.server_port)
    answer = oracle.necropy("types", lone_cores(core), "--debuginfod", "--json", *ALONE,
                            env=environment)
    if not server.asked:
        pytest.skip("elfutils has no libdebuginfod here")
    assert answer.status == 3 and answer.document["target"]["layout"] == "table"
