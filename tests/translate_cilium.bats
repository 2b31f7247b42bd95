# egress-translate --target cilium: what Cilium would read otherwise than it is meant.

bats_require_minimum_version 1.5.0

TARGET=cilium
load target

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "no egress and no ingress are an empty rule each, which Cilium enforces" {
	world --policy '{"egress":[]}' | translate
	same "$(egress)" '[{}]'
	{ workload Deployment/weather && card weather --unverified; } | translate
	same "$(egress)" '[{}]'
	{ workload Deployment/weather && card weather; } | translate --verified-peers workloads --ingress-namespace ops
	same "$(spec | jq -c '[.ingress[].fromEndpoints[].matchLabels]')" '[{"k8s:io.kubernetes.pod.namespace":"ops"},{"k8s:app":"weather","k8s:io.kubernetes.pod.namespace":"agents"}]'
}

@test "an agent that is not verified gets the API server, where Cilium takes it for a node too" {
	world --unverified | translate
	same "$(egress)" '[{"toEntities":["kube-apiserver"],"toPorts":[{"ports":[{"port":"6443","protocol":"TCP"}]}]},
		{"toCIDRSet":[{"cidr":"10.0.0.1/32"}],"toPorts":[{"ports":[{"port":"6443","protocol":"TCP"}]}]}]'
	world --unverified | translate --api-server 192.0.2.0/28
	same "$(egress | jq -c 'map(keys[0])')" '["toEntities","toCIDRSet"]'
}

@test "blocks that hold the whole API server mean its entity, those that hold a part a warning" {
	{ api_server 10.0.0.1 10.0.0.2; workload Deployment/weather; } >rest
	{ cat rest; card weather --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/24"}}],"ports":[{"port":443}]}]}'; } | translate
	same "$(egress | jq -c '[.[0].toEntities, .[0].toPorts[0].ports[0].port]')" '[["kube-apiserver"],"443"]'
	{ cat rest; card weather --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/24","except":["10.0.0.2/32"]}}]}]}'; } | translate
	same "$(egress | jq -c 'map(keys[0])')" '["toCIDRSet"]'
	[[ $(problem 'spec.networkPolicy.egress[0].to') == *"some of the API server's addresses"* ]]
	{ cat rest; card weather --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}]}]}'; } | translate
	same "$(egress | jq -c 'map(keys[0])')" '["toCIDRSet"]'
	[ -z "$(problem 'spec.networkPolicy.egress[0].to')" ]
}

@test "a selector that only excludes asks for pods all the same" {
	same "$(peer '{"namespaceSelector":{"matchExpressions":[{"key":"team","operator":"DoesNotExist"}]}}' | jq -c '.[0].toEndpoints[0].matchExpressions[0]')" \
		'{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}'
	same "$(peer '{"podSelector":{"matchExpressions":[{"key":"team","operator":"DoesNotExist"}]}}' | jq -c '.[0].toEndpoints[0].matchLabels')" \
		'{"k8s:io.kubernetes.pod.namespace":"agents"}'
}

@test "a peer that selects by what no identity has stays denied" {
	for key in pod-template-hash io.kubernetes.pod.namespace io.cilium.k8s.policy.serviceaccount kubernetes.io/os \
		failure-domain.beta.kubernetes.io/zone statefulset.kubernetes.io/pod-name topology.kubernetes.io/zone; do
		for selector in "{\"matchLabels\":{\"$key\":\"x\"}}" "{\"matchExpressions\":[{\"key\":\"$key\",\"operator\":\"DoesNotExist\"}]}"; do
			same "$(peer "{\"podSelector\":$selector}")" '[{}]'
			[[ $(problem 'spec.networkPolicy.egress[0].to[0]') == *'leaves out of identities'* ]]
		done
	done
	same "$(peer '{"podSelector":{"matchLabels":{"app.kubernetes.io/name":"x"}}}' | jq -c '.[0].toEndpoints[0].matchLabels["k8s:app.kubernetes.io/name"]')" '"x"'
}

letters() { printf "%$1s" '' | tr ' ' a; }

@test "a peer whose key Cilium's prefix makes too long stays denied, or Cilium would refuse the whole object" {
	for key in "$(letters 29)" "$(letters 33)" "$(letters 63)" failure-domain.beta.kubernetes.io/zone \
		"$(letters 60).$(letters 60).$(letters 60).$(letters 60)/a"; do
		same "$(peer "{\"namespaceSelector\":{\"matchLabels\":{\"$key\":\"x\"}}}")" '[{}]'
		[[ $(problem 'spec.networkPolicy.egress[0].to[0]') == *'too long'* ]]
	done
	for key in "$(letters 60)" "$(letters 63)"; do
		same "$(peer "{\"podSelector\":{\"matchLabels\":{\"$key\":\"x\"}}}")" '[{}]'
		[[ $(problem 'spec.networkPolicy.egress[0].to[0]') == *'too long'* ]]
	done
}

