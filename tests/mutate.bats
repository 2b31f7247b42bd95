#!/usr/bin/env bats
# `make mutate` tells what tests see from what they do not: on a small tree whose one unit program looks at
# half of what its one function does.

bats_require_minimum_version 1.5.0

setup() {
	load tree
	small_tree "$BATS_TEST_TMPDIR/tree" && cd "$BATS_TEST_TMPDIR/tree" || return 1
	cp "$BATS_TEST_DIRNAME/mutate" tests && : >tests/mutants && : >README.md && mkdir systemd
	source_file lib/net/net.c '#include "net/net.h"' 'int net_count(void)' '{' '	return 0;' '}' \
		'int net_larger(int a);' 'int net_larger(int a)' '{' '	/* 1 < 2 */' '	if (a > 4)' '		return 1;' '	return 0;' '}'
	source_file tests/unit/test_net.c '#include <stdio.h>' 'int net_larger(int a);' \
		'int main(void) { return net_larger(5) == 1 && net_larger(3) == 0 ? 0 : 1; }'
}

mutate() {
	env -u MAKEFLAGS BUILD=build MUTATE_SEED="${SEED:-1}" MUTATE_COUNT=50 MUTATE_UNIT=1 MUTATE_JOBS=2 \
		MUTATE_ONLY=lib/net/net.c "$@" tests/mutate
}

# all SEEDS-drawn lines have one mutation each, so several seeds are asked for all
@test "what the tests do not see survives and is listed, what they see is killed" {
	local seed all=''
	for seed in 1 2 3 4 5 6; do
		SEED=$seed run mutate MUTATE_LEAST=0
		[ "$status" -eq 0 ]
		[[ ${lines[0]} == "mutate: seed $seed, 50 mutations, by the unit programs alone" ]]
		[[ ${lines[-1]} =~ ^seed\ $seed:\ [0-9]+\ killed,\ [0-9]+\ survived,\ 0\ named ]]
		all+=$output
	done
	# between 3 and 5 the bound may move
	[[ $all == *'survived lib/net/net.c:10: if (a > 4)'*'-> if (a >= 4)'* ]]
	[[ $all != *'-> if (!(a > 4))'* ]]
	[[ $all != *'1 < 2'* ]]
	[[ $all == *'net.c:4: return 0;'* ]] # nobody calls it
	[[ $all != *'net.c:12: return 0;'* ]]
}

@test "the same seed draws the same" {
	[ "$(mutate MUTATE_LEAST=0 | sed '$s/;[^;]*$//')" = "$(mutate MUTATE_LEAST=0 | sed '$s/;[^;]*$//')" ]
}

@test "too many survivors are a failure, but for those that are named with a reason" {
	run -1 mutate MUTATE_LEAST=100
	printf '%s\t%s\t%s\t%s\n' \
		lib/net/net.c 'if (a > 4)' 'if (a >= 4)' 'the bound may move' \
		lib/net/net.c 'if (a > 4)' 'if (a > 5)' 'the bound may move' \
		lib/net/net.c 'return 0;' 'return 1;' 'nobody calls it' >tests/mutants
	run -0 mutate MUTATE_LEAST=100
	[[ ${lines[-1]} =~ \ 0\ survived,\ [1-9][0-9]*\ named ]]
	sed -i 's/\tnobody calls it$/\t/' tests/mutants
	run -1 mutate MUTATE_LEAST=100
}

@test "a unit program that fails as it is ends it: nothing would be learnt" {
	sed -i 's/== 1 /== 2 /' tests/unit/test_net.c
	run -3 mutate
	[[ $output == *'test_net fails without any mutation'* ]]
}
