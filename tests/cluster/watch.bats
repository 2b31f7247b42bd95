# egress-watch on a real API server.

bats_require_minimum_version 1.5.0

setup_file() {
	load server
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	mkdir -p "$CLUSTER"
	cat >"$CLUSTER/audit.yaml" <<-END
		apiVersion: audit.k8s.io/v1
		kind: Policy
		omitStages: [RequestReceived]
		rules: [{level: Metadata, users: [watcher]}, {level: None}]
	END
	export CLUSTER_APISERVER_FLAGS="--audit-policy-file=$CLUSTER/audit.yaml --audit-log-path=$CLUSTER/audit.log"
	cluster_start "$CLUSTER" watcher:system:masters nobody
	cluster_kubectl "$CLUSTER" create -f "$BATS_TEST_DIRNAME/../../pipelines/kubernetes/crd-agentcards.yaml"
	cluster_established "$CLUSTER"
	_cluster_until 240 cluster_curl "$CLUSTER" /apis/agent.kagenti.dev/v1alpha1/agentcards -f -o /dev/null
	cluster_kubectl "$CLUSTER" create namespace team
	cluster_kubectl "$CLUSTER" create namespace spire-system
	world | cluster_kubectl "$CLUSTER" create -f -
}

teardown_file() {
	load server
	[ -z "${CLUSTER:-}" ] || cluster_stop "$CLUSTER"
}

setup() {
	load server
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
	KUBECONFIG=$(cluster_user "$CLUSTER" watcher)
	export KUBECONFIG
	WATCHER=
}

teardown() {
	[ -z "$WATCHER" ] || kill "$WATCHER" 2>/dev/null || true
	[ ! -e relay.pid ] || kill "$(cat relay.pid)" 2>/dev/null || true
}

world() {
	cat <<-'END'
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: weather, namespace: team, labels: {kagenti.io/type: agent}}
		spec:
		  selector: {matchLabels: {app: weather}}
		  template:
		    metadata: {labels: {app: weather}}
		    spec: {serviceAccountName: weather, containers: [{name: a, image: a, env: [{name: KEY, value: hunter2}]}]}
		---
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: weather-card-signed, namespace: team}
		data: {agent-card.json: '{"name":"weather"}'}
		---
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: passwords, namespace: team}
		data: {password: hunter2}
		---
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: spire-bundle, namespace: spire-system}
		data: {bundle.spiffe: '{}'}
	END
	card weather
}

card() { # NAME
	cat <<-END
		---
		apiVersion: agent.kagenti.dev/v1alpha1
		kind: AgentCard
		metadata: {name: $1, namespace: team}
		spec: {targetRef: {apiVersion: apps/v1, kind: Deployment, name: $1}}
	END
}

k() { cluster_kubectl "$CLUSTER" -n team "$@"; }

await() { # TEXT FILE
	local i
	for ((i = 0; i < 4800; i++)); do
		! grep -qF -- "$1" "$2" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "no $1 in $2:" && cat "$2" messages
	return 1
}

known='"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'

watch_live() {
	egress-watch "$@" >events 2>messages 3>&- &
	WATCHER=$!
	await "$known" events
}

names() { # TYPE
	jq -r --arg type "$1" 'select(.type == $type).object | select(.kind != "Namespace") | "\(.kind)/\(.metadata.name)"' | sort
}

@test "what there is, each once, and of secrets nothing" {
	run -0 --separate-stderr egress-watch --once
	# the API server's addresses, as this server has them
	[ "$(names ADDED <<<"$output" | sed 's/^EndpointSlice/Endpoints/')" = 'AgentCard/weather
ConfigMap/spire-bundle
ConfigMap/weather-card-signed
Deployment/weather
Endpoints/kubernetes' ]
	[[ $output != *hunter2* && $output != *managedFields* ]]
	[ "$(jq -r 'select(.type == "ADDED" and .object.kind == "Namespace" and .object.metadata.name == "team").object.metadata.name' <<<"$output")" = team ]
	[ "$(jq -r 'select(.object.kind == "AgentCard").object.metadata.annotations["agent-egress.dev/schema"] // empty' <<<"$output")" = egress ]
	[ "$(tail -n 1 <<<"$output" | jq -r '.object.kind + .object.metadata.annotations["k8s.io/initial-events-end"]')" = AgentCardtrue ]
}

@test "of the ConfigMaps, the audit log shows only those that matter to be read" {
	: >"$CLUSTER/audit.log"
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.objectRef.resource == "configmaps" and .verb == "get").objectRef |
		"\(.namespace)/\(.name)"' "$CLUSTER/audit.log" | sort)" = $'spire-system/spire-bundle\nteam/weather-card-signed' ]
	[ "$(jq -r '.verb' "$CLUSTER/audit.log" | sort -u | grep -vE '^(get|list|watch)$')" = '' ]
}

@test "changes come as they happen" {
	watch_live
	card live | k create -f -
	await '"name":"live"' events
	k label deployment weather changed=yes
	await '"changed":"yes"' events
	k create configmap live-card-signed --from-literal=agent-card.json={}
	await '"name":"live-card-signed"' events
	k delete agentcard live
	k delete configmap live-card-signed
	await '"type":"DELETED","object":{"apiVersion":"v1","kind":"ConfigMap"' events
	await '"type":"DELETED","object":{"apiVersion":"agent.kagenti.dev' events
}

