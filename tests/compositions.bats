# pipelines/gitops, one-namespace, several-clusters and metrics, on the sample log. egress-watch is
# replaced: it writes the log, and keeps what it was told.

bats_require_minimum_version 1.5.0

setup() {
	pipelines=$BATS_TEST_DIRNAME/../pipelines
	sample=$BATS_TEST_DIRNAME/data/demo
	log=$pipelines/examples/agents.ndjson
	unset "${!EGRESS_@}"
	cd "$BATS_TEST_TMPDIR" || return 1
	# the log up to where everything is known
	sed '/"AgentCard".*"k8s.io\/initial-events-end"/q' "$log" >early.ndjson
	head -n 50 "$log" >short.ndjson
	mkdir bin
	cat >bin/egress-watch <<-END
		#!/bin/sh
		echo "\$*" >>$PWD/watch.told
		cat "$log"
	END
	chmod +x bin/egress-watch
	PATH=$PWD/bin:$PATH
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
}

repository() {
	git init -q "$1"
	git -C "$1" config user.name tester
	git -C "$1" config user.email tester@example.org
}

gitops() { "$pipelines/gitops" --trust-domain example.org "$@"; }
metrics() { "$pipelines/metrics" --trust-domain example.org "$@"; }
names() { find "$1" -name '*.yaml' -printf '%f\n' | sort; }

@test "gitops: a log becomes one commit that names each agent, and why; a replay of it none" {
	repository tree
	run -0 --separate-stderr gitops --dir tree/policies "$log"
	[ -z "$output$stderr" ]
	diff -r "$sample" tree/policies
	[ "$(git -C tree log --format=%s)" = 'Egress of 14 agents' ]
	git -C tree log --format=%b >body
	[ "$(grep -c '^- ' body)" -eq 14 ]
	grep -q '^- finance/billing: EgressRules: verified, and its card has egress rules$' body
	grep -q '^- support/mailer: NotVerified: .*: the card is not signed$' body
	grep -q '^  research/crawler: spec.networkPolicy.egress\[1\]' body
	gitops --dir tree/policies "$log"
	[ "$(git -C tree rev-list --count HEAD)" -eq 1 ]
	[ -z "$(git -C tree status --porcelain)" ]
}

@test "gitops: a newer log becomes a second commit of only what changed, with removals" {
	repository tree
	gitops --dir tree early.ndjson
	gitops --dir tree "$log"
	diff -r -x .git "$sample" tree
	git -C tree log -1 --format=%b >body
	grep -q '^- research/archivist: Unwanted: ' body
	run ! grep -q finance/billing body
	[ "$(git -C tree diff --name-status --no-renames HEAD~ | cut -c 1 | sort | uniq -c | xargs)" = '1 A 2 D 6 M' ]
}

@test "gitops: one agent's change is named in the subject" {
	repository tree
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "chat"
		then .object.spec.networkPolicy.egress = [] else . end' "$log" >tried.ndjson
	gitops --dir tree "$log"
	gitops --dir tree tried.ndjson
	[ "$(git -C tree log -1 --format=%s)" = 'support/chat: EgressEmpty' ]
}

@test "gitops: what else is in the work tree, or staged, is not committed" {
	repository tree
	mkdir tree/policies
	echo 'kind: Kustomization' | tee tree/policies/kustomization.yaml >tree/staged
	git -C tree add staged
	gitops --dir tree/policies "$log"
	[ "$(git -C tree show --name-only --format= | grep -vc '_networkpolicy_')" -eq 0 ]
	[ "$(git -C tree status --porcelain | sort | xargs)" = '?? policies/kustomization.yaml A staged' ]
}

@test "gitops: what breaks off before everything was listed is not committed" {
	repository tree
	run -1 gitops --dir tree/policies short.ndjson
	run ! git -C tree rev-parse -q --verify HEAD
}

@test "gitops: a message cannot add lines to the commit's" {
	repository tree
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "chat" then
		.object.spec.networkPolicy.egress = [{to: [{ipBlock: {cidr: "x\n\nSigned-off-by: root"}}]}] else . end' "$log" >hostile.ndjson
	gitops --dir tree hostile.ndjson
	git -C tree log --format=%B | grep -q 'Signed-off-by: root'
	run ! grep -q '^Signed-off-by' <(git -C tree log --format=%B)
}

