#!/usr/bin/env bats
# What a filter may still do once it runs (os/sandbox.h).
# shellcheck disable=SC2154 # stderr, which run sets

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p inside outside
	echo '{}' >inside/bundle
	echo secret >outside/file
	if "$BUILD/tools/sandbox_try" work 2>&1 | grep -q 'under a sanitizer'; then
		skip "the sandbox is off under sanitizers; run it with a build without SANITIZE"
	fi
}

try() { "$BUILD/tools/sandbox_try" "$@" 2>/dev/null; }

@test "memory, output and messages work" {
	[ "$(try work x)" = allowed ]
}

@test "a filter without files can open none, nor ask about one" {
	[ "$(try read outside/file)" = EPERM ]
	[ "$(try write outside/new)" = EPERM ]
	[ "$(try stat outside/file)" = EPERM ]
	[ "$(try unlink outside/file)" = EPERM ]
	[ -e outside/file ] && [ ! -e outside/new ]
}

@test "it can reach no network, start no program, and touch no other process" {
	for thing in socket exec fork kill trace; do
		[ "$(try $thing)" = EPERM ] || { echo "$thing: $(try $thing)"; return 1; }
	done
}

@test "with the network it can connect over TCP and UDP, and do nothing else" {
	for thing in socket udp; do
		[ "$(try $thing x '' '' network)" = allowed ]
		[ "$(try $thing)" = EPERM ]
	done
	for thing in raw local bind exec fork kill trace code send-elsewhere; do
		[ "$(try $thing x '' '' network)" = EPERM ] || { echo "$thing" && return 1; }
	done
	[ "$(try read outside/file '' '' network)" = EPERM ]
	[ "$(try write outside/new '' '' network)" = EPERM ]
}

@test "it can make no memory that runs" {
	[ "$(try code)" = EPERM ]
}

@test "the service manager can be told on a socket that is open, and nobody else" {
	[ "$(try send)" = allowed ]
	[ "$(try send-elsewhere)" = EPERM ]
}

# reread FILE COMMAND...: what a sandboxed program gets for FILE, opened after COMMAND.
reread() {
	local file=$1 line
	shift
	coproc TRY { "$BUILD/tools/sandbox_try" reread "$file" "$file" 2>/dev/null; }
	exec 5<&"${TRY[0]}" 6>&"${TRY[1]}"
	read -r line <&5 && [ "$line" = inside ]
	"$@"
	eval "exec ${TRY[1]}>&- 6>&-"
	cat <&5
}

@test "a file that may be read again can be, also when another took its place since" {
	[ "$(reread inside/bundle true)" = allowed ]
	echo '{"new":1}' >inside/next
	[ "$(reread inside/bundle mv inside/next inside/bundle)" = allowed ]
}

@test "so can a file behind a symbolic link, as in a mounted ConfigMap" {
	ln -s ../outside/file inside/link
	[ "$(reread inside/link true)" = allowed ]
}

@test "no other file can be read beside it, and none written" {
	[ "$(try write inside/bundle inside/bundle)" = EPERM ]
	run --separate-stderr "$BUILD/tools/sandbox_try" read "$PWD/inside/../outside/file" inside/bundle
	[[ $stderr != *'Landlock cannot be had'* ]] || skip "${stderr#*: }; run it on a kernel with Landlock"
	[ "$output" = EACCES ]
}

# Landlock alone tells directories apart.
needs_landlock() {
	! "$BUILD/tools/sandbox_try" work x '' inside/bundle 2>&1 | grep -q 'Landlock cannot be had' ||
		skip 'there is no Landlock here; run it on a kernel with Landlock'
}

@test "a file that may be replaced can be, and can be written in no other way" {
	[ "$(try replace inside/bundle '' inside/bundle)" = allowed ]
	[ ! -s inside/bundle ] && [ ! -e inside/bundle.tmp ]
	[ "$(try write inside/bundle '' inside/bundle)" = EPERM ]
	[ "$(try read inside/bundle '' inside/bundle)" = EPERM ]
	[ "$(try unlink inside/bundle '' inside/bundle)" = EPERM ]
}

@test "without such a file none can be created or replaced" {
	[ "$(try create inside/new inside/bundle)" = EPERM ]
	[ "$(try replace inside/bundle inside/bundle)" = EPERM ]
	[ "$(cat inside/bundle)" = '{}' ]
}

@test "nothing is replaced or created outside of its directory" {
	needs_landlock
	[ "$(try create "$PWD/outside/new" '' inside/bundle)" = EACCES ]
	[ "$(try create outside/file '' inside/bundle)" = EACCES ]
	[ "$(try replace outside/file '' inside/bundle)" = EACCES ]
	[ "$(cat outside/file)" = secret ] && [ ! -e outside/new ]
}

@test "it can be turned off, and says so" {
	run -0 --separate-stderr env AGENT_EGRESS_SANDBOX=off "$BUILD/tools/sandbox_try" read outside/file
	[ "$output" = allowed ]
	[[ $stderr == *'runs without its sandbox'* ]]
}
