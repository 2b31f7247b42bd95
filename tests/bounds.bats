#!/usr/bin/env bats
# The admin's bounds: what no card exceeds, what every agent gets, what none does.

bats_require_minimum_version 1.5.0

setup() {
	load translate
	cd "$BATS_TEST_TMPDIR" || return 1
}

# bounds <<YAML: the file `bounds`, with the first lines and no default.
bounds() { { printf 'apiVersion: agent-egress.dev/v1alpha1\nkind: EgressBounds\ncontact: "#platform"\ndefault: none\n' && cat; } >bounds; }

# The agent `weather` with a card of these options, within the file `bounds`.
bounded() {
	{ api_server 10.0.0.1 && workload Deployment/weather && card weather "$@"; } |
		egress-translate --bounds bounds --pod-cidr 10.244.0.0/16 "${target[@]}" 2>errors >out
}
target=()

egress() { jq -c 'select(.type == "APPLY").object.spec.egress' out; }
agent() { jq -c "select(.type == \"AGENT\") | $1" out; }
blocks() { egress | jq -r '[.[].to[].ipBlock | .cidr + (if .except then "-" + (.except | join("-")) else "" end)] | sort | join(" ")'; }
rule() { printf '{"to":[{"ipBlock":{"cidr":"%s"}}]}' "$1"; }

@test "what an agent gets is ((card and groups) within atMost, and always) without never" {
	bounds <<'YAML'
groups:
  mirror: {egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}
bounds:
- namespaces: [agents]
  atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}], groups: [mirror]}
  always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}
  never: {egress: [{to: [{ipBlock: {cidr: 192.0.2.7/32}}, {ipBlock: {cidr: 203.0.113.7/32}}]}]}
YAML
	bounded --policy "{\"egress\":[$(rule 203.0.0.0/16)],\"groups\":[\"mirror\"]}"
	[ "$(blocks)" = "192.0.2.0/24-192.0.2.7/32 198.51.100.0/24 203.0.113.0/24-203.0.113.7/32" ]
}

@test "an agent whose card sets nothing gets what atMost allows, not everything" {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}]
YAML
	bounded
	[ "$(blocks)" = 203.0.113.0/24 ]
	[ "$(agent '[.egress, .reason]')" = '["scoped","EgressBounds"]' ]
}

