#!/usr/bin/env bats
# The kinds of workload that a card may name, through the whole pipeline: what egress-watch keeps of
# each, whose service account egress-verify takes, and which pods egress-translate selects.

bats_require_minimum_version 1.5.0
load agent.bash

setup_file() { make_agent; }
setup() {
	enter
	export HOME=$PWD
}
teardown() { [ ! -e stub ] || stub_stop; }

KINDS='apps/v1 Deployment deployments
apps/v1 StatefulSet statefulsets
apps/v1 DaemonSet daemonsets
apps/v1 ReplicaSet replicasets
batch/v1 Job jobs
batch/v1 CronJob cronjobs
agents.x-k8s.io/v1alpha1 Sandbox sandboxes'

# object_of API KIND [JQ-FILTER]: a whole object of the workload billing in team-a, as a server has it.
object_of() {
	jq -nc --arg api "$1" --arg kind "$2" '
		{metadata: {labels: {app: "billing"}},
		 spec: {serviceAccountName: "billing-sa",
		        containers: [{name: "main", image: "i", env: [{name: "KEY", value: "hunter2"}],
		                      ports: [{name: "web", containerPort: 8080, protocol: "TCP"}]}]}} as $template
		| {apiVersion: $api, kind: $kind,
		   metadata: {namespace: "team-a", name: "billing", uid: "u-1", resourceVersion: "5", generation: 2,
		              labels: {"kagenti.io/type": "agent"}, annotations: {secret: "hunter2"}},
		   spec: (if $kind == "CronJob" then {schedule: "* * * * *", jobTemplate: {spec: {template: $template}}}
		          elif $kind == "Sandbox" then {podTemplate: $template}
		          elif $kind == "Job" then {selector: {matchLabels: {"batch.kubernetes.io/controller-uid": "u-1"}},
		               template: ($template | .metadata.labels += {"job-name": "billing",
		                 "batch.kubernetes.io/controller-uid": "u-1"})}
		          else {selector: {matchLabels: {app: "billing"}}, template: $template} end)}
		| '"${3:-.}"
}

