# Every target's output, taken by the definitions that its project publishes, on a real API server.

bats_require_minimum_version 1.5.0

load server

crds=${EGRESS_CRDS:-$BATS_TEST_DIRNAME/../../../shared/crds}
agents=$BATS_TEST_DIRNAME/../data/targets/agents.ndjson

setup_file() {
	if [ ! -d "$crds" ]; then
		echo "no definitions in $crds: set EGRESS_CRDS to a folder with the CRDs of Cilium, Calico, OVN-Kubernetes and Istio" \
			>"$BATS_FILE_TMPDIR/missing"
		return 0
	fi
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export DIR=$BATS_FILE_TMPDIR/cluster
	cluster_start "$DIR"
	# The server is older than the CEL rules in some, and leaves them out.
	for file in "$crds"/*.yaml; do
		cluster_kubectl "$DIR" create --validate=false -f "$file"
	done
	cluster_kubectl "$DIR" wait --for condition=established --timeout=120s crd --all
	jq -r 'select(.object.kind == "AgentCard" and .type == "ADDED").object.metadata.namespace' "$agents" |
		sort -u | xargs -n 1 "$BASH" -c 'source "$0" && cluster_kubectl "$1" create namespace "$2"' \
		"$BATS_TEST_DIRNAME/server.bash" "$DIR"
}

teardown_file() {
	[ -z "${DIR:-}" ] || cluster_stop "$DIR"
}

setup() {
	[ -n "${DIR:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || return 1
}

targets() { egress-translate --help | sed -n 's/^ *--target \([^ ]*\).*/\1/p' | tr '|' '\n'; }

# The server takes a moment to serve a new definition everywhere.
apply_soon() { # FILE
	for _ in {1..120}; do
		cluster_kubectl "$DIR" apply --server-side --validate=true -f "$1" >applied 2>&1 && return
		grep -q 'no matches\|could not find' applied || break
		sleep 0.5
	done
	cat applied
	return 1
}

# What the server has of the objects in a file.
stored() { cluster_kubectl "$DIR" get -f "$1" -o json | jq -c 'if .kind == "List" then .items[] else . end'; }

specs() { jq -Sc "[.kind, .metadata.namespace, .metadata.name, ($plain)]" | sort; }

# Its own NetworkPolicy has no endPort yet, and leaves out lists that are empty.
known='select(.kind != "NetworkPolicy" or ([.. | objects | .endPort | values] == []))'
plain='.spec | walk(if type == "object" then with_entries(select(.value != [])) else . end)'

@test "every object of twelve agents on every target is taken as it stands" {
	for target in $(targets); do
		egress-translate --target "$target" <"$agents" |
			jq -c "select(.type == \"APPLY\").object | $known" >objects
		[ "$(wc -l <objects)" -ge 11 ]
		apply_soon objects
		stored objects | specs | diff <(specs <objects) - || { echo "$target: < is ours" && false; }
	done
}

@test "a field that a definition does not know would have been noticed" {
	egress-translate --target calico <"$agents" |
		jq -c 'select(.type == "APPLY").object | .spec.egress = [{action: "Allow", destination: {domains: ["example.com"]}}]' |
		head -n 1 >object
	run apply_soon object
	[ "$status" -ne 0 ] || ! diff <(specs <object) <(stored object | specs)
}
