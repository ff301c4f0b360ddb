#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run a program that leaks, let it dump core, and find the leak in gdb.
# PYTHON chooses the interpreter: it needs its debug information (Debian: python3-dbg).
set -euo pipefail

cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3}
APP=$PWD/corefiles/programs/leaky_app.py
DIR=build/demo
CORE=$DIR/core.leaky_app
PICTURE=$DIR/why-DB.svg
COMMANDS=(
	"pm info"
	"pm types"
	"pm count DB"
	"pm objects DB"
	"pm why DB"
	"pm graph DB --chain --format svg -o $PICTURE"
	"pm shm"
)

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s\n' "$bold$*$plain"; }
fail() { echo "demo: $*" >&2; exit 1; }

# Where the kernel puts the core of process $1, whose working directory is $DIR; a pattern,
# as only %p is known. Empty when cores go to a program.
kernel_core() {
	local pattern
	pattern=$(cat /proc/sys/kernel/core_pattern)
	case $pattern in
	"|"*) return ;;
	*%p*) ;;
	*) [ "$(cat /proc/sys/kernel/core_uses_pid)" = 0 ] || pattern+=.%p ;;
	esac
	pattern=$(sed -e "s/%p/$1/g" -e 's/%%/%/g' -e 's/%[a-zA-Z]/*/g' <<<"$pattern")
	case $pattern in
	/*) echo "$pattern" ;;
	*) echo "$DIR/$pattern" ;;
	esac
}

# Let the program abort, and take the core that the kernel writes.
dump_by_kernel() {
	local pid pattern found
	(cd "$DIR"; ulimit -c unlimited 2>/dev/null || true; exec "$PYTHON" "$APP" --abort) &
	pid=$!
	! wait "$pid" 2>/dev/null || fail "the program did not abort"
	pattern=$(kernel_core "$pid")
	[ -n "$pattern" ] || return 1
	found=$(compgen -G "$pattern" | head -n 1) || return 1
	mv "$found" "$CORE"
}

# Let the program wait, and take its core with gdb's gcore.
dump_by_gcore() {
	local pid ready
	echo "The kernel left no core here (see /proc/sys/kernel/core_pattern); gcore takes one."
	exec 3< <(exec "$PYTHON" "$APP" --wait)
	pid=$!
	trap 'kill "$pid" 2>/dev/null || true' EXIT
	until [[ ${ready:-} == ready* ]]; do
		read -r -u 3 ready || fail "the program ended too early"
	done
	gcore -o "$DIR/gcore" "$pid" >"$DIR/gcore.log" 2>&1 ||
		fail "gcore failed, see $DIR/gcore.log"
	mv "$DIR/gcore.$pid" "$CORE"
	kill "$pid"
	trap - EXIT
}

# One gdb session for all commands. gdb itself ends with the status of the last command only,
# so each of them is counted when it has succeeded.
open_in_gdb() {
	local command script=$DIR/session.gdb exe
	exe=$(readlink -f "$(type -P "$PYTHON")")
	{
		echo "source gdbext/necropy.py"
		for command in "${COMMANDS[@]}"; do
			printf 'echo \\n(gdb) %s\\n\n' "$command"
			echo "$command"
			echo "shell echo >>$DIR/succeeded"
		done
	} >"$script"
	: >"$DIR/succeeded"
	# gdb runs a Python of its own: settings meant for another must not reach it
	env -u PYTHONHOME -u PYTHONPATH gdb -nx --batch -iex "set debuginfod enabled off" \
		-iex "set width 0" "$exe" "$CORE" -x "$script" </dev/null || true
	[ "$(wc -l <"$DIR/succeeded")" -eq ${#COMMANDS[@]} ] ||
		fail "'${COMMANDS[$(wc -l <"$DIR/succeeded")]}' failed"
	[ -s "$PICTURE" ] || fail "no picture at $PICTURE"
}

rm -rf "$DIR"
mkdir -p "$DIR"
say "1. A program that leaks runs, and dumps core: $PYTHON ${APP#"$PWD"/} --abort"
dump_by_kernel || dump_by_gcore
[ -s "$CORE" ] || fail "no core at $CORE"

say "2. The core in gdb: gdb $(type -P "$PYTHON") $CORE"
open_in_gdb

say "Core: $CORE   Picture: $PICTURE   Try next: build/necropy why $CORE DB -k 6"
