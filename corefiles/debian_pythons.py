#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bring up the CPythons of other Debian suites, without root, to test with.

    corefiles/debian_pythons.py [--list] [SUITE-VERSION ...]       (default: all it knows)

Each becomes a folder below $XDG_CACHE_HOME/necropy-pythons (~/.cache/necropy-pythons), of 100 to
180 MB; `rm -r` it to have it made anew. Nothing of the system changes: apt works on a state of
its own, packages are unpacked and not installed, and the mirror is the one that this machine's
own apt sources name. A suite that the mirror lacks is reported, and the others are made.

    FOLDER/python         runs the interpreter, as if it were installed
    FOLDER/root           what the packages contain; debug information below usr/lib/debug

The interpreter runs with its own libc: the path of the loader in its ELF header is replaced
by a link below /tmp that is short enough. Its build-id stays what it was.
"""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

WANTED = ("bullseye-2.7", "bullseye-3.9", "trixie-3.13", "sid-3.14", "sid-3.15")
TRIPLET = "x86_64-linux-gnu"
ELF_LOADER = b"/lib64/ld-linux-x86-64.so.2"


class CannotMake(Exception):
    """Why one of them cannot be had here."""


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "necropy-pythons")


# --- apt, with a state of its own

def debian_mirror():
    """The URI from which this machine gets Debian."""
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as sources:
                found = re.search(r"^(?:deb(?:\s+\[.*?\])?|URIs:)\s+(\S+/debian/?)(?:\s|$)",
                                  sources.read(), re.MULTILINE)
            if found:
                return found.group(1)
    raise CannotMake("the apt sources of this machine name no mirror of Debian")


class Apt(object):
    """apt-get and apt-cache for one suite, as if nothing were installed."""

    def __init__(self, suite, folder):
        self.suite = suite
        for name in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self._write(folder, "status", "")
        self._write(folder, "sources.list", "deb %s %s main\n" % (debian_mirror(), suite))
        # the moving suites' lists expire within days, and mirrors lag
        config = self._write(folder, "apt.conf", """
Dir::State "{0}"; Dir::State::lists "{0}/lists"; Dir::State::status "{0}/status";
Dir::Cache "{0}/cache"; Dir::Etc::sourcelist "{0}/sources.list"; Dir::Etc::sourceparts "-";
Acquire::Check-Valid-Until "false"; Acquire::Languages "none"; APT::Sandbox::User "";
""".format(folder))
        self.environment = dict(os.environ, APT_CONFIG=config, LC_ALL="C")

    @staticmethod
    def _write(folder, name, text):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def run(self, *command, **options):
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, **options)
        if done.returncode or "\nE: " in "\n" + done.stderr:
            raise CannotMake("%s: %s" % (" ".join(command[:2]), done.stderr.strip()[-300:]))
        return done.stdout

    def update(self):
        try:
            self.run("apt-get", "-q", "update")
        except CannotMake as why:
            raise CannotMake("the mirror does not have %s (%s)" % (self.suite, why))

    def libraries_of(self, *packages):
        """`packages` and the libraries that they depend on, near and far."""
        listed = self.run("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests",
                          "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances",
                          *packages)
        found = set(re.findall(r"^(lib\S+)$", listed, re.MULTILINE))
        real = set(self.run("apt-cache", "pkgnames", "lib").split())
        return sorted((found & real) | set(packages))

    def download(self, packages, folder):
        os.makedirs(folder, exist_ok=True)
        self.run("apt-get", "-q", "download", *packages, cwd=folder)
        return sorted(glob.glob(os.path.join(folder, "*.deb")))


# --- an interpreter of its packages

def unpack(apt, version, work, root):
    apt.update()
    python = "python" + version
    packages = apt.libraries_of(python + "-minimal", "lib%s-stdlib" % python)
    for package in apt.download(packages + [python + "-dbg"], os.path.join(work, "debs")):
        subprocess.run(["dpkg", "-x", package, root], check=True)


def loader_of(root):
    for pattern in ("ld-linux-x86-64.so.2", "ld-2.*.so"):
        for folder in ("usr/lib", "lib"):
            found = [path for path in glob.glob(os.path.join(root, folder, TRIPLET, pattern))
                     if os.path.exists(path)]
            if found:
                return found[0]
    raise CannotMake("its libc6 has no loader")


def use_loader(binary, link):
    """Let the kernel start `binary` with the loader that `link` leads to."""
    with open(binary, "rb") as source:
        content = source.read()
    path = link.encode()
    if content.count(ELF_LOADER + b"\0") != 1 or len(path) > len(ELF_LOADER):
        raise CannotMake("the path of its loader cannot be replaced")
    with open(binary, "wb") as out:
        out.write(content.replace(ELF_LOADER, path.ljust(len(ELF_LOADER), b"\0"), 1))


def show_debug_files(root):
    """Link each file's debug information beside it, where every debugger looks for it."""
    for folder in ("usr/bin", "usr/lib", "lib"):
        for path in glob.glob(os.path.join(root, folder, "**", "*"), recursive=True):
            if "/usr/lib/debug/" in path or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as binary:
                if binary.read(4) != b"\x7fELF":
                    continue
                found = re.search(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})",
                                  binary.read(4096), re.DOTALL)
            if found:
                link_debug_file(root, path, found.group(1).hex())


