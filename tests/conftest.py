# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: every CPython found, and each target program in each way of reading it."""

import os
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402  (found by the line above)

PYTHONS = oracle.find_pythons()
OF_FAMILIES = oracle.one_of_each_family(PYTHONS)


def pytest_configure(config):
    # the user's own cache must neither help nor suffer
    config.cache_directory = tempfile.mkdtemp(prefix="necropy-test-cache-")
    os.environ["XDG_CACHE_HOME"] = config.cache_directory
    for name in [name for name in os.environ if name.startswith("PYTHON")]:
        del os.environ[name]
    # a job in the background ignores Ctrl-C, and so would all that it starts
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def is_left_out(item):
    """Whether another Python of the same family will do for what this tests."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    by_family = item.get_closest_marker("by_family") or params.get("way", "kernel") != "kernel"
    return by_family and params.get("python", OF_FAMILIES[0]) not in OF_FAMILIES


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]

    # all tests of one Python together, and in one process, so that each of its targets is
    # started once; what depends on no Python shares a folder's or a file's targets
    def turn(item):
        python = getattr(item, "callspec", None) and item.callspec.params.get("python")
        return PYTHONS.index(python) if python in PYTHONS else -1
    items.sort(key=turn)
    for item in items:
        python = PYTHONS[turn(item)].name if turn(item) >= 0 else None
        item.add_marker(pytest.mark.xdist_group(python or item.location[0]))


def pytest_unconfigure(config):
    shutil.rmtree(config.cache_directory, ignore_errors=True)


@pytest.fixture(scope="session")
def lab():
    lab = oracle.Lab()
    yield lab
    lab.close()


@pytest.fixture(scope="session", params=PYTHONS, ids=lambda python: python.name)
def python(request):
    why_not = request.param.why_not()
    if why_not:
        pytest.skip(why_not)
    return request.param


@pytest.fixture(scope="session", params=oracle.WAYS)
def way(request):
    return request.param


@pytest.fixture(scope="session")
def debian():
    """The one Python that is always there, for what does not depend on the version."""
    found = [python for python in PYTHONS if python.path == oracle.DEBIAN_PYTHON]
    return found[0] if found else oracle.Python(oracle.DEBIAN_PYTHON)


@pytest.fixture
def mixed(lab, python, way):
    """A bit of everything, by every Python, in every way."""
    return lab.target(python, "mixed", way)


@pytest.fixture
def mixed_core(lab, python):
    """The same, in one way, for what does not depend on the way."""
    return lab.target(python, "mixed")


@pytest.fixture
def leaky(lab, python, way):
    return lab.target(python, "leaky_app", way)


@pytest.fixture
def leaky_core(lab, debian):
    return lab.target(debian, "leaky_app")
