#!/usr/bin/env bats
# pipelines/check-cni, with a stub of kubectl: a cluster whose plugin and whose faults MODE names.

bats_require_minimum_version 1.5.0

setup() {
	check=$BATS_TEST_DIRNAME/../pipelines/check-cni
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin cluster
	export CLUSTER=$PWD/cluster MODE=enforces
	cat >bin/kubectl <<-'END'
		#!/bin/bash
		echo "$*" >>"$CLUSTER/told"
		[ "$1 $2" = '-n agents' ] || exit 9
		shift 2
		case $1 in
		create)
			[ "$MODE" != refuses ] || { echo 'Error: pods is forbidden' >&2; exit 1; }
			file=${*: -1}
			if grep -q 'kind: NetworkPolicy' "$file"; then
				[ "$MODE" != refuses-policy ] || { echo 'Error: no policy for you' >&2; exit 1; }
				touch "$CLUSTER/policy"
			else
				touch "$CLUSTER/pods"
			fi
			cp "$file" "$CLUSTER/last-${file##*/}"
			;;
		wait)
			[ "$MODE" != never-ready ] || { echo 'error: timed out' >&2; exit 1; }
			[ "$MODE" != hangs ] || { touch "$CLUSTER/hanging"; exec sleep 100; }
			;;
		get) [ "$MODE" = no-address ] || printf 10.0.0.7 ;;
		exec)
			[ "$MODE" != no-exec ] || { echo 'error: cannot exec' >&2; exit 1; }
			[ "$MODE" != breaks-later ] || [ ! -e "$CLUSTER/policy" ] || { echo 'error: the server is gone' >&2; exit 1; }
			[ "$MODE" != silent ] || exit 0
			case $MODE in
			ignores) echo open ;;
			isolated) echo closed ;;
			sticks) if [ -e "$CLUSTER/policy" ]; then touch "$CLUSTER/once"; fi
				if [ -e "$CLUSTER/once" ]; then echo closed; else echo open; fi ;;
			*) if [ -e "$CLUSTER/policy" ]; then echo closed; else echo open; fi ;;
			esac
			;;
		delete)
			[ "$MODE" != keeps ] || { echo 'error: not now' >&2; exit 1; }
			rm -f "$CLUSTER/policy"
			case $2 in networkpolicies,pods) rm -f "$CLUSTER/pods" ;; esac
			;;
		esac
	END
	# a second is a moment here
	# shellcheck disable=SC2016 # the script's own
	printf '#!/bin/sh\n[ "$1" = 1 ] || exec /bin/sleep "$@"\n' >bin/sleep
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
}

nothing_left() { [ ! -e cluster/pods ] && [ ! -e cluster/policy ]; }

@test "a plugin that enforces: status 0, and nothing is left" {
	run -0 --separate-stderr "$check" agents
	[[ $output == 'enforced: '* ]]
	[ -z "$stderr" ]
	nothing_left
	# all of what was made is deleted by its label, at the end
	label=$(sed -nE 's/.*(agent-egress.dev\/check=egress-check-[0-9a-f]{8}).*/\1/p' cluster/told | sort -u)
	[ "$(wc -l <<<"$label")" -eq 1 ]
	[[ $(tail -n 1 cluster/told) == "-n agents delete networkpolicies,pods -l $label "* ]]
	grep -q "check: ${label#*=}," cluster/last-pods
	grep -q "check: ${label#*=}}" cluster/last-policy
}

@test "a plugin that does not: status 1, said in words, and nothing is left" {
	MODE=ignores run -1 --separate-stderr "$check" --timeout 1 agents
	[[ $output == 'not enforced: '* ]]
	[[ $stderr == *'cannot confine agents'* ]]
	nothing_left
}

@test "whatever goes wrong is status 3 with its reason, never an answer, and nothing is left" {
	local fault
	while IFS=: read -r MODE fault; do
		rm -rf cluster && mkdir cluster
		run -3 --separate-stderr "$check" --timeout 1 agents
		[ -z "$output" ]
		[[ $stderr == *"$fault"* ]] || { echo "$MODE: $stderr" && return 1; }
		nothing_left
	done <<-'END'
		refuses:could not make two pods in agents: Error: pods is forbidden
		refuses-policy:could not make a NetworkPolicy in agents: Error: no policy for you
		never-ready:the pods were not ready within 1 s
		no-address:the pod has no address
		no-exec:could not run a command in a pod: error: cannot exec
		silent:the pod gave no answer
		isolated:choose a namespace without other policies
		breaks-later:could not run a command in a pod: error: the server is gone
		sticks:it was not the policy that closed it
	END
}

@test "what cannot be deleted is named, with the command" {
	MODE=keeps run -3 --separate-stderr "$check" agents
	[[ $stderr == *'could not delete the policy: error: not now'* ]]
	[[ $stderr =~ 'run: kubectl -n agents delete networkpolicies,pods -l agent-egress.dev/check=egress-check-'[0-9a-f]{8}$ ]]
}

@test "SIGTERM, SIGINT and SIGHUP end it, and nothing is left" {
	local signal pid
	for signal in TERM INT HUP; do
		rm -rf cluster && mkdir cluster
		# what runs in the background ignores SIGINT, unless told
		MODE=hangs env --default-signal=INT,HUP "$check" agents 3>&- &
		pid=$!
		for ((i = 0; i < 600; i++)); do
			[ ! -e cluster/hanging ] || break
			/bin/sleep 0.1
		done
		kill -s "$signal" "$pid"
		ended=0
		wait "$pid" || ended=$?
		[ "$ended" -eq 3 ]
		nothing_left
	done
}

@test "wrong usage is status 2, and touches no cluster" {
	for arguments in '' 'a b' '--timeout x agents' '--timeout 0 agents' '--image' '--image a;b agents' '--what agents'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$check" $arguments
		[[ $stderr == check-cni:* ]]
	done
	[ ! -e cluster/told ]
	run -0 "$check" --help
	[[ $output == *'Usage: pipelines/check-cni'*'2 wrong usage'* ]]
}

@test "without kubectl the message says how to get it" {
	mkdir only
	for tool in sh sed od tr mktemp rm; do ln -s "$(command -v $tool)" only; done
	PATH=$PWD/only run -3 --separate-stderr "$check" agents
	[[ $stderr == *'apt-get install kubernetes-client'* ]]
}
