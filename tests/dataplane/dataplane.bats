#!/usr/bin/env bats
# What real packets do, beside what egress-explain says of them: tests/dataplane/run has the cluster.

bats_require_minimum_version 1.5.0

CLUSTER=current
load ../cluster/server

# What is missing here, in words; nothing when all is there.
missing() {
	local program
	[ "$(id -u)" = 0 ] || { echo "needs root: it makes network namespaces" && return; }
	for program in ip iptables python3; do
		command -v "$program" >/dev/null || { echo "no $program: apt-get install iproute2 iptables python3" && return; }
	done
	cluster_find 2>&1 | head -n 1 | grep . && return
	cluster_find
	[ -x "$(dirname "$CLUSTER_APISERVER")/enforcer" ] ||
		{ echo "no enforcer: make apiserver builds one where Go 1.26 comes first in PATH" && return; }
	unshare --net iptables -A FORWARD -j NFQUEUE --queue-num 1 2>/dev/null || echo "this kernel has no NFQUEUE"
}

setup_file() {
	missing >"$BATS_FILE_TMPDIR/missing"
	[ ! -s "$BATS_FILE_TMPDIR/missing" ] || return 0
	export DIR=$BATS_FILE_TMPDIR/dataplane
	"$BATS_TEST_DIRNAME/run" "$DIR" 3>&- || {
		tail -n 20 "$DIR/messages" "$DIR/enforcer.log"
		return 1
	}
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -n "${DIR:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
}

# said PHASE AGENT DESTINATION: what packets and egress-explain said.
said() { awk -v p="$1" -v a="$2" -v d="$3" '$1 == p && $2 == a && $3 == d { print $4, $5 }' "$DIR/table"; }

# What egress-explain does not judge, as its manual says: the destination's own ingress, and a pod's connections to
# itself. Between agents and to the pod that refuses all, packets are the judge alone.
@test "egress-explain says of every connection that a destination's ingress does not decide what the packets do" {
	awk '{ own = "shop/" $2 ":" } index($3, own) != 1 && $3 !~ /^(shop|bank\/safe)/ && $4 != $5' "$DIR/table" >differ
	[ ! -s differ ] || {
		cat differ
		return 1
	}
	[ "$(wc -l <"$DIR/table")" -ge 140 ]
}

@test "a destination that lets nobody in is reached by nobody, whatever the agents' rules" {
	[ "$(awk '$3 ~ /^bank\/safe/ { print $4 }' "$DIR/table" | sort -u)" = denied ]
}

@test "an agent that is not verified reaches the API server on TCP 6443, and nothing else" {
	[ "$(awk '$1 == "all" && $2 == "stranger" && $4 == "allowed" { print $3 }' "$DIR/table")" = "$(printf '%s\n' \
		192.0.2.1:6443/tcp shop/stranger:9000/tcp)" ]
}

@test "a card that is changed changes what passes" {
	[ "$(said card-changed empty 198.51.100.7:443/tcp)" = "allowed allowed" ]
	[ "$(said card-changed empty 203.0.113.7:443/tcp)" = "denied denied" ]
}

@test "verification that is lost leaves the API server alone" {
	[ "$(said all unset 203.0.113.7:443/tcp)" = "allowed allowed" ]
	[ "$(said verification-lost unset 203.0.113.7:443/tcp)" = "denied denied" ]
	[ "$(said verification-lost unset 192.0.2.1:6443/tcp)" = "allowed allowed" ]
}

@test "a pod that comes back with another address has the policy of its workload" {
	[ "$(said pod-restarted cidr 198.51.100.7:443/tcp)" = "denied denied" ]
	[ "$(said pod-restarted cidr 203.0.113.7:443/tcp)" = "allowed allowed" ]
}

@test "a pod on the host's network passes everything, whatever its card says" {
	[ "$(said all host 203.0.113.7:443/tcp)" = "allowed allowed" ]
}
