# egress-translate --target calico: what Calico would read otherwise than it is meant.

bats_require_minimum_version 1.5.0

TARGET=calico
load target

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

pods="projectcalico.org/orchestrator == 'k8s'"

@test "a policy is of the cluster, says whose it is, and limits both directions" {
	world --policy '{"egress":[]}' | translate
	same "$(jq -c '.object | [.metadata.namespace, .metadata.ownerReferences, (.metadata.name | startswith("agents-weather-"))]' out)" '[null,null,true]'
	same "$(spec | jq -c '[.namespaceSelector, .selector, .types, .egress]')" \
		"[\"projectcalico.org/name == 'agents'\",\"$pods && app == 'weather'\",[\"Ingress\",\"Egress\"],[]]"
}

@test "agents of one name in two namespaces have two policies" {
	{ for ns in a a-b; do workload Deployment/b --ns $ns && card b --ns $ns; workload Deployment/b-b --ns $ns && card b-b --ns $ns; done; } | translate
	[ "$(jq -r .object.metadata.name out | sort -u | wc -l)" = 4 ]
}

@test "an agent that is not verified gets the API server" {
	world --unverified | translate
	same "$(egress)" '[{"action":"Allow","protocol":"TCP","destination":{"nets":["10.0.0.1/32"],"ports":[6443]}}]'
	{ workload Deployment/weather && card weather --unverified; } | translate
	same "$(egress)" '[]'
}

@test "nothing is twice in what Calico takes for a set, and families are apart" {
	world --policy '{"egress":[{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}},{"ipBlock":{"cidr":"2001:db8::/32"}},{"ipBlock":{"cidr":"203.0.113.0/24"}},
		{"ipBlock":{"cidr":"3.0.113.0/24"}},{"ipBlock":{"cidr":"198.51.100.0/24","except":["198.51.100.1/32","198.51.100.1/32"]}}]}]}' | translate
	same "$(egress | jq -c '[.[].destination]')" '[{"nets":["203.0.113.0/24","3.0.113.0/24"]},{"nets":["2001:db8::/32"]},
		{"nets":["198.51.100.0/24"],"notNets":["198.51.100.1/32"]}]'
}

@test "selectors are in Calico's language" {
	same "$(peer '{"podSelector":{"matchLabels":{"app":"x","e.example/v":""},"matchExpressions":[{"key":"a","operator":"In","values":["1","2"]},
		{"key":"b","operator":"NotIn","values":["3"]},{"key":"c","operator":"Exists"},{"key":"d","operator":"DoesNotExist"}]}}' | jq -c '.[0].destination')" \
		"{\"namespaceSelector\":\"projectcalico.org/name == 'agents'\",
		 \"selector\":\"$pods && app == 'x' && e.example/v == '' && a in {'1', '2'} && b not in {'3'} && has(c) && !has(d)\"}"
	same "$(peer '{"namespaceSelector":{}}' | jq -c '.[0].destination')" "{\"namespaceSelector\":\"all()\",\"selector\":\"$pods\"}"
}

@test "a peer that selects by what Calico sets itself, or at length, stays denied" {
	for selector in podSelector namespaceSelector; do
		for key in projectcalico.org/name projectcalico.org/orchestrator pcns.team pcsa.name; do
			same "$(peer "{\"$selector\":{\"matchExpressions\":[{\"key\":\"$key\",\"operator\":\"Exists\"}]}}")" '[]'
			[[ $(problem 'spec.networkPolicy.egress[0].to[0]') == *'it stays denied'* ]]
		done
		values=$(jq -nc '[range(64) | "a-long-value-of-some-bytes-\(.)"]')
		same "$(peer "{\"$selector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":$values}]}}")" '[]'
		[[ $(problem 'spec.networkPolicy.egress[0].to[0]') == *'it stays denied'* ]]
	done
}

@test "no label can become a part of an expression: the agent is held by the rest, without egress" {
	long=$(jq -nc '[range(40) | {key: "k\(.)", operator: "NotIn", values: ["a-long-value-of-some-bytes"]}]')
	for selector in '{"matchLabels":{"app":"weather","a":"b'"'"' || has(c)"}}' \
		'{"matchLabels":{"app":"weather","a == '"'b'"' || b":"c"}}' \
		'{"matchLabels":{"app":"weather"},"matchExpressions":[{"key":"has(x) || y","operator":"Exists"}]}' \
		'{"matchLabels":{"app":"weather","projectcalico.org/namespace":"x"}}'; do
		{ workload Deployment/weather --selector "$selector"; card weather; } | translate
		same "$(spec | jq -c '[.selector, .egress]')" "[\"$pods && app == 'weather'\",[]]"
		[[ $(problem spec.targetRef) == *'gets no egress'* ]]
	done
	{ workload Deployment/weather --selector "{\"matchLabels\":{\"app\":\"weather\"},\"matchExpressions\":$long}"; card weather; } | translate
	[ "$(spec | jq '.selector | length')" -le 1024 ]
	[ "$(spec | jq '.selector | length')" -gt 900 ]
	same "$(egress)" '[]'
}

@test "a rule has one protocol and at most 50 ports" {
	ports=$(jq -nc '[range(64) | {port: (1000 + .)}]')
	world --policy "{\"egress\":[{\"to\":[{\"podSelector\":{}}],\"ports\":$ports},{\"ports\":[{\"port\":1,\"protocol\":\"UDP\"},{\"protocol\":\"SCTP\"},{\"port\":2,\"endPort\":3}]}]}" | translate
	same "$(egress | jq -c '[.[] | [.protocol, (.destination.ports | length)]]')" '[["TCP",50],["TCP",14],["TCP",1],["UDP",1],["SCTP",0]]'
	same "$(egress | jq -c '.[2].destination')" '{"ports":["2:3"]}'
	same "$(egress | jq -c '.[4]')" '{"action":"Allow","protocol":"SCTP"}'
}

@test "names of ports are for pods alone" {
	world --policy '{"egress":[{"ports":[{"port":"http"}]},{"to":[{"ipBlock":{"cidr":"203.0.113.0/24"}}],"ports":[{"port":"http"}]}]}' | translate
	same "$(egress)" "[{\"action\":\"Allow\",\"protocol\":\"TCP\",\"destination\":{\"namespaceSelector\":\"all()\",\"selector\":\"$pods\",\"ports\":[\"http\"]}}]"
}

@test "what is over 1024 rules stays denied, and is told of" {
	to=$(jq -nc '[range(200) | {podSelector: {matchLabels: {app: "a\(.)"}}}]')
	world --policy "{\"egress\":[$(for _ in {1..6}; do printf '{"to":%s},' "$to"; done){}]}" | translate
	[ "$(egress | jq length)" = 1024 ]
	[ -z "$(problem 'spec.networkPolicy.egress[4]')" ]
	[[ $(problem 'spec.networkPolicy.egress[5]') == *'1024 rules'* ]]
	[[ $(problem 'spec.networkPolicy.egress[6]') == *'1024 rules'* ]]
}

@test "DNS names stay denied, and a rule is never written for them" {
	world --policy '{"egress":[],"domains":[{"names":["api.example.com"],"ports":[{"port":443}]}]}' | translate
	same "$(egress)" '[]'
	[[ $(problem spec.networkPolicy.domains) == *'stay denied'* ]]
}