@test "gitops: without a log the cluster is watched, and changes are committed when it is quiet" {
	repository tree
	mkfifo more
	cat >bin/egress-watch <<-END
		#!/bin/sh
		cat early.ndjson more
	END
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' "$pipelines/gitops" --dir tree --settle 1 3>&- &
	exec 4>more
	# nothing ends: the first commit can only come from the pause
	for _ in $(seq 2400); do ! git -C tree rev-parse -q --verify HEAD >/dev/null || break; sleep 0.1; done
	[ "$(git -C tree log --format=%s)" = 'Egress of 15 agents' ]
	tail -n +"$(($(wc -l <early.ndjson) + 1))" "$log" >&4
	exec 4>&-
	wait $!
	diff -r -x .git "$sample" tree
	[ "$(git -C tree rev-list --count HEAD)" -ge 2 ]
}

@test "gitops: a folder outside of a work tree, and a commit that git refuses, are status 3" {
	run -3 --separate-stderr gitops --dir plain "$log"
	[[ $stderr == *'gitops: plain: not in a git work tree'* ]]
	[ -z "$(ls plain)" ]
	repository tree
	printf '#!/bin/sh\nexit 1\n' >tree/.git/hooks/pre-commit
	chmod +x tree/.git/hooks/pre-commit
	run -3 --separate-stderr gitops --dir tree "$log"
	[[ $stderr == *'gitops: git commit failed'* ]]
}

@test "one-namespace: of a log, only this namespace's manifests are written" {
	run -0 --separate-stderr "$pipelines/one-namespace" --trust-domain example.org --dir out finance "$log"
	[ -z "$output$stderr" ]
	for file in "$sample"/finance_*; do cmp "$file" "out/${file##*/}"; done
	[ "$(names out)" = "$(names "$sample" | grep '^finance_')" ]
}

@test "one-namespace: a line that cannot be read is status 1, and said" {
	{ echo '{"type": broken'; cat "$log"; } >dirty
	run -1 --separate-stderr "$pipelines/one-namespace" --trust-domain example.org --dir out finance dirty
	[[ $stderr == *'egress-verify: line 1: '* ]]
	[ "$(names out)" = "$(names "$sample" | grep '^finance_')" ]
}

@test "one-namespace: a cluster is watched in this namespace alone" {
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' EGRESS_APPLY_FLAGS='--dir live' \
		run -0 "$pipelines/one-namespace" --once finance
	[ "$(cat watch.told)" = '--namespace finance --once' ]
	[ -n "$(names live)" ]
}

@test "enforce: --target, or EGRESS_TARGET, is what policies are written as and what is watched" {
	export EGRESS_VERIFY_FLAGS='--trust-domain example.org'
	EGRESS_TARGET=calico EGRESS_APPLY_FLAGS='--dir cilium' run -0 "$pipelines/enforce" --once --target cilium
	EGRESS_TARGET=ovn EGRESS_APPLY_FLAGS='--dir ovn' run -0 "$pipelines/enforce" --once
	[ "$(cat watch.told)" = $'--target cilium --once\n--target ovn --once' ]
	[ "$(names cilium | grep -c _ciliumnetworkpolicy.cilium.io_)" = "$(names cilium | wc -l)" ]
	[ "$(names ovn | grep -c _egressfirewall.k8s.ovn.org_default)" -gt 0 ]
	run -2 --separate-stderr "$pipelines/enforce" --once --target
	[[ $stderr == 'enforce: --target: an argument is missing' ]]
}

@test "gitops: EGRESS_TARGET is what the manifests are written as" {
	repository tree
	EGRESS_TARGET=cilium run -0 gitops --dir tree/policies "$log"
	[ "$(names tree/policies | grep -c _ciliumnetworkpolicy.cilium.io_)" = "$(names "$sample" | wc -l)" ]
}

@test "one-namespace: --prune, which would empty the other namespaces, is refused" {
	EGRESS_APPLY_FLAGS='--dir live --prune' run -2 --separate-stderr "$pipelines/one-namespace" finance
	[[ $stderr == 'one-namespace: --prune would delete'* ]]
	[ ! -e watch.told ]
}

