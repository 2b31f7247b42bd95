# egress-explain --assert: statements over all that the policies allow.

bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/..

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# manifest NAMESPACE NAME EGRESS: the policy of a verified agent's workload, as a repository holds it.
manifest() {
	jq -n --arg ns "$1" --arg name "$2" --argjson egress "$3" '{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {namespace: $ns, name: "\($name)-signature-policy",
			labels: {"app.kubernetes.io/managed-by": "agent-egress", "kagenti.dev/policy-type": "signature-verification"},
			ownerReferences: [{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", name: $name, uid: "u"}]},
		spec: {podSelector: {matchLabels: {app: $name}}, policyTypes: ["Egress"], egress: $egress}}' \
		>"dir/$1-$2.json"
}

# widen NAMESPACE NAME EGRESS: somebody else's policy for such of these pods as are in front.
widen() {
	jq -n --arg ns "$1" --arg name "$2" --argjson egress "$3" '{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {namespace: $ns, name: "extra"},
		spec: {podSelector: {matchLabels: {app: $name, tier: "front"}}, policyTypes: ["Egress"], egress: $egress}}' >"dir/$1-extra.json"
}

# state ASSERTION...: the document of these, each a line of YAML.
state() {
	{
		printf '%s\n' 'apiVersion: agent-egress.dev/v1alpha1' 'kind: EgressAssertions' 'assertions:'
		printf -- '- %s\n' "$@"
	} >assertions.yaml
}

# judge STATUS LINE...: with the manifests; the status and all that is said.
judge() {
	local status=$1
	shift
	run "-$status" --separate-stderr egress-explain --dir dir --pod-cidr 10.244.0.0/16 --assert assertions.yaml
	printf '%s\n' "$@" | diff - <(echo "$output")
}

metadata='never: {egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}], ports: [{port: 80}]}]}'
database='never: {egress: [{to: [{ipBlock: {cidr: 10.20.0.0/16}}], ports: [{port: 5432}]}]}'

@test "an assertion that every agent's rules keep holds" {
	mkdir dir
	manifest finance billing '[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]}]'
	manifest team-a web '[]'
	state "{name: nobody reaches metadata, $metadata}"
	judge 0 'holds     nobody reaches metadata (2 agents)'
}

@test "one that fails comes with a connection and the rule that allows it, which egress-explain allows too" {
	mkdir dir
	manifest finance billing '[{"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}, {"to": [{"ipBlock": {"cidr": "169.254.0.0/16"}}]}]'
	state "{name: nobody reaches metadata, $metadata}"
	judge 1 'fails     nobody reaches metadata (1 agent)' \
		'    finance/billing may reach 169.254.169.254:80/tcp: policy finance/billing-signature-policy, spec.egress[1]'
	egress-explain --dir dir billing 169.254.169.254:80/tcp
}

@test "what is outside of a port, a protocol or an exception does not fail it" {
	mkdir dir
	manifest a one '[{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}], "ports": [{"port": 81}, {"port": 1, "endPort": 79}]}]'
	manifest a two '[{"ports": [{"protocol": "UDP", "port": 80}]}]'
	state "{name: nobody reaches metadata, $metadata}"
	judge 0 'holds     nobody reaches metadata (2 agents)'
}

@test "only some reach it: those that are excepted may, another that somebody's policy widens does not" {
	mkdir dir
	manifest finance billing '[{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}], "ports": [{"port": 5432}]}]'
	manifest team-a web '[]'
	widen team-a web '[{"to": [{"ipBlock": {"cidr": "10.20.7.0/24"}}], "ports": [{"port": 5000, "endPort": 6000}]}]'
	state "{name: only finance reaches the database, except: {namespaces: [finance]}, $database}"
	# Whether the other policy selects the pods is known from the workload's manifest alone.
	judge 1 'undecided only finance reaches the database (1 agent)' \
		'    team-a/web cannot be decided: policy team-a/extra, spec.egress[0]: whether it selects the pods was not seen'
	jq -n '{apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: "team-a", name: "web"},
		spec: {selector: {matchLabels: {app: "web"}}, template: {metadata: {labels: {app: "web", tier: "front"}}}}}' >dir/web.json
	judge 1 'fails     only finance reaches the database (1 agent)' \
		'    team-a/web may reach 10.20.7.0:5432/tcp: policy team-a/extra, spec.egress[0]'
}