@test "of several entries the limits are intersected, what is always allowed and never united" {
	bounds <<'YAML'
bounds:
- {namespaces: ["*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}, never: {egress: [{to: [{ipBlock: {cidr: 192.0.2.7/32}}]}]}}
- {namespaces: [agents], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/25}}]}]}, always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/28}}]}]}}
- {workloads: [Deployment/wea*], always: {egress: [{to: [{ipBlock: {cidr: 198.51.100.1/32}}]}]}, never: {egress: [{to: [{ipBlock: {cidr: 203.0.113.9/32}}]}]}}
- {namespaces: [others], atMost: {}}
- {workloads: [StatefulSet/*], atMost: {}}
YAML
	bounded
	[ "$(blocks)" = "192.0.2.0/28-192.0.2.7/32 198.51.100.1/32 203.0.113.0/25-203.0.113.9/32" ]
}

@test "atMost: {} allows nothing, and no atMost limits nothing" {
	bounds <<'YAML'
bounds: [{namespaces: [agents], atMost: {}}]
YAML
	bounded --policy "{\"egress\":[$(rule 203.0.113.0/24)]}"
	[ "$(egress)" = '[]' ]
	[ "$(agent .egress)" = '"deny-all"' ]
	bounds <<'YAML'
bounds: [{namespaces: [agents], never: {egress: [{to: [{ipBlock: {cidr: 192.0.2.7/32}}]}]}}]
YAML
	bounded --policy "{\"egress\":[$(rule 203.0.113.0/24)]}"
	[ "$(blocks)" = 203.0.113.0/24 ]
}

@test "whose rules are cut is told by which bound, and whom to ask" {
	bounds <<'YAML'
bounds:
- {namespaces: [agents], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}
- {namespaces: ["*"], never: {egress: [{to: [{ipBlock: {cidr: 203.0.113.7/32}}]}]}}
YAML
	bounded --policy "{\"egress\":[$(rule 203.0.113.128/25),$(rule 203.0.112.0/23),$(rule 203.0.113.7/32)]}"
	agent '.problems[] | select(.message | contains("is cut")) | "\(.field) \(.message)"' >said
	[ "$(cat said)" = "$(printf '%s\n' \
		'"spec.networkPolicy.egress[1] is cut: the admin'\''s bounds (bounds[0].atMost) do not allow all of it; ask #platform"' \
		'"spec.networkPolicy.egress[1] is cut: the admin'\''s bounds (bounds[1].never) do not allow all of it; ask #platform"' \
		'"spec.networkPolicy.egress[2] is cut: the admin'\''s bounds (bounds[1].never) do not allow all of it; ask #platform"')" ]
	bounded --policy "{\"egress\":[$(rule 203.0.113.128/25)]}"
	run ! grep -q 'is cut' out
}

@test "agents that no entry selects get the default" {
	bounds <<'YAML'
bounds: [{namespaces: [others], atMost: {}}]
YAML
	bounded && [ "$(egress)" = '[{}]' ]
	sed -i 's|^default: none|default: {atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}|' bounds
	bounded && [ "$(blocks)" = 203.0.113.0/24 ]
	sed -i 's|others|agents|' bounds
	bounded && [ "$(egress)" = '[]' ]
}

@test "an agent that is not verified gets the API server less never, and nothing of the rest" {
	bounds <<'YAML'
groups: {mirror: {egress: [{}]}}
bounds:
- {namespaces: ["*"], always: {egress: [{}]}, atMost: {egress: [{}]}}
- {workloads: ["*/none"], never: {egress: [{}]}}
YAML
	bounded --unverified --policy '{"groups":["mirror"]}'
	[ "$(egress)" = '[{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.0.0.1/32"}}]}]' ]
	sed -i 's|\*/none|*/weather|; s|never: {egress: \[{}\]}|never: {egress: [{ports: [{port: 6443}]}]}|' bounds
	bounded --unverified
	[ "$(egress)" = '[]' ]
	[ "$(agent .egress)" = '"api-server"' ]
}

@test "a card whose rules are invalid asks for nothing, and what is always allowed stays" {
	bounds <<'YAML'
bounds: [{namespaces: [agents], always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}}]
YAML
	bounded --policy '{"egress":[{"to":null}]}'
	[ "$(blocks)" = 192.0.2.0/24 ]
	[ "$(agent '[.egress, .reason]')" = '["scoped","RulesInvalid"]' ]
}

@test "entries select by the SPIFFE ID of a verified card: one that is not known is within every limit, and gets nothing" {
	bounds <<'YAML'
bounds:
- {spiffeIDs: ["spiffe://example.org/ns/agents/*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}, always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}}
YAML
	identified() { { workload Deployment/weather && card weather | jq -c --arg id "$1" '.verification.spiffeID = $id'; } |
		egress-translate --bounds bounds >out; }
	identified spiffe://example.org/ns/agents/sa/weather
	[ "$(blocks)" = "192.0.2.0/24 203.0.113.0/24" ]
	identified spiffe://example.org/ns/other/sa/weather
	[ "$(egress)" = '[{}]' ]
	bounded
	[ "$(blocks)" = 203.0.113.0/24 ]
}

@test "a group brings names and their lookups, within atMost by name" {
	bounds <<'YAML'
groups:
  llm: {domains: [{names: [api.example.com, api.example.net], ports: [{port: 443}]}]}
bounds: [{namespaces: [agents], atMost: {domains: [{names: ["*.example.com"]}], egress: [{ports: [{port: 53, protocol: UDP}]}]}}]
YAML
	target=(--target cilium --cni cilium)
	bounded --policy '{"groups":["llm"]}'
	grep -q '"matchName":"api.example.com"' out
	run ! grep -q 'api.example.net"}' out
	grep -q 'spec.networkPolicy.groups\[0\]' out
	bounded --policy '{"groups":["unknown"]}'
	grep -q 'no such group is defined' out
}

@test "a name may resolve to what is denied to all: the agent is not confined" {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], never: {egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}], ports: [{port: 80}]}]}}]
YAML
	target=(--target cilium --cni cilium)
	bounded --policy '{"domains":[{"names":["api.example.com"],"ports":[{"port":443}]}]}'
	agent '.gaps[].reason' | grep -q NeverNotEnforced
	[ "$(agent .confined)" = false ]
	bounded --policy "{\"egress\":[$(rule 203.0.113.0/24)]}"
	run ! grep -q NeverNotEnforced out
}