@test "enforce: --prune is refused where some namespaces are watched, by any spelling" {
	local flags
	for flags in '-n finance' -nfinance '--namespace finance' '-v --namespace=finance'; do
		EGRESS_WATCH_FLAGS=$flags EGRESS_APPLY_FLAGS='--events --prune' run -2 --separate-stderr "$pipelines/enforce"
		[[ $stderr == 'enforce: --prune behind egress-watch --namespace would delete'* ]]
	done
	[ ! -e watch.told ]
}

@test "enforce: when it is killed, its stages end too" {
	mkfifo never
	cat >bin/egress-watch <<-END
		#!/bin/bash
		echo \$\$ >$PWD/watching.new && mv $PWD/watching.new $PWD/watching
		cat "$log"
		read -r _ <>$PWD/never
	END
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' EGRESS_APPLY_FLAGS='--dir all' "$pipelines/enforce" >results 3>&- &
	local enforce=$! until=$((SECONDS + 120)) stages
	until [ -s watching ] && stages=$(pgrep -P $enforce egress-) && [ "$(wc -l <<<"$stages")" -eq 4 ] && grep -q initial-events-end results; do
		[ $SECONDS -lt $until ]
		sleep 0.1
	done
	kill -KILL $enforce
	alive() { ps -o pid= -p "$(xargs <<<"$stages" | tr ' ' ,)" >/dev/null; }
	while alive; do
		[ $SECONDS -lt $until ]
		sleep 0.1
	done
}

@test "several-clusters: each context has its pipeline, and each result its cluster" {
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' EGRESS_WATCH_FLAGS='--full' \
		run -0 --separate-stderr "$pipelines/several-clusters" --once --dir all east west
	[ "$(sort watch.told)" = $'--full --context east --once\n--full --context west --once' ]
	diff -r "$sample" all/east
	diff -r "$sample" all/west
	[ "$(jq -r .cluster <<<"$output" | sort -u | xargs)" = 'east west' ]
}

@test "several-clusters: one that fails does not end the others, and its status is the worst" {
	cat >bin/egress-watch <<-END
		#!/bin/sh
		case \$* in *east*) echo "no such context" >&2 && exit 3 ;; esac
		cat "$log"
	END
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' \
		run -3 --separate-stderr "$pipelines/several-clusters" --dir all east west
	diff -r "$sample" all/west
	[[ $stderr == *'east: no such context'* ]]
}

@test "several-clusters: a flag @ is the context" {
	EGRESS_VERIFY_FLAGS='--trust-domain @' run -0 "$pipelines/several-clusters" --dir all example.org other.example
	diff -r "$sample" all/example.org
	grep -q 'cidr: "203.0.113.0/24"' all/example.org/finance_networkpolicy_billing-signature-policy.yaml
	run ! grep -q 'cidr: "203.0.113.0/24"' all/other.example/finance_networkpolicy_billing-signature-policy.yaml
}

