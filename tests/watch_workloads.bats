# egress-watch against a pretended API server: the workloads that AgentCards name.

bats_require_minimum_version 1.5.0

setup() {
	load kubestub
	cd "$BATS_TEST_TMPDIR" || exit
	export KUBECONFIG=$PWD/stub/kubeconfig HOME=$PWD
	WATCHER=
}

teardown() {
	[ -z "$WATCHER" ] || kill "$WATCHER" 2>/dev/null || true
	stub_stop
}

# card NAME KIND.GROUP/VERSION WORKLOAD, for a handler and for a test
CARD='
card() {
	local group=${2#*.}
	object "$1" 1 "\"spec\":{\"targetRef\":{\"apiVersion\":\"$group\",\"kind\":\"${2%%.*}\",\"name\":\"$3\"}}"
}
workload() { # NAME RESOURCEVERSION GENERATION [LABEL VALUE]
	printf %s "{\"metadata\":{\"name\":\"$1\",\"namespace\":\"team\",\"resourceVersion\":\"$2\",\"uid\":\"u-$1\",\"generation\":$3${4:+,\"labels\":{\"$4\":\"$5\"\}}},\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"app\":\"$1\"}},\"spec\":{}}}}"
}
'

named_start() { stub_start < <(echo "$CARD" && cat); }

await() { # TEXT FILE
	local i
	for ((i = 0; i < 2400; i++)); do
		! grep -qF -- "$1" "$2" 2>/dev/null || return 0
		sleep 0.05
	done
	echo "no $1 in $2:" && cat "$2" messages
	return 1
}

watch_until() { # TEXT
	egress-watch --watch-seconds 600 >events 2>messages 3>&- &
	WATCHER=$!
	await "$1" events
}

workloads() { jq -c 'select(.object.spec.template or .type == "DELETED") | [.type, .object.kind, .object.metadata.name, .object.metadata.resourceVersion]' "$@"; }

known='"kind":"AgentCard","metadata":{"annotations":{"k8s.io/initial-events-end"'

@test "a workload that a card names is read by name, whatever its labels; of ten thousand others there is no event and no object" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(card a Deployment.apps/v1 bare)" "$(card b Deployment.apps/v1 labelled)" "$(card c Deployment.apps/v2 absent)" ;;
		*/deployments/bare) reply 200 "$(workload bare 5 1)" ;;
		*/deployments/*) status 404 "not found" ;;
		*deployments*labelSelector*) list 10 "" "$(workload labelled 4 1 kagenti.io/type agent)" ;;
		*deployments*) reply 200 "$(printf '{"metadata":{"resourceVersion":"10"},"items":['
			for ((i = 0; i < 10000; i++)); do printf '{"metadata":{"name":"o%s","namespace":"team","resourceVersion":"1"}},' "$i"; done
			echo "$(workload bare 5 1),$(workload labelled 4 1 kagenti.io/type agent)]}")" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once -v
	[ "$(workloads <<<"$output" | sort)" = '["ADDED","Deployment","bare","5"]
["ADDED","Deployment","labelled","4"]' ]
	[[ $stderr = *'the lists are complete: 5 objects'* ]]
	[ "$(stub_requests '/deployments/')" = 2 ]
	[ "$(tail -n 1 <<<"$output" | grep -cF "$known")" = 1 ]
	# what is not labelled stands before its kind's end mark, so that a stage that lives on keeps it
	[ "$(jq -r 'select(.object.kind == "Deployment") | .object.metadata.name // (.object.metadata.annotations | keys[0])' <<<"$output" | tail -n 1)" = k8s.io/initial-events-end ]
	# of the list of all, metadata alone was asked for
	[ "$(stub_requests '/deployments\?limit=500 .*PartialObjectMetadataList')" = 1 ]
}

@test "kinds that no card names are not asked for; DaemonSet, ReplicaSet, Job and CronJob are when one does" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) if [ -e "$STUB/named" ]; then list 10 "" "$(card a DaemonSet.apps/v1 d)" "$(card b ReplicaSet.apps/v1 r)" "$(card c Job.batch/v1 j)" "$(card d CronJob.batch/v1 c)"
			else list 10 ""; fi ;;
		*/daemonsets/d | */replicasets/r | */jobs/j) reply 200 "$(workload "${TARGET##*/}" 5 1)" ;;
		*/cronjobs/c) reply 200 "$(object c 5 '"spec":{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{"app":"c"}},"spec":{"hostNetwork":true}}}}}')" ;;
		*daemonsets* | *replicasets* | *jobs*) name=${BASE##*/}; list 10 "" "$(workload "${name:0:1}" 5 1)" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(stub_requests 'daemonsets|replicasets|jobs')" = 0 ]
	[[ $output != *DaemonSet* ]]
	touch stub/named
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.type == "ADDED" and .object.kind != "AgentCard").object | "\(.apiVersion) \(.kind) \(.metadata.name)"' <<<"$output" | sort)" = \
		'apps/v1 DaemonSet d
apps/v1 ReplicaSet r
batch/v1 CronJob c
batch/v1 Job j' ]
	[ "$(jq -c 'select(.type == "ADDED" and .object.kind == "CronJob").object.spec' <<<"$output")" = \
		'{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{"app":"c"}},"spec":{"hostNetwork":true,"containers":[]}}}}}' ]
}

