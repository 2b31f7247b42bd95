#!/usr/bin/env bats
# egress-verify(1): where trust comes from, and what happens when it changes.

bats_require_minimum_version 1.5.0
load agent.bash

setup_file() { make_agent; }
setup() { enter; }

@test "the bundle's end ends trust, and so does one without a usable CA; what is no bundle does not" {
	changed() { jq -c --arg b "$1" '.object.data["bundle.spiffe"] = $b | .type = "MODIFIED"' trust; }
	changed '{"key":[]}' >bad
	run -0 verdicts_of good bad
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	grep -q 'egress-verify: the trust bundle of example.org in configmap spire-system/spire-bundle is unusable: .*; the last good one stays for at most 3600 seconds more' err
	jq -c '.type = "DELETED"' trust >deleted
	jq -c 'del(.object.data) | .type = "MODIFIED"' trust >emptied
	changed '' >blank
	changed '{"keys":[]}' >withdrawn
	changed "$(jq -c '.keys[].use = "jwt-svid"' bundle.json)" >jwt
	changed "$(jq -nc --slurpfile other other.json '{trust_domains:{"other.org":$other[0]}}')" >unnamed
	for end in deleted emptied blank withdrawn jwt unnamed; do
		run -0 verdicts_of good $end trust
		[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card TrustBundleMissing
MODIFIED team-a/billing-card Verified' ] || { echo "$end: $output"; false; }
		grep -q 'spire-bundle .*: no card of that trust domain is verified' err
	done
}

@test "the same trust domain given twice counts once" {
	local once
	once=$(egress-verify --trust-domain example.org <good)
	run -0 egress-verify --trust-domain example.org --trust-domain example.org <good
	[ "$output" = "$once" ]
	run -0 egress-verify --trust-domain example.org --trust-domain other.org --trust-domain example.org \
		--trust-bundle other.org=other.json <good
	grep -q '"verified":true' <<<"$output"
	run -2 egress-verify --trust-domain example.org --trust-domain other.org <good
	[[ $output == *'--trust-domain other.org has no bundle'* ]]
}

@test "without a trust domain the message names the option, and the variable where one is in use" {
	run -2 env -u EGRESS_VERIFY_FLAGS egress-verify <good
	[[ $output == *'no trust domain is given'*'--trust-domain DOMAIN'* && $output != *EGRESS_VERIFY_FLAGS* ]]
	run -2 env EGRESS_VERIFY_FLAGS= egress-verify <good
	[[ $output == *'in the variable EGRESS_VERIFY_FLAGS'* ]]
}

@test "entries that are unfit are ignored and said, and do not spoil the others" {
	jq -c --argjson x5c "$(x5c other.crt)" '.keys = [
		{use:"x509-svid", kty:"OKP", x5c:$x5c}, {use:"ssh", kty:"EC", x5c:$x5c}, {use:"x509-svid", kty:"EC"},
		{kty:"EC", x5c:$x5c}, {use:"x509-svid", kty:"EC", x5c:["AAAA"]}, 7] + .keys' bundle.json |
		bundle_configmap >mixed
	run -0 verdicts_of mixed workload signed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	grep -q 'of the trust bundle of example.org in configmap spire-system/spire-bundle not all counts: 6 parts are ignored, the first: key 1: its kty is missing or unknown' err
	# of several certificates in one key the first counts: here the removal of the other
	jq -c --argjson x5c "$(x5c other.crt root.crt)" '.keys[0].x5c = $x5c' bundle.json | bundle_configmap MODIFIED >rotated
	run -0 verdicts_of good rotated
	[ "${lines[1]}" = "MODIFIED team-a/billing-card ChainInvalid" ]
	grep -q 'key 1: of the certificates in its x5c only the first counts' err
}

