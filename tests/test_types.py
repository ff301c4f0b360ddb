# SPDX-License-Identifier: GPL-2.0-or-later
"""types, count and objects against gc.get_objects() and sys.getsizeof()."""

import collections
import csv
import fnmatch
import io

import pytest

from oracle import necropy, number

ALL = ("-n", "all")

# Objects that the recording has made and that necropy may see beside the truth, or miss:
# (type, Python versions) with the reason. There is none: see programs/truth.py.
RECORDING = {}

# The sizes that sys.getsizeof() gives for these come from the object's own fields. Other types
# have a __sizeof__ of their own, which necropy may estimate.
EXACT_SIZES = (
    "dict", "list", "tuple", "set", "frozenset", "str", "bytes", "unicode", "int", "long", "float",
    "bool", "complex", "NoneType", "function", "cell", "module", "method", "instancemethod",
    "generator", "property", "staticmethod", "classmethod", "slice", "traceback",
    "builtin_function_or_method", "getset_descriptor", "member_descriptor", "method_descriptor",
    "wrapper_descriptor", "weakref", "weakref.ReferenceType", "bytearray", "__main__.*",
    "_frozen_importlib.ModuleSpec",
)


def differences(found, truth):
    """What one has and the other has not, by type, with an example each."""
    by_type = collections.defaultdict(list)
    for address in set(found) ^ set(truth):
        side = "only necropy" if address in found else "only CPython"
        by_type[side, found.get(address, truth.get(address))].append(address)
    return {key: (len(some), hex(min(some))) for key, some in by_type.items()}


def objects_of(target, pattern, *options):
    """{address: row} of `necropy objects`."""
    rows = target.ask("objects", pattern, *(options + ALL)).rows
    found = {number(row["addr"]): row for row in rows}
    assert len(found) == len(rows), "an object is listed twice"
    return found


def is_exact(name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in EXACT_SIZES)


def test_types_agree_with_gc_get_objects(mixed):
    rows = mixed.ask("types", "--gc", *ALL).rows
    assert {row["type"]: row["count"] for row in rows} == mixed.truth.counts


def test_objects_agree_one_by_one_with_gc_get_objects(mixed):
    found = objects_of(mixed, "*", "--gc")
    different = differences({a: row["type"] for a, row in found.items()}, mixed.truth.objects)
    unexplained = {key: value for key, value in different.items() if key[1] not in RECORDING}
    assert unexplained == {}


def test_every_object_has_the_type_that_python_names(mixed_core):
    truth = mixed_core.truth.objects
    found = objects_of(mixed_core, "*", "--gc")
    wrong = [(hex(a), truth[a], row["type"]) for a, row in found.items()
             if a in truth and row["type"] != truth[a]]
    assert wrong == []


def test_totals_are_the_sums_and_do_not_depend_on_the_number_of_rows(mixed_core):
    everything = mixed_core.ask("types", "--gc", *ALL)
    few = mixed_core.ask("types", "--gc", "-n", "3")
    for name in ("count", "size"):
        assert everything.document["totals"][name] == sum(everything.column(name))
    assert few.document["totals"] == everything.document["totals"]
    assert len(few.rows) == 3
    assert len(mixed_core.ask("types", "--gc").rows) == 20


@pytest.mark.parametrize("key", ["count", "size"])
def test_types_are_sorted_by_what_was_asked_for(mixed_core, key):
    values = mixed_core.ask("types", "--by", key, *ALL).column(key)
    assert values == sorted(values, reverse=True)


def test_types_sorted_by_name(mixed_core):
    names = mixed_core.ask("types", "--by", "name", *ALL).column("type")
    assert names == sorted(names)


def test_types_match_keeps_what_the_pattern_names(mixed_core):
    everything = mixed_core.ask("types", *ALL).rows
    matching = mixed_core.ask("types", "--match", "__main__.*", *ALL).rows
    assert matching
    assert sorted(map(str, matching)) == sorted(
        str(row) for row in everything if fnmatch.fnmatchcase(row["type"], "__main__.*"))


def test_all_live_objects_include_those_of_the_collector(mixed_core):
    found = objects_of(mixed_core, "*")
    missing = set(mixed_core.truth.objects) - set(found)
    assert missing == set()


# Objects of these types are looked into. What only others refer to may be missing.
FOLLOWED = (
    "dict", "list", "tuple", "set", "frozenset", "function", "cell", "method", "instancemethod",
    "frame", "generator", "coroutine", "async_generator", "traceback", "type", "classobj",
    "property", "staticmethod", "classmethod", "builtin_function_or_method", "__main__.*",
)


def is_followed(name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in FOLLOWED)


def test_what_the_tracked_objects_refer_to_is_found_with_its_type(mixed_core):
    truth = mixed_core.truth
    found = objects_of(mixed_core, "*")
    wrong = collections.Counter()
    for tracked, owner in truth.objects.items():
        for i in truth.edges.get(tracked, ()):
            if i not in found and is_followed(owner):
                wrong["missing", truth.type_of[i], "from", owner] += 1
            elif i in found and found[i]["type"] != truth.type_of[i]:
                wrong[found[i]["type"], "is", truth.type_of[i]] += 1
    assert wrong == {}