@test "a key that is just short enough is written" {
	same "$(peer "{\"namespaceSelector\":{\"matchLabels\":{\"$(letters 28)\":\"x\"}},\"podSelector\":{\"matchLabels\":{\"$(letters 59)\":\"x\"}}}" |
		jq -c '.[0].toEndpoints[0].matchLabels | keys')" "[\"k8s:$(letters 59)\",\"k8s:io.cilium.k8s.namespace.labels.$(letters 28)\"]"
	same "$(peer "{\"namespaceSelector\":{\"matchLabels\":{\"example.com/$(letters 63)\":\"x\"}}}" |
		jq -c '.[0].toEndpoints[0].matchLabels | keys')" "[\"k8s:io.cilium.k8s.namespace.labels.example.com/$(letters 63)\"]"
}

@test "an agent that is selected by what no identity has gets no egress, and is held by the rest" {
	for selector in '{"matchLabels":{"app":"weather","pod-template-hash":"x"}}' \
		'{"matchLabels":{"app":"weather","topology.kubernetes.io/zone":"x"}}' \
		"{\"matchLabels\":{\"app\":\"weather\",\"$(letters 60)\":\"x\"}}" \
		'{"matchLabels":{"app":"weather"},"matchExpressions":[{"key":"kubernetes.io/os","operator":"Exists"}]}' \
		'{"matchLabels":{"app":"weather","a\"b":"c"}}' '{"matchLabels":{"app":"weather","a":"b\"},\"c"}}'; do
		{ workload Deployment/weather --selector "$selector"; card weather; } | translate
		same "$(spec | jq -c '[.endpointSelector, .egress]')" '[{"matchLabels":{"k8s:app":"weather"}},[{}]]'
		[[ $(problem spec.targetRef) == *'gets no egress'* ]]
	done
}

@test "more ports than an element of toPorts may have are several elements" {
	ports=$(jq -nc '[range(64) | {port: (1000 + .)}]')
	world --policy "{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":$ports}]}" | translate
	same "$(egress | jq -c '[.[0].toPorts[].ports | length]')" '[40,24]'
	same "$(egress | jq -c '[.[0].toPorts[].ports[].port | tonumber]')" "$(jq -nc '[range(64) | 1000 + .]')"
}

@test "names of ports are for pods alone" {
	world --policy '{"egress":[{"ports":[{"port":"http"},{"port":80}]},{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":"http"}]}]}' | translate
	same "$(egress)" '[{"toEntities":["all"],"toPorts":[{"ports":[{"port":"80","protocol":"TCP"}]}]},
		{"toEndpoints":[{"matchExpressions":[{"key":"k8s:io.kubernetes.pod.namespace","operator":"Exists"}]}],
		 "toPorts":[{"ports":[{"port":"http","protocol":"TCP"}]}]}]'
	world --policy '{"domains":[{"names":["api.example.com"],"ports":[{"port":"http"}]}]}' | translate
	same "$(egress | jq -c 'map(keys)')" '[["toEndpoints","toPorts"]]'
}

@test "an agent with names may ask for them and nothing else, of the pods of --dns" {
	world --policy '{"domains":[{"names":["api.example.com","*.example.org"]}]}' | translate --dns dns/app=unbound:5353
	same "$(egress | jq -c '.[0]')" '{"toFQDNs":[{"matchName":"api.example.com"},{"matchPattern":"**.example.org"}]}'
	same "$(egress | jq -c '.[1].toEndpoints')" '[{"matchLabels":{"k8s:app":"unbound","k8s:io.kubernetes.pod.namespace":"dns"}}]'
	same "$(egress | jq -c '[.[1].toPorts[].ports[] | "\(.port)/\(.protocol)"]')" '["5353/UDP","5353/TCP"]'
	same "$(egress | jq -c '[.[1].toPorts[0].rules.dns[][]] | map(select(endswith("cluster.local") | not))')" '["api.example.com","**.example.org"]'
	[ "$(egress | jq '.[1].toPorts[0].rules.dns | length')" = 8 ]
	[ "$(egress | jq length)" = 2 ]
}

@test "a policy that no API server would take gives no egress, in place of being refused" {
	names() { jq -nc --argjson n "$1" '[range(64) as $i | {names: [range(64) | "\("x" * $n).n\(.).d\($i).example.com"]}]'; }
	printf '{"domains":%s}' "$(names 60)" >policy
	{ api_server 10.0.0.1; workload Deployment/weather; card weather | jq -c --slurpfile policy policy '.object.spec.networkPolicy = $policy[0]'; } | translate
	same "$(egress)" '[{}]'
	[ "$(jq -r .reason out)" = RulesTooLarge ]
	[[ $(problem spec.networkPolicy) == 'Too long: its CiliumNetworkPolicy may not be more than 1048576 bytes' ]]
	[ "$(wc -c <out)" -lt 10000 ]
}
