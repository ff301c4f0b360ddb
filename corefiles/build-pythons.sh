#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build CPythons of kinds that nobody packages with debug information, for the tests.
#
#   corefiles/build-pythons.sh [3.13t] [3.13td] [3.14t] [3.13-musl]
#
# Without names: 3.13t, 3.14t and 3.13-musl. They are built from the sources of the
# Debian mirror that this machine uses: some minutes of one processor each. They go to
# ~/.cache/necropy-pythons (below $XDG_CACHE_HOME if that is set), where the tests look. It needs a
# compiler, apt-get, dpkg-dev and xz-utils, for musl musl-tools, and not root.
set -euo pipefail

# name, Debian's source package, the suites that have it (best first), arguments of configure
#
# t      without the GIL; td with Py_DEBUG besides
# musl   another C library, as in Alpine's images; what needs other libraries is left out
readonly BUILDS='
3.13t|python3.13|trixie|--disable-gil
3.13td|python3.13|trixie|--disable-gil --with-pydebug
3.14t|python3.14|forky sid|--disable-gil
3.13-musl|python3.13|trixie|CC=musl-cc PKG_CONFIG=false
'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/necropy-pythons
work= # of the build that runs

main() {
	local name failed=0
	trap '[[ -z $work ]] || rm -rf "$work"' EXIT
	for name in "${@:-3.13t 3.14t 3.13-musl}"; do
		for name in $name; do
			provide "$name" || failed=1
		done
	done
	return $failed
}

provide() { # name
	local package suites arguments
	IFS='|' read -r _ package suites arguments < <(grep "^$1|" <<<"$BUILDS") || {
		echo "unknown: $1 (known:$(sed -n 's/|.*//p' <<<"$BUILDS" | tr '\n' ' '))" >&2
		return 2
	}
	if [[ -x $cache/$1/bin/python3 ]]; then
		echo "$1: $cache/$1 is there already"
		return
	fi
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.building-$1.XXXXXX")
	fetch_source "$package" "$suites" && build "$1" "$arguments" || {
		echo "$1: cannot be had" >&2
		return 1
	}
	rm -rf "$work"
	work=
}

# The first of apt's own sources with "main" is the mirror; which suites it lists does not matter.
mirror() {
	APT_CONFIG= apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' |
		awk '$2 == "main" && $1 ~ /\/debian\/$/ && !uri { uri = $1 } END { print uri }'
}

# apt with lists and settings of its own, so that nothing of the machine's changes.
private_apt() { # suites
	local suite uri
	uri=$(mirror)
	if [[ -z $uri ]]; then
		echo "apt knows no Debian mirror on this machine" >&2
		return 1
	fi
	mkdir -p "$work"/apt/{lists,archives}/partial
	cat >"$work/apt/apt.conf" <<-END
		Dir::Etc::SourceList "$work/apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$work/apt/lists";
		Dir::State::Status "/dev/null";
		Dir::Cache "$work/apt";
		APT::Sandbox::User "$(id -un)";
	END
	for suite in $1; do
		echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
	done >"$work/apt/sources.list"
	export APT_CONFIG=$work/apt/apt.conf
	apt-get -q update
}

fetch_source() { # package suites
	local suite
	private_apt "$2" || return
	for suite in $2; do
		(cd "$work" && apt-get -q source --download-only -t "$suite" "$1") && break
	done
	dpkg-source --no-check -x "$work"/*.dsc "$work/source"
}

# Asked for the folder of its libraries, musl-gcc names glibc's, which configure will not have.
musl_compiler() {
	cat <<-'END'
		#!/bin/sh
		[ "$1" = --print-multiarch ] || exec musl-gcc "$@"
	END
}

# As upstream configures it, without optimisation across files: what that merges or drops, no
# debugger finds again. Modules whose libraries are not here are left out.
build() { # name arguments
	local log=$work/source/build.log
	musl_compiler >"$work/musl-cc"
	chmod +x "$work/musl-cc"
	echo "$1: building, see $log"
	(
		cd "$work/source"
		PATH=$work:$PATH
		# shellcheck disable=SC2086 # several arguments
		./configure $2 --prefix="$cache/$1" --without-ensurepip --disable-test-modules \
			CFLAGS='-g -O2' &&
			nice make -j1 &&
			nice make install DESTDIR="$work/installed"
	) >"$log" 2>&1 || {
		tail -20 "$log" >&2
		return 1
	}
	mv "$work/installed$cache/$1" "$cache/$1"
	echo "$1: $cache/$1/bin/python3"
}

main "$@"
