#!/usr/bin/env bats
# `make layers` sees each way of going against the table of folders: on a small tree with the real
# Makefile, in which every folder has one file and one contract.

bats_require_minimum_version 1.5.0

setup_file() {
	load tree
	small_tree "$BATS_FILE_TMPDIR/tree" && cd "$BATS_FILE_TMPDIR/tree" || return 1
	cp "$BATS_TEST_DIRNAME/layers" tests
	source_file cmd/egress-verify/main.c '#include "verify/verify.h"' 'int main(void) { return verify_count(); }'
	here CFLAGS=-O0 layers
}

setup() {
	load tree
	cp -a "$BATS_FILE_TMPDIR/tree" "$BATS_TEST_TMPDIR" && cd "$BATS_TEST_TMPDIR/tree" || return 1
}

# finds TEXT...: `make layers` fails with exactly these findings
finds() {
	run -2 --separate-stderr here CFLAGS=-O0 layers
	diff <(printf '%s\n' "$@" | sort) <(printf '%s\n' "${lines[@]}" | grep -v '^  cc' | sort)
}

@test "a tree that keeps to the table has no finding" {
	source_file lib/verify/more.c '#include "trust/trust.h"' '#include "verify/verify.h"' 'int more(void);' \
		'int more(void) { return trust_count() + verify_count(); }'
	run -0 here CFLAGS=-O0 layers
	run -1 grep -v '^  cc' <<<"$output"
}

@test "an include of a folder that the row does not name is found" {
	source_file lib/trust/more.c '#include "k8s/k8s.h"' 'int x;'
	finds 'lib/trust/more.c:1: includes "k8s/k8s.h": the table does not say that trust uses k8s'
}

@test "so it is in a header" {
	source_file lib/net/more.h 'int x;' '#  include "json/json.h"'
	finds 'lib/net/more.h:2: includes "json/json.h": the table does not say that net uses json'
}

@test "a call of a function of such a folder is found, which needs no include" {
	source_file lib/trust/more.c 'int k8s_count(void);' 'int more(void);' 'int more(void) { return k8s_count(); }'
	finds 'lib/trust/more.c takes k8s_count from lib/k8s/k8s.c: the table does not say that trust uses k8s'
}

@test "insides of another folder are found, also in a program" {
	source_file lib/trust/keys_private.h 'int x;'
	source_file lib/trust/keys.c '#include "trust/keys_private.h"'
	source_file lib/verify/more.c '#include "trust/keys_private.h"'
	source_file cmd/egress-verify/more.c '#include "trust/keys_private.h"'
	finds 'lib/verify/more.c:1: includes "trust/keys_private.h": that is for files of lib/trust alone' \
		'cmd/egress-verify/more.c:1: includes "trust/keys_private.h": that is for files of lib/trust alone'
}

@test "insides in a contract are found, and may be in insides" {
	source_file lib/trust/keys_private.h 'int x;'
	source_file lib/trust/more_private.h '#include "trust/keys_private.h"'
	source_file lib/trust/more.h '#include "keys_private.h"'
	finds 'lib/trust/more.h:1: includes "keys_private.h": a contract shows no insides'
}

@test "two files of a folder that use each other are found, with what each takes" {
	source_file lib/json/a.c 'int a(void); int b(void);' 'int a(void) { return b(); }'
	source_file lib/json/b.c 'int a(void); int b(void);' 'int b(void) { return a(); }'
	finds 'a circle between files:' $'\tlib/json/a.c takes b from lib/json/b.c' $'\tlib/json/b.c takes a from lib/json/a.c'
}

@test "a longer circle is found, and one by data" {
	source_file lib/json/a.c 'int a(void); int b(void);' 'int a(void) { return b(); }'
	source_file lib/json/b.c 'int b(void); extern int c;' 'int b(void) { return c; }'
	source_file lib/json/c.c 'int a(void); int c = 1; int d(void);' 'int d(void) { return a(); }'
	finds 'a circle between files:' $'\tlib/json/a.c takes b from lib/json/b.c' \
		$'\tlib/json/b.c takes c from lib/json/c.c' $'\tlib/json/c.c takes a from lib/json/a.c'
}

@test "a hash table without the keyed hash is found, but for the header that gives it" {
	source_file lib/base/table.h '#include <uthash.h>'
	source_file lib/stream/more.c '#include <uthash.h>'
	source_file cmd/egress-verify/more.c '#include <uthash.h>'
	finds 'lib/stream/more.c:1: includes <uthash.h>: only base/table.h may, which gives it a keyed hash' \
		'cmd/egress-verify/more.c:1: includes <uthash.h>: only base/table.h may, which gives it a keyed hash'
}

@test "libyaml outside lib/yaml is found" {
	source_file lib/yaml/more.c '#include <yaml.h>'
	source_file lib/client/more_private.h '#include <yaml.h>'
	finds 'lib/client/more_private.h:1: includes <yaml.h>: only lib/yaml reads and writes YAML'
}

@test "a folder without a row is found, and a row that uses what stands below it" {
	mkdir lib/extra && source_file lib/extra/extra.c 'int x;'
	sed -i 's/^USES_json .*/USES_json := net/' Makefile
	finds 'Makefile: json uses net, which the table does not have above it' \
		'lib/extra: the table has no such row, or the row no such folder'
}

@test "a clock, the environment or a message in a folder that is a function of what it is given is found" {
	source_file lib/policy/more.c '#include <stdio.h>' '#include <stdlib.h>' '#include <time.h>' 'long more(void);' \
		'long more(void) { fprintf(stderr, "%p", (void *)getenv("A")); return time(NULL); }'
	cp lib/policy/more.c lib/os/more.c
	finds 'lib/policy/more.c takes fprintf: lib/policy is to do no I/O and to look at no clock' \
		'lib/policy/more.c takes getenv: lib/policy is to do no I/O and to look at no clock' \
		'lib/policy/more.c takes stderr: lib/policy is to do no I/O and to look at no clock' \
		'lib/policy/more.c takes time: lib/policy is to do no I/O and to look at no clock'
}

@test "the walk in README names functions that are there, each in its file" {
	local file functions function count=0
	while IFS='|' read -r _ file functions _; do
		file=$(tr -d '` ' <<<"$file")
		for function in $(grep -oE '`[a-z_]+`' <<<"$functions" | tr -d '`'); do
			grep -qE "^[a-z].*\b$function\(" "$BATS_TEST_DIRNAME/../$file" || { echo "$file has no $function" && return 1; }
			count=$((count + 1))
		done
	done < <(sed -n '/^### One AgentCard/,/^To add a stage/p' "$BATS_TEST_DIRNAME/../README.md" | grep '^| `')
	[ "$count" -ge 30 ]
}