@test "several-clusters: every result is written when it ends" {
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' "$pipelines/several-clusters" --dir all one two three >results
	for cluster in one two three; do
		[ "$(jq -c "select(.cluster == \"$cluster\" and .object.metadata.annotations[\"k8s.io/initial-events-end\"] == \"true\")" results | wc -l)" -eq 1 ]
	done
}

@test "several-clusters: SIGTERM ends all pipelines" {
	cat >bin/egress-watch <<-END
		#!/bin/bash
		cat "$log"
		echo \$\$ >>$PWD/watching
		trap 'exit 0' TERM
		while :; do sleep 0.1; done
	END
	EGRESS_VERIFY_FLAGS='--trust-domain example.org' "$pipelines/several-clusters" --dir all east west >results 3>&- &
	for _ in $(seq 2400); do [ "$(cat watching 2>/dev/null | wc -l)" -lt 2 ] || break; sleep 0.1; done
	kill $!
	wait $!
	while read -r watcher; do run ! kill -0 "$watcher"; done <watching
}

@test "metrics: verdicts, agents and problems are counted, at the end of the log" {
	metrics "$log" >out
	egress-verify --trust-domain example.org <"$log" >verified
	egress-translate <verified >operations
	# the same counts by another way
	[ "$(awk '/^egress_agents\{/ { n += $2 } END { print n }' out)" -eq "$(egress-explain <verified | sed 1d | wc -l)" ]
	for mode in allow-all scoped deny-all api-server; do
		[ "$(awk -v mode="egress=\"$mode\"" 'index($0, mode) { n += $2 } END { print n }' out)" -eq \
			"$(egress-explain -o json <verified | jq -s --arg mode $mode 'map(select(.egress == $mode)) | length')" ]
	done
	grep -qx 'egress_agents{egress="allow-all",confined="-"} 1' out
	grep -qx 'egress_agents{egress="api-server",confined="no"} 6' out
	# one without problems counts none
	[ "$(awk '/^egress_policy_problems\{severity="error"/ { print $2 }' out)" -eq \
		"$(egress-explain -o json <verified | jq -s '[.[].problems[] | select(.severity != "warning")] | length')" ]
	grep -qx 'egress_agentcards{reason="SignatureMissing"} 1' out
	grep -qx 'egress_policy_problems{severity="warning"} [1-9]' out
	run ! grep -vE '^(# (HELP|TYPE) egress_[a-z_]+ .+|egress_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9]+)$' out
}

@test "metrics: a list that begins again replaces what was counted" {
	cat early.ndjson "$log" >twice.ndjson
	metrics twice.ndjson | grep -v _time_ >twice
	metrics "$log" | grep -v _time_ | diff - twice
}

@test "metrics: without a log the cluster is read once, and FILE is replaced whole" {
	ln -s elsewhere egress.prom
	metrics --file egress.prom
	[ "$(cat watch.told)" = --once ]
	[ ! -L egress.prom ]
	[ "$(stat -c %a egress.prom)" = 644 ]
	[ ! -e elsewhere ]
	grep -q '^egress_agents{egress="scoped",confined="yes"} ' egress.prom
	[ "$(echo egress.prom*)" = egress.prom ]
}

@test "metrics: lists that are not complete, and a stage that fails, leave FILE as it was" {
	echo before >egress.prom
	run -3 --separate-stderr metrics --file egress.prom short.ndjson
	[[ $stderr == *'metrics: the lists are not complete'* ]]
	EGRESS_TRANSLATE_FLAGS=--no-such-option run -2 metrics --file egress.prom "$log"
	printf '#!/bin/sh\ncat "%s"\nexit 3\n' "$log" >bin/egress-watch
	run -3 metrics --file egress.prom
	[ "$(cat egress.prom)" = before ]
	run -3 metrics --file no/such/folder "$log"
}

@test "every composition: --help is its comment, and wrong usage is status 2" {
	local pipeline
	for pipeline in gitops one-namespace several-clusters metrics; do
		run -0 --separate-stderr "$pipelines/$pipeline" --help
		[[ $output == *"Usage: pipelines/$pipeline "*'Exit status: '* ]]
		[ -z "$stderr" ]
		for arguments in --no-such-option --dir --trust-domain= --file; do
			run -2 --separate-stderr "$pipelines/$pipeline" $arguments
			[[ $stderr == "$pipeline: "* ]]
		done
	done
	for arguments in '' 'Not_A_Namespace' 'finance log' '--dir out finance' '--dir out --once finance log' '--trust-domain x finance'; do
		# shellcheck disable=SC2086
		run -2 "$pipelines/one-namespace" $arguments
	done
	for arguments in '' 'east east' 'a/b' '.. east' '--dir'; do
		# shellcheck disable=SC2086
		run -2 "$pipelines/several-clusters" $arguments
	done
	run -2 "$pipelines/several-clusters" --dir 'a b' east
	run -2 "$pipelines/gitops" --settle x
	run -3 "$pipelines/gitops" no-such-log
	run -3 "$pipelines/metrics" no-such-log
}

@test "every pipeline is a POSIX shell script, which dash can read" {
	command -v dash >/dev/null || skip 'there is no dash: apt-get install dash'
	local pipeline count=0
	while read -r pipeline; do
		[ "$(head -n 1 "$pipeline")" = '#!/bin/sh' ] || { echo "$pipeline" && return 1; }
		dash -n "$pipeline"
		count=$((count + 1))
	done < <(find "$pipelines" -maxdepth 1 -type f -perm -u+x)
	[ "$count" -ge 12 ]
}
