#!/usr/bin/env bats
# egress-verify --print-canonical: the bytes that a signature covers, against vectors that were
# published or derived elsewhere (tests/data/canonical.test).

bats_require_minimum_version 1.5.0

setup() {
	VECTORS=$BATS_TEST_DIRNAME/data/canonical.test
	cd "$BATS_TEST_TMPDIR" || return 1
}

print() { egress-verify --print-canonical "$1"; }

# differs FORM CLAIM: the current input does not become what `expected` holds; says so.
differs() {
	print "$1" <in >actual && cmp -s actual expected && return 1
	printf '%s: %s\n' "$1" "$2"
	diff <(od -c expected) <(od -c actual) | head -n 8
}

# check_vectors: how many forms of how many blocks were compared, after what differs.
check_vectors() {
	local word rest claim='' forms form compared=0 wrong=0
	while IFS= read -r line; do
		word=${line%% *} rest=${line#* }
		forms=${word%.hex}
		[ "$forms" != all ] || forms='jcs a2a kagenti'
		case $word in
		'#') claim=$rest ;;
		in) printf '%s' "$rest" >in ;;
		*.hex) printf '%b' "$(sed 's|..|\\x&|g' <<<"$rest")" >expected ;;
		*) printf '%s' "$rest" >expected ;;
		esac
		case $word in '#' | in | '') continue ;; esac
		for form in $forms; do
			! differs "$form" "$claim" || wrong=$((wrong + 1))
			compared=$((compared + 1))
		done
	done <"$VECTORS"
	echo "$compared compared, $wrong wrong"
}

@test "each vector's bytes are those of its forms" {
	run -0 check_vectors
	echo "$output"
	[[ ${lines[-1]} =~ ^[4-9][0-9]' compared, 0 wrong'$ ]]
}

@test "a vector that is wrong would be noticed" {
	sed 's/^all \[1,1,1,1,1\]$/all [1,1,1,1,2]/' "$VECTORS" >altered
	VECTORS=altered
	run -0 check_vectors
	[[ ${lines[-1]} == *' compared, 3 wrong' ]]
}

@test "what is canonical is its own canonical form" {
	sed -n 's/^in //p' "$VECTORS" | while IFS= read -r each; do
		for form in jcs a2a kagenti; do
			print "$form" <<<"$each" >once
			print "$form" <once | cmp once -
		done
	done
}

@test "jcs is what jq -S writes of a card with plain numbers and strings" {
	card='{"version":"1.2","name":"billing","skills":[{"tags":["b","a"],"id":"pay"}],"n":12.5}'
	cmp <(print jcs <<<"$card") <(jq -cSj . <<<"$card")
}

@test "there is no newline after it, and nothing on stderr" {
	run -0 --separate-stderr --keep-empty-lines print jcs <<<'{}'
	[ "$output" = '{}' ] && [ -z "$stderr" ]
}

@test "what is no card has no canonical form: the reason and the byte are said" {
	refuse() {
		run --separate-stderr -1 print jcs
		[ -z "$output" ] && [ "$stderr" = "egress-verify: $1" ] || { echo "$stderr"; false; }
	}
	refuse 'not a card: duplicate key (byte 14)' <<<'{"a":1,"a":2}'
	refuse 'no canonical form: a number is out of the range of a double' <<<'{"a":1e999}'
	printf '{"a":"\xff"}' | refuse 'not a card: invalid UTF-8 (byte 7)'
	refuse 'not a card: lone surrogate escape (byte 13)' <<<'{"a":"\ud800"}'
	refuse 'not a card: text after the value (byte 4)' <<<'{} {}'
	refuse 'not a card: empty (byte 1)' </dev/null
	printf '%0.s[' {1..65} | refuse 'not a card: nested too deeply (byte 65)'
	{ printf '"'; head -c 1048576 /dev/zero | tr '\0' x; echo '"'; } | refuse 'not a card: too long (byte 1)'
}

@test "a form that does not exist is wrong usage" {
	run -2 print xml <<<'{}'
	[[ $output == *jcs*a2a*kagenti* ]]
}
