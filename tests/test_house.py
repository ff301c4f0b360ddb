# SPDX-License-Identifier: GPL-2.0-or-later
"""The house rules that a script can check. A rule broken twice gets its test here."""

import glob
import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NECROPY = os.path.join(ROOT, "build", "necropy")
CODE = ("ccore/*/*.[ch]", "ccore/*/*.def", "ccore/*/*/*.inc", "gdbext/*.py",
        "gdbext/necropy_gdb/*.py", "gdbext/necropy_gdb/*/*.py", "tests/*.py", "tests/*/*.py",
        "tests/c/*.[ch]", "tests/fuzz/*.c", "corefiles/*.py", "corefiles/programs/*.py", "tools/*",
        "Makefile")
BANNED = r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gets|alloca|atoi|atol|atoll)\("
# What PY_VERSION_HEX and "since" columns look like: 0x030c, 0x030c00f0, 0x0207.
VERSION_NUMBER = r"\b0x0[23][01][0-9a-f]([0-9a-f]{4})?\b"


def files(*patterns):
    found = []
    for pattern in patterns:
        found += sorted(glob.glob(os.path.join(ROOT, pattern)))
    return [path for path in found if os.path.isfile(path)]


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as source:
        return source.read()


def lines_with(pattern, paths):
    """path:line of every line in which `pattern` is found."""
    return ["%s:%d: %s" % (os.path.relpath(path, ROOT), number, line.strip())
            for path in paths
            for number, line in enumerate(text_of(path).splitlines(), 1)
            if re.search(pattern, line)]


def commands():
    listed = text_of("ccore/command/command_list.c")
    return re.findall(r"^\tX\((\w+)\)", listed, re.MULTILINE)


def script(name, *arguments):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "tools", name)] + list(arguments),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert done.returncode == 0, done.stdout


def test_layers():
    script("check_layers.py")


def test_exports():
    script("check_exports.py")


@pytest.mark.skipif(not shutil.which("clang"), reason="clang reads the header")
def test_generated_files_are_fresh():
    script("gen_abi.py", "--check")


def test_licence_line_comes_first():
    without = [path for path in files(*CODE)
               if "SPDX-License-Identifier: GPL-2.0-or-later"
               not in "\n".join(text_of(path).splitlines()[:2])]
    assert without == []


def test_no_unbounded_functions():
    assert lines_with(BANNED, files("ccore/*/*.[ch]", "tests/c/*.[ch]", "tests/fuzz/*.c")) == []


def test_versions_are_compared_in_the_layout_tables_only():
    elsewhere = [path for path in files("ccore/*/*.[ch]", "ccore/*/*.def")
                 if not (os.sep + "layout" + os.sep in path and path.endswith(".def"))]
    assert lines_with(VERSION_NUMBER, elsewhere) == []


def test_nothing_is_left_for_later():
    code = [path for path in files(*CODE) if path != os.path.abspath(__file__)]
    assert lines_with(r"\b(TODO|FIXME|XXX|HACK)\b", code) == []


def test_file_names_are_unique():
    names = [os.path.basename(path) for path in files("ccore/*/*.c")]
    assert sorted(names) == sorted(set(names))


def test_lines_have_at_most_100_columns():
    def columns(line):
        return len(line.expandtabs(8))

    long = ["%s:%d" % (os.path.relpath(path, ROOT), number)
            for path in files(*CODE) if not path.endswith((".def", ".inc", "Makefile"))
            for number, line in enumerate(text_of(path).splitlines(), 1)
            if columns(line) > 100]
    assert long == []


def test_every_command_is_in_the_list():
    defined = [name for path in files("ccore/command/cmd_*.c")
               for name in re.findall(r"^const struct command command_(\w+) = ", text_of(path),
                                      re.MULTILINE)]
    assert sorted(commands()) == sorted(defined)


@pytest.mark.parametrize("folder", ["tests/*.py", "tests/gdb/*.py"])
@pytest.mark.parametrize("command", commands())
def test_every_command_has_a_test(command, folder):
    others = [path for path in files(folder) if path != os.path.abspath(__file__)]
    assert lines_with(r"""["' ]%s["' ]""" % command, others)


def manual(name):
    """A manual page as plain text: fonts and escaped dashes undone."""
    text = text_of("docs/man/" + name).replace("\\-", "-")
    return re.sub(r"\\f[BIRP]", "", text)


def options_in_help(*arguments):
    done = subprocess.run([NECROPY] + list(arguments) + ["--help"], stdout=subprocess.PIPE,
                          check=True, universal_newlines=True)
    return set(re.findall(r"^  (--?[a-z][a-z-]*)", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("command", commands())
def test_the_manual_covers_commands_and_their_options(command):
    page = manual("necropy.1")
    assert re.search(r"^\.SS %s\b" % command, page, re.MULTILINE)
    missing = [option for option in options_in_help(command)
               if not re.search(r"(?<![\w-])%s(?![\w-])" % option, page)]
    assert missing == []


@pytest.mark.parametrize("command", commands())
def test_completion_knows_every_command(command):
    assert re.search(r"\b%s\b" % command, text_of("tools/completion.bash"))


def test_the_formats_name_every_kind_of_damage():
    header = text_of(os.path.join(ROOT, "ccore", "util", "damage.h"))
    kinds = re.findall(r'DAMAGE_\w+,\s*"([a-z-]+)"', header)
    formats = text_of(os.path.join(ROOT, "docs", "formats.md"))
    listed = re.search(r"Kinds of damage: ([^.]*)\.", formats).group(1)
    assert re.findall(r"`([^`]+)`", listed) == kinds != []


@pytest.mark.parametrize("page", ["necropy.1", "necropy-gdb.7", "ccore.h.3"])
@pytest.mark.skipif(not shutil.which("mandoc") and not shutil.which("groff"),
                    reason="no program that reads manual pages")
def test_manual_pages_are_well_formed(page):
    path = os.path.join(ROOT, "docs", "man", page)
    command = ["mandoc", "-T", "lint", "-W", "error", path] if shutil.which("mandoc") else \
        ["groff", "-man", "-Tutf8", "-ww", "-z", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout
