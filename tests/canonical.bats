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

# exists FORM REASON: the form exists, or does not for another reason; says so.
exists() {
	run --separate-stderr print "$1" <in
	[ "$status" -eq 1 ] && [ -z "$output" ] && [[ $stderr == *"no canonical form $1: "*"$2"* ]] && return 1
	printf '%s: exists, or not because of %s: %s\n' "$1" "$2" "$stderr"
}

# check_vectors: how many forms of how many blocks were compared, after what differs.
check_vectors() {
	local word rest claim='' forms form compared=0 wrong=0
	while IFS= read -r line; do
		word=${line%% *} rest=${line#* }
		forms=${word%.hex}
		[ "$forms" != all ] || forms='jcs a2a'
		case $word in
		*!)
			! exists "${word%!}" "$rest" || wrong=$((wrong + 1))
			compared=$((compared + 1))
			continue
			;;
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
	[ "$(grep -c '^in ' "$VECTORS")" -ge 35 ] && [[ ${lines[-1]} =~ ^([0-9]+)' compared, 0 wrong'$ ]] && [ "${BASH_REMATCH[1]}" -ge 80 ]
}

@test "a vector that is wrong would be noticed" {
	sed 's/^all \[1,1,1,1,1\]$/all [1,1,1,1,2]/' "$VECTORS" >altered
	VECTORS=altered
	run -0 check_vectors
	[[ ${lines[-1]} == *' compared, 2 wrong' ]]
}

@test "what is canonical is its own canonical form" {
	sed -n 's/^in //p' "$VECTORS" | while IFS= read -r each; do
		for form in jcs a2a a2a-sdk kagenti a2a-spec a2a-python-1; do
			print "$form" <<<"$each" >once 2>none || continue
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
	refuse 'no canonical form jcs: a number is out of the range of a double' <<<'{"a":1e999}'
	printf '{"a":"\xff"}' | refuse 'not a card: invalid UTF-8 (byte 7)'
	refuse 'not a card: lone surrogate escape (byte 13)' <<<'{"a":"\ud800"}'
	refuse 'not a card: text after the value (byte 4)' <<<'{} {}'
	refuse 'not a card: empty (byte 1)' </dev/null
	printf '%0.s[' {1..129} | refuse 'not a card: nested too deeply (byte 129)'
	{ printf '"'; head -c 1048576 /dev/zero | tr '\0' x; echo '"'; } | refuse 'not a card: too long (byte 1)'
}

@test "a form that does not exist is wrong usage" {
	run -2 print xml <<<'{}'
	[[ $output == *jcs*a2a*a2a-sdk*kagenti*a2a-spec*a2a-python-1*a2a-python-0.3* ]]
}

# Cards that others signed: tests/data/vectors/README.
# form_of FILE: the form that its signer signs
form_of() {
	case $1 in
	*/a2a-js/* | */a2a-python/*) echo a2a-sdk ;;
	*/a2a-python-1.1.2/*) echo a2a-python-1 ;;
	*/a2a-python-0.3/*) echo a2a-python-0.3 ;;
	*/a2a-spec/*) echo a2a-spec ;;
	*/kagenti/*) echo kagenti ;;
	esac
}
# No form here, or another: what is coerced, left unsigned, or there twice.
not_ours() {
	case $1 in
	*/a2a-js/17-* | */a2a-js/19-* | */27-*) return 0 ;;
	*) return 1 ;;
	esac
}
decode64url() { jq -Rj 'gsub("-";"+") | gsub("_";"/") | . + ("=" * ((4 - length % 4) % 4))' | base64 -d; }

@test "the bytes that six signers signed are those of their forms" {
	local compared=0 refused=0
	for file in "$BATS_TEST_DIRNAME"/data/vectors/*/*.json; do
		jq -j .card "$file" >in
		form=$(form_of "$file")
		if jq -e 'has("refused")' "$file" >/dev/null; then
			# Python's reader counts levels in its own way
			[[ $file == */23-deep-64.* ]] || run -1 print "$form" <in
			refused=$((refused + 1))
			continue
		fi
		jq -r .payload "$file" | decode64url >expected
		if not_ours "$file"; then
			print "$form" <in 2>none | cmp -s expected - && { echo "$file: as its signer"; false; }
		else
			print "$form" <in | cmp expected -
		fi
		compared=$((compared + 1))
	done
	[ $compared -eq 77 ] && [ $refused -eq 6 ]
}

# with_signature FILE: its card with its signature, as text
with_signature() {
	jq -j '"{\"protected\":\"\(.protected)\",\"signature\":\"\(.signature)\"}" as $new |
		if .card | test("\n \"signatures\": \\[") then
			.card | sub("\n \"signatures\": \\["; "\n \"signatures\": [" + $new + ",")
		else (.card | sub("\\s*}\\s*$"; "")) + ",\"signatures\":[" + $new + "]}" end' "$1"
}

@test "cards that six signers signed are verified, in their form" {
	load trust.bash
	local verified=0
	bundle "$BATS_TEST_DIRNAME/data/vectors/pki/ca.crt" | bundle_configmap >trust
	workload Deployment team-a billing billing | event ADDED >workload
	agentcard team-a billing | event ADDED >card
	for file in "$BATS_TEST_DIRNAME"/data/vectors/*/*.json; do
		! jq -e 'has("refused")' "$file" >/dev/null || continue
		with_signature "$file" | signed_configmap team-a billing >map
		cat trust workload map card |
			egress-verify --trust-domain example.org --canonical "$(form_of "$file")" --at 2027-01-01T00:00:00Z |
			jq -r 'select(.verification).verification | "\(.reason) \(.canonicalForm)"' >said
		if not_ours "$file"; then
			[[ $(<said) == SignatureInvalid* || $(<said) == CardInvalid* ]]
		else
			[ "$(<said)" = "Verified $(form_of "$file")" ] || { echo "$file: $(<said)"; false; }
			verified=$((verified + 1))
		fi
	done
	[ $verified -eq 70 ]
}