@test "anywhere without the metadata address keeps pods, whose addresses are known to be elsewhere" {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], never: {egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}]}]}}]
YAML
	bounded
	[ "$(egress)" = '[{"to":[{"ipBlock":{"cidr":"0.0.0.0/0","except":["169.254.169.254/32"]}},{"ipBlock":{"cidr":"::/0"}},{"namespaceSelector":{}}]}]' ]
	sed -i 's|169.254.169.254/32|10.244.0.0/24|' bounds
	bounded
	run ! grep -q '"namespaceSelector":{}}\]}\]' <(egress)
	grep -q 'pods and addresses may be the same' out
}

# shellcheck disable=SC2030
@test "the same bounds and the same input give the same bytes; bounds that select nobody change none" {
	bounds <<'YAML'
bounds: [{namespaces: [agents], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}]
YAML
	bounded && cp out first && bounded && cmp first out
	bounds <<'YAML'
bounds: [{namespaces: [others], atMost: {}}]
YAML
	bounded --policy "{\"egress\":[$(rule 203.0.113.0/24)],\"domains\":[{\"names\":[\"a.example.com\"]}]}" && cp out first
	{ api_server 10.0.0.1 && workload Deployment/weather && card weather --policy "{\"egress\":[$(rule 203.0.113.0/24)],\"domains\":[{\"names\":[\"a.example.com\"]}]}"; } |
		egress-translate >out
	cmp first out
}

# refused MESSAGE <<YAML: what stands behind the first four lines is refused so, and nothing is emitted.
refused() {
	bounds
	run -3 --separate-stderr egress-translate --bounds bounds <<<"$(card weather)"
	# shellcheck disable=SC2031 # run sets it here
	[ -z "$output" ]
	# shellcheck disable=SC2154 # run sets stderr
	[[ $stderr == *"bounds: $1"* ]] || { echo "$stderr"; return 1; }
	run -1 egress-translate --bounds bounds --check
}

