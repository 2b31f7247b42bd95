#!/usr/bin/env bats
# egress-verify(1): where trust comes from, and what happens when it changes.

bats_require_minimum_version 1.5.0
load agent.bash

setup_file() { make_agent; }
setup() { enter; }

@test "the bundle's end ends trust, a bad bundle does not" {
	jq -c '.object.data["bundle.spiffe"] = "{\"keys\":[]}" | .type = "MODIFIED"' trust >bad
	jq -c '.type = "DELETED"' trust >gone
	jq -c 'del(.object.data) | .type = "MODIFIED"' trust >emptied
	run -0 verdicts_of good bad
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	grep -q 'egress-verify: the trust bundle of example.org in configmap spire-system/spire-bundle is unusable: .*; the last good one stays' err
	for end in gone emptied; do
		run -0 verdicts_of good $end trust
		[ "$output" = 'ADDED team-a/billing-card Verified
MODIFIED team-a/billing-card TrustBundleMissing
MODIFIED team-a/billing-card Verified' ]
		grep -q 'spire-bundle is gone: no card of that trust domain is verified' err
	done
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

@test "a trust bundle file is read again when it is renamed over, rewritten, deleted: also while idle" {
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
	cp bundle.json b.json
	expect "MODIFIED team-a/billing-card Verified"
	echo nonsense >b.json
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
	for _ in $(seq 600); do grep -q 'are read again' err && break; sleep 0.1; done
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

@test "a binding to a trust domain that is not configured falls back to the first" {
	jq -c '.object.spec.identityBinding.trustDomain = "other.org"' card >bound
	run -0 verdicts_of trust workload signed bound
	[ "$output" = "ADDED team-a/billing-card Verified" ]
	signed_configmap team-a billing <federated.json >federated
	run -0 verdicts_of trust workload federated bound
	[ "$output" = "ADDED team-a/billing-card TrustDomainMismatch" ]
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

@test "what cannot be read as a file leaves the last good bundle in place, and is said once" {
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
	said 'cannot read the trust bundle of example.org in file volume/b.json: .*; the last good one stays'
	mv -T volume/fifo volume/b.json
	said 'volume/b.json is unusable: it is empty; the last good one stays'
	cat card >&8
	read -r -t 120 -u 9 line
	[ "$(verdicts <<<"$line")" = "ADDED team-a/billing-card Verified" ]
	exec 8>&-
	wait $pid
	[ "$(grep -c 'the last good one stays' err)" -eq 2 ]
}
