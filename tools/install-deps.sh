#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every Debian package necropy asks for, and why. Installs what is missing of the sets named:
#
#   tools/install-deps.sh build|demo|test|check|fuzz|matrix ...
#
# Does nothing, and needs no rights, when all is there.
set -eu

packages_of() {
    case $1 in
    build) echo "
        gcc         # the compiler
        make        # the build
        libc6-dev   # headers of the C library
        libdw-dev   # finds modules and reads DWARF; brings libdw1
        libelf-dev  # reads ELF; brings libelf1
        libzstd-dev # compressed cores: zstd, as systemd makes them
        liblzma-dev # xz
        zlib1g-dev  # gzip
        liblz4-dev  # lz4
        libunicorn-dev  # header of the emulator, which is looked for at run time
    " ;;
    demo) echo "
        python3      # the program that leaks
        python3-dbg  # its debug information: how CPython's structs are laid out
        gdb          # the extension's home; gcore is in it too
        graphviz     # draws pictures (--format svg, png)
        libunicorn2  # emulates tp_traverse of extension types
    " ;;
    test) echo "
        python3-pytest  # runs all tests, C ones included
        python3-pytest-xdist  # on every processor
        gdbserver       # a remote target for gdb
        zstd            # compressed cores
        lz4             # others
        python3-matplotlib  # plot
        python3-greenlet  # stacks that a thread switches between, which tasks lists
        python3-gevent    # a library made of them
        python3-trio      # another's tasks than asyncio's
        python3-anyio     # a library that runs on it
        binutils        # nm, objcopy: what the library exports, stripped interpreters
        uwsgi-plugin-python3      # programs with an interpreter in them: uWSGI
        libapache2-mod-wsgi-py3   # Apache; brings apache2-bin, which starts nothing
    " ;;
    check) echo "
        python3       # the checks' own scripts
        binutils      # nm: what the library exports
        clang         # a second opinion on warnings; reads ccore.h for the binding
        clang-format  # layout of the source
        clang-tidy    # finds likely mistakes
        cppcheck      # finds others
        libc6-dev     # headers of the C library
    " ;;
    matrix) echo "
        python3-numpy   # libraries whose objects are compared with what CPython says of them
        python3-django  # with a database of sqlite
        python3-lxml    # made by Cython
        musl-tools      # another C library, to build a CPython with
        dpkg-dev        # its sources
        xz-utils        # unpacks them
        vim-nox         # one more program with an interpreter in it
    " ;;
    fuzz) echo "
        clang            # libFuzzer's compiler
        libclang-rt-dev  # libFuzzer and the sanitizers
    " ;;
    *)
        echo "install-deps.sh: no set '$1': build, demo, test, check, fuzz or matrix" >&2
        exit 1
        ;;
    esac
}

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

command -v dpkg-query >/dev/null || {
    echo "install-deps.sh: not a Debian system; install what this file lists by other means" >&2
    exit 0
}

missing=
for set in "$@"; do
    for package in $(packages_of "$set" | sed 's/#.*//'); do
        is_installed "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "These packages are missing. As root, run:" >&2
    echo "  $line" >&2
    exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null
$sudo $line >/dev/null