@test "a document with anything wrong in it is refused whole, with the line" {
	refused 'line 5: duplicate key' <<<'kind: EgressBounds'
	refused 'line 6: the document: unknown field "bound"' <<<$'groups: {}\nbound: []'
	refused 'line 7: bounds[0].never.egress[0].to[0].ipBlock.cidr: ' <<<$'bounds:\n- namespaces: [a]\n  never: {egress: [{to: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}'
	refused 'line 7: bounds[0]: unknown field "nevr"' <<<$'bounds:\n- namespaces: [a]\n  nevr: {}'
	refused 'line 7: a member: has no value' <<<$'bounds:\n- namespaces: [a]\n  never:'
	refused 'line 5: bounds[0]: selects nobody' <<<'bounds: [{atMost: {}}]'
	refused 'line 5: bounds[0]: says nothing' <<<'bounds: [{namespaces: [a]}]'
	refused 'line 5: bounds[0].never: unknown field "domains"' <<<'bounds: [{namespaces: [a], never: {domains: []}}]'
	refused 'line 5: bounds[0].atMost: names a group' <<<'bounds: [{namespaces: [a], atMost: {groups: [x]}}]'
	refused 'line 5: bounds[0].workloads: must be KIND/NAME' <<<'bounds: [{workloads: [a], atMost: {}}]'
	refused 'line 5: bounds[0].namespaces: must be a list' <<<'bounds: [{namespaces: a, atMost: {}}]'
	refused 'line 5: groups.A_b: is not' <<<'groups: {A_b: {}}'
	refused 'line 5: anchors and tags are not allowed' <<<'groups: {a: &x {}}'
	refused 'line 6: there may be only one document' <<<$'bounds: []\n---'
	refused 'line 5: anchors and tags are not allowed' <<<'bounds: !!seq []'
	refused 'line 5: anchors and tags are not allowed' <<<'contact: !!str x'
	refused 'line 5: aliases are not allowed' <<<'groups: *a'
	refused 'line 5: merge keys are not allowed' <<<'<<: {}'
	refused 'line ' <<<$'\t: ['
	refused 'line 5: bounds[0].namespaceLabels: must be a label selector: it ' <<<'bounds: [{namespaceLabels: {}, atMost: {}}]'
	refused 'line 5: grants[0]: grants nothing' <<<'grants: [{workload: a/b/c, until: "2026-12-01T00:00:00Z", reason: x}]'
	refused 'line 5: grants[0].until: must be a date' <<<'grants: [{workload: a/b/c, egress: [], until: "2026-12-01", reason: x}]'
	refused 'line 5: grants[0].until: must be a date' <<<'grants: [{workload: a/b/c, egress: [], reason: x}]'
	refused 'line 5: grants[0].reason: must say why' <<<'grants: [{workload: a/b/c, egress: [], until: "2026-12-01T00:00:00Z"}]'
	refused 'line 5: grants[0].workload: must be NAMESPACE/KIND/NAME' <<<'grants: [{workload: a/*/c, egress: [], until: "2026-12-01T00:00:00Z", reason: x}]'
	refused 'line 5: grants[0].egress[0].to: ' <<<'grants: [{workload: a/b/c, egress: [{to: x}], until: "2026-12-01T00:00:00Z", reason: x}]'
	refused 'line 5: grants[0]: unknown field "labels"' <<<'grants: [{workload: a/b/c, labels: {}, egress: [], until: "2026-12-01T00:00:00Z", reason: x}]'
	refused 'line 5: grants[0]: names a group' <<<'grants: [{workload: a/b/c, groups: [x], until: "2026-12-01T00:00:00Z", reason: x}]'
	refused 'line 5: quarantine: must be a list' <<<'quarantine: a/b/c'
	refused 'line 5: quarantine[0].reason: must say why' <<<'quarantine: [{workload: a/b/c, reason: "a\tb"}]'
	refused 'line 5: quarantine[0].workload: must be' <<<'quarantine: [{workload: a/b, reason: x}]'
	local kind
	for kind in deployment Deployments deployments.apps Deployment.apps; do
		refused 'line 5: quarantine[0].workload: must be KIND as Kubernetes writes it: Deployment' <<<"quarantine: [{workload: a/$kind/c, reason: x}]"
		refused 'line 5: bounds[0].workloads: must be KIND as Kubernetes writes it: Deployment' <<<"bounds: [{workloads: [$kind/*], atMost: {}}]"
	done
	refused 'line 5: grants[0].workload: must be KIND as Kubernetes writes it: Sandbox' <<<'grants: [{workload: a/sandbox/c, egress: [], until: "2026-12-01T00:00:00Z", reason: x}]'
	printf 'kind: EgressBounds\n' >bounds
	run -1 --separate-stderr egress-translate --bounds bounds --check
	[[ $stderr == *'line 1: default: is missing'* && $stderr == *'apiVersion: must be'* ]]
	: >bounds
	run -1 --separate-stderr egress-translate --bounds bounds --check
	[[ $stderr == *'is empty'* ]]
}

@test "bounds that cannot be read end the program before it reads its input" {
	run -3 --separate-stderr egress-translate --bounds missing <<<"$(card weather)"
	[[ $stderr == *"can't read the bounds in missing: No such file"* && -z $output ]]
	run -2 egress-translate --check
	run -2 egress-translate --pod-cidr 10.0.0.1/8
}

@test "the example is good, and --check says what it holds" {
	run -0 egress-translate --bounds "$BATS_TEST_DIRNAME/../pipelines/examples/bounds.yaml" --check
	[[ $output == *'bounds.yaml: good: '*' entries, '*' groups, '* ]]
}

@test "rules and groups that vanish from a card stay in force, within the bounds" {
	bounds <<'YAML'
groups:
  mirror: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}
