# SPDX-License-Identifier: GPL-2.0-or-later
"""refs and backrefs are the same references, seen from either end."""

import pytest

from oracle import necropy

ALL = ("-n", "all")


@pytest.fixture
def database(leaky_core):
    return leaky_core.ask("objects", "DB").rows[0]["addr"]


def seen(rows):
    """(label, address, kind) of references that keep their target alive."""
    return {(row["label"], row["addr"], row["kind"]) for row in rows
            if row["kind"] in ("visit", "own")}


def test_refs_have_the_names_of_the_attributes(leaky_core, database):
    rows = leaky_core.ask("refs", database).rows
    by_label = {row["label"]: row for row in rows}
    assert {".path", ".tables", ".cache_address", ".__class__"} <= set(by_label)
    assert by_label[".tables"]["type"] == "dict"
    assert by_label[".path"]["repr"].endswith(".db'")


def test_each_reference_is_found_from_its_other_end(leaky_core, database):
    for label, addr, kind in seen(leaky_core.ask("refs", database, *ALL).rows):
        back = seen(leaky_core.ask("backrefs", addr, *ALL).rows)
        assert (label, database, kind) in back
    for label, addr, kind in seen(leaky_core.ask("backrefs", database, *ALL).rows):
        assert (label, database, kind) in seen(leaky_core.ask("refs", addr, *ALL).rows)


def test_a_failed_test_holds_its_database_in_a_local_variable(leaky_core, database):
    rows = leaky_core.ask("backrefs", database, *ALL).rows
    assert ("local db", "frame") in {(row["label"], row["type"]) for row in rows}


def test_referrers_are_the_same_without_an_index(leaky_core, database):
    """Where memory does not do for the index of references, all objects are looked at."""
    everything = leaky_core.ask("backrefs", database, *ALL).rows
    objects = leaky_core.ask("types", "-n", "0").document["totals"]["count"]
    # the table of objects and the set of their addresses: more than the first, far less than both
    limit = next(size for size in (1 << shift for shift in range(20, 30))
                 if necropy("show", leaky_core.name, database, "--max-memory", size).status == 0)
    limits = [limit + step * objects for step in range(0, 60, 4)]
    refused = [size for size in limits
               if necropy("why", leaky_core.name, database, "--max-memory", size).status == 2]
    assert refused, "no limit is enough for objects, and not for their references"
    answer = necropy("why", leaky_core.name, database, "--max-memory", refused[-1])
    assert "--max-memory" in answer.err and "backrefs" in answer.err
    answer = necropy("backrefs", leaky_core.name, database, "--max-memory", refused[-1], "--json",
                     *ALL)
    assert answer.status == 0 and answer.rows == everything