@test "at most: what is beyond it is shown, also between what it allows" {
	mkdir dir
	manifest team-a web '[{"to": [{"namespaceSelector": {}}]}, {"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 443}]}]'
	state '{name: good, agents: {namespaces: ["team-*"]}, atMost: {egress: [{to: [{namespaceSelector: {}}, {ipBlock: {cidr: 203.0.113.0/25}}, {ipBlock: {cidr: 203.0.113.128/25}}]}]}}' \
		'{name: half, atMost: {egress: [{to: [{namespaceSelector: {}}, {ipBlock: {cidr: 203.0.113.0/25}}]}]}}' \
		'{name: no UDP between pods, atMost: {egress: [{to: [{namespaceSelector: {}}], ports: [{protocol: TCP}]}, {to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}}'
	judge 1 'holds     good (1 agent)' 'fails     half (1 agent)' \
		'    team-a/web may reach 203.0.113.128:443/tcp: policy team-a/web-signature-policy, spec.egress[1]' \
		'fails     no UDP between pods (1 agent)' \
		'    team-a/web may reach team-a/web:1/udp: policy team-a/web-signature-policy, spec.egress[0]'
}

@test "names of a card are compared by name; one address may be a name's, and that is said" {
	local egress='{"egress": [], "domains": [{"names": ["api.example.com"], "ports": [{"port": 443}]}]}'
	state '{name: only the API, atMost: {egress: [{ports: [{port: 53}, {port: 53, protocol: UDP}]}], domains: [{names: [api.example.com], ports: [{port: 443}]}]}}' \
		'{name: no API, never: {domains: [{names: ["*.example.com"]}]}}' \
		"{name: no metadata, never: {egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}], ports: [{port: 443}]}]}}"
	live "$egress" >events
	run -1 --separate-stderr egress-explain --assert assertions.yaml -o json <events
	echo "$output" >said
	[ "$(jq -r '"\(.assertion): \(.failed) \(.shown[0].destination) \(.shown[0].message)"' said | head -n 2 | tail -n 1)" = \
		'no API: 1 api.example.com:443/tcp spec.networkPolicy.domains of its AgentCard' ]
	[ "$(jq -r 'select(.assertion == "only the API") | .failed' said)" = 0 ]
	[ "$(jq -r 'select(.assertion == "no metadata") | .shown[0].message' said)" = \
		'spec.networkPolicy.domains of its AgentCard: the addresses of a DNS name are not known' ]
}

# live RULES: a card and its workload as events, with these rules.
live() {
	jq -nc --arg name web --argjson rules "$1" '{type: "ADDED", object: {apiVersion: "apps/v1", kind: "Deployment", metadata: {namespace: "team-a", name: $name, uid: "1"},
		spec: {selector: {matchLabels: {app: $name}}, template: {metadata: {labels: {app: $name}}, spec: {hostNetwork: false}}}}},
		{type: "ADDED", object: {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", metadata: {namespace: "team-a", name: $name, uid: "2"},
			spec: {targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name}, networkPolicy: $rules}},
			verification: {verified: true, reason: "Verified", message: ""}}'
}

@test "what the stream does not show leaves it undecided, with the gap, and fails" {
	state "{name: nobody reaches metadata, $metadata}"
	live '{"egress": []}' >events
	run -1 --separate-stderr egress-explain --assert assertions.yaml <events
	[ "${lines[0]}" = 'undecided nobody reaches metadata (1 agent)' ]
	[[ ${lines[1]} = '    team-a/web cannot be decided: gap Undecided: '* ]]
}