bounds: [{namespaces: ["*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/25}}]}]}}]
YAML
	local policy
	for policy in '{"groups":["mirror"]}' "{\"egress\":[$(rule 203.0.0.0/16)]}"; do
		{ api_server 10.0.0.1 && workload Deployment/weather && card weather --policy "$policy" &&
			mark end AgentCard && card weather; } | egress-translate --bounds bounds >out
		[ "$(agent .reason | tail -n 1)" = '"EgressErased"' ]
		[ "$(jq -c 'select(.type == "APPLY").object.spec.egress' out | tail -n 1)" = "[$(rule 203.0.113.0/25)]" ]
	done
}

@test "whether a card has rules is not known: bounds open nothing beside the API server" {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}, never: {egress: [{to: [{ipBlock: {cidr: 10.0.0.2/32}}]}]}}]
YAML
	run -1 --separate-stderr egress-translate --bounds bounds < <(mark begin AgentCard |
		jq -c '.object.metadata.annotations["agent-egress.dev/schema"] = "none"'
		api_server 10.0.0.1 10.0.0.2 && workload Deployment/weather && card weather && mark end AgentCard)
	echo "$output" >out
	[ "$(agent .reason)" = '"SchemaMissing"' ]
	[ "$(blocks)" = 10.0.0.1/32 ]
}

@test "where cards without rules get nothing, they get what the bounds always allow" {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}}]
YAML
	{ api_server 10.0.0.1 && workload Deployment/weather && card weather; } |
		egress-translate --bounds bounds --unset deny-all >out
	[ "$(blocks)" = 192.0.2.0/24 ]
}

# at TIME: a mark that tells the time, as egress-watch --timestamps writes every ten seconds.
at() { printf '{"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"Clock","metadata":{}},"time":"%s"}\n' "$1"; }

granted() {
	bounds <<'YAML'
bounds:
- {namespaces: ["*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}, never: {egress: [{to: [{ipBlock: {cidr: 198.51.100.7/32}}]}]}}
grants:
- {workload: agents/Deployment/weather, egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24}}]}], until: "2026-12-01T00:00:00Z", reason: INC-1234}
- {workload: agents/Deployment/other, egress: [{}], until: "2026-12-01T00:00:00Z", reason: INC-1235}
YAML
}

@test "a grant exceeds atMost and never exceeds never, and ends while the pipeline runs, by the stream's time" {
	granted
	{ at 2026-11-30T23:59:50Z && api_server 10.0.0.1 && workload Deployment/weather && card weather &&
		mark end AgentCard && at 2026-11-30T23:59:59Z && at 2026-12-01T00:00:00Z && at 2026-12-01T00:00:10Z; } >log
	egress-translate --bounds bounds <log >out
	[ "$(egress)" = "$(printf '%s\n' \
		'[{"to":[{"ipBlock":{"cidr":"198.51.100.0/24","except":["198.51.100.7/32"]}},{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]' \
		'[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]')" ]
	cp out live
	egress-translate --bounds bounds <log >out
	cmp live out
}

@test "a grant counts by --at, whatever the stream says, and does not count where no time is told" {
	granted
	bounded && [ "$(blocks)" = 203.0.113.0/24 ]
	[ "$(agent '[.problems[].message | select(contains("grants[0]"))] | length')" = 1 ]
	target=(--at 2026-11-30T00:00:00Z)
	bounded && [ "$(blocks)" = "198.51.100.0/24-198.51.100.7/32 203.0.113.0/24" ]
	target=(--at 2026-12-01T01:00:00+01:00)
	bounded && [ "$(blocks)" = 203.0.113.0/24 ]
	run -2 egress-translate --at tomorrow
}

