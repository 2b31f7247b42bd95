#!/usr/bin/env bats
# The Makefile: what changes builds again, and BUILD may be anywhere.

bats_require_minimum_version 1.5.0

setup() {
	load tree
	small_tree "$BATS_TEST_TMPDIR/tree" && cd "$BATS_TEST_TMPDIR/tree" || return 1
	all=$(find lib cmd -name '*.c' | wc -l)
}

# compiled ARGUMENT...: how many files make compiles for all, with these arguments
compiled() {
	here CFLAGS=-O0 "$@" all >log || { cat log >&2 && return 1; }
	grep -c '^  cc' log || :
}

@test "what is built is not built again, but for the file that changed" {
	[ "$(compiled)" -eq "$all" ]
	[ "$(compiled)" -eq 0 ]
	[ "$(grep -c '^  link' log)" -eq 0 ]
	echo 'int more;' >>lib/base/base.c
	[ "$(compiled)" -eq 1 ]
}

@test "another CC, CFLAGS, CPPFLAGS, LDFLAGS or WERROR builds everything again" {
	local flag
	[ "$(compiled)" -eq "$all" ]
	for flag in CC=cc CFLAGS=-O1 CPPFLAGS=-DONE=1 CPPFLAGS=-DONE=2 "CPPFLAGS=-DONE='\"1'" LDFLAGS=-Wl,-O1 WERROR=-Werror; do
		[ "$(compiled "$flag")" -eq "$all" ] || { echo "with $flag: $(cat log)" && return 1; }
		[ "$(compiled "$flag")" -eq 0 ] || { echo "again with $flag: $(cat log)" && return 1; }
	done
}

@test "a program is what the last make said: with a sanitizer, and without again" {
	echo 'int main(int argc, char **argv) { (void)argv; return 2147483600 + 50 * argc; }' >cmd/egress-sign/main.c
	compiled SANITIZE=undefined
	run ! build/bin/egress-sign
	[[ $output == *'signed integer overflow'* ]]
	compiled
	run build/bin/egress-sign
	[ -z "$output" ]
}

@test "WERROR refuses a file that was compiled with a warning before" {
	echo 'static int unused;' >>lib/base/base.c
	compiled
	run -2 --separate-stderr here CFLAGS=-O0 WERROR=-Werror all
	[[ $stderr == *unused* ]]
}

@test "BUILD may be an absolute path: all is there, nothing here, and what changes is built again" {
	local elsewhere=$BATS_TEST_TMPDIR/elsewhere
	for main in tests/{unit/test_small,tools/small}.c; do
		echo '#include "base/base.h"
int main(void) { return base_count(); }' >"$main"
	done
	here CFLAGS=-O0 BUILD="$elsewhere" all unit tools
	"$elsewhere/bin/egress-sign"
	"$elsewhere/unit/test_small"
	"$elsewhere/tools/small"
	[ "$(ls)" = $'Makefile\ncmd\nlib\npipelines\ntests' ]
	sed -i 's/return 0/return 7/' lib/base/base.c
	here CFLAGS=-O0 BUILD="$elsewhere" all unit tools
	run -7 "$elsewhere/unit/test_small"
}