@test "a workload that only a card names comes, changes with its generation, and goes" {
	bare() { # LABEL
		cat <<-END
			apiVersion: apps/v1
			kind: DaemonSet
			metadata: {name: bare, namespace: team}
			spec:
			  selector: {matchLabels: {app: bare}}
			  template:
			    metadata: {labels: {app: bare, is: $1}}
			    spec: {hostNetwork: true, containers: [{name: a, image: a}]}
		END
	}
	bare old | k create -f -
	card bare | sed s/Deployment/DaemonSet/ | k create -f -
	watch_live
	await '"is":"old"' events
	[[ $(grep '"is":"old"' events) = *'"hostNetwork":true'* ]]
	bare new | k apply -f -
	await '"is":"new"' events
	k delete daemonset bare
	await '"type":"DELETED","object":{"apiVersion":"apps/v1","kind":"DaemonSet"' events
	k delete agentcard bare
}

@test "the server is killed, its history compacted, and restarted: nothing is lost" {
	card doomed | k create -f -
	watch_live
	# While nobody watches, one card goes and another comes.
	kill -STOP "$WATCHER"
	cluster_kill_apiserver "$CLUSTER"
	cluster_restart_apiserver "$CLUSTER"
	k delete agentcard doomed
	card born | k create -f -
	cluster_compact "$CLUSTER"
	cluster_kill_apiserver "$CLUSTER"
	cluster_restart_apiserver "$CLUSTER"
	kill -CONT "$WATCHER"
	await '"name":"born"' events
	await '"type":"DELETED","object":{"apiVersion":"agent.kagenti.dev' events
	[ "$(jq -r 'select(.type == "DELETED").object.metadata.name' events)" = doomed ]
	[ "$(grep -c '"name":"weather","namespace":"team"' events)" -le 2 ]
	kill "$WATCHER"
	wait "$WATCHER"
	k delete agentcard born
}

@test "a connection that is open but forgotten by a balancer is left, and nothing is lost" {
	load pipeline
	relay=$(relay "$KUBECONFIG")
	watch_live --kubeconfig "$relay" --watch-seconds 2
	relay_forgets
	card forgotten | cluster_kubectl "$CLUSTER" create -f -
	await '"forgotten"' events
	k delete agentcard forgotten
}

@test "who may not list is told which right is missing" {
	KUBECONFIG=$(cluster_user "$CLUSTER" nobody) run -3 --separate-stderr egress-watch --once
	[[ $stderr = *'Role must grant the verb list'* ]] # a Role or a ClusterRole, of the list that is refused first
}

@test "a client certificate, inline or in files, is who we are" {
	local file
	file=$(cluster_cert_user "$CLUSTER" carol system:masters)
	run -0 --separate-stderr egress-watch --once --kubeconfig "$file"
	sed "s|client-certificate-data:.*|client-certificate: $CLUSTER/carol.crt|
		s|client-key-data:.*|client-key: $CLUSTER/carol.key|
		s|certificate-authority-data:.*|certificate-authority: $CLUSTER/ca.crt|" "$file" >files
	run -0 --separate-stderr egress-watch --once --kubeconfig files
	[[ $output = *"$known"* ]]
}

@test "the server's certificate is checked, by the name that tls-server-name says" {
	sed 's|    server:|    tls-server-name: kubernetes.default.svc\n&|' "$KUBECONFIG" >named
	run -0 --separate-stderr egress-watch --once --kubeconfig named
	sed 's|    server:|    tls-server-name: elsewhere.example\n&|' "$KUBECONFIG" >wrong
	run -3 --separate-stderr egress-watch --once --kubeconfig wrong
	[[ $stderr = *"no trusted connection to https://127.0.0.1:"*elsewhere.example* && -z $output ]]
	sed "s|certificate-authority-data:.*|certificate-authority: $CLUSTER/client-ca.crt|" "$KUBECONFIG" >other
	run -3 --separate-stderr egress-watch --once --kubeconfig other
	[[ $stderr = *"no trusted connection to https://127.0.0.1:"* && -z $output ]]
	sed 's|certificate-authority-data:.*|insecure-skip-tls-verify: true|' "$KUBECONFIG" >insecure
	run -0 --separate-stderr egress-watch --once --kubeconfig insecure
	[[ $stderr = *'insecure-skip-tls-verify is set'* ]]
}

@test "kubectl's watch events in its place lead to the same policies" {
	load pipeline
	local resource
	policies() { egress-verify --accept-status | egress-translate | jq -Sc 'select(.type == "APPLY").object'; }
	for resource in endpoints deployments agentcards; do
		kubectl_events "$resource" "$resource.json"
		jq -c . "$resource.json" >>kubectl.ndjson
	done
	policies <kubectl.ndjson >theirs
	egress-watch --once | policies >ours
	[ "$(jq -r .metadata.name ours | sort)" = weather-signature-policy ]
	sort ours | diff - <(sort theirs)
}