@test "a grant ends by the clock when a live stream is silent; a replay has its own time alone" {
	later() { date -u -d "+$1 seconds" +%FT%TZ; }
	granted
	sed -i "s/2026-12-01T00:00:00Z/$(later 5)/" bounds
	{ api_server 10.0.0.1 && workload Deployment/weather && card weather && mark end AgentCard; } >world
	# what was recorded an hour ago is judged as it was then, however long the pipe stays silent
	{ at "$(later -3600)" && cat world; } >old
	{ cat old; sleep 42; } 3>&- | egress-translate --bounds bounds >replayed 3>&- &
	local replay=$!
	mkfifo in
	egress-translate --bounds bounds <in >out 3>&- &
	{ at "$(later 0)" && cat world; } >log
	exec 5>in
	cat log >&5
	# half a minute of silence, looked at every ten seconds
	for ((i = 0; i < 240; i++)); do
		[ "$(jq -s '[.[] | select(.type == "APPLY")] | length' out)" -lt 2 ] || break
		sleep 0.5
	done
	[ "$(egress | wc -l)" = 2 ]
	[ "$(egress | tail -n 1)" = '[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]' ]
	exec 5>&-
	wait $! "$replay"
	mv replayed out
	[ "$(egress | wc -l)" = 1 ]
}

@test "an agent that is not verified gets no grant, and one whose card is invalid does" {
	granted
	target=(--at 2026-11-30T00:00:00Z)
	bounded --unverified && [ "$(blocks)" = 10.0.0.1/32 ]
	bounded --policy '{"egress":[{"to":null}]}' && [ "$(blocks)" = 198.51.100.0/24-198.51.100.7/32 ]
}

# namespace NAME LABELS [TYPE]
namespace() { printf '{"type":"%s","object":{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"%s","labels":%s}}}\n' "${3:-ADDED}" "$1" "$2"; }

@test "entries select by the labels of the Namespace: where those are not known, limits count and gifts do not" {
	bounds <<'YAML'
bounds:
- namespaceLabels: {matchLabels: {tier: prod}}
  atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}
  always: {egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}
YAML
	labelled() { { api_server 10.0.0.1 && "$@" && workload Deployment/weather && card weather; } | egress-translate --bounds bounds >out; }
	labelled namespace agents '{"tier":"prod"}' && [ "$(blocks)" = "192.0.2.0/24 203.0.113.0/24" ]
	labelled namespace agents '{"tier":"test"}' && [ "$(egress)" = '[{}]' ]
	labelled namespace agents '{}' && [ "$(egress)" = '[{}]' ]
	labelled namespace others '{"tier":"prod"}' && [ "$(blocks)" = 203.0.113.0/24 ]
}

@test "labels that change, and a Namespace that goes, are followed" {
	bounds <<'YAML'
bounds: [{namespaceLabels: {matchExpressions: [{key: tier, operator: In, values: [prod]}]}, atMost: {}}]
YAML
	{ namespace agents '{"tier":"test"}' && workload Deployment/weather && card weather && mark end AgentCard &&
		namespace agents '{"tier":"prod"}' MODIFIED && namespace agents '{"tier":"test"}' MODIFIED &&
		namespace agents '{}' DELETED; } | egress-translate --bounds bounds >out
	[ "$(egress | tr '\n' ' ')" = '[{}] [] [{}] [] ' ]
}

@test "the list of Namespaces holds back what is decided where entries select by labels, and only there" {
	{ printf '{"type":"BOOKMARK","object":{"apiVersion":"v1","kind":"Namespace","metadata":{"annotations":{"agent-egress.dev/initial-events-begin":"true"}}}}\n' &&
		workload Deployment/weather && card weather && mark end AgentCard; } >log
	bounds <<<'bounds: [{namespaceLabels: {matchLabels: {a: b}}, atMost: {}}]'
	run -1 --separate-stderr egress-translate --bounds bounds <log
	[[ -z $output && $stderr == *'before its lists were complete'* ]]
	bounds <<<'bounds: [{namespaces: [x], atMost: {}}]'
	egress-translate --bounds bounds <log >out
	[ "$(egress)" = '[{}]' ]
}

quarantined() {
	bounds <<'YAML'
bounds: [{namespaces: ["*"], always: {egress: [{}]}}]
quarantine: [{workload: agents/Deployment/weather, reason: INC-1234 exfiltration}]
YAML
}
held() { jq -c 'select(.type != "AGENT" and (.object.metadata.name // "" | startswith("quarantine-")))' out; }