@test "what is no bundle at all ends trust after --bundle-grace, by the time in the stream" {
	# seconds after a moment at which the certificates of this file are valid, whatever the hour is
	local now
	now=$(date +%s)
	at() { jq -c --arg t "$(date -u -d "@$((now + $1))" +%FT%TZ)" '.time = $t'; }
	at 0 <card >first
	jq -c '.object.data["bundle.spiffe"] = "nonsense" | .type = "MODIFIED"' trust | at 0 >bad
	mark end v1 Pod | at 599 >before
	mark end v1 Pod | at 600 >after
	run -0 verdicts_of trust workload signed first bad before -- --bundle-grace 600
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of trust workload signed first bad before after -- --bundle-grace 600
	[ "${lines[1]}" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	grep -q 'is unusable: it is neither a JSON object nor PEM, for longer than --bundle-grace' err
}

@test "a bundle whose sequence goes back counts, and is said" {
	jq -c '.spiffe_sequence = 5' bundle.json | bundle_configmap >five
	jq -c '.spiffe_sequence = 4' bundle.json | bundle_configmap MODIFIED >four
	run -0 verdicts_of five workload signed card four
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	grep -q 'spiffe_sequence of the trust bundle of example.org in .* went back from 5 to 4' err
}

@test "a missing bundle is named with its ConfigMap, key, and the keys that are there" {
	said() { verify "$@" | jq -r 'select(.verification) | .verification.message' | tail -n 1; }
	cat workload signed card >without
	[ "$(said <without)" = 'there is no trust bundle of trust domain example.org: configmap spire-system/spire-bundle is not there' ]
	jq -c '.object.data = {"root.pem":"x", "ca":"y"}' trust >other-keys
	[ "$(cat other-keys without | said)" = 'there is no trust bundle of trust domain example.org: configmap spire-system/spire-bundle has no key bundle.spiffe or bundle.crt; its keys: root.pem, ca' ]
	[ "$(cat other-keys without | said --trust-bundle-configmap spire-system/spire-bundle:roots)" = 'there is no trust bundle of trust domain example.org: configmap spire-system/spire-bundle has no key roots; its keys: root.pem, ca' ]
}

@test "bundle.crt in PEM is tried where there is no bundle.spiffe" {
	configmap spire-system spire-bundle bundle.crt <root.crt | event ADDED >pem
	run -0 verdicts_of pem workload signed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	jq -c --rawfile crt other.crt '.object.data["bundle.crt"] = $crt' trust >both
	run -0 verdicts_of both workload signed card
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of pem workload signed card -- --trust-bundle-configmap spire-system/spire-bundle:bundle.spiffe
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
}

@test "a ClusterTrustBundle in the stream is a bundle, of either version" {
	for version in v1 v1beta1; do
		jq -Rsc --arg v "certificates.k8s.io/$version" '{type:"ADDED", object:{apiVersion:$v,
			kind:"ClusterTrustBundle", metadata:{name:"example.org:spire:roots"}, spec:{trustBundle:.}}}' <root.crt >ctb
		run -0 verdicts_of ctb workload signed card -- --trust-bundle-clustertrustbundle example.org:spire:roots
		[ "$output" = "ADDED team-a/billing-card Verified" ]
	done
	jq -c '.type = "DELETED"' ctb >gone
	run -0 verdicts_of ctb workload signed card gone -- --trust-bundle-clustertrustbundle example.org=example.org:spire:roots
	[ "${lines[1]}" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	run -0 verdicts_of ctb workload signed card <(mark begin certificates.k8s.io/v1 ClusterTrustBundle) \
		<(mark end certificates.k8s.io/v1 ClusterTrustBundle) -- --trust-bundle-clustertrustbundle example.org:spire:roots
	[ "${lines[1]}" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	# another one's concerns nobody, nor does a namespaced object of that kind
	run -0 verdicts_of ctb workload signed card -- --trust-bundle-clustertrustbundle roots
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
	jq -c '.object.metadata.namespace = "team-a"' ctb >namespaced
	run -0 verdicts_of namespaced workload signed card -- --trust-bundle-clustertrustbundle example.org:spire:roots
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
	run -2 egress-verify --trust-domain example.org --trust-bundle-clustertrustbundle a/b <good
	run -2 egress-verify --trust-domain example.org --trust-bundle-clustertrustbundle a --trust-bundle-configmap b/c <good
}

@test "each verdict names its anchor, and --without-anchor says who falls when that CA goes" {
	ca new example.org
	svid search new spiffe://example.org/ns/team-b/sa/search
	sign ES256 search.key "$(header ES256 search.crt)" <<<"$CARD" | signed_configmap team-b search >search-signed
	agentcard team-b search | event ADDED >search-card
	workload Deployment team-b search search | event ADDED >search-workload
	bundle root.crt new.crt | bundle_configmap >both
	cat both workload signed card search-workload search-signed search-card >two
	id() { openssl x509 -in "$1" -noout -ext subjectKeyIdentifier | sed -n '2s/ //gp'; }
	verify <two >out
	jq -r 'select(.verification) | .verification.anchor' out >anchors
	[ "$(sed -n 1p anchors)" = "$(id root.crt | tr -d : | tr A-F a-f)" ]
	[ "$(sed -n 2p anchors)" = "$(id new.crt | tr -d : | tr A-F a-f)" ]
	run -0 verdicts_of two -- --without-anchor "$(sed -n 1p anchors)"
	[ "$output" = 'ADDED team-a/billing-card ChainInvalid
ADDED team-b/search-card Verified' ]
	run -0 verdicts_of two -- --without-anchor "$(id root.crt)" --without-anchor "$(id new.crt)"
	[ "$output" = 'ADDED team-a/billing-card TrustBundleMissing
ADDED team-b/search-card TrustBundleMissing' ]
	# an ID that nobody has must not answer "nobody falls"
	run -1 --separate-stderr egress-verify --trust-domain example.org --without-anchor 00ff <two
	[[ $stderr == *"--without-anchor 00ff: no trust bundle held a CA of this key identifier"* ]]
	run -2 egress-verify --trust-domain example.org --without-anchor root <two
}

@test "a rotated bundle decides anew" {
	ca new example.org
	bundle new.crt | bundle_configmap MODIFIED >rotated
	bundle root.crt new.crt | bundle_configmap MODIFIED >both
	run -0 verdicts_of good both rotated
	[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card ChainInvalid' ]
}

@test "the bundle's ConfigMap has the name and key that are asked for, and may be PEM" {
	configmap trust ca bundle.crt <root.crt | event ADDED >pem
	run -0 verdicts_of pem workload signed card -- --trust-bundle-configmap trust/ca:bundle.crt
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	run -0 verdicts_of good -- --trust-bundle-configmap trust/ca:bundle.crt
	[ "$output" = "ADDED team-a/billing-card TrustBundleMissing" ]
}

@test "a trust bundle file is read again when it is renamed over, deleted, made again: also while idle" {
	cp bundle.json b.json
	mkfifo in out
	egress-verify --trust-domain example.org --trust-bundle b.json <in >out 2>err &
	pid=$!
	exec 8>in 9<out
	cat workload signed card >&8
	expect() {
		local line
		while read -r -t 120 -u 9 line; do
			line=$(verdicts <<<"$line")
			[ -z "$line" ] || break
		done
		[ "$line" = "$1" ] || { echo "got $line, expected $1"; return 1; }
	}
	expect "ADDED team-a/billing-card Verified"
	cp other.json new.json && mv new.json b.json
	expect "MODIFIED team-a/billing-card ChainInvalid"
	cp bundle.json new.json && mv new.json b.json
	expect "MODIFIED team-a/billing-card Verified"
	rm b.json
	expect "MODIFIED team-a/billing-card TrustBundleMissing"
	cp bundle.json new.json && mv new.json b.json
	expect "MODIFIED team-a/billing-card Verified"
	echo nonsense >new.json && mv new.json b.json
	for _ in $(seq 2400); do grep -q 'last good one stays' err && break; sleep 0.05; done
	grep -q 'trust bundle of example.org in file b.json is unusable.*the last good one stays' err
	cp card card2 && cat card2 >&8
	expect "ADDED team-a/billing-card Verified"
	exec 8>&-
	wait $pid
}

@test "a trust bundle file is followed through the links that Kubernetes swaps" {
	mkdir -p volume/..one volume/..two
	cp bundle.json volume/..one/b.json
	cp other.json volume/..two/b.json
	ln -s ..one volume/..data
	ln -s ..data/b.json volume/b.json
	mkfifo in out
	egress-verify --trust-domain example.org --trust-bundle volume/b.json <in >out 2>err &
	pid=$!
	exec 8>in 9<out
	cat workload signed card >&8
	for _ in 1 2 3; do read -r -t 120 -u 9 line; done
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	ln -s ..two volume/..tmp && mv -T volume/..tmp volume/..data
	read -r -t 120 -u 9 line
	[ "$(verdicts <<<"$line")" = "MODIFIED team-a/billing-card ChainInvalid" ]
	exec 8>&-
	wait $pid
}

@test "SIGHUP has the trust bundle files read again, and ends nothing" {
	cp bundle.json b.json
	mkfifo in out
	egress-verify --trust-domain example.org --trust-bundle b.json <in >out 2>err &
	pid=$!
	exec 8>in 9<out
	cat workload signed card >&8
	for _ in 1 2 3; do read -r -t 60 -u 9 line; done
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	kill -s HUP $pid
	for _ in $(seq 2400); do grep -q 'are read again' err && break; sleep 0.1; done
	grep -qx "egress-verify: asked to: the trust bundles' files are read again" err
	cat card >&8
	read -r -t 60 -u 9 line
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	exec 8>&-
	wait $pid
}

@test "a trust bundle file that is missing or unusable at the start ends with status 3" {
	run -3 egress-verify --trust-domain example.org --trust-bundle nowhere.json <good
	[[ $output == *"cannot read the trust bundle of example.org: nowhere.json: No such file or directory"* ]]
	echo nonsense >bad.json
	run -3 egress-verify --trust-domain example.org --trust-bundle bad.json <good
	[[ $output == *"trust bundle of example.org in file bad.json is unusable"* ]]
	echo '{"keys":[]}' >none.json
	run -3 egress-verify --trust-domain example.org --trust-bundle none.json <good
	[[ $output == *"trust bundle of example.org in file none.json holds no CA"* ]]
}

@test "several trust domains each have their bundle" {
	signed_configmap team-a billing <federated.json >federated
	jq -c '.object.spec.identityBinding.trustDomain = "other.org"' card >bound
	federation=(--trust-domain other.org --trust-bundle other.org=other.json)
	run -0 verdicts_of trust workload federated bound -- "${federation[@]}"
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	# a card without the binding must be of the first
	run -0 verdicts_of trust workload federated card -- "${federation[@]}"
	[ "$output" = "ADDED team-a/billing-card TrustDomainMismatch" ]
	# a bundle of one does not speak for the other
	run -0 verdicts_of trust workload federated bound -- --trust-domain other.org --trust-bundle other.org=bundle.json
	[ "$output" = "ADDED team-a/billing-card ChainInvalid" ]
	# from ConfigMaps as well; a change of one concerns only its own cards
	configmap federation other-org b <other.json | event ADDED >other-trust
	jq -c '.type = "DELETED"' other-trust >other-gone
	agentcard team-a billing '.metadata.name = "unbound"' | event ADDED >unbound
	run -0 verdicts_of trust other-trust workload federated bound unbound other-gone -- \
		--trust-domain other.org --trust-bundle-configmap other.org=federation/other-org:b
	[ "$output" = 'ADDED team-a/billing-card Verified
ADDED team-a/unbound TrustDomainMismatch
MODIFIED team-a/billing-card TrustBundleMissing' ]
}

@test "a binding to a trust domain that is not configured is never another one" {
	for domain in other.org Example.ORG "" 7; do
		jq -c --arg d "$domain" '.object.spec.identityBinding.trustDomain = if $d == "7" then 7 else $d end' card >bound
		run -0 verdicts_of trust workload signed bound
		[ "$output" = "ADDED team-a/billing-card TrustDomainMismatch" ]
	done
	jq -c '.object.spec.identityBinding.trustDomain = null' card >unbound
	run -0 verdicts_of trust workload signed unbound
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	# of an SVID of another configured domain the message says what to set
	signed_configmap team-a billing <federated.json >federated
	verify --trust-domain other.org --trust-bundle other.org=other.json < <(cat trust workload federated card) >out
	jq -e 'select(.verification) | .verification | .reason == "TrustDomainMismatch"
		and (.message | test("spec.identityBinding.trustDomain"))' out
}

@test "the SPIFFE IDs that a binding allows are the only ones that count" {
	own=spiffe://example.org/ns/team-a/sa/billing-sa
	allow() { jq -c --argjson ids "$1" '.object.spec.identityBinding.allowedSpiffeIDs = $ids' card >bound; run -0 verdicts_of trust workload signed bound; }
	allow "[\"$own\"]"
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	allow null
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	for ids in '[]' '["spiffe://example.org/ns/team-a/sa/other"]' "\"$own\"" '["spiffe://example.org/*"]'; do
		allow "$ids"
		[ "$output" = "ADDED team-a/billing-card IdentityMismatch" ]
	done
	# a change of the list alone decides anew
	run -0 verdicts_of good bound
	[ "${lines[1]}" = "ADDED team-a/billing-card IdentityMismatch" ]
}

@test "one document may hold the bundles of several trust domains" {
	jq -nc --slurpfile one bundle.json --slurpfile two other.json \
		'{trust_domains:{"example.org":$one[0], "other.org":$two[0]}}' >both.json
	signed_configmap team-a billing <federated.json >federated
	jq -c '.object.spec.identityBinding.trustDomain = "other.org" | .object.metadata.name = "bound"' card >bound
	run -0 verdicts_of workload signed card federated bound -- --trust-domain other.org \
		--trust-bundle both.json --trust-bundle other.org=both.json
	[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card TrustDomainMismatch
ADDED team-a/bound Verified' ]
}

@test "a bundle file may be PEM, with several certificates" {
	cat other.crt root.crt >bundle.pem
	run -0 verdicts_of workload signed card -- --trust-bundle bundle.pem
	[ "$output" = "ADDED team-a/billing-card Verified" ]
}

@test "what cannot be read as a file leaves the last good bundle in place, for the grace; an empty one ends trust" {
	mkdir volume empty
	cp bundle.json volume/b.json
	mkfifo in out volume/fifo
	egress-verify --trust-domain example.org --trust-bundle volume/b.json <in >out 2>err &
	pid=$!
	exec 8>in 9<out
	said() { for _ in $(seq 2400); do grep -q "$1" err && return; sleep 0.05; done; cat err; false; }
	cat workload signed card >&8
	for _ in 1 2 3; do read -r -t 120 -u 9 line; done
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	ln -s ../empty volume/next && mv -T volume/next volume/b.json
	said 'trust bundle of example.org in file volume/b.json is unusable: it cannot be read: .*; the last good one stays'
	cat card >&8
	read -r -t 120 -u 9 line
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	mv -T volume/fifo volume/b.json
	said 'volume/b.json holds no CA: it is empty: no card of that trust domain is verified'
	read -r -t 120 -u 9 line
	[ "$(verdicts <<<"$line")" = "MODIFIED team-a/billing-card TrustBundleMissing" ]
	exec 8>&-
	wait $pid
}
