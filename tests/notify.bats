#!/usr/bin/env bats
# What the stages tell a service manager (os/notify.h): that they are ready, and that they go on.
# shellcheck disable=SC2030,SC2031 # each test has a STAGE of its own

bats_require_minimum_version 1.5.0
load agent.bash
load kubestub

setup_file() { make_agent; }

setup() {
	enter
	unset WATCHDOG_USEC WATCHDOG_PID
	"$BUILD/tools/notify_listen" ./socket >told 3>&- &
	LISTENER=$!
	STAGE=
	await test -S socket
	mkfifo in
}

teardown() {
	exec 7>&- 8>&-
	kill "$LISTENER" $STAGE 2>/dev/null || true
	[ ! -d stub ] || stub_stop
}

await() { # COMMAND...: until it is true
	local i
	for ((i = 0; i < 2400; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

told() { grep -qx "$1" told; }
pings() { [ "$(grep -cx WATCHDOG=1 told)" -ge "$1" ]; }

# stage [NAME=VALUE]... PROGRAM [OPTION]...: begins it, with an input that stays open.
stage() {
	env NOTIFY_SOCKET="$PWD/socket" "$@" <in >out 2>err 3>&- 7>&- &
	STAGE=$!
	exec 7>in
}

@test "the watchdog is told again and again that a filter without input goes on, in its sandbox" {
	stage WATCHDOG_USEC=100000 egress-verify --trust-domain example.org
	await told READY=1
	await pings 3
}

@test "so it is by the stages at either end, in a directory and on a cluster" {
	stub_start <<<empty
	stage WATCHDOG_USEC=100000 egress-apply --kubeconfig stub/kubeconfig
	await told READY=1
	await pings 3
	kill "$STAGE"
	: >told
	stage WATCHDOG_USEC=100000 egress-apply --dir live
	await told READY=1
	await pings 3
	kill "$STAGE"
	: >told
	stage WATCHDOG_USEC=100000 egress-watch --kubeconfig stub/kubeconfig --trust-bundle-configmap ''
	await told READY=1
	await pings 3
}

@test "a reader that takes nothing does not make a stage look stuck, and gets every line" {
	mkfifo slow
	for i in {1..3000}; do echo "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"pod-$i\"}}}"; done >many
	env NOTIFY_SOCKET="$PWD/socket" WATCHDOG_USEC=100000 egress-verify --trust-domain example.org \
		<many >slow 2>err 3>&- &
	STAGE=$!
	exec 8<slow
	await pings 10
	kill -0 "$STAGE"
	timeout 240 cat <&8 >got
	wait "$STAGE"
	cmp many got
}

@test "nothing is told of a watchdog that nobody set, or that is another process's" {
	stage egress-translate
	echo '{"type":"BOOKMARK","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}' >&7
	await told READY=1
	exec 7>&-
	wait "$STAGE"
	stage WATCHDOG_USEC=1000 WATCHDOG_PID=1 egress-verify --trust-domain example.org
	exec 7>&-
	wait "$STAGE"
	run -1 grep WATCHDOG told
}
