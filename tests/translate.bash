# Verified events for the tests of egress-translate, one a line on stdout.

# card NAME [--ns NS] [--on KIND/WORKLOAD] [--unverified [REASON]] [--policy JSON]
#           [--uid UID] [--created TIME] [--type TYPE]
card() {
	local name=$1 ns=agents on='' verified=true reason=Verified policy=null uid='' type=ADDED
	local created=2026-01-01T00:00:00Z
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--ns) ns=$2 && shift ;;
		--on) on=$2 && shift ;;
		--unverified)
			verified=false reason=SignatureInvalid
			case ${2:-} in [A-Z]*) reason=$2 && shift ;; esac
			;;
		--policy) policy=$2 && shift ;;
		--uid) uid=$2 && shift ;;
		--created) created=$2 && shift ;;
		--type) type=$2 && shift ;;
		esac
		shift
	done
	on=${on:-Deployment/$name}
	jq -cn --arg ns "$ns" --arg name "$name" --arg kind "${on%%/*}" --arg workload "${on#*/}" \
		--argjson verified "$verified" --arg reason "$reason" --argjson policy "$policy" \
		--arg uid "${uid:-uid-$name}" --arg created "$created" --arg type "$type" '
		{type: $type,
		 object: {apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
		   metadata: {name: $name, namespace: $ns, uid: $uid, creationTimestamp: $created,
		     resourceVersion: "1", generation: 3},
		   spec: ({targetRef: {apiVersion: (if $kind == "Sandbox" then "agents.x-k8s.io/v1alpha1" else "apps/v1" end), kind: $kind, name: $workload}}
		          + if $policy == null then {} else {networkPolicy: $policy} end)},
		 verification: {verified: $verified, reason: $reason, message: "as it was found"}}'
}

# workload KIND/NAME [--ns NS] [--selector JSON] [--labels JSON] [--type TYPE]
workload() {
	local on=$1 ns=agents selector='' labels='' type=ADDED version=apps/v1
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--ns) ns=$2 ;;
		--selector) selector=$2 ;;
		--labels) labels=$2 ;;
		--type) type=$2 ;;
		esac
		shift 2
	done
	[ "${on%%/*}" != Sandbox ] || version=agents.x-k8s.io/v1alpha1
	jq -cn --arg version "$version" --arg kind "${on%%/*}" --arg name "${on#*/}" --arg ns "$ns" \
		--arg type "$type" --argjson selector "${selector:-null}" --argjson labels "${labels:-null}" '
		($labels // {app: $name}) as $labels
		| {type: $type,
		   object: {apiVersion: $version, kind: $kind,
		     metadata: {name: $name, namespace: $ns, uid: "w-\($name)"},
		     spec: {selector: ($selector // {matchLabels: {app: $name}}),
		            (if $kind == "Sandbox" then "podTemplate" else "template" end): {metadata: {labels: $labels}}}}}'
}

# api_server ADDRESS... : the EndpointSlice of the service `kubernetes`; --port N first.
api_server() {
	local port=6443
	[ "$1" != --port ] || { port=$2 && shift 2; }
	jq -cn --argjson port "$port" '
		{type: "MODIFIED",
		 object: {apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice",
		   metadata: {name: "kubernetes", namespace: "default",
		     labels: {"kubernetes.io/service-name": "kubernetes"}},
		   addressType: "IPv4", endpoints: [{addresses: $ARGS.positional}],
		   ports: [{name: "https", port: $port, protocol: "TCP"}]}}' --args -- "$@"
}

# mark begin|end KIND
mark() {
	local version annotation=k8s.io/initial-events-end
	case $2 in
	AgentCard) version=agent.kagenti.dev/v1alpha1 ;;
	NetworkPolicy) version=networking.k8s.io/v1 ;;
	EndpointSlice) version=discovery.k8s.io/v1 ;;
	*) version=apps/v1 ;;
	esac
	[ "$1" = end ] || annotation=agent-egress.dev/initial-events-begin
	jq -cn --arg version "$version" --arg kind "$2" --arg annotation "$annotation" \
		'{type: "BOOKMARK", object: {apiVersion: $version, kind: $kind,
		  metadata: {resourceVersion: "9", annotations: {($annotation): "true"}}}}'
}

# seen TYPE [JQ-FILTER] : the NetworkPolicy of an APPLY on stdin, as the server shows it.
seen() {
	jq -c --arg type "$1" '
		{type: $type, object: (.object | .metadata += {uid: "np", resourceVersion: "77"}'"${2:+ | $2}"')}'
}

# Of a translator's lines those that ask for something, and the end marks: what tests/agents.bats and
# the marks of a list's begin are about is left out.
operations() { grep -v -e '^{"type":"AGENT"' -e '"agent-egress.dev/initial-events-begin"' || true; }
