#!/usr/bin/env bats
# What tests/bench/run compares does the same work, and every part of it says a ratio.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$BUILD/tools/bench_log" --agents 40 --changes 600 >log
	egress-verify --accept-status <log >verified
}

setup() {
	load cluster/server
	bench=$BATS_TEST_DIRNAME/bench
	cd "$BATS_TEST_TMPDIR" || return 1
	log=$BATS_FILE_TMPDIR/log
	verified=$BATS_FILE_TMPDIR/verified
}

small() { BENCH_AGENTS=20 BENCH_RUNS=1 "$bench/run" "$@"; }

# has_ratio LINE-START: such a line says how many times as fast
has_ratio() {
	grep -qE "^$1 .* [0-9]+(\.[0-9]+)?x " <<<"$output" || { echo "no ratio for $1 in: $output"; return 1; }
}

# The policies that are left when operations on stdin are carried out in order.
left() {
	jq -nS 'reduce (inputs | select(.type == "APPLY" or .type == "DELETE")) as $o ({};
		($o.object.metadata | "\(.namespace)/\(.name)") as $key
		| if $o.type == "APPLY" then .[$key] = ($o.object | {spec, owners: .metadata.ownerReferences,
			labels: .metadata.labels}) else del(.[$key]) end)'
}

@test "the same arguments make the same log" {
	"$BUILD/tools/bench_log" --agents 40 --changes 600 | cmp - "$log"
}

@test "no line of a log is rejected, and all kinds of egress are in it" {
	run -0 egress-translate --rejects rejects <"$verified"
	[ ! -s rejects ]
	[ "$(jq -r .reason <<<"$output" | grep -v null | sort -u | tr '\n' ' ')" = \
		'EgressEmpty EgressRules EgressUnset NotVerified Unwanted ' ]
}

@test "in a signed log, a card's own signature verifies, and that of another card does not" {
	"$BUILD/tools/bench_log" --agents 16 --signed |
		egress-verify --trust-domain example.org --at 2027-01-15T08:00:00Z >out
	[ "$(jq -r 'select(.verification) | "\(.object.metadata.name) \(.verification.reason)"' out | sort -u |
		awk '{print $2}' | sort | uniq -c | tr -s ' \n' ' ')" = ' 2 SignatureInvalid 14 Verified ' ]
}

@test "jq's peer of egress-verify writes the same bytes" {
	jq -c -f "$bench/verify.jq" "$log" | cmp - "$verified"
}

@test "jq's peer of egress-translate leaves the same policies" {
	egress-translate <"$verified" | left >ours
	jq -nc -f "$bench/translate.jq" "$verified" | left >theirs
	[ "$(jq length ours)" -gt 30 ]
	diff ours theirs
}

@test "jq's peer of egress-translate says no more and no less" {
	ours=$(egress-translate <"$verified" | jq -c 'select(.type == "APPLY" or .type == "DELETE") | [.type, .object.metadata.namespace, .object.metadata.name]' | sort)
	theirs=$(jq -nc -f "$bench/translate.jq" "$verified" | jq -c 'select(.type == "APPLY" or .type == "DELETE") | [.type, .object.metadata.namespace, .object.metadata.name]' | sort)
	diff <(echo "$ours") <(echo "$theirs")
}

@test "the filters, and the pipeline, are measured beside jq" {
	run -0 small stream verify translate pipeline
	has_ratio 'pass-through, strictly checked'
	has_ratio 'egress-verify --accept-status'
	has_ratio 'egress-translate'
	has_ratio 'verify --accept-status \| translate'
	has_ratio 'verify \| translate, with signatures'
	has_ratio 'replay into a new directory'
}

@test "growth is measured in time and in memory" {
	run -0 small growth
	[[ $output =~ egress-verify,\ signatures\ +[0-9.]+x\ +-?[0-9]+\ bytes ]]
	[[ $output =~ egress-translate\ +[0-9.]+x\ +-?[0-9]+\ bytes ]]
}

@test "fresh verifications are measured beside OpenSSL alone" {
	run -0 small trust
	[[ $output =~ with\ ES256\ +[0-9.]+\ % ]]
	[[ $output =~ with\ RS256\ +[0-9.]+\ % ]]
}

@test "assertions are measured beside the table of the same agents" {
	run -0 small assert
	has_ratio 'egress-explain --assert, 3 statements'
}

@test "hostile events are weighed in usual ones" {
	run -0 small cost
	for kind in $("$BUILD/tools/costly_card") 16-signatures 1000-agentcards; do
		grep -qE "^$kind +[0-9]+x$" <<<"$output"
	done
}

@test "without an API server, the benchmark says that it did not measure applying" {
	! PATH=/usr/bin:/bin type -P kube-apiserver || skip 'kube-apiserver is among the system'\''s programs'
	KUBEBUILDER_ASSETS='' AGENT_EGRESS_CACHE=/nonexistent PATH=/usr/bin:/bin run -0 small apply
	[[ $output == *'not measured: cluster: no '* ]]
}

@test "applying is measured beside kubectl" {
	cluster_find 2>missing || skip "$(cat missing)"
	command -v kubectl >/dev/null || skip 'no kubectl'
	run -0 small apply
	has_ratio 'egress-apply'
	has_ratio 'egress-apply, again'
}

@test "a change's way to its policy is measured beside the server's own PATCH" {
	cluster_find 2>missing || skip "$(cat missing)"
	command -v kubectl >/dev/null || skip 'no kubectl'
	BENCH_LATENCY=5 run -0 small latency
	[[ $output =~ arrives,\ median\ +[0-9.]+\ times\ a\ PATCH ]]
	[[ $output =~ percentile\ +[0-9.]+\ times\ a\ PATCH ]]
}

@test "a start is measured in time and memory, and beside kubectl" {
	cluster_find 2>missing || skip "$(cat missing)"
	command -v kubectl >/dev/null || skip 'no kubectl'
	BENCH_WATCH=5 run -0 small watch
	[[ $output =~ ten\ times\ the\ agents\ +[0-9.]+x\ +-?[0-9]+\ bytes ]]
	has_ratio 'egress-watch --once'
}

@test "an unknown part is wrong usage" {
	run -2 --separate-stderr small nothing
	[[ $stderr == *'nothing: no such part'* ]]
}
