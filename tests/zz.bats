#!/usr/bin/env bats
# Attacks on the verdict: each file of tests/data/attacks is refused for its reason, and each
# control, the sibling that nobody tampered with, is accepted. tests/attacks/make made them.

bats_require_minimum_version 1.5.0
load agent.bash

CORPUS=$BATS_TEST_DIRNAME/data/attacks

setup_file() { make_agent; }
setup() { enter; }

# judge_all FILE...: what is wrong with the verdicts on them; the last line counts. Each file has an
# egress-verify of its own, all have one jq.
judge_all() {
	local file first says options
	for file in "$@"; do
		{
			read -r first
			read -r says
			read -r options
			printf '# %s\t%s\t%s\n' "${file##*/}" "${first#'# '}" "${says#'# says: '}"
			# shellcheck disable=SC2086 # words
			egress-verify ${options#'# egress-verify '} 2>err || :
		} <"$file"
	done | jq -Rrn '
		# of the verdicts on one file, the last counts, and no attack may be accepted before
		def wrong: .reason as $reason | .says as $says
			| if .verdicts == [] then "no verdict"
			elif $reason != "Verified" and any(.verdicts[]; .verified) then "ACCEPTED: \(.what)"
			else .verdicts[-1] | select(.verified != ($reason == "Verified") or .reason != $reason or (.message | contains($says) | not))
				| "\(.reason): \(.message) -- not \($reason): \($says)" end;
		foreach (inputs, "# ") as $line ({};
			if $line | startswith("# ") then .done = .file | ($line[2:] / "\t") as [$file, $first, $says]
				| .file = {$file, reason: ($first // "" | sub(": .*"; "")), what: $first, $says, verdicts: []}
			else .done = null | .file.verdicts += [$line | fromjson | .verification // empty] end;
			.done // empty | "\(.file): \(wrong)")'
	echo "$# judged"
}

@test "no attack is accepted, and each is refused for its own reason" {
	run -0 judge_all $(ls "$CORPUS"/fetch-* | grep -v /control-)
	echo "$output"
	[ "${#lines[@]}" -eq 1 ] && [ "${output% judged}" -ge 9 ]
}

@test "a verdict that is not as a file says is told, also of the last file, and an attack that is accepted" {
	local control=$CORPUS/control-rs256.ndjson attack=$CORPUS/alg-none.ndjson
	sed '1s/: /Else: /' "$attack" >reason.ndjson
	sed '2s/says: /says: else /' "$attack" >says.ndjson
	sed '1s/^# [^:]*/# SignatureInvalid/' "$control" >accepted.ndjson
	head -n 3 "$control" >silent.ndjson
	run -0 judge_all reason.ndjson says.ndjson "$attack" accepted.ndjson "$control" silent.ndjson
	echo "$output"
	[ "${#lines[@]}" -eq 5 ]
	[[ ${lines[0]} == 'reason.ndjson: AlgorithmNotAllowed: '* && ${lines[1]} == 'says.ndjson: AlgorithmNotAllowed: '* ]]
	[[ ${lines[2]} == 'accepted.ndjson: ACCEPTED: '* && ${lines[3]} == 'silent.ndjson: no verdict' ]]
}

@test "each control is accepted" {
	run -0 judge_all "$CORPUS"/control-fetch*
	echo "$output"
	[ "${#lines[@]}" -eq 1 ] && [ "${output% judged}" -ge 1 ]
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

@test "a card of 128 levels is verified, and one level more is refused" {
	nested() {
		jq -nc --argjson card "$CARD" --argjson x "$(printf '[%.0s' $(seq $1))1$(printf ']%.0s' $(seq $1))" '$card + {$x}' |
			sign ES256 billing.key "$(header ES256 billing.crt)"
	}
	[[ $(nested 127 | last_word) == "Verified: "* ]]
	[[ $(nested 128 | last_word) == "CardInvalid: "*"nested too deeply" ]]
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

@test "of a bundle 256 anchors are used, and more are ignored and said; one larger than 1 MiB is none" {
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
	[ "$output" = "ADDED team-a/billing-card ChainInvalid" ]
	grep -q 'not all counts: PEM block 257: there are 256 before it, and more do not count' err
	head -c 1048576 /dev/zero | tr '\0' x >pad
	jq -c --rawfile pad pad '. + {$pad}' bundle.json | bundle_configmap >large
	run -0 verdicts_of large workload signed card
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
	grep -q 'unusable: it is larger than 1048576 bytes' err
}

# What costs most to read, sort or write: nearly 1 MiB of it (tests/tools/costly_card.c; `make bench`
# measures the costs). sign_costly KIND: the signed card's ConfigMap.
sign_costly() {
	"$BUILD/tools/costly_card" "$1" |
		egress-sign --key billing.key --chain billing.crt --canonical jcs --configmap team-a/billing 2>said
}
# said_of <ConfigMap: what is said of its card
said_of() {
	{
		cat trust workload card
		sed 's/^/{"type":"ADDED","object":/; s/$/}/'
	} | verify | jq -r 'select(.verification) | .verification | "\(.reason): \(.message)"' | tail -n 1
}

@test "a card made of what is costly is judged like any other" {
	for kind in $("$BUILD/tools/costly_card"); do
		[ "$kind" != growing-numbers ] || continue
		sign_costly "$kind" >map
		[[ $(said_of <map) == "Verified: "* ]] || { echo "$kind: $(said_of <map)"; false; }
		[[ $(sed 's/costly/costlx/' map | said_of) == "SignatureInvalid: "* ]] || { echo "$kind, changed"; false; }
	done
}

# with_signatures KIND COUNT <ConfigMap: that kind's card with so many of the signatures of another
with_signatures() {
	local signature
	signature=$(jq -r '.data["agent-card.json"]' | sed 's/.*,"signatures":\[\({.*}\)\]}$/\1/')
	{
		"$BUILD/tools/costly_card" "$1" other | tr -d '\n' | sed 's/}$/,"signatures":[/'
		for ((i = 1; i < $2; i++)); do printf '%s,' "$signature"; done
		printf '%s]}' "$signature"
	} | jq -Rsc '{apiVersion:"v1", kind:"ConfigMap", metadata:{namespace:"team-a", name:"billing-card-signed"}, data:{"agent-card.json":.}}'
}

@test "a card whose forms would be several times as long as it is has none" {
	sign_costly growing-numbers && false
	[[ $(<said) == *'its canonical form is too long'* ]]
	sign_costly nulls | with_signatures growing-numbers 1 | said_of >word
	[[ $(<word) == "SignatureInvalid: "*"too long"* ]] || { cut -c1-400 word; false; }
}

@test "of a large card no more signatures and forms are digested than its share" {
	sign_costly strings | with_signatures strings 16 | said_of >word
	[[ $(<word) == "SignatureInvalid: "*"so many signatures of so large a card are not checked"* ]] || { cut -c1-400 word; false; }
}
