# shellcheck shell=bash
# shellcheck disable=SC2154,SC2119 # work and runs are the caller's
# The part that weighs hostile events: one of nearly 1 MiB that costs as much as it can, beside a
# usual one. Sourced by tests/bench/run, whose functions and variables it uses.

# cost_streams: `prefix` (bundle, workload, AgentCard), `usual` (200 changes of a card of usual size,
# each signed anew), and for each kind of tests/tools/costly_card.c three changes of a card that is
# none of what its signature covers, so that all forms are tried; 16-signatures has as many of them;
# of the card of 1000-agentcards the verdicts of as many AgentCards depend, which are in its prefix.
cost_streams() {
	local kind i signature
	# shellcheck source=tests/trust.bash
	. tests/trust.bash
	mkdir -p "$work/cost"
	cd "$work/cost" || return
	ca root example.org
	svid billing root spiffe://example.org/ns/team-a/sa/billing
	{
		bundle root.crt | bundle_configmap
		workload Deployment team-a billing billing | event ADDED
		agentcard team-a billing | event ADDED
	} >prefix
	for ((i = 0; i < 200; i++)); do
		printf '{"name":"billing %s","description":"Answers questions about invoices.","version":"1.4.0","skills":[]}' "$i" |
			egress-sign --key billing.key --chain billing.crt --configmap team-a/billing 2>/dev/null
	done | sed 's/^/{"type":"MODIFIED","object":/; s/$/}/' >usual.events
	signature=$(head -n 1 usual.events | jq -r '.object.data["agent-card.json"] | fromjson | .signatures[0] | tojson')
	for kind in $(costly_card); do
		for i in 1 2 3; do
			costly "$kind" "$i" 1
		done >"$kind.events"
	done
	for i in 1 2 3; do
		costly strings "$i" 16
	done >16-signatures.events
	{
		cat prefix
		agentcard team-a billing | event ADDED |
			jq -c 'range(1000) as $i | .object.metadata.name = "c\($i)"'
	} >1000-agentcards.prefix
	for i in 1 2 3; do
		costly strings "$i" 1
	done >1000-agentcards.events
}

# costly KIND NAME SIGNATURES: an event
costly() {
	local i
	{
		costly_card "$1" "$2" | tr -d '\n' | sed 's/}$/,"signatures":[/'
		for ((i = 1; i < $3; i++)); do printf '%s,' "$signature"; done
		printf '%s]}' "$signature"
	} >card.tmp
	jq -nc --rawfile card card.tmp '{type:"MODIFIED", object:{apiVersion:"v1", kind:"ConfigMap",
		metadata:{namespace:"team-a", name:"billing-card-signed"}, data:{"agent-card.json":$card}}}'
}

# cost_of FILE [PREFIX]: processor seconds of egress-verify on it behind the prefix, the least of the
# runs
cost_of() {
	local run
	rm -f cost.tmp
	for ((run = 0; run < runs; run++)); do
		cat "${2:-prefix}" "$1" >stream.tmp
		measured cost.tmp egress-verify --trust-domain example.org <stream.tmp >/dev/null
	done
	sort -k 2n cost.tmp | awk 'NR == 1 {print $2}'
}

bench_cost() (
	cost_streams
	: >empty
	base=$(cost_of empty)
	usual=$(cost_of usual.events)
	printf '\nA hostile event of 1 MiB, in usual ones of %s bytes each signed anew (at most 2,500)\n' \
		"$(($(wc -c <usual.events) / 200))"
	for events in *.events; do
		[ "$events" != usual.events ] || continue
		own=${events%.events}.prefix before=$base
		[ ! -e "$own" ] || before=$(cost_of empty "$own")
		[ -e "$own" ] || own=prefix
		printf '%s %s %s\n' "$(cost_of "$events" "$own")" "${events%.events}" "$before"
	done | awk -v base="$base" -v usual="$usual" '
		{printf "%-40s %8.0fx\n", $2, ($1 - $3) / 3 / ((usual - base) / 200)}' | sort -k 2nr
)
