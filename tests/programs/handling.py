# SPDX-License-Identifier: GPL-2.0-or-later
"""An object that only the exception being handled holds. Usage: handling.py TRUTH-FILE

The notes give its id.
"""

import sys

import truth


class Evidence(object):
    pass


def fail(notes):
    evidence = Evidence()
    notes["evidence"] = id(evidence)
    raise ValueError(evidence)


if __name__ == "__main__":
    notes = {}
    try:
        fail(notes)
    except ValueError:
        truth.record_and_wait(sys.argv[1], (), notes, detail="counts")