def link_debug_file(root, path, build_id):
    name = build_id[2:] + ".debug"
    debug = os.path.join(root, "usr/lib/debug/.build-id", build_id[:2], name)
    if os.path.exists(debug):
        beside = os.path.join(os.path.dirname(path), ".debug")
        os.makedirs(beside, exist_ok=True)
        os.symlink(os.path.relpath(debug, beside), os.path.join(beside, name))


WRAPPER = """#!/bin/sh
# Written by corefiles/debian_pythons.py.
links={links}
[ -e {link} ] || {{ mkdir -p -m 700 $links && ln -sfn {loader} {link}; }}
[ -O $links ] || {{ echo "$links is not yours" >&2; exit 1; }}
LD_LIBRARY_PATH={libraries} exec {python} "$@"
"""


def write_wrapper(folder, final, suite, version):
    """FOLDER/python, for the time when `folder` is called `final`."""
    links = "/tmp/np-%d" % os.getuid()
    link = "%s/%s%s" % (links, suite[0], version)
    python = os.path.join("root/usr/bin/python" + version)
    use_loader(os.path.join(folder, python), link)
    libraries = [os.path.join(final, "root", name, TRIPLET) for name in ("lib", "usr/lib")]
    loader = os.path.join(final, os.path.relpath(loader_of(os.path.join(folder, "root")), folder))
    path = os.path.join(folder, "python")
    with open(path, "w", encoding="utf-8") as out:
        out.write(WRAPPER.format(links=links, link=link, loader=shlex.quote(loader),
                                 libraries=shlex.quote(":".join(libraries)),
                                 python=shlex.quote(os.path.join(final, python))))
    os.chmod(path, 0o755)


def make(name, final):
    suite, version = name.rsplit("-", 1)
    folder = final + ".new"
    shutil.rmtree(folder, ignore_errors=True)
    root, work = os.path.join(folder, "root"), os.path.join(folder, "work")
    os.makedirs(root)
    unpack(Apt(suite, os.path.join(work, "apt")), version, work, root)
    shutil.rmtree(work)
    show_debug_files(root)
    write_wrapper(folder, final, suite, version)
    os.rename(folder, final)


def version_of(python):
    done = subprocess.run([python, "-E", "-s", "-c", "import sys; print(sys.version.split()[0])"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    return done.stdout.strip() if done.returncode == 0 else "does not run: " + done.stdout[-300:]


def main(arguments):
    wanted = [name for name in arguments if name != "--list"] or WANTED
    missing = 0
    for name in wanted:
        if not re.match(r"[a-z]+-\d\.\d+$", name):
            sys.exit("%s is no suite and version: trixie-3.13, say" % name)
        folder = os.path.join(cache_folder(), name)
        try:
            if not os.path.exists(folder) and "--list" not in arguments:
                make(name, folder)
            there = os.path.exists(folder)
            print("%-14s %s" % (name, version_of(os.path.join(folder, "python")) if there
                                else "not made yet"))
        except CannotMake as why:
            shutil.rmtree(folder + ".new", ignore_errors=True)
            print("%-14s cannot be had: %s" % (name, why))
            missing += 1
        sys.stdout.flush()
    return 1 if missing == len(wanted) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
