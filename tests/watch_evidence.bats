# egress-watch against a pretended API server: others' policies, which are evidence, and whether the
# server keeps the rules of AgentCards.

bats_require_minimum_version 1.5.0

setup() {
	load kubestub
	cd "$BATS_TEST_TMPDIR" || exit
	export KUBECONFIG=$PWD/stub/kubeconfig HOME=$PWD
	WATCHER=
}

teardown() {
	[ -z "$WATCHER" ] || kill "$WATCHER" 2>/dev/null || true
	stub_stop
}

await() { # TEXT FILE
	local i
	for ((i = 0; i < 1200; i++)); do
		! grep -qF -- "$1" "$2" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "no $1 in $2:" && cat "$2" messages
	return 1
}

watch_until() { # TEXT [OPTION]...
	local text=$1
	shift
	egress-watch --watch-seconds 600 "$@" >events 2>messages 3>&- &
	WATCHER=$!
	await "$text" events
}

# Of a kind.group: what its end mark says of it.
lack() {
	jq -r --arg kind "$1" 'select(.type == "BOOKMARK").object |
		select("\(.kind).\(.apiVersion | split("/") | if length == 2 then .[0] else "" end)" == $kind).metadata.annotations |
		select(has("k8s.io/initial-events-end")) | .["agent-egress.dev/unavailable"] // "complete"'
}

schema() { jq -r 'select(.object.kind == "AgentCard").object.metadata.annotations["agent-egress.dev/schema"] // empty' "$@"; }

known='"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'

