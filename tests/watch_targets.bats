# egress-watch --target, against a pretended API server: which kinds of policies are watched.

bats_require_minimum_version 1.5.0

setup() {
	load kubestub
	cd "$BATS_TEST_TMPDIR" || exit
	export KUBECONFIG=$PWD/stub/kubeconfig HOME=$PWD
}

teardown() { stub_stop; }

# Answers that every API exists, in the versions that we ask for.
SERVED='
	case $TARGET in
	/apis) groups cilium.io/v2 projectcalico.org/v3 k8s.ovn.org/v1 networking.istio.io/v1 ;;
	*sendInitialEvents*) status 400 no ;;
	/apis/cilium.io/v2/ciliumnetworkpolicies*) list 10 "" "$(object p 1)" ;;
	/apis/projectcalico.org/v3/globalnetworkpolicies*) list 10 "" "{\"metadata\":{\"name\":\"g\",\"resourceVersion\":\"1\"}}" ;;
	*) empty ;;
	esac'

# The kinds of policies that were listed.
listed() {
	grep -oE '(cilium.io/v2|projectcalico.org/v3|k8s.ovn.org/v1|networking.[a-z0-9.]+/v1)/([a-z/-]*/)?[a-z]+\?limit' stub/log |
		sed 's/.*\///; s/?limit//' | sort -u | xargs
}

@test "what the server has of others' policies is watched whole, whatever the target; of Istio's objects ours, for that target" {
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once
	[ "$(listed)" = 'ciliumclusterwidenetworkpolicies ciliumnetworkpolicies egressfirewalls globalnetworkpolicies networkpolicies tiers' ]
	[ "$(stub_requests 'labelSelector=app.kubernetes.io')" = 0 ]
	[ "$(stub_requests 'istio')" = 0 ]
	stub_stop
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once --target istio
	[[ $(listed) = *' serviceentries sidecars '* ]]
	[ "$(stub_requests '/(serviceentries|sidecars)\?limit=500&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dagent-egress ')" = 2 ]
}

@test "--target may be repeated, for a change from one to the other" {
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once --target cilium --target calico
	[ "$(jq -c 'select(.type == "ADDED").object | [.apiVersion, .kind, .metadata.namespace, .metadata.name]' <<<"$output" | sort)" = \
		'["cilium.io/v2","CiliumNetworkPolicy","team","p"]
["projectcalico.org/v3","GlobalNetworkPolicy",null,"g"]' ]
}

@test "a target whose API is not there is complete at once, and the world is known" {
	stub_start <<-'END'
		case $TARGET in
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once --target cilium
	[ "$(jq -r 'select(.object.kind == "CiliumNetworkPolicy") | "\(.type) \(.object.metadata.annotations | keys | join(" "))"' <<<"$output")" = \
		$'BOOKMARK agent-egress.dev/initial-events-begin\nBOOKMARK agent-egress.dev/unavailable k8s.io/initial-events-end' ]
	[ "$(tail -n 1 <<<"$output" | jq -r .object.kind)" = AgentCard ]
}

@test "a target whose list is refused keeps the world unknown" {
	stub_start <<-'END'
		case $TARGET in
		/apis) groups cilium.io/v2 ;;
		/apis/cilium.io/*) status 403 no ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once --target cilium
	[[ $stderr = *'must grant the verb list'*'on ciliumnetworkpolicies in apiGroup "cilium.io"'* ]]
	[ -z "$(jq -c 'select(.object.kind == "AgentCard" and (.object.metadata.annotations["k8s.io/initial-events-end"] // "") == "true")' <<<"$output")" ]
}

@test "with --namespace a namespaced kind is listed there; of a cluster-scoped one our policies of other namespaces are left out" {
	ours() { # NAME NAMESPACE
		printf '{"metadata":{"name":"%s","resourceVersion":"1","labels":{"app.kubernetes.io/managed-by":"agent-egress","kagenti.dev/agentcard-namespace":"%s"}}}' "$1" "$2"
	}
	stub_start <<-END
		case \$TARGET in
		*globalnetworkpolicies?limit*) list 10 "" '$(ours a red)' '$(ours b green)' '{"metadata":{"name":"c","resourceVersion":"1"}}' ;;
		*) $(tail -n +2 <<<"$SERVED")
		esac
	END
	run -0 --separate-stderr egress-watch --once -n red -n blue --target cilium --target calico
	[ "$(grep -oE '/namespaces/[a-z]+/ciliumnetworkpolicies' stub/log | sort -u | xargs)" = \
		'/namespaces/blue/ciliumnetworkpolicies /namespaces/red/ciliumnetworkpolicies' ]
	[ "$(stub_requests '/ciliumnetworkpolicies')" = "$(stub_requests '/namespaces/[a-z]*/ciliumnetworkpolicies')" ]
	[ "$(jq -r 'select(.type == "ADDED" and .object.kind == "GlobalNetworkPolicy").object.metadata.name' <<<"$output" | xargs)" = 'a c' ]
}

@test "a word that is no target is refused with status 2" {
	run -2 --separate-stderr egress-watch --once --target weave
	[[ $stderr = *'--target weave: '*cilium* ]]
}
