#!/usr/bin/env bats
# egress-sign(1): what it signs, others verify; what others sign, egress-verify does.

bats_require_minimum_version 1.5.0
load trust.bash

ID=spiffe://example.org/ns/team-a/sa/billing-sa
CARD='{"name":"billing","url":"https://billing.example","skills":[{"id":"pay"}]}'
# all canonical forms of this one differ
ODD='{"name":"a<b & c","description":"","url":"u","capabilities":{"extensions":[{"uri":"é","params":{"n":1.0,"none":null,"list":[]}}]},"skills":[]}'
FORMS='jcs a2a a2a-sdk kagenti a2a-spec a2a-python-1 a2a-python-0.3'

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	ca root example.org
	svid billing root $ID
	rsa_key rsa
	svid rsa root $ID
	for bits in 384 521; do
		ec_key p$bits P-$bits
		svid p$bits root $ID
	done
	subca middle root
	svid below middle $ID
	cat below.crt middle.crt >below.pem
	bundle root.crt | bundle_configmap >trust
	workload Deployment team-a billing billing-sa | event ADDED >workload
	agentcard team-a billing | event ADDED >card
}

setup() {
	cp "$BATS_FILE_TMPDIR"/* "$BATS_TEST_TMPDIR"/ 2>/dev/null || true
	cd "$BATS_TEST_TMPDIR" || return 1
}

# verification [OPTION...] <card
verification() {
	cat trust workload <(signed_configmap team-a billing) card |
		egress-verify --trust-domain example.org "$@" | jq -c 'select(.verification).verification'
}
reason() { verification "$@" | jq -r .reason; }
sign_with() { local name=$1; shift; egress-sign --key "$name.key" --chain "$name.crt" "$@"; }

# Canonical bytes of a card without numbers, as another program writes them.
jcs() { jq -cSj 'del(.signatures)' "$@"; }
decode64url() { jq -Rj 'gsub("-";"+") | gsub("_";"/") | . + ("=" * ((4 - length % 4) % 4))' | base64 -d; }
encode64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
# jwcrypto is another implementation of JWS; Debian's, so Debian's python.
need_jwcrypto() {
	/usr/bin/python3 -c 'import jwcrypto' 2>/dev/null ||
		skip "python3-jwcrypto is not installed (apt-get install python3-jwcrypto)"
}

@test "what it signs is verified, with every algorithm and in every form" {
	for pair in billing:ES256 p384:ES384 p521:ES512 rsa:RS256 rsa:RS384 rsa:RS512 rsa:PS256 rsa:PS384 rsa:PS512; do
		for form in $FORMS; do
			sign_with "${pair%:*}" --algorithm "${pair#*:}" --canonical $form <<<"$ODD" >signed
			verification --canonical $form <signed >said
			jq -e --arg alg "${pair#*:}" --arg form $form '.verified and .algorithm == $alg and .canonicalForm == $form' said ||
				{ cat said; false; }
			[ "${pair#*:}" = ES256 ] || continue
			for other in $FORMS; do
				[ $other = $form ] || [ "$(reason --canonical $other <signed)" = SignatureInvalid ]
			done
		done
	done
}

@test "the default is the form that the operator knows, and the algorithm that fits the key" {
	for pair in billing:ES256 p384:ES384 p521:ES512 rsa:RS256; do
		sign_with "${pair%:*}" <<<"$ODD" >signed
		[ "$(verification --canonical kagenti <signed | jq -r .algorithm)" = "${pair#*:}" ]
	done
}

@test "intermediates go along" {
	egress-sign --key below.key --chain below.pem <<<"$CARD" >signed
	[ "$(reason <signed)" = Verified ]
	jq -r '.signatures[0].protected' signed | decode64url | jq -e '.x5c | length == 2'
	egress-sign --key below.key --chain below.crt <<<"$CARD" >signed
	[ "$(reason <signed)" = ChainInvalid ]
}

@test "the protected header says how and with which key" {
	sign_with billing --key-id 'my "key"' <<<"$CARD" | jq -r '.signatures[0].protected' | decode64url >header
	jq -e '. == {alg:"ES256", typ:"JOSE", kid:"my \"key\"", x5c:.x5c}' header
	[ "$(jq -c .x5c header)" = "$(x5c billing.crt)" ]
	# the default kid is the SHA-256 of the public key
	kid=$(openssl pkey -in billing.key -pubout -outform DER | openssl dgst -sha256 -binary | encode64url)
	[ "$(sign_with billing <<<"$CARD" | jq -r '.signatures[0].protected' | decode64url | jq -r .kid)" = "$kid" ]
}

@test "all other bytes of the card stay" {
	printf ' \n{ "name" : "odd", "n" : 12345678901234567890.10e+2,\n\t"a":"\\u00e9\\/", "b" : [ ] , "a b":{} }\n\n' >odd
	sign_with billing odd >signed
	sed 's/,"signatures":\[{"protected":"[^"]*","signature":"[^"]*"}\]//' signed | cmp - \
		<(printf '{ "name" : "odd", "n" : 12345678901234567890.10e+2,\n\t"a":"\\u00e9\\/", "b" : [ ] , "a b":{} }\n')
	[ "$(reason <signed)" = Verified ]
	sign_with billing <<<'{"name":"x"}' | jq -e 'keys == ["name", "signatures"] and (.signatures | length == 1)'
}

@test "a signature is added to those that are there" {
	sign_with rsa <<<"$CARD" | sign_with p384 | sign_with billing >signed
	jq -e '.signatures | length == 3' signed
	for i in 0 1 2; do
		[ "$(jq -c ".signatures |= [.[$i]]" signed | reason)" = Verified ]
	done
	for empty in '{"signatures":[],"name":"x"}' '{"signatures":null,"name":"x"}' '{"name":"x","signatures" : [ ] }'; do
		sign_with billing <<<"$empty" >signed
		[ "$(reason <signed)" = Verified ]
	done
}

@test "--replace drops the signatures that were there" {
	jq -c '.signatures = [{protected:"x", signature:"y"}]' <<<"$CARD" >stale
	sign_with billing --replace stale >signed
	jq -e '.signatures | length == 1' signed
	[ "$(reason <signed)" = Verified ]
	jq -c '.signatures = "x" | .more = 1' <<<"$CARD" | sign_with billing --replace >signed
	[ "$(reason <signed)" = Verified ]
}

@test "--configmap prints the ConfigMap with the card inside, byte for byte, on one line" {
	printf '{\n "name": "odd", "n": 12345678901234567890,\n "s": "\\"<\\u0000"\n}' >odd
	sign_with billing odd --configmap team-a/billing >map
	[ "$(wc -l <map)" -eq 1 ]
	jq -e '.apiVersion == "v1" and .kind == "ConfigMap" and
		.metadata == {namespace:"team-a", name:"billing-card-signed"} and (.data | keys == ["agent-card.json"])' map
	jq -j '.data["agent-card.json"]' map >signed
	grep -q '"n": 12345678901234567890,' signed
	[ "$({ cat trust workload; event ADDED <map; cat card; } |
		egress-verify --trust-domain example.org | jq -r 'select(.verification).verification.reason')" = Verified ]
}

@test "keys in older PEM formats are read" {
	openssl ec -in billing.key -out old.key 2>/dev/null
	{ openssl ecparam -name prime256v1; cat old.key; } >with-parameters.key
	openssl rsa -in rsa.key -traditional -out oldrsa.key 2>/dev/null
	grep -q 'BEGIN EC PRIVATE KEY' old.key
	grep -q 'BEGIN RSA PRIVATE KEY' oldrsa.key
	for key in old.key:billing.crt with-parameters.key:billing.crt oldrsa.key:rsa.crt; do
		egress-sign --key "${key%:*}" --chain "${key#*:}" <<<"$CARD" >signed
		[ "$(reason <signed)" = Verified ]
	done
}

# refused STATUS WORDS COMMAND...: and nothing is printed
refused() {
	local status=$1 words=$2
	shift 2
	run --separate-stderr -"$status" "$@" <<<"$CARD"
	[ -z "$output" ]
	[[ "$stderr" == "egress-sign: "*"$words"* ]] || { echo "$stderr"; false; }
}

@test "a key and a chain that do not belong together are refused" {
	refused 3 "not that of the chain's first certificate" egress-sign --key p384.key --chain billing.crt
	cat middle.crt below.crt >shuffled.pem
	refused 3 "the leaf names 0 URIs" egress-sign --key middle.key --chain shuffled.pem
	cat below.crt root.crt >gap.pem
	refused 3 "out of order: certificate 1" egress-sign --key below.key --chain gap.pem
	refused 3 "has no path" egress-sign --key root.key --chain root.crt
	cat below.crt middle.crt root.crt root.crt >long.pem
	refused 3 "4 certificates" egress-sign --key below.key --chain long.pem
}

@test "files that hold no key or chain are named" {
	openssl pkey -in billing.key -aes128 -passout pass:x -out locked.key
	echo nonsense >nonsense
	: >empty
	sed '/END/d' billing.crt >cut.crt
	refused 3 "locked.key and billing.crt: the key is not a private key in PEM without a password" \
		egress-sign --key locked.key --chain billing.crt
	refused 3 "the key is not a private key" egress-sign --key nonsense --chain billing.crt
	refused 3 "the key is not a private key" egress-sign --key empty --chain billing.crt
	refused 3 "holds no certificate" egress-sign --key billing.key --chain nonsense
	refused 3 "not in PEM" egress-sign --key billing.key --chain cut.crt
	refused 3 "cannot read missing: No such file" egress-sign --key missing --chain billing.crt
	refused 3 "cannot read missing: No such file" egress-sign --key billing.key --chain missing
	refused 3 "cannot read missing: No such file" egress-sign --key billing.key --chain billing.crt missing
}

@test "an algorithm that does not fit the key is refused" {
	refused 3 "needs a key on P-384, but the leaf's is on P-256" sign_with billing --algorithm ES384
	refused 3 "does not fit the leaf's key, which is EC" sign_with billing --algorithm RS256
	refused 3 "HS256 is not an algorithm" sign_with billing --algorithm HS256
	refused 3 "none is not an algorithm" sign_with billing --algorithm none
}

@test "what is no card is not signed" {
	for card in '' '[]' '{"a":1,"a":2}' '{' $'{"a":"\xff"}' '{"n":1e999}' '{"signatures":7}'; do
		run --separate-stderr -1 sign_with billing <<<"$card"
		[ -z "$output" ] && [[ "$stderr" == "egress-sign: the card cannot be signed: "* ]]
	done
	jq -nc '{signatures:[range(16) | {}]}' >sixteen
	run -1 sign_with billing sixteen
	[[ "$output" == *"as many signatures as a card may have"* ]]
	sign_with billing --replace sixteen | jq -e '.signatures | length == 1'
}

@test "wrong usage is refused before anything is read" {
	run -2 egress-sign
	[[ "$output" == *"Give --key FILE and --chain FILE"* ]]
	run -2 egress-sign --key billing.key
	run -2 sign_with billing --canonical json
	run -2 sign_with billing a b
	for name in '' team-a /billing; do
		run -2 sign_with billing --configmap "$name" <<<"$CARD"
	done
	for name in team-a/ team-a/Billing team-a/a/b 'team-a/x"y' Team/billing team.a/billing team-a/-x; do
		refused 1 "is not a name of Kubernetes" sign_with billing --configmap "$name"
	done
}

@test "a key that everybody may read is used with a warning" {
	chmod 644 billing.key
	run --separate-stderr -0 sign_with billing <<<'{"name":"billing"}'
	[[ "$stderr" == "egress-sign: billing.key: everyone on this machine may read or change the key (mode 644)" ]]
	chmod 640 billing.key
	run --separate-stderr -0 sign_with billing <<<'{"name":"billing"}'
	[ -z "$stderr" ]
}

# said FORM <card: what it says when it signs
said() {
	run --separate-stderr -0 sign_with billing --canonical "$1"
	jq -e '.signatures | length == 1' <<<"$output"
}

@test "it says which members a form leaves out, and who would not accept the signature" {
	card='{"name":"n","url":"u","supportedInterfaces":[{"url":"u","extra":1}],"skills":[{"id":"i","none":"","odd\u001b":1}]}'
	said kagenti <<<"$card"
	[[ "$stderr" == *"the signature does not cover supportedInterfaces, skills.odd\\u001b"* ]]
	[[ "$stderr" == *"an SDK of A2A 1.0 will not accept it: that checks form a2a-sdk, which is not the same and leaves out url, skills.odd\\u001b, supportedInterfaces.extra"* ]]
	[[ "$stderr" != *"operator"* ]]
	said a2a-sdk <<<"$card"
	[[ "$stderr" == *"does not cover url, skills.odd"* ]]
	[[ "$stderr" == *"the operator will not accept it: that checks form kagenti, which is not the same and leaves out supportedInterfaces"* ]]
	said jcs <<<'{"name":"n","capabilities":{"streaming":"yes"}}'
	[[ "$stderr" == *"the operator will not accept it: the card has no form kagenti: streaming is neither true nor false"* ]]
	[[ "$stderr" == *"SDK of A2A 1.0 will not accept it: the card has no form a2a-sdk: "* ]]
	said jcs <<<'{"name":"<n>","description":""}'
	[[ "$stderr" == *"the operator will not accept it: that checks form kagenti, which is not the same"$'\n'* ]]
}

@test "an SVID that has expired, or is not valid yet, is used with a warning" {
	dated() { # NAME FROM TO
		ec_key "$1"
		: >index.txt
		openssl req -new -key "$1.key" -subj "/O=SPIRE" -out request.csr
		printf '[ca]\ndefault_ca = any\n[any]\ndatabase = index.txt\nrand_serial = yes\nnew_certs_dir = .\n' >ca.cnf
		printf 'default_md = sha256\npolicy = all\nunique_subject = no\n[all]\norganizationName = optional\n' >>ca.cnf
		openssl ca -batch -notext -config ca.cnf -in request.csr -cert root.crt -keyfile root.key -startdate "$2" -enddate "$3" \
			-extfile <(printf '%s\nsubjectAltName=URI:%s\n' "$SVID_USAGE" $ID) -out "$1.crt" 2>/dev/null
	}
	dated old 20250101000000Z 20250102000000Z
	dated early 29980101000000Z 29990102000000Z
	run --separate-stderr -0 sign_with old <<<'{"name":"n"}'
	[[ "$stderr" == "egress-sign: old.crt: the SVID expired at 2025-01-02T00:00:00Z;"* ]]
	run --separate-stderr -0 sign_with early <<<'{"name":"n"}'
	[[ "$stderr" == "egress-sign: early.crt: the SVID is valid only from 2998-01-01T00:00:00Z;"* ]]
}

@test "a Kubernetes object is not signed" {
	refused_object() {
		run --separate-stderr -1 sign_with billing
		[ -z "$output" ] && [[ "$stderr" == *"it is a Kubernetes object"* ]]
	}
	jq -c .object card | refused_object
	jq -nc '{apiVersion:"v1", kind:"ConfigMap", data:{"agent-card.json":"{}"}}' | refused_object
}

@test "a card of which the form covers nothing is not signed" {
	run --separate-stderr -1 sign_with billing <<<'{"supportedInterfaces":[{"url":"u"}]}'
	[[ "$stderr" == *"covers no member of it"* ]]
	run --separate-stderr -1 sign_with billing --canonical a2a-sdk <<<'{"url":"u"}'
	[[ "$stderr" == *"nothing is left of the card"* ]]
}

@test "output that cannot be written is an error" {
	run -3 bash -c 'egress-sign --key billing.key --chain billing.crt <<<"{}" >/dev/full'
	[[ "$output" == *"cannot write output"* ]]
}

@test "interop: the openssl command verifies what it signs, over bytes that jq wrote" {
	sign_with rsa <<<"$CARD" >signed
	protected=$(jq -r '.signatures[0].protected' signed)
	jq -r '.signatures[0].signature' signed | decode64url >signature
	printf '%s.%s' "$protected" "$(jcs signed | encode64url)" >input
	openssl x509 -in rsa.crt -noout -pubkey >public
	openssl dgst -sha256 -verify public -signature signature input
	sign_with rsa --algorithm PS512 <<<"$CARD" >signed
	jq -r '.signatures[0].signature' signed | decode64url >signature
	printf '%s.%s' "$(jq -r '.signatures[0].protected' signed)" "$(jcs signed | encode64url)" >input
	openssl dgst -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 -verify public -signature signature input
}

@test "interop: what the openssl command signs over bytes that jq wrote is verified" {
	for pair in rsa:RS256 billing:ES256; do
		name=${pair%:*}
		protected=$(header "${pair#*:}" "$name.crt" | tr -d '\n' | encode64url)
		printf '%s.%s' "$protected" "$(jcs <<<"$CARD" | encode64url)" >input
		signature=$(openssl dgst -sha256 -sign "$name.key" input | encode64url)
		jq -c --arg p "$protected" --arg s "$signature" '.signatures = [{protected:$p, signature:$s}]' <<<"$CARD" >signed
		[ "$(reason <signed)" = Verified ]
		jq -c '.name = "evil"' signed >changed
		[ "$(reason <changed)" = SignatureInvalid ]
	done
}

@test "interop: jwcrypto verifies what it signs" {
	need_jwcrypto
	for pair in billing:ES256 p384:ES384 p521:ES512 rsa:PS256; do
		name=${pair%:*}
		sign_with "$name" --algorithm "${pair#*:}" --canonical jcs <<<"$CARD" >signed
		/usr/bin/python3 - "$name.crt" signed <<-'PYTHON'
			import base64, json, sys
			from jwcrypto import jwk, jws
			card = json.load(open(sys.argv[2]))
			signature = card.pop("signatures")[0]
			payload = json.dumps(card, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
			token = ".".join([signature["protected"],
			                  base64.urlsafe_b64encode(payload).decode().rstrip("="), signature["signature"]])
			made = jws.JWS()
			made.deserialize(token)
			made.verify(jwk.JWK.from_pem(open(sys.argv[1], "rb").read()))
			assert made.payload == payload
		PYTHON
	done
}

@test "interop: what jwcrypto signs over python's own canonical bytes is verified" {
	need_jwcrypto
	for pair in billing:ES256 p384:ES384 p521:ES512 rsa:RS512 rsa:PS384; do
		name=${pair%:*}
		header "${pair#*:}" "$name.crt" >header.json
		/usr/bin/python3 - "$name.key" header.json >signed <<-'PYTHON'
			import json, sys
			from jwcrypto import jwk, jws
			card = {"name": "b\u00fcro", "n": [1, -7, 0.5], "s": "\u2028 \x1f \"\\/", "z": {"b": True, "a": None}}
			payload = json.dumps(card, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
			made = jws.JWS(payload.encode())
			made.add_signature(jwk.JWK.from_pem(open(sys.argv[1], "rb").read()), None,
			                   open(sys.argv[2]).read().strip())
			made = json.loads(made.serialize())
			card["signatures"] = [{"protected": made["protected"], "signature": made["signature"]}]
			print(json.dumps(card, indent=1))
		PYTHON
		verification --canonical jcs <signed >said
		jq -e .verified said || { cat said; false; }
	done
}
