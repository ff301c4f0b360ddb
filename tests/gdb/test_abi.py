# SPDX-License-Identifier: GPL-2.0-or-later
"""The generated binding belongs to the library that was built, and to its header."""

import ast
import ctypes
import glob
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import LIBRARY
from oracle import ROOT

GENERATOR = os.path.join(ROOT, "tools", "gen_abi.py")
BINDING = os.path.join(ROOT, "gdbext", "necropy_gdb", "_abi.py")
HEADER = os.path.join(ROOT, "ccore", "include", "ccore.h")


@pytest.fixture(scope="module")
def abi():
    spec = importlib.util.spec_from_file_location("abi_under_test", BINDING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def library(abi):
    library = ctypes.CDLL(LIBRARY)
    for name, (result, arguments) in abi.PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def test_library_has_the_hash_of_the_binding(abi, library):
    assert library.ccore_abi_hash() == abi.HASH


def test_structs_have_the_sizes_that_c_gives_them(abi, library):
    sizes = [ctypes.sizeof(struct) for struct in abi.STRUCTS]
    assert [library.ccore_sizeof(i) for i in range(len(sizes))] == sizes
    assert library.ccore_sizeof(len(sizes)) == 0


def test_every_function_of_the_header_has_a_prototype(abi):
    with open(HEADER) as header:
        declared = re.findall(r"^CCORE_API[^(]*?(\w+)\(", header.read(), re.MULTILINE)
    assert sorted(declared) == sorted(abi.PROTOTYPES)


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
def test_generated_files_are_fresh():
    done = subprocess.run([sys.executable, GENERATOR, "--check"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


def generate_from(directory, old, new):
    """Run the generator on a header in which `old` has become `new`: (status, what it printed)."""
    for path in (GENERATOR, HEADER):
        copy = os.path.join(str(directory), os.path.relpath(path, ROOT))
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(path) as original, open(copy, "w") as changed:
            text = original.read()
            assert path != HEADER or old in text
            changed.write(text.replace(old, new) if path == HEADER else text)
    for output in ("gdbext/necropy_gdb", "ccore/api"):
        os.makedirs(os.path.join(str(directory), output))
    done = subprocess.run([sys.executable, os.path.join(str(directory), "tools", "gen_abi.py")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
@pytest.mark.parametrize("old, new, word", [
    ("uint64_t max_bytes;", "unsigned long max_bytes;", "ccore_open_opts.max_bytes"),
    ("CCORE_API uint64_t ccore_abi_hash", "uint64_t ccore_abi_hash", "ccore_abi_hash"),
    ("struct ccore_result;", "struct ccore_result; extern int32_t ccore_x;", "ccore_x"),
    ("struct ccore_result;", "struct result;", "ccore_result"),
])
def test_generator_refuses_what_a_binding_cannot_carry(tmp_path, old, new, word):
    status, said = generate_from(tmp_path, old, new)
    assert status == 1
    assert word in said
    assert "Traceback" not in said


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
@pytest.mark.parametrize("old, new, same", [
    ("uint32_t threads;", "uint64_t threads;", False),
    ("uint32_t threads;", "uint32_t strands;", False),
    ("CCORE_EUSAGE = -1", "CCORE_EUSAGE = -20", False),
    ("/** Free `r`. NULL is allowed. */", "/** Free. */", True),
    ("ccore_close(struct ccore_session *s)", "ccore_close(struct ccore_session *x)", True),
])
def test_hash_is_of_the_declarations_and_not_of_the_words_around(abi, tmp_path, old, new, same):
    assert generate_from(tmp_path, old, new)[0] == 0
    with open(os.path.join(str(tmp_path), "gdbext/necropy_gdb/_abi.py")) as written:
        found = int(re.search(r"^HASH = (\w+)$", written.read(), re.MULTILINE).group(1), 16)
    assert (found == abi.HASH) == same


def python_files():
    return sorted(glob.glob(os.path.join(ROOT, "gdbext", "**", "*.py"), recursive=True))


@pytest.mark.parametrize("path", python_files(), ids=lambda path: os.path.relpath(path, ROOT))
def test_gdb_extension_keeps_to_the_syntax_of_python_3_6(path):
    with open(path, encoding="utf-8") as source:
        ast.parse(source.read(), path, feature_version=(3, 6))


@pytest.mark.parametrize("path", python_files(), ids=lambda path: os.path.relpath(path, ROOT))
def test_only_the_binding_uses_ctypes(path):
    with open(path, encoding="utf-8") as source:
        imports = [alias.name for node in ast.walk(ast.parse(source.read()))
                   if isinstance(node, ast.Import) for alias in node.names]
    assert "ctypes" not in imports or os.path.basename(path) == "_native.py"