@test "pods on their host's network may reach everything" {
	state "{name: nobody reaches metadata, $metadata}"
	live '{"egress": []}' | jq -c 'if .object.kind == "Deployment" then .object.spec.template.spec.hostNetwork = true else . end' >events
	run -1 --separate-stderr egress-explain --assert assertions.yaml <events
	[ "${lines[1]}" = "    team-a/web may reach 169.254.169.254:80/tcp: the agent's pods are on their host's network, where no policy holds" ]
}

@test "manifests: a workload's kind is not known of its policy alone, so it is meant, and not excepted" {
	mkdir dir
	manifest a db '[{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}]'
	manifest a web-statefulset '[{"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}]'
	state "{name: one, agents: {workloads: [StatefulSet/db]}, $metadata}" "{name: displaced, agents: {workloads: [StatefulSet/web]}, $metadata}" \
		"{name: another, agents: {workloads: [StatefulSet/d]}, $metadata}" "{name: by kind, except: {workloads: [Deployment/*]}, $metadata}" \
		"{name: any kind, except: {workloads: ['*/*']}, $metadata}"
	judge 1 'fails     one (1 agent)' \
		'    a/db may reach 169.254.169.254:80/tcp: policy a/db-signature-policy, spec.egress[0]' \
		'fails     displaced (1 agent)' \
		'    a/web-statefulset may reach 169.254.169.254:80/tcp: policy a/web-statefulset-signature-policy, spec.egress[0]' \
		'holds     another (0 agents)' 'fails     by kind (2 agents)' \
		'    a/db may reach 169.254.169.254:80/tcp: policy a/db-signature-policy, spec.egress[0]' \
		'    a/web-statefulset may reach 169.254.169.254:80/tcp: policy a/web-statefulset-signature-policy, spec.egress[0]' \
		'holds     any kind (0 agents)'
}

@test "manifests: a workload that has its pods on their host's network may reach everything, whatever its kind" {
	mkdir dir
	manifest a one '[]'
	jq -n '{apiVersion: "apps/v1", kind: "StatefulSet", metadata: {namespace: "a", name: "one"},
		spec: {selector: {matchLabels: {app: "one"}}, template: {metadata: {labels: {app: "one"}}, spec: {hostNetwork: true}}}}' >dir/one.json
	state "{name: nobody reaches metadata, $metadata}"
	judge 1 'fails     nobody reaches metadata (1 agent)' \
		"    a/one may reach 169.254.169.254:80/tcp: the agent's pods are on their host's network, where no policy holds"
	run -0 egress-explain --dir dir one 169.254.169.254:80/tcp
	[ "${lines[0]}" = 'a/one to 169.254.169.254:80/tcp: allowed' ]
	run -1 egress-explain --dir dir --check=unconfined
}

@test "two names of ports may be of one number" {
	mkdir dir
	manifest a one '[{"to": [{"podSelector": {}}], "ports": [{"port": "http"}]}]'
	state '{name: no TCP, never: {egress: [{to: [{podSelector: {}}], ports: [{port: https}]}]}}' \
		'{name: no UDP, never: {egress: [{to: [{podSelector: {}}], ports: [{port: https, protocol: UDP}]}]}}'
	judge 1 'undecided no TCP (1 agent)' \
		'    a/one cannot be decided: policy a/one-signature-policy, spec.egress[0]: the number of a named port is not known' \
		'holds     no UDP (1 agent)'
}

@test "rules that no API server takes are not guessed at" {
	mkdir dir
	manifest a one '[{"to": [{"ipBlock": {"cidr": "10.20.0.5/16"}}]}]'
	state "{name: no database, $database}"
	judge 1 'undecided no database (1 agent)' \
		'    a/one cannot be decided: policy a/one-signature-policy: its rules are not understood'
}