@test "a workload in quarantine reaches nothing and is reached by nobody, verified or not, and its owner is told why" {
	quarantined
	for card in "" --unverified; do
		bounded $card
		[ "$(egress | sort -u)" = '[]' ]
		[ "$(jq -c 'select(.type == "APPLY").object.spec.ingress' out | sort -u)" = '[]' ]
		[ "$(agent '[.egress, .reason, .message]')" = '["deny-all","Quarantined","cut off: INC-1234 exfiltration"]' ]
		agent '.problems[].message' | grep -qF 'is in quarantine by the admin'\''s bounds (quarantine[0]): INC-1234 exfiltration; ask #platform'
	done
	[ "$(held | jq -c '[.type, .reason, .object.spec.podSelector, .object.metadata.ownerReferences]')" = '["APPLY","Quarantined",{"matchLabels":{"app":"weather"}},null]' ]
}

@test "the quarantine's own object stays when the card and its workload are gone, and goes when it is released" {
	quarantined
	{ workload Deployment/weather && card weather; } | egress-translate --bounds bounds >out
	held | seen ADDED >object
	# the card is deleted while the pipeline runs
	{ workload Deployment/weather && card weather && mark end AgentCard && cat object &&
		card weather --type DELETED && workload Deployment/weather --type DELETED; } | egress-translate --bounds bounds >out
	[ "$(held | jq -r .type)" = APPLY ]
	# and is gone before it starts
	{ mark begin NetworkPolicy && cat object && mark end NetworkPolicy && mark begin AgentCard && mark end AgentCard; } >log
	egress-translate --bounds bounds <log >out
	[ -z "$(held)" ]
	# without any bounds nobody has released it
	egress-translate <log >out
	[ -z "$(held)" ]
	sed -i '/^quarantine/d' bounds
	egress-translate --bounds bounds <log >out
	[ "$(held | jq -c '[.type, .reason]')" = '["DELETE","Released"]' ]
}

@test "a workload without any card is kept in quarantine as soon as it is known" {
	quarantined
	{ mark end AgentCard && workload Deployment/other && workload Deployment/weather; } | egress-translate --bounds bounds >out
	[ "$(held | jq -r '.object.spec.podSelector.matchLabels.app')" = weather ]
}

@test "another policy that opens what a quarantine shuts is a gap and an error" {
	quarantined
	{ workload Deployment/weather && card weather && mark begin NetworkPolicy &&
		printf '{"type":"ADDED","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"open","namespace":"agents"},"spec":{"podSelector":{},"policyTypes":["Egress"],"egress":[{}]}}}\n' &&
		mark end NetworkPolicy && mark end AgentCard; } | egress-translate --bounds bounds >out
	agent '.gaps[].reason' | grep -q WidenedByPolicy
	agent '.problems[] | select(.severity == null).message' | grep -q 'WidenedByPolicy: the agent is in quarantine'
}

# shared [--unverified]: the quarantined workload, and another agent whose selector takes its pods in.
shared() {
	api_server 10.0.0.1 && workload Deployment/other --selector '{"matchLabels":{"tier":"a"}}' &&
		card other "$@" && mark end AgentCard && workload Deployment/weather --labels '{"app":"weather","tier":"a"}'
}
others() { jq -c 'select(.type == "APPLY" and .object.metadata.name == "other-signature-policy").object.spec | [.egress, .ingress]' out; }

@test "another agent whose selector takes in the pods of a quarantine is cut off with it: its policy would open what is shut" {
	quarantined
	for card in "" --unverified; do
		shared $card | egress-translate --bounds bounds >out
		[ "$(others | tail -n 1)" = '[[],[]]' ]
		[ "$(agent '[.reason, .message]' | tail -n 1)" = '["Quarantined","cut off: its selector selects the pods of agents/Deployment/weather, too: INC-1234 exfiltration"]' ]
	done
	# pods that have other labels are others
	{ shared && workload Deployment/weather --type MODIFIED; } | egress-translate --bounds bounds >out
	[ "$(others | tail -n 1 | jq -c '.[0]')" = '[{}]' ]
}

