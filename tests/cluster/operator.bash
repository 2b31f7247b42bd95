# shellcheck shell=bash
# The operator, as far as it writes NetworkPolicies and AgentCards, on the cluster $CLUSTER: its objects,
# labels and field manager, by create and by typed update, as its controllers do. The caller defines `kube`.

# operator_card NAME [SPEC [NAMESPACE]]: an AgentCard with the operator's finalizer; prints its uid.
operator_card() {
	jq -n --arg name "$1" --argjson spec "${2:-null}" --arg namespace "${3:-$NS}" '
		{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
		 metadata: {name: $name, namespace: $namespace, finalizers: ["agentcard.kagenti.dev/network-policy"]},
		 spec: ({targetRef: {apiVersion: "apps/v1", kind: "Deployment", name: $name}} + ($spec // {}))}' |
		kube create -f - -o jsonpath='{.metadata.uid}'
}

# operator_spec NAME anywhere|server: of a verified agent, or of one that is not.
operator_spec() {
	jq -nc --arg name "$1" --arg egress "$2" '
		[{namespaceSelector: {matchLabels: {"control-plane": "kagenti-operator"}}},
		 {namespaceSelector: {matchLabels: {name: "kagenti-system"}}}] as $operator
		| {podSelector: {matchLabels: {app: $name, "kagenti.io/type": "agent"}}, policyTypes: ["Ingress", "Egress"]}
		+ if $egress == "anywhere"
		  then {ingress: [{from: ($operator + [{podSelector: {matchLabels: {"agent.kagenti.dev/signature-verified": "true"}}}])}],
			egress: [{}]}
		  else {ingress: [{from: $operator}],
			egress: [{ports: [{protocol: "TCP", port: 6443}], to: [{ipBlock: {cidr: "192.0.2.1/32"}}]}]} end'
}

# operator_object NAME anywhere|server CARD UID NAMESPACE: the policy, as it creates it.
operator_object() {
	jq -nc --arg name "$1" --arg namespace "$5" --arg card "$3" --arg uid "$4" --argjson spec "$(operator_spec "$1" "$2")" '
		{apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		 metadata: {name: "\($name)-signature-policy", namespace: $namespace,
			labels: {"managed-by": "kagenti-operator", "kagenti.dev/agentcard": $card,
				"kagenti.dev/policy-type": "signature-verification"},
			ownerReferences: [{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard", name: $card, uid: $uid,
				controller: true, blockOwnerDeletion: true}]},
		 spec: $spec}'
}

# operator_policy NAME anywhere|server CARD UID [JQ]: created. A later reconcile is operator_update.
operator_policy() {
	operator_object "$1" "$2" "$3" "$4" "$NS" | jq "${5:-.}" >policy.json
	operator_send POST "/apis/networking.k8s.io/v1/namespaces/$NS/networkpolicies" policy.json
}

# operator_update NAME anywhere|server: spec alone, as an update of an existing policy leaves its labels.
operator_update() {
	local name=$1-signature-policy path=/apis/networking.k8s.io/v1/namespaces/$NS/networkpolicies
	kube -n "$NS" get networkpolicy "$name" -o json | jq --argjson spec "$(operator_spec "$1" "$2")" '.spec = $spec' >update.json
	operator_send PUT "$path/$name" update.json
}

operator_send() { # METHOD PATH FILE
	cluster_curl "$CLUSTER" "$2?fieldManager=manager" -f -o /dev/null -X "$1" -H 'Content-Type: application/json' --data-binary "@$3"
}