@test "policies in the directory that nobody judges leave it undecided" {
	mkdir dir
	manifest a one '[]'
	jq -n '{apiVersion: "cilium.io/v2", kind: "CiliumNetworkPolicy", metadata: {namespace: "a", name: "x"}, spec: {}}' >dir/x.json
	state "{name: no database, $database}"
	judge 1 'undecided no database (1 agent)' \
		'    a/one cannot be decided: the directory has policies of other kinds, which are not judged'
}

@test "the example is a good document, and fails for the sample's agent that may reach everything" {
	egress-verify --trust-domain example.org <"$root/pipelines/examples/agents.ndjson" >events
	run -1 --separate-stderr egress-explain --assert "$root/pipelines/examples/assertions.yaml" <events
	[[ $output = *'    support/chat may reach 169.254.169.254:80/tcp: policy support/chat-signature-policy, spec.egress[0]'* ]]
}

# refused LINE MESSAGE DOCUMENT: with exit status 3, before anything is read.
refused() {
	printf '%s\n' "$3" >bad.yaml
	run -3 --separate-stderr egress-explain --assert bad.yaml </dev/null
	# shellcheck disable=SC2154 # run sets these
	[ "${stderr_lines[0]}" = "egress-explain: bad.yaml: line $1: $2" ] || { echo "$stderr" && false; }
}

@test "a document that may not mean what it says is refused with its line" {
	local head=$'apiVersion: agent-egress.dev/v1alpha1\nkind: EgressAssertions\nassertions:'
	refused 4 'assertions[0]: needs one of never and atMost' "$head"$'\n- name: x'
	refused 5 'assertions[0]: unknown field "nevr"' "$head"$'\n- name: x\n  nevr: {}\n  never: {egress: [{}]}'
	refused 5 'assertions[0].never: names no destination: it would hold whatever is allowed' "$head"$'\n- name: x\n  never: {egress: []}'
	refused 5 'a member: has no value' "$head"$'\n- name: x\n  agents:\n  never: {egress: [{}]}'
	refused 5 'assertions[0].except: selects nobody: it needs namespaces, workloads or spiffeIDs' "$head"$'\n- name: x\n  except: {}\n  never: {egress: [{}]}'
	refused 5 'assertions[0].agents.namespaces: must be a list of patterns that is not empty' "$head"$'\n- name: x\n  agents: {namespaces: a}\n  never: {egress: [{}]}'
	refused 5 'assertions[1].name: is the name of another assertion, too' "$head"$'\n- {name: x, never: {egress: [{}]}}\n- {name: x, never: {egress: [{}]}}'
	refused 3 'assertions: must be a list of 1 to 256 assertions' "$head []"
	refused 6 'duplicate key' "$head"$'\n- name: x\n  name: y\n  never: {egress: [{}]}'
}

@test "input without any agent is no proof" {
	state "{name: no database, $database}"
	run -3 egress-explain --assert assertions.yaml <<<'{"type":"BOOKMARK","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}'
	[[ $output = *'there is no agent in the stream: nothing can be asserted of it'* ]]
	mkdir dir
	run -3 egress-explain --dir dir --assert assertions.yaml
	[[ $output = *'dir: has no policy that egress-apply wrote for an agent'* ]]
}

@test "a file that is not there, and a narrower question beside it, are refused" {
	run -3 egress-explain --assert none.yaml </dev/null
	[[ $output = *"can't read the assertions in none.yaml"* ]]
	state "{name: no database, $database}"
	run -2 egress-explain --assert assertions.yaml -n finance </dev/null
	run -2 egress-explain --assert assertions.yaml billing </dev/null
	run -2 egress-explain --assert assertions.yaml -o dot </dev/null
	run -2 egress-explain --assert assertions.yaml --pod-cidr 10.1.2.3/8 </dev/null
}
