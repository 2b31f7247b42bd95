#!/usr/bin/env bats
# Attacks on the verdict: each file of tests/data/attacks is refused for its reason, and each
# control, the sibling that nobody tampered with, is accepted. tests/attacks/make made them.

bats_require_minimum_version 1.5.0
load agent.bash

CORPUS=$BATS_TEST_DIRNAME/data/attacks

setup_file() { make_agent; }
setup() { enter; }

# judge FILE: what is wrong with the verdict on it; nothing when it is what the file says.
judge() {
	local first says options reason
	{ read -r first; read -r says; read -r options; } <"$1"
	first=${first#'# '} says=${says#'# says: '}
	read -ra options <<<"${options#'# egress-verify '}"
	reason=${first%%: *}
	sed 1,3d "$1" | egress-verify "${options[@]}" 2>err | jq -c 'select(.verification) | .verification' >all
	[ -s all ] || { echo "$1: no verdict" && return; }
	[ "$reason" = Verified ] || ! grep -q '"verified":true' all || echo "$1: ACCEPTED: ${first#*: }"
	tail -n 1 all | jq -r --arg reason "$reason" --arg says "$says" --arg file "${1##*/}" '
		select(.verified != ($reason == "Verified") or .reason != $reason or (.message | contains($says) | not))
		| "\($file): \(.reason): \(.message) -- not \($reason): \($says)"'
}

judge_all() {
	local file
	for file in "$@"; do
		judge "$file"
	done
	echo "$# judged"
}

@test "no attack is accepted, and each is refused for its own reason" {
	run -0 judge_all $(ls "$CORPUS"/*.ndjson | grep -v /control-)
	echo "$output"
	[ "${#lines[@]}" -eq 1 ] && [ "${output% judged}" -ge 300 ]
}

@test "each control is accepted" {
	run -0 judge_all "$CORPUS"/control-*.ndjson
	echo "$output"
	[ "${#lines[@]}" -eq 1 ] && [ "${output% judged}" -ge 20 ]
}

# What is too large is not kept as a file. last_word <signed card: what is said of it.
last_word() {
	signed_configmap team-a billing >large
	cat trust workload card large | verify | jq -r 'select(.verification) | .verification | "\(.reason): \(.message)"' | tail -n 1
}
# padded BYTES: billing's card, signed, of so many bytes.
padded() {
	local usual
	usual=$(jq -cj '.pad = "x"' billing.json | wc -c)
	head -c $(($1 - usual + 1)) /dev/zero | tr '\0' x >pad
	jq -nc --argjson card "$CARD" --rawfile pad pad '$card + {pad:$pad}' |
		sign ES256 billing.key "$(header ES256 billing.crt)" | tr -d '\n'
}

@test "a card of 1 MiB is verified, and one byte more is refused" {
	padded 1048576 >card.json
	[ "$(wc -c <card.json)" -eq 1048576 ]
	[[ $(last_word <card.json) == "Verified: "* ]]
	padded 1048577 >card.json
	[ "$(wc -c <card.json)" -eq 1048577 ]
	[ "$(last_word <card.json)" = "CardInvalid: the card is larger than 1048576 bytes" ]
}

@test "a card of 64 levels is verified, and one level more is refused" {
	nested() {
		jq -nc --argjson card "$CARD" --argjson x "$(printf '[%.0s' $(seq $1))1$(printf ']%.0s' $(seq $1))" '$card + {$x}' |
			sign ES256 billing.key "$(header ES256 billing.crt)"
	}
	[[ $(nested 63 | last_word) == "Verified: "* ]]
	[[ $(nested 64 | last_word) == "CardInvalid: "*"nested too deeply" ]]
}

@test "16 signatures are looked at, and one more is refused" {
	some() { jq -c ".signatures |= [range($1) as \$i | .[0] | .signature = \"AAAA\"] + ." billing.json; }
	[[ $(some 15 | last_word) == "Verified: "* ]]
	[[ $(some 16 | last_word) == "CardInvalid: the card has 17 signatures"* ]]
	[ "$(some 15 | jq -c '.name = "evil"' | last_word | grep -o 'signature [0-9]*:' | sort -u | wc -l)" -eq 16 ]
}

@test "a protected header of 60000 bytes is read, and one of 70000 is refused" {
	long() {
		head -c "$1" /dev/zero | tr '\0' x >pad
		header ES256 billing.crt | jq -c --rawfile pad pad '. + {$pad}' >long.header
		sign ES256 billing.key "$(cat long.header)" <<<"$CARD"
	}
	[[ $(long 60000 | last_word) == "Verified: "* ]]
	[[ $(long 70000 | last_word) == "SignatureInvalid: the protected header is too long" ]]
}

@test "a certificate of 15000 bytes is read, and one of 17000 is refused" {
	large() {
		issue large root "$SVID_USAGE
subjectAltName=URI:spiffe://example.org/ns/team-a/sa/billing-sa
1.2.3.4=ASN1:UTF8String:$(head -c "$1" /dev/zero | tr '\0' x)"
		sign ES256 large.key "$(header ES256 large.crt)" <<<"$CARD"
	}
	[[ $(large 15000 | last_word) == "Verified: "* ]]
	[[ $(large 17000 | last_word) == "ChainInvalid: x5c[0] is larger than 16384 bytes" ]]
}

@test "a card of very many members is checked, and one of them twice is found" {
	jq -nc --argjson card "$CARD" '[range(50000)] | map({key:"k\(.)", value:.}) | from_entries | . + $card' |
		sign ES256 billing.key "$(header ES256 billing.crt)" >card.json
	[[ $(last_word <card.json) == "Verified: "* ]]
	[[ $(sed 's/"k49999":/"k17":/' card.json | last_word) == "CardInvalid: "*"duplicate key" ]]
}

@test "a bundle of 256 anchors is used, one of 257 and one larger than 4 MiB are not" {
	ec_key many
	for i in $(seq 256); do
		openssl req -x509 -new -key many.key -days 30 -subj "/CN=$i" \
			-addext keyUsage=critical,keyCertSign -out "$i.pem" 2>/dev/null
	done
	cat {1..255}.pem >most.pem
	cat most.pem root.crt | bundle_configmap >limit
	cat most.pem 256.pem root.crt | bundle_configmap >beyond
	run -0 verdicts_of limit workload signed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of beyond workload signed card
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
	grep -q 'unusable: certificate 257: there are more than 256' err
	head -c 4194304 /dev/zero | tr '\0' x >pad
	jq -c --rawfile pad pad '. + {$pad}' bundle.json | bundle_configmap >large
	run -0 verdicts_of large workload signed card
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
	grep -q 'unusable: it is larger than 4194304 bytes' err
}
