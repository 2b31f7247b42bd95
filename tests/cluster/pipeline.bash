# shellcheck shell=bash
# pipelines/enforce on the cluster $CLUSTER, with the accounts of pipelines/kubernetes/rbac.yaml.

ROOT=$BATS_TEST_DIRNAME/../..

kube() { cluster_kubectl "$CLUSTER" "$@"; }

# eventually COMMAND...: within what a slow machine needs.
eventually() {
	_cluster_until 240 "$@" && return
	echo "not within 240 s: $*"
	return 1
}

# served PATH: by the API server; a definition is Established a moment before it is.
served() { cluster_curl "$CLUSTER" "$1" -f -o /dev/null 2>/dev/null; }

# relay KUBECONFIG: prints the path of one that reaches the server through tests/tools/relay.c.
relay() {
	local port
	port=$(sed 's/.*://' "$CLUSTER/url")
	rm -f relay.port
	"$BUILD/tools/relay" relay.port "$port" >/dev/null 2>relay.messages 3>&- &
	echo $! >relay.pid
	eventually test -s relay.port
	sed "s/127.0.0.1:$port/127.0.0.1:$(cat relay.port)/" "$1" >relayed
	echo "$PWD/relayed"
}

# Every connection through the relay stays open and falls silent; new ones work.
relay_forgets() { pkill -STOP -P "$(cat relay.pid)"; }
relay_end() { [ ! -s relay.pid ] || kill "$(cat relay.pid)" 2>/dev/null || true; }

# kubectl_events KIND FILE: what kubectl's watch says of all that there is.
kubectl_events() {
	local watcher
	kubectl --kubeconfig "$CLUSTER/kubeconfig" --cache-dir "$CLUSTER/kubectl" get "$1" -A -o json \
		--watch --output-watch-events >"$2" 3>&- &
	watcher=$!
	# it watches until it is ended, and does not say when it has told of all
	all_told() {
		[ "$(jq -c 'select(.type == "ADDED")' "$2" 2>/dev/null | wc -l)" -ge "$(kube get "$1" -A -o name | wc -l)" ]
	}
	eventually all_told "$1" "$2"
	kill "$watcher"
	wait "$watcher" || true
}

# install_manifests: what `kubectl apply -k` installs, over whatever is there.
install_manifests() {
	kube apply --server-side --force-conflicts -k "$ROOT/pipelines/kubernetes" >/dev/null || return
	cluster_established "$CLUSTER"
}

# account NAME: prints the path of the service account's kubeconfig.
account() {
	local file=$CLUSTER/$1.kubeconfig
	_cluster_kubeconfig "$CLUSTER" token "$1" \
		"$(cluster_token_for_sa "$CLUSTER" agent-egress-system "$1" 7200)" >"$file" || return
	echo "$file"
}

# enforce NAME [ARGUMENT]...: starts pipelines/enforce in a session of its own; NAME.pid,
# NAME.results and NAME.messages are in $CLUSTER, and NAME.status when it has ended.
enforce() {
	local name=$1
	shift
	rm -f "$CLUSTER/$name.status" "$CLUSTER/$name.pid"
	: >"$CLUSTER/$name.results"
	# shellcheck disable=SC2016
	EGRESS_WATCH_FLAGS="--kubeconfig $(account agent-egress-watch) ${WATCH_FLAGS:-}" \
		EGRESS_VERIFY_FLAGS="--trust-domain example.org" \
		EGRESS_APPLY_FLAGS="--force-conflicts --status --events --retry 0 --kubeconfig $(account agent-egress-apply)" \
		setsid bash -c '
			trap "" TERM
			name=$1
			shift
			(trap - TERM; echo "$BASHPID" >"$name.pid"; exec "$@")
			echo $? >"$name.new" && mv "$name.new" "$name.status"
		' - "$CLUSTER/$name" "$ROOT/pipelines/enforce" "$@" \
		>>"$CLUSTER/$name.results" 2>>"$CLUSTER/$name.messages" </dev/null 3>&- &
	disown
	eventually test -s "$CLUSTER/$name.pid"
}

# The cards' end mark comes out when all that was there at the start has been put right.
settled() { grep -qs '"k8s.io/initial-events-end"' "$CLUSTER/$1.results"; }

enforce_pid() { cat "$CLUSTER/$1.pid" 2>/dev/null; }

# enforce_stage NAME STAGE: the process of a stage.
# The kernel keeps 15 bytes of a name.
enforce_stage() { pgrep -P "$(enforce_pid "$1")" -x "${2:0:15}"; }

ended() { [ -s "$CLUSTER/$1.status" ]; }

# enforce_end NAME [SIGNAL]: and waits; prints the status.
enforce_end() {
	[ -s "$CLUSTER/$1.pid" ] || return 0
	ended "$1" || kill -s "${2:-TERM}" "$(enforce_pid "$1")" 2>/dev/null
	eventually ended "$1" && cat "$CLUSTER/$1.status"
}

# policies: each policy as "namespace/workload: what it allows".
policies() {
	kube get networkpolicies -A -l app.kubernetes.io/managed-by=agent-egress -o json |
		jq -r '.items[] | "\(.metadata.namespace)/\(.metadata.name | rtrimstr("-signature-policy")): " +
			(.spec.egress // [] | if . == [] then "nothing" elif . == [{}] then "anywhere"
			 elif . == [{ports: [{port: 6443, protocol: "TCP"}], to: [{ipBlock: {cidr: "192.0.2.1/32"}}]}] then "server"
			 else "rules" end)' | sort
}

# The sample's agents, as a server that does not know endPort keeps them.
agents() {
	sample_agents | jq 'if .kind == "AgentCard" and .metadata.name == "billing"
		then del(.spec.networkPolicy.egress[1].ports[1].endPort) else . end'
}

expected_policies() {
	cat <<-END
		finance/billing: rules
		finance/ledger: nothing
		finance/payments: server
		finance/reports: nothing
		research/archivist: anywhere
		research/crawler: nothing
		research/indexer: rules
		research/scout: server
		research/summarizer: rules
		support/chat: anywhere
		support/faq: anywhere
		support/mailer: server
		support/notes: server
		support/scheduler: server
		support/triage: rules
	END
}

holds() { [ "$(policies)" = "$(expected_policies)" ]; }

# remove_rules NAMESPACE AGENT: of its card, on purpose: rules that only vanish stay in force. They are those of
# its policy.
remove_rules() {
	local digest
	digest=$(kube -n "$1" get networkpolicy "$2-signature-policy" -o jsonpath='{.metadata.annotations.agent-egress\.dev/rules-digest}')
	kube -n "$1" annotate --overwrite agentcard "$2" "agent-egress.dev/network-policy-removed=$digest" &&
		kube -n "$1" patch agentcard "$2" --type json -p '[{"op":"remove","path":"/spec/networkPolicy"}]'
}

make_agents() {
	mkdir -p "$CLUSTER/keys"
	pushd "$CLUSTER/keys" >/dev/null || return
	sample_definition | kube create -f - >/dev/null
	cluster_established "$CLUSTER"
	eventually served /apis/agent.kagenti.dev/v1alpha1/agentcards
	sample_authorities
	agents | kube create -f - >/dev/null
	popd >/dev/null || return
}

# Of rights, a line each: where a server streams its lists, egress-watch asks for `watch` alone, and the right
# to list is there for others.
unless_streamed() {
	if ! cluster_find || ! cluster_is_current; then
		cat
		return
	fi
	grep -v $'^agent-egress-watch\tlist\t'
}