@test "pods that a deleted workload left behind stay shut for other agents, by the selector of the quarantine's object" {
	quarantined
	{ workload Deployment/weather && card weather; } | egress-translate --bounds bounds >out
	held | seen ADDED >object
	{ cat object && workload Deployment/other --labels '{"app":"weather"}' --selector '{"matchLabels":{"app":"weather"}}' && card other; } |
		egress-translate --bounds bounds >out
	[ "$(others)" = '[[],[]]' ]
	[ -z "$(held)" ]
}

# The file `bounds` as an event of the stream.
bounds_event() { egress-translate --bounds bounds --check >&2 && python3 -c '
import json, sys, yaml
b = yaml.safe_load(open("bounds")); b["metadata"] = {"name": "default"}
print(json.dumps({"type": sys.argv[1], "object": b}))' "${1:-ADDED}"; }

@test "bounds in the stream count as those of a file do, change while it runs, and the last good ones stay" {
	command -v python3 >/dev/null && python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not there: apt-get install python3-yaml"
	bounds <<<'bounds: [{namespaces: ["*"], atMost: {egress: [{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}]'
	bounds_event >first
	sed -i 's|203.0.113.0/24|192.0.2.0/24|' bounds
	bounds_event MODIFIED >second
	jq -c '.object.bounds[0].atMst = {}' second >bad
	{ cat first && workload Deployment/weather && card weather && mark end AgentCard && cat second; } >log
	run -1 --separate-stderr egress-translate < <(cat log bad && jq -c '.type = "DELETED"' second)
	echo "$output" >out
	[ "$(egress)" = "$(printf '[%s]\n' "$(rule 203.0.113.0/24)" "$(rule 192.0.2.0/24)")" ]
	[[ $stderr == *'the last good ones stay, if any: bounds[0]: unknown field "atMst"'* ]]
	# none that can be used is not the same as none
	run -1 --separate-stderr egress-translate < <(cat bad && workload Deployment/weather && card weather)
	[[ -z $output && $stderr == *'nothing is asked for'* ]]
	# a file wins over the stream
	egress-translate --bounds bounds <log >out
	[ "$(egress)" = "[$(rule 192.0.2.0/24)]" ]
}

# broken KIND NAME [JSON]: a change of it that cannot be used, for it is nested too deeply.
broken() {
	printf '{"type":"MODIFIED","object":{"apiVersion":"%s","kind":"%s","metadata":{"name":"%s","labels":{"tier":"prod"}},"x":%s}}\n' \
		"$1" "$2" "$3" "$(printf '[%.0s' {1..200})"
}

@test "the labels of a Namespace whose record cannot be used are not known: limits count" {
	bounds <<'YAML'
bounds: [{namespaceLabels: {matchLabels: {tier: prod}}, atMost: {}}]
YAML
	run -1 --separate-stderr egress-translate --bounds bounds < <(namespace agents '{"tier":"test"}' &&
		workload Deployment/weather && card weather && mark end AgentCard && broken v1 Namespace agents)
	echo "$output" >out
	[ "$(egress | tr '\n' ' ')" = '[{}] [] ' ]
}

@test "bounds whose record cannot be used leave all undecided where there are no others, also with --no-wait and later" {
	local refused='{"type":"ADDED","object":{"apiVersion":"agent-egress.dev/v1alpha1","kind":"EgressBounds","metadata":{"name":"default"},"bounds":1}}'
	{ workload Deployment/weather && card weather; } >world
	broken agent-egress.dev/v1alpha1 EgressBounds default >unread
	echo "$refused" >refused
	local first
	for first in unread refused; do
		run -1 --separate-stderr egress-translate < <(cat "$first" world)
		[[ -z $output && $stderr == *'no bounds that can be used'* ]]
		run -1 --separate-stderr egress-translate --no-wait < <(cat "$first" world)
		[[ -z $output && $stderr == *'no bounds that can be used'* ]]
		run -1 --separate-stderr egress-translate < <(cat world && mark end AgentCard && cat "$first" &&
			workload Deployment/later && card later)
		[[ $output == *weather-signature-policy* && $output != *later-signature-policy* ]]
	done
	# of another name it is none of ours
	run -1 --separate-stderr egress-translate < <(broken agent-egress.dev/v1alpha1 EgressBounds other && cat world)
	[[ $output == *weather-signature-policy* ]]
}
