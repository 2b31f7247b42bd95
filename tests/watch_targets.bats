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
	/apis/cilium.io) reply 200 "{\"versions\":[{\"version\":\"v2\"}],\"preferredVersion\":{\"version\":\"v2\"}}" ;;
	/apis/projectcalico.org) reply 200 "{\"versions\":[{\"version\":\"v3\"}],\"preferredVersion\":{\"version\":\"v3\"}}" ;;
	/apis/k8s.ovn.org | /apis/networking.istio.io) reply 200 "{\"versions\":[{\"version\":\"v1\"}],\"preferredVersion\":{\"version\":\"v1\"}}" ;;
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

@test "each target's kinds are watched, by our label, and NetworkPolicies always" {
	local target wanted
	for target in 'networkpolicy networkpolicies' 'cilium ciliumnetworkpolicies networkpolicies' \
		'calico globalnetworkpolicies networkpolicies' 'ovn egressfirewalls networkpolicies' \
		'istio networkpolicies serviceentries sidecars'; do
		stub_start <<<"$SERVED"
		run -0 --separate-stderr egress-watch --once --target "${target%% *}"
		[ "$(listed)" = "${target#* }" ]
		for wanted in ${target#* }; do
			[ "$(stub_requests "/$wanted\?limit=500&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dagent-egress ")" = 1 ]
		done
		stub_stop
	done
}

@test "without --target no other API is asked for" {
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once
	[ "$(listed)" = networkpolicies ]
	[ "$(stub_requests 'cilium|calico|ovn|istio')" = 0 ]
}

@test "--target may be repeated, for a change from one to the other" {
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once --target cilium --target calico
	[ "$(listed)" = 'ciliumnetworkpolicies globalnetworkpolicies networkpolicies' ]
	[ "$(jq -c 'select(.type == "ADDED").object | [.apiVersion, .kind, .metadata.namespace, .metadata.name]' <<<"$output" | sort)" = \
		'["cilium.io/v2","CiliumNetworkPolicy","team","p"]
["projectcalico.org/v3","GlobalNetworkPolicy",null,"g"]' ]
}

@test "a target whose API is not there is complete at once, and the world is known" {
	stub_start <<-'END'
		case $TARGET in
		/apis/cilium.io) status 404 "not found" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once --target cilium
	[ "$(jq -r 'select(.object.kind == "CiliumNetworkPolicy") | "\(.type) \(.object.metadata.annotations | keys[0])"' <<<"$output")" = \
		$'BOOKMARK agent-egress.dev/initial-events-begin\nBOOKMARK k8s.io/initial-events-end' ]
	[ "$(tail -n 1 <<<"$output" | jq -r .object.kind)" = AgentCard ]
}

@test "a target whose list is refused keeps the world unknown" {
	stub_start <<-'END'
		case $TARGET in
		/apis/cilium.io) reply 200 '{"versions":[{"version":"v2"}],"preferredVersion":{"version":"v2"}}' ;;
		/apis/cilium.io/*) status 403 no ;;
		*) empty ;;
		esac
	END
	run -3 --separate-stderr egress-watch --once --target cilium
	[[ $stderr = *'must grant the verb list'*'on ciliumnetworkpolicies in apiGroup "cilium.io"'* ]]
	[ -z "$(jq -c 'select(.object.kind == "AgentCard" and (.object.metadata.annotations["k8s.io/initial-events-end"] // "") == "true")' <<<"$output")" ]
}

@test "with --namespace a namespaced kind is listed there, a cluster-scoped one by the namespaces' label" {
	stub_start <<<"$SERVED"
	run -0 --separate-stderr egress-watch --once -n red -n blue --target cilium --target calico
	[ "$(grep -oE '/namespaces/[a-z]+/ciliumnetworkpolicies' stub/log | sort -u | xargs)" = \
		'/namespaces/blue/ciliumnetworkpolicies /namespaces/red/ciliumnetworkpolicies' ]
	[ "$(stub_requests '/ciliumnetworkpolicies')" = "$(stub_requests '/namespaces/[a-z]*/ciliumnetworkpolicies')" ]
	[ "$(grep -oE 'globalnetworkpolicies\?limit=500&labelSelector=[^ ]*' stub/log)" = \
		'globalnetworkpolicies?limit=500&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dagent-egress%2Ckagenti.dev%2Fagentcard-namespace%20in%20%28red%2Cblue%29' ]
}

@test "a word that is no target is refused with status 2" {
	run -2 --separate-stderr egress-watch --once --target weave
	[[ $stderr = *'--target weave: '*cilium* ]]
}
