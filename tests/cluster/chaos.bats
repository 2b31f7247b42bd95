#!/usr/bin/env bats
# Stages and the API server killed at random moments: what is enforced in the end, and meanwhile.
# CHAOS_KILLS (20) stages are killed, and the API server while CHAOS_CHANGES (80) changes are made, once
# and for every 400 of them once more. CHAOS_SEED repeats a run.

bats_require_minimum_version 1.5.0

load server
load sample
load pipeline

setup_file() {
	cluster_find 2>"$BATS_FILE_TMPDIR/missing" || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	cluster_start "$CLUSTER"
	make_agents
	install_manifests
}

teardown_file() {
	[ -n "${CLUSTER:-}" ] || return 0
	enforce_end chaos >/dev/null
	cluster_stop "$CLUSTER"
}

setup() {
	[ -n "${CLUSTER:-}" ] || skip "$(cat "$BATS_FILE_TMPDIR/missing")"
	cd "$BATS_TEST_TMPDIR" || exit
}

# Changes that the pipeline has to answer: a policy goes, or an agent's rules change.
disturb() {
	case $((RANDOM % 3)) in
	0) kube -n support delete networkpolicy mailer-signature-policy ;;
	1) kube -n support patch agentcard chat --type merge -p '{"spec":{"networkPolicy":{"egress":[]}}}' ;;
	2) kube -n support patch agentcard chat --type merge -p '{"spec":{"networkPolicy":{"egress":[{"to":[{"ipBlock":{"cidr":"10.'$((RANDOM % 256))'.0.0/16"}}]}]}}}' ;;
	esac >/dev/null 2>&1 || true
}

@test "stages killed at random moments: the same policies in the end, and none too wide meanwhile" {
	local seed=${CHAOS_SEED:-$RANDOM} stages=(egress-watch egress-verify egress-translate egress-apply) i pid
	echo "# CHAOS_SEED=$seed CHAOS_KILLS=${CHAOS_KILLS:-20}" >&3
	RANDOM=$seed
	kubectl --kubeconfig "$CLUSTER/kubeconfig" --cache-dir "$CLUSTER/kubectl" get networkpolicies -A -o json \
		--watch --output-watch-events >seen 2>/dev/null 3>&- &
	local auditor=$!
	for ((i = 0; i < ${CHAOS_KILLS:-20}; i++)); do
		enforce chaos
		disturb
		sleep "$((RANDOM % 3)).$((RANDOM % 10))" # while it starts, or after that
		pid=$(enforce_stage chaos "${stages[RANDOM % 4]}") && kill -KILL "$pid"
		[ -n "$pid" ] || kill -KILL "$(enforce_stage chaos egress-apply)" || true
		[ "$(enforce_end chaos NONE)" = 3 ]
	done
	enforce chaos
	kube -n support patch agentcard chat --type merge -p '{"spec":{"networkPolicy":{"egress":[]}}}'
	denied() { policies | grep -qx 'support/chat: nothing'; }
	eventually denied
	remove_rules support chat
	eventually holds
	diff <(expected_policies) <(policies)
	enforce_end chaos >/dev/null
	kill "$auditor"
	# the auditor saw each version of the policies of those that are not verified
	jq -c 'select(.type != "DELETED").object | select(.metadata.name | test("^(payments|mailer|notes|scheduler|scout)-")) | .spec.egress // []' \
		seen | sort -u >widths
	[ "$(cat widths)" = '[{"ports":[{"port":6443,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"192.0.2.1/32"}}]}]' ]
}

# Each part of them as often as it takes.
change_all() {
	local part
	for part in many.*; do
		eventually kube apply --server-side -f "$part" >/dev/null 2>&1 || return
	done
}

@test "the API server killed during many changes: all of them are enforced" {
	local seed=${CHAOS_SEED:-$RANDOM} changes=${CHAOS_CHANGES:-80} agents i
	agents=$((changes / 2))
	echo "# CHAOS_SEED=$seed CHAOS_CHANGES=$changes" >&3
	RANDOM=$seed
	enforce chaos
	for ((i = 0; i < agents; i++)); do
		workload Deployment support "many-$i"
		agentcard support "many-$i" "Deployment/many-$i" '[{}]'
	done | jq -c . | split -l 40 - many.
	change_all 3>&- &
	local changing=$!
	for ((i = 0; i <= changes / 400; i++)); do
		sleep "$((RANDOM % 2)).$((RANDOM % 9 + 1))"
		cluster_kill_apiserver "$CLUSTER"
		sleep "0.$((RANDOM % 9 + 1))"
		cluster_restart_apiserver "$CLUSTER"
	done
	wait "$changing"
	enforced() { [ "$(policies | grep -c '^support/many-[0-9]*: server$')" -eq "$agents" ]; }
	eventually enforced
	run ! ended chaos
	cat many.* | kube -n support delete --wait=false -f - >/dev/null
	gone() { ! policies | grep -q many-; }
	eventually gone
	eventually holds
	diff <(expected_policies) <(policies)
}
