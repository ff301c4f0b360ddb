# SPDX-License-Identifier: GPL-2.0-or-later
"""Every object of a program with one of each kind, beside what CPython said of it.

Found, under its type; in the collector's lists or not; each reference that gc.get_referents()
gives, as often; what it owns besides; the size that sys.getsizeof() gives. What is excepted is
in parity_known.txt, with the reason. `make parity` compares more programs.
"""

import pytest

from parity import Known, compare

# Kinds of objects that the zoo must have had, or it compares little.
KINDS = {"dict", "list", "tuple", "set", "str", "function", "type", "generator", "frame", "module",
         "zoo.Plain", "zoo.Slots", "collections.deque", "functools.partial", "datetime.datetime"}


def test_every_object_is_as_cpython_says(python):
    report = check(python, "zoo")
    assert KINDS <= set(report.objects)
    assert sum(report.objects.values()) > 20000


# They come with Debian's own Python: tools/install-deps.sh matrix.
@pytest.mark.parametrize("library", ["numpy", "django", "lxml"])
def test_so_is_every_object_of_a_program_that_uses(debian, library):
    report = check(debian, "libraries " + library)
    assert any(name.split(".")[0] == library for name in report.objects)


def check(python, program):
    report = compare(python, program, Known())
    if not report.is_good():
        pytest.fail("\n".join([report.summary(program)] + report.text), pytrace=False)
    return report