@test "a named workload is read again when its generation changes, not when its status does; when no card names it any more, it is DELETED" {
	named_start <<-'END'
		reads() { until [ "$(grep -c 'deployments/w ' "$STUB/log")" -ge "$1" ]; do sleep 0.05; done; }
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*) chunked; reads 2; sleep 0.2; event DELETED "$(object a 20)"; quiet ;;
		*agentcards*) list 10 "" "$(card a Deployment.apps/v1 w)" ;;
		*/deployments/w) reply 200 "$(workload w "$((11 + N))" "$((1 + N))")" ;;
		*deployments*labelSelector*) empty ;;
		*deployments*watch=1*) chunked; reads 1
			for i in 1 2 3 4; do event MODIFIED "$(workload w "1$i" 1)"; done
			event MODIFIED "$(workload w 16 2)"; quiet ;;
		*deployments*) list 10 "" "$(workload w 11 1)" ;;
		*) empty ;;
		esac
	END
	watch_until DELETED
	await '"DELETED","object":{"apiVersion":"apps/v1"' events
	[ "$(stub_requests 'deployments/w ')" = 2 ]
	[[ $(workloads events | grep -v AgentCard | tail -n 1) = '["DELETED","Deployment","w",null]' ]]
}

@test "a workload that loses the label and is named by a card is not lost" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) list 10 "" "$(card a Deployment.apps/v1 w)" ;;
		*/deployments/w) reply 200 "$(workload w 12 1)" ;;
		*deployments*watch=1*labelSelector*) chunked
			until grep -q agentcards.*watch=1 "$STUB/log"; do sleep 0.05; done
			event DELETED "$(workload w 12 1)"; quiet ;;
		*deployments*labelSelector*) list 10 "" "$(workload w 11 1 kagenti.io/type agent)" ;;
		*deployments*watch=1*) chunked; quiet ;;
		*deployments*) list 12 "" "$(workload w 12 1)" ;;
		*) empty ;;
		esac
	END
	watch_until '"resourceVersion":"12"'
	[[ $(workloads events | tail -n 1) = '["ADDED","Deployment","w","12"]' ]]
	[ "$(stub_requests 'deployments/w ')" = 1 ]
}

@test "a Sandbox is watched whole: a change of its status is an event, and one that no card names is none" {
	named_start <<-'END'
		box() { object "$1" "$2" "\"spec\":{\"podTemplate\":{\"spec\":{}}},\"status\":{\"selector\":\"$3\"}"; }
		case $TARGET in
		/apis) groups agents.x-k8s.io/v1 ;;
		*sendInitialEvents*) status 400 no ;;
		*agentcards*watch=1*) chunked; quiet ;;
		*agentcards*) list 10 "" "$(card a Sandbox.agents.x-k8s.io/v1alpha1 mine)" ;;
		*/sandboxes/mine) reply 200 "$(box mine 5 "")" ;;
		*sandboxes*watch=1*) chunked
			until grep 'agentcards.*watch=1' "$STUB/log" | grep -qv sendInitialEvents; do sleep 0.05; done
			event MODIFIED "$(box other 12 x)"; event MODIFIED "$(box mine 13 y)"; quiet ;;
		*sandboxes*) list 10 "" "$(box mine 5 "")" "$(box other 6 "")" ;;
		*) empty ;;
		esac
	END
	watch_until '"selector":"y"'
	[[ $(cat events) != *other* ]]
	[ "$(jq -r 'select(.object.metadata.name == "mine").object.apiVersion' events | sort -u)" = agents.x-k8s.io/v1 ]
}

@test "a card that names a kind which the server does not have is not waited for" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(card a Sandbox.agents.x-k8s.io/v1 w)" "$(card b Rollout.argoproj.io/v1 w)" "$(card c 'De ployment.apps/v1' '../w')" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -r 'select(.object.kind == "Sandbox").object.metadata.annotations["agent-egress.dev/unavailable"] // empty' <<<"$output")" = NotServed ]
	[ "$(stub_requests 'sandboxes|rollouts|/w ')" = 0 ]
}

@test "many named workloads are read at once, and the cards' end mark waits for all" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) items=(); for ((i = 0; i < 40; i++)); do items+=("$(card "c$i" Deployment.apps/v1 "w$i")"); done; list 10 "" "${items[@]}" ;;
		*/deployments/w*) # the first do not answer before others have been asked for
			until [ "$(grep -c '/deployments/w' "$STUB/log")" -ge 30 ]; do sleep 0.05; done
			reply 200 "$(workload "${BASE##*/}" 5 1)" ;;
		*deployments*labelSelector*) list 10 "" ;;
		*deployments*) items=(); for ((i = 0; i < 40; i++)); do items+=("$(workload "w$i" 5 1)"); done; list 10 "" "${items[@]}" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr timeout 120 egress-watch --once
	[ "$(workloads <<<"$output" | wc -l)" = 40 ]
	[ "$(tail -n 1 <<<"$output" | grep -cF "$known")" = 1 ]
}

@test "the annotation that only egress-fetch may write is taken from ConfigMaps, --full or not" {
	named_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*agentcards*) list 10 "" "$(card a Deployment.apps/v1 w)" ;;
		*/configmaps/w-card-signed) reply 200 '{"metadata":{"name":"w-card-signed","namespace":"team","resourceVersion":"5","annotations":{"agent-egress.dev/fetched-from":"https://me","keep":"1"}},"attestation":{"spiffeID":"x"}}' ;;
		/api/v1/configmaps*) list 10 "" "$(object w-card-signed 5)" ;;
		*) empty ;;
		esac
	END
	for option in --once --full; do
		run -0 --separate-stderr egress-watch --once $option
		[ "$(jq -c 'select(.object.metadata.name == "w-card-signed") | [keys, .object.metadata.annotations]' <<<"$output")" = '[["object","type"],{"keep":"1"}]' ]
	done
}