@test "others' policies, tiers and Namespaces' metadata are in the stream; what the server does not have is said to be NotServed" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups cilium.io/v2 projectcalico.org/v3 policy.networking.k8s.io/v1alpha1 networking.k8s.aws/v1alpha1 networking.gke.io/v1 ;;
		*sendInitialEvents*) status 400 no ;;
		/api/v1/namespaces\?*) list 10 "" '{"kind":"PartialObjectMetadata","metadata":{"name":"n","resourceVersion":"1","labels":{"a":"b"}}}' ;;
		/apis/policy.networking.k8s.io/v1alpha1/clusternetworkpolicies*) status 404 "not found" ;;
		/apis/*polic* | /apis/*tiers*) list 10 "" '{"metadata":{"name":"p","resourceVersion":"1"}}' ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.type == "ADDED").object | "\(.apiVersion) \(.kind)"' <<<"$output" | sort)" = 'cilium.io/v2 CiliumClusterwideNetworkPolicy
cilium.io/v2 CiliumNetworkPolicy
networking.gke.io/v1 FQDNNetworkPolicy
networking.k8s.aws/v1alpha1 ApplicationNetworkPolicy
networking.k8s.aws/v1alpha1 ClusterNetworkPolicy
networking.k8s.io/v1 NetworkPolicy
policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy
policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy
projectcalico.org/v3 GlobalNetworkPolicy
projectcalico.org/v3 NetworkPolicy
projectcalico.org/v3 Tier
v1 Namespace' ]
	[ "$(lack ClusterNetworkPolicy.policy.networking.k8s.io <<<"$output")" = NotServed ]
	[ "$(lack EgressFirewall.k8s.ovn.org <<<"$output")" = NotServed ]
	[ "$(lack NetworkPolicy.projectcalico.org <<<"$output")" = complete ]
	# the same objects are not listed twice
	[ "$(lack Tier.crd.projectcalico.org <<<"$output")" = NotServed ]
	[ "$(stub_requests 'crd.projectcalico')" = 0 ]
	[ "$(stub_requests '/v1/namespaces\?.*PartialObjectMetadata')" = 2 ]
}

@test "where Calico's API server is missing its stored objects are read; a version that does not have a kind is not the last" {
	stub_start <<-'END'
		case $TARGET in
		/apis) reply 200 '{"groups":[{"name":"crd.projectcalico.org","versions":[{"version":"v1"}]},{"name":"policy.networking.k8s.io","versions":[{"version":"v1alpha1"},{"version":"v1alpha2"}],"preferredVersion":{"version":"v1alpha1"}}]}' ;;
		*sendInitialEvents*) status 400 no ;;
		/apis/policy.networking.k8s.io/v1alpha1/clusternetworkpolicies*) status 404 "not found" ;;
		/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies* | /apis/crd.projectcalico.org/v1/networkpolicies*) list 10 "" '{"metadata":{"name":"p","namespace":"n","resourceVersion":"1"}}' ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.type == "ADDED").object | "\(.apiVersion) \(.kind)"' <<<"$output" | sort)" = \
		$'crd.projectcalico.org/v1 NetworkPolicy\npolicy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy' ]
}

@test "evidence that may not be read, or that fails, holds nothing up; it is said once, and in its end mark" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups cilium.io/v2 projectcalico.org/v3 ;;
		/apis/cilium.io/*) status 403 "User x cannot list resource" ;;
		/apis/projectcalico.org/*) status 503 "the backend is down" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(lack CiliumNetworkPolicy.cilium.io <<<"$output")" = Forbidden ]
	[ "$(lack Tier.projectcalico.org <<<"$output")" = Failing ]
	[ "$(lack NetworkPolicy.networking.k8s.io <<<"$output")" = complete ]
	[[ $(tail -n 1 <<<"$output") = *"$known"* ]]
	[ "$(grep -c 'cannot list ciliumnetworkpolicies.cilium.io in all namespaces: HTTP 403.*a ClusterRole must grant' <<<"$stderr")" = 1 ]
}

@test "evidence that never answers does not keep a live stream from being complete" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups cilium.io/v2 ;;
		/apis/cilium.io/*) quiet ;;
		*) empty ;;
		esac
	END
	watch_until "$known"
	[ "$(lack CiliumNetworkPolicy.cilium.io <events)" = '' ]
	[ "$(grep -c '"kind":"CiliumNetworkPolicy"' events)" = 0 ]
}

@test "evidence that can be read later begins its list then" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups cilium.io/v2 ;;
		/apis/cilium.io/v2/ciliumnetworkpolicies*) if [ ! -e "$STUB/open" ]; then status 403 no "Retry-After: 1"
			elif streaming; then status 400 no
			elif watching; then chunked; quiet
			else list 10 "" "$(object p 1)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until "$known" --watch-seconds 1
	touch stub/open
	await '"name":"p"' events
	[ "$(jq -r 'select(.object.kind == "CiliumNetworkPolicy") | .object.metadata.name // (.object.metadata.annotations | keys | join(" "))' events | head -n 4)" = \
		'agent-egress.dev/initial-events-begin
agent-egress.dev/unavailable k8s.io/initial-events-end
agent-egress.dev/initial-events-begin
p' ]
}

@test "AgentCards' begin mark says whether the definition keeps the rules" {
	stub_start <<-'END'
		case $TARGET in
		*/customresourcedefinitions/*) definition "$(cat "$STUB/members")" ;;
		*) empty ;;
		esac
	END
	declare -A members=(
		['"networkPolicy":{"properties":{"egress":{"type":"array"}}}']=egress
		['"networkPolicy":{"x-kubernetes-preserve-unknown-fields":true,"type":"object"}']=egress
		['"networkPolicy":{"properties":{"ingress":{"type":"array"}}}']=none
		['"targetRef":{"type":"object"}']=none
	)
	local each
	for each in "${!members[@]}"; do
		echo "$each" >stub/members
		run -0 --separate-stderr egress-watch --once
		[ "$(schema <<<"$output")" = "${members[$each]}" ] || { echo "$each: $output" && return 1; }
		[ "$(grep -c 'drops spec.networkPolicy' <<<"$stderr")" = "$([ "${members[$each]}" = none ] && echo 1 || echo 0)" ]
	done
}

@test "who may not read the definition learns it from the OpenAPI document, of version 3 or 2; without either it is unknown, and said" {
	stub_start <<-'END'
		schemas='{"x":{"x-kubernetes-group-version-kind":[{"group":"agent.kagenti.dev","kind":"AgentCard","version":"v1alpha1"}],"properties":{"spec":{"properties":{"networkPolicy":{"properties":{"egress":{}}}}}}}}'
		case $TARGET in
		*/customresourcedefinitions/*) status 403 "may not" ;;
		/openapi/v3/apis/agent.kagenti.dev/v1alpha1) if [ -e "$STUB/v3" ]; then reply 200 "{\"components\":{\"schemas\":$schemas}}"; else status 404 no; fi ;;
		/openapi/v2) if [ -e "$STUB/v2" ]; then reply 200 "{\"definitions\":$schemas}"; else status 403 no; fi ;;
		*) empty ;;
		esac
	END
	touch stub/v3
	run -0 --separate-stderr egress-watch --once
	[ "$(schema <<<"$output")" = egress ]
	[ "$(stub_requests '/openapi/v2')" = 0 ]
	mv stub/v3 stub/v2
	run -0 --separate-stderr egress-watch --once
	[ "$(schema <<<"$output")" = egress ]
	rm stub/v2
	run -0 --separate-stderr egress-watch --once
	[ "$(schema <<<"$output")" = unknown ]
	[ "$(grep -c 'must grant the verb get on customresourcedefinitions' <<<"$stderr")" = 1 ]
}

@test "when the definition is replaced, the list of cards begins again and says so" {
	stub_start <<-'END'
		case $TARGET in
		*/customresourcedefinitions/*) if [ -e "$STUB/replaced" ]; then definition '"targetRef":{}'; else definition; fi ;;
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*resourceVersion=10*) chunked; touch "$STUB/replaced"
			event ERROR '{"kind":"Status","code":410}'; last ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) if [ "$N" = 0 ]; then list 10 "" "$(object a 1)"; else list 20 "" "$(object a 1)"; fi ;;
		*) empty ;;
		esac
	END
	watch_until '"agent-egress.dev/schema":"none"'
	await 'resourceVersion=20' stub/log
	[ "$(schema events)" = $'egress\nnone' ]
	[ "$(jq -r 'select(.object.kind == "AgentCard") | .object.metadata.name // (.object.metadata.annotations | keys | join(" "))' events | xargs)" = \
		'agent-egress.dev/initial-events-begin agent-egress.dev/schema a k8s.io/initial-events-end agent-egress.dev/initial-events-begin agent-egress.dev/schema a k8s.io/initial-events-end' ]
}

@test "a streaming list that is refused inside the stream is listed in pages, and the server's reason is shown" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) chunked; event ERROR '{"kind":"Status","code":500,"message":"etcdserver: mvcc: no progress requests"}'; last ;;
		*agentcards*watch=1*) chunked; event ADDED "$(object late 11)"; quiet ;;
		*agentcards*) list 10 "" "$(object a 1)" ;;
		*) empty ;;
		esac
	END
	watch_until '"late"'
	[ "$(grep -c 'refuses streaming lists: etcdserver: mvcc: no progress requests; listing in pages' messages)" = 1 ]
	[ "$(stub_requests 'agentcards\?.*sendInitialEvents')" = 1 ]
}

@test "a server that has just begun is waited for without a word" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards\?limit*) if [ "$N" = 0 ]; then status 429 "storage is (re)initializing" "Retry-After: 1"; else list 10 "" "$(object a 1)"; fi ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[[ $output = *'"name":"a"'* ]]
	[[ $stderr != *initializing* ]]
}

@test "--timestamps writes the time into each event, and tells it when nothing happens" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) list 10 "" "$(object a 1)" ;;
		*) empty ;;
		esac
	END
	local before after
	before=$(date -u +%FT%TZ)
	watch_until '"metadata":{}}' --timestamps
	kill "$WATCHER"
	wait "$WATCHER" || true
	WATCHER=
	after=$(date -u +%FT%TZ)
	jq -e --arg from "$before" --arg to "$after" '.time >= $from and .time <= $to' events >/dev/null
	[ "$(jq -c 'select(.object.metadata == {}) | [.type, .object.kind]' events | head -n 1)" = '["BOOKMARK","AgentCard"]' ]
	run -0 --separate-stderr egress-watch --once
	[[ $output != *'"time"'* ]]
}

@test "of a card's status what is judged is written, and no more" {
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(object a 1 '"status":{"lastSyncTime":"x","card":{"name":"c"},"conditions":[],"networkPolicy":{"rulesDigest":"d"},"attestedAgentSpiffeId":"s","protocol":"a2a"}')" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -c 'select(.type == "ADDED").object.status' <<<"$output")" = \
		'{"card":{"name":"c"},"conditions":[],"attestedAgentSpiffeId":"s","networkPolicy":{"rulesDigest":"d"}}' ]
}