# card_of API KIND: its card, verified.
# fnv TEXT: its FNV-1a 32, in hexadecimal digits.
fnv() {
	local i byte hash=2166136261
	for ((i = 0; i < ${#1}; i++)); do
		printf -v byte %d "'${1:i:1}"
		hash=$(((hash ^ byte) * 16777619 & 0xffffffff))
	done
	printf %08x "$hash"
}

card_of() {
	agentcard team-a billing ".spec.targetRef |= (.apiVersion = \"$1\" | .kind = \"$2\")" |
		jq -c '{type: "ADDED", object: ., verification: {verified: true, reason: "Verified"}}'
}

# selector_of API KIND [JQ-FILTER]: the pods that its policy selects.
selector_of() {
	{ object_of "$@" | event ADDED; card_of "$1" "$2"; } | egress-translate 2>errors |
		jq -c 'select(.type == "APPLY" and .object.kind == "NetworkPolicy").object.spec.podSelector'
}

problems_of() {
	{ object_of "$@" | event ADDED; card_of "$1" "$2"; } | egress-translate --status 2>errors |
		jq -r 'select(.type == "APPLY") | .problems[].message'
}

@test "each kind's service account is that of its own pod template" {
	while read -r api kind _; do
		object_of "$api" "$kind" | event ADDED >of-kind
		agentcard team-a billing ".spec.targetRef |= (.apiVersion = \"$api\" | .kind = \"$kind\")" |
			event ADDED >card-of-kind
		run -0 verdicts_of trust signed of-kind card-of-kind
		[ "$output" = "ADDED team-a/billing-card Verified" ]
		object_of "$api" "$kind" '(.. | .serviceAccountName? | select(.)) = "other"' | event MODIFIED >moved
		run -0 verdicts_of trust signed of-kind card-of-kind moved
		[ "${lines[1]}" = "MODIFIED team-a/billing-card IdentityMismatch" ]
	done <<<"$KINDS"
}

@test "each kind's pods are selected by what its controller puts on them" {
	[ "$(selector_of apps/v1 Deployment)" = '{"matchLabels":{"app":"billing"}}' ]
	[ "$(selector_of apps/v1 StatefulSet)" = '{"matchLabels":{"app":"billing"}}' ]
	[ "$(selector_of apps/v1 DaemonSet)" = '{"matchLabels":{"app":"billing"}}' ]
	[ "$(selector_of apps/v1 ReplicaSet)" = '{"matchLabels":{"app":"billing"}}' ]
	[ "$(selector_of batch/v1 CronJob)" = '{"matchLabels":{"app":"billing"}}' ]
	[ "$(selector_of agents.x-k8s.io/v1alpha1 Sandbox)" = '{"matchLabels":{"app":"billing"}}' ]
}

@test "a Job's pods are selected by job-name, which the next Job of that name has too" {
	[ "$(selector_of batch/v1 Job)" = '{"matchLabels":{"job-name":"billing"}}' ]
	[ "$(selector_of batch/v1 Job 'del(.spec.template.metadata.labels["job-name"])')" = \
		'{"matchLabels":{"batch.kubernetes.io/controller-uid":"u-1"}}' ]
	[ "$(selector_of batch/v1 Job '.spec.template.metadata.labels["job-name"] = "other"')" = \
		'{"matchLabels":{"batch.kubernetes.io/controller-uid":"u-1"}}' ]
}

@test "a Sandbox's pods are selected by the hash of its name once its status says so" {
	hash='agents.x-k8s.io/sandbox-name-hash'
	right=$(fnv billing)
	[ "$(selector_of agents.x-k8s.io/v1alpha1 Sandbox ".status.selector = \"$hash=$right\"")" = \
		"{\"matchLabels\":{\"$hash\":\"$right\"}}" ]
	for wrong in "" "$hash=00000000" "app=billing" "$hash=$right,app=x" "$hash in ($right)" "!x"; do
		[ "$(selector_of agents.x-k8s.io/v1alpha1 Sandbox ".status.selector = \"$wrong\"")" = \
			'{"matchLabels":{"app":"billing"}}' ]
	done
}

@test "what a Sandbox's status has said is kept when it expires, and while it is wrong" {
	hash=agents.x-k8s.io/sandbox-name-hash
	right=$(fnv billing)
	api=agents.x-k8s.io/v1alpha1
	{ object_of $api Sandbox ".status.selector = \"$hash=$right\"" | event ADDED
	  card_of $api Sandbox
	  object_of $api Sandbox | event MODIFIED
	  object_of $api Sandbox '.status.selector = ""' | event MODIFIED; } |
		egress-translate 2>errors | jq -c 'select(.type == "APPLY").object.spec.podSelector' | sort -u >out
	[ "$(cat out)" = "{\"matchLabels\":{\"$hash\":\"$right\"}}" ]
}

@test "the labels that a Sandbox's controller keeps for itself are not its pods' from the template" {
	[ "$(selector_of agents.x-k8s.io/v1alpha1 Sandbox \
		'.spec.podTemplate.metadata.labels += {"agents.x-k8s.io/sandbox-name-hash": "ffffffff"}')" = \
		'{"matchLabels":{"app":"billing"}}' ]
}

@test "a workload that nothing would select gets no policy, and its card says why" {
	while read -r api kind _; do
		empty='del(.spec.selector) | (.. | .labels? | select(.app?)) = {}'
		run -0 selector_of "$api" "$kind" "$empty"
		[ -z "$output" ]
		run -0 problems_of "$api" "$kind" "$empty"
		[[ "$output" == *"$kind billing"*"give its pods a label"* ]]
	done <<<"$KINDS"
}

@test "a workload whose labels vanish keeps its policy" {
	{ object_of batch/v1 CronJob | event ADDED; card_of batch/v1 CronJob
	  object_of batch/v1 CronJob '(.. | .labels? | select(.app?)) = {}' | event MODIFIED; } |
		egress-translate 2>errors | jq -r .type >out
	! grep -q DELETE out
}

@test "a card that names what another controller replaces is told to name that" {
	owned='.metadata.ownerReferences = [{apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "o", controller: true}]'
	[[ "$(problems_of apps/v1 ReplicaSet "$owned")" == *"name its owner"*"Deployment web"* ]]
	owned='.metadata.ownerReferences = [{apiVersion: "batch/v1", kind: "CronJob", name: "tick", uid: "o", controller: true}]'
	[[ "$(problems_of batch/v1 Job "$owned")" == *"name its owner"*"CronJob tick"* ]]
	# an owner that does not make the pods' next template changes nothing
	[ -z "$(problems_of apps/v1 Deployment "$owned")" ]
	[ -z "$(problems_of apps/v1 ReplicaSet "${owned/controller: true/controller: false}")" ]
}

@test "a kind of another group is another kind, and of one that is not known nothing is guessed" {
	run -0 selector_of apps/v1 Sandbox
	[ -z "$output" ]
	run -0 selector_of argoproj.io/v1alpha1 Rollout
	[ -z "$output" ]
	run -0 problems_of argoproj.io/v1alpha1 Rollout
	[[ "$output" == *"Rollout.argoproj.io billing"*"--selector-label"* ]]
}

@test "--selector-label says how the pods of a kind are selected that is not known" {
	card_of argoproj.io/v1alpha1 Rollout >card-of-rollout
	run -0 egress-translate --selector-label Rollout.argoproj.io=app.kubernetes.io/name <card-of-rollout
	[ "$(jq -c 'select(.type == "APPLY").object.spec.podSelector' <<<"$output")" = '{"matchLabels":{"app.kubernetes.io/name":"billing"}}' ]
	run -0 egress-translate --selector-label Rollout.example.org=app <card-of-rollout
	[ -z "$(jq -c 'select(.type == "APPLY")' <<<"$output")" ]
	for wrong in Rollout=app Rollout.argoproj.io Rollout.argoproj.io= =x 'Rollout.argoproj.io=a b'; do
		run -2 egress-translate --selector-label "$wrong" <card-of-rollout
		[[ "$output" == *"--selector-label"* ]]
	done
}

@test "egress-watch keeps of each kind what later stages use, and nothing of its environment" {
	load kubestub
	export KUBECONFIG=$PWD/stub/kubeconfig
	while read -r api kind plural; do
		object_of "$api" "$kind" '(.. | .spec? | select(.containers?)).hostNetwork = true
			| .status = {selector: "x=y", other: "hunter2"}
			| .metadata.ownerReferences = [{apiVersion: "v1", kind: "K", name: "n", uid: "o"}]
			| del(.apiVersion, .kind)' >"$plural.json"
		export "OBJECT_$plural=$PWD/$plural.json"
		agentcard team-a "$plural" ".spec.targetRef = {apiVersion: \"$api\", kind: \"$kind\", name: \"billing\"} | del(.apiVersion, .kind)" >>cards
	done <<<"$KINDS"
	paste -sd , cards >cards.json
	export CARDS=$PWD/cards.json
	stub_start <<-'END'
		case $TARGET in
		*/agentcards?*) case $TARGET in *sendInitialEvents*) status 400 no ;; *) list 10 "" "$(cat "$CARDS")" ;; esac ;;
		/apis) reply 200 '{"groups":[{"name":"agents.x-k8s.io","versions":[{"version":"v1alpha1"}],"preferredVersion":{"version":"v1alpha1"}},
			{"name":"batch","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]}' ;;
		*/billing)
			plural=${TARGET%/billing} plural=${plural##*/} file=OBJECT_${plural}
			reply 200 "$(cat "${!file}")" ;;
		*sendInitialEvents*) status 400 no ;;
		*/deployments?* | */statefulsets?* | */daemonsets?* | */replicasets?* | */jobs?* | */cronjobs?* | */sandboxes?*)
			plural=${TARGET%%\?*} plural=${plural##*/} file=OBJECT_${plural}
			list 10 "" "$(cat "${!file}")" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[[ "$output" != *hunter2* ]]
	while read -r api kind _; do
		jq -es --arg api "$api" --arg kind "$kind" '
			map(select(.type == "ADDED" and .object.kind == $kind and .object.apiVersion == $api).object) | .[0]
			| [.. | .template? // .podTemplate? // empty] as [$template]
			| $template.metadata.labels.app == "billing"
			and $template.spec == {serviceAccountName: "billing-sa", hostNetwork: true,
				containers: [{name: "main", ports: [{name: "web", containerPort: 8080, protocol: "TCP"}]}]}
			and .metadata.ownerReferences[0].name == "n" and .metadata.generation == 2
			and .status == {selector: "x=y"}' <<<"$output" >/dev/null || { echo "$kind"; false; }
	done <<<"$KINDS"
}

@test "hostNetwork is always written, also where the server leaves it out" {
	load kubestub
	export KUBECONFIG=$PWD/stub/kubeconfig
	object_of apps/v1 Deployment 'del(.apiVersion, .kind)' >d.json
	export OBJECT=$PWD/d.json
	stub_start <<-'END'
		case $TARGET in
		*sendInitialEvents*) status 400 no ;;
		*/deployments?*) list 10 "" "$(cat "$OBJECT")" ;;
		*) empty ;;
		esac
	END
	run -0 --separate-stderr egress-watch --once
	[ "$(jq -c 'select(.type == "ADDED" and .object.kind == "Deployment").object.spec.template.spec.hostNetwork' <<<"$output")" = false ]
}