@pytest.mark.parametrize("name", ["__main__.Plain", "__main__.Slotted", "__main__.Classic",
                                  "__main__.Outer.Inner.Innermost", "__main__.Empty"])
def test_count_is_the_number_that_python_counts(mixed, name):
    if mixed.python.version[0] == 2:  # it has no qualified names
        name = name.replace("Outer.Inner.", "")
    document = mixed.ask("count", name).document
    truth = sum(other == name for other in mixed.truth.type_of.values())
    assert [row["count"] for row in document["rows"]] == [truth]
    assert document["totals"]["count"] == truth > 0


def test_a_bare_name_means_every_type_so_called(mixed_core):
    count = mixed_core.ask("count", "Plain").document["totals"]["count"]
    assert count == sum(name.split(".")[-1] == "Plain"
                        for name in mixed_core.truth.type_of.values())


def test_a_pattern_means_every_type_that_matches(mixed_core):
    count = mixed_core.ask("count", "__main__.*").document["totals"]["count"]
    assert count == sum(name.startswith("__main__.")
                        for name in mixed_core.truth.type_of.values())


def test_objects_are_of_the_type_asked_for(mixed):
    truth = {a for a, name in mixed.truth.objects.items() if name == "__main__.Slotted"}
    assert set(objects_of(mixed, "Slotted")) == truth


def is_table_of_interned_strings(truth, a):
    """A tracked dict from 3.14 on, and one that the recording itself makes grow."""
    referents = truth.edges.get(a, ())
    return (truth.type_of[a] == "dict" and len(referents) > 1000
            and all(truth.type_of[to] == "str" for to in referents)
            and not any(a in to for to in truth.edges.values()))


def test_sizes_are_what_sys_getsizeof_returns(mixed_core):
    truth = mixed_core.truth
    wrong = collections.defaultdict(list)
    compared = set()
    for a, row in objects_of(mixed_core, "*").items():
        if a in truth.sizes and is_exact(truth.type_of[a]):
            compared.add(truth.type_of[a])
            if row["size"] != truth.sizes[a] and not is_table_of_interned_strings(truth, a):
                wrong[truth.type_of[a]].append((hex(a), row["size"], truth.sizes[a]))
    assert {"dict", "list", "tuple", "set", "int", "str", "__main__.Plain"} <= compared
    assert {name: (len(some), some[0]) for name, some in wrong.items()} == {}


def test_large_containers_have_their_true_sizes(lab, python):
    big = lab.target(python, "big")
    found = objects_of(big, "*")
    wrong = {name: (found.get(i, {}).get("size"), size) for name, (i, size)
             in big.truth.notes.items() if found.get(i, {}).get("size") != size}
    wrong.pop("long_deque", None)  # its blocks are counted by a __sizeof__ of its own
    assert wrong == {}


def test_objects_of_large_containers_agree_one_by_one(lab, python):
    big = lab.target(python, "big")
    found = objects_of(big, "*", "--gc")
    assert differences({a: row["type"] for a, row in found.items()}, big.truth.objects) == {}


@pytest.mark.parametrize("command", [("types", "--gc"), ("objects", "__main__.*"), ("gc",)])
def test_csv_says_what_json_says(mixed_core, command):
    options = () if command == ("gc",) else ALL
    document = mixed_core.ask(*(command + options)).document
    table = mixed_core.run(*(command + options + ("--csv",)))
    names = [column["name"] for column in document["columns"]]
    parsed = list(csv.DictReader(io.StringIO(table.out, newline="")))
    spelt = {None: "", True: "true", False: "false"}
    assert [[row[name] for name in names] for row in parsed] == [
        [spelt[row[name]] if row[name] is None or isinstance(row[name], bool) else str(row[name])
         for name in names]
        for row in document["rows"]]


def test_the_same_core_gives_the_same_bytes(mixed_core):
    first, second = [necropy("objects", mixed_core.name, "*", "--json") for _ in range(2)]
    assert first.status == 0
    assert first.out == second.out


def test_output_file_holds_what_would_be_printed(mixed_core, tmp_path):
    path = tmp_path / "types.json"
    answer = mixed_core.run("types", "--json", "-o", str(path))
    assert (answer.status, answer.out) == (0, "")
    assert path.read_text() == mixed_core.run("types", "--json").out
    assert [p.name for p in tmp_path.iterdir()] == ["types.json"]


def test_text_shows_the_totals(mixed_core):
    answer = mixed_core.run("types", "--gc")
    last = answer.out.rstrip().splitlines()[-1]
    total = sum(mixed_core.truth.counts.values())
    assert answer.status == 0
    assert "{:,}".format(total) in last
    assert "\x1b" not in answer.out, "colours are for terminals"
