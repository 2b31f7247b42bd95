# shellcheck shell=bash
# Operations as egress-translate writes them, for tests.

# policy NAME [NAMESPACE [CIDR]]: an APPLY of a NetworkPolicy
policy() {
	local labels=',"labels":{"app.kubernetes.io/managed-by":"agent-egress"}'
	printf '{"type":"APPLY","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"%s","name":"%s"%s},"spec":{"podSelector":{"matchLabels":{"app":"%s"}},"policyTypes":["Ingress","Egress"],"ingress":[],"egress":[{"to":[{"ipBlock":{"cidr":"%s"}}],"ports":[{"port":443}]}]}},"reason":"Scoped"}\n' \
		"${2:-team-a}" "$1" "$labels" "$1" "${3:-10.0.0.0/8}"
}

# delete NAME [NAMESPACE]
delete() {
	printf '{"type":"DELETE","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"%s","name":"%s"}}}\n' \
		"${2:-team-a}" "$1"
}

# The AgentCards' end mark
complete() {
	echo '{"type":"BOOKMARK","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}'
}
