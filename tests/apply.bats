# egress-apply --dir, and its usage. A cluster is in tests/cluster/apply.bats.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || exit
}

# policy NAME [NAMESPACE [CIDR]]: an APPLY of a NetworkPolicy
policy() {
	jq -nc --arg name "$1" --arg namespace "${2:-team-a}" --arg cidr "${3:-10.0.0.0/8}" '{
		type: "APPLY",
		object: {
			apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
			metadata: {namespace: $namespace, name: $name,
				labels: {"app.kubernetes.io/managed-by": "agent-egress"}},
			spec: {podSelector: {matchLabels: {app: $name, on: "yes"}}, policyTypes: ["Ingress", "Egress"],
				egress: [{to: [{ipBlock: {cidr: $cidr}}], ports: [{port: 443, protocol: "TCP"}]}]}},
		reason: "Scoped"}'
}

delete() {
	policy "$@" | jq -c '.type = "DELETE" | .object |= {apiVersion, kind, metadata: (.metadata | del(.labels))}'
}

complete() {
	echo '{"type":"BOOKMARK","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}'
}


@test "each object becomes one file, named by its namespace, kind and name" {
	{ policy one; policy two; policy one team-b; } | egress-apply --dir out >results
	[ "$(cd out && echo *)" = "team-a_networkpolicy_one.yaml team-a_networkpolicy_two.yaml team-b_networkpolicy_one.yaml" ]
	[ "$(jq -r .type results | sort | uniq -c | tr -s ' ')" = " 3 APPLIED" ]
}

@test "a kind of another group has the group in its file's name, and cluster-scoped no namespace" {
	policy one | jq -c '.object.apiVersion = "projectcalico.org/v3" | .object.kind = "GlobalNetworkPolicy" | del(.object.metadata.namespace)' |
		egress-apply --dir out
	[ -f out/_globalnetworkpolicy.projectcalico.org_one.yaml ]
}

@test "the file is the manifest, its keys in their order and its strings still strings" {
	policy one | egress-apply --dir out >results
	run cat out/team-a_networkpolicy_one.yaml
	[ "${lines[0]}" = "# Managed by egress-apply; edits are overwritten: networking.k8s.io/v1 NetworkPolicy team-a/one" ]
	[ "${lines[1]}" = "apiVersion: networking.k8s.io/v1" ]
	[ "${lines[2]}" = "kind: NetworkPolicy" ]
	grep -qxF '      "on": "yes"' out/team-a_networkpolicy_one.yaml
	grep -qxF '        cidr: "10.0.0.0/8"' out/team-a_networkpolicy_one.yaml
}

@test "a result line has the object's identity, code and message" {
	policy one | egress-apply --dir out >results
	[ "$(cat results)" = '{"type":"APPLIED","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"team-a","name":"one"}},"code":0,"message":""}' ]
}

@test "what is applied again is UNCHANGED and its file is not touched" {
	policy one | egress-apply --dir out >/dev/null
	before=$(stat -c '%i %y' out/*.yaml)
	[ "$(policy one | egress-apply --dir out | jq -r .type)" = UNCHANGED ]
	[ "$(stat -c '%i %y' out/*.yaml)" = "$before" ]
}

@test "a whole replay applied twice leaves the same bytes" {
	{ policy one; policy two; policy one team-a 192.0.2.0/24; delete two; policy three; } >log
	egress-apply --dir out <log >/dev/null
	cp -r out once
	cat log log | egress-apply --dir out >/dev/null
	diff -r once out
}

@test "DELETE removes the file, and is ABSENT when there is none" {
	policy one | egress-apply --dir out >/dev/null
	[ "$({ delete one; delete one; } | egress-apply --dir out | jq -r .type | xargs)" = "DELETED ABSENT" ]
	[ -z "$(ls out)" ]
}

@test "a file that somebody else wrote is neither changed nor removed" {
	mkdir out
	echo "kind: Mine" >out/team-a_networkpolicy_one.yaml
	for operation in policy delete; do
		run --separate-stderr egress-apply --dir out <<<"$($operation one)"
		[ "$status" -eq 1 ]
		[ "$(jq -r .type <<<"$output")" = FAILED ]
		[[ "$stderr" == *"the file was not written by egress-apply: left alone"* ]]
	done
	[ "$(cat out/team-a_networkpolicy_one.yaml)" = "kind: Mine" ]
}

@test "a symbolic link in the directory is not followed" {
	mkdir out
	echo "# Managed by egress-apply; edits are overwritten: x" >victim
	ln -s ../victim out/team-a_networkpolicy_one.yaml
	run -1 --separate-stderr egress-apply --dir out <<<"$(policy one)"
	[ "$(wc -l <victim)" -eq 1 ]
}

@test "names that are not Kubernetes names are refused, and the stream goes on" {
	local bad
	for bad in ../x /etc/x 'a\\u0000b' A 'a b' -a a- 'a..b' '' "$(printf 'a%.0s' {1..254})"; do
		policy one | sed "s,\"name\":\"one\",\"name\":\"$bad\","
		policy one | sed "s,\"namespace\":\"team-a\",\"namespace\":\"$bad\","
	done >log
	policy one | jq -c '.object.kind = "../x"' >>log
	policy one | jq -c '.object.apiVersion = "../x/v1"' >>log
	policy one | jq -c '.object.apiVersion = 1' >>log
	policy good >>log
	mkdir sub
	run -1 --separate-stderr egress-apply --dir sub/out --rejects rejected <log
	[ "$(find sub -type f)" = sub/out/team-a_networkpolicy_good.yaml ]
	[ "$(wc -l <rejected)" -eq 23 ]
	[ ! -e x ]
}

@test "the longest names have a file, and two of them never share one" {
	local long
	long=$(printf 'a%.0s' {1..252})
	{ policy "${long}b"; policy "${long}c"; } | egress-apply --dir out >results
	[ "$(ls out | wc -l)" -eq 2 ]
	[ "$(jq -r .type results | xargs)" = "APPLIED APPLIED" ]
	{ delete "${long}b"; delete "${long}c"; } | egress-apply --dir out >results
	[ -z "$(ls out)" ]
}

@test "a record that is no operation is rejected with its line number" {
	run -1 --separate-stderr egress-apply --dir out <<<"$(policy one)"$'\n{"type":"ADDED","object":{}}\n'"$(policy two)"
	[[ "$stderr" == "egress-apply: lines with events: 1, the first is line 2; "* ]]
	run -1 --separate-stderr egress-apply --dir out <<<"$(policy one)"$'\n{"type":7,"object":{}}\n'"$(policy two)"
	[[ "$stderr" == "egress-apply: line 2: "* ]]
	[ "$(ls out | wc -l)" -eq 2 ]
}

@test "a BOOKMARK passes through" {
	[ "$(complete | egress-apply --dir out)" = "$(complete)" ]
}

@test "--prune removes our files that nothing named, once complete" {
	{ policy one; policy two; } | egress-apply --dir out >/dev/null
	echo "kind: Mine" >out/mine.yaml
	policy one | egress-apply --dir out --prune >/dev/null
	[ -f out/team-a_networkpolicy_two.yaml ]
	{ policy one; complete; } | egress-apply --dir out --prune >results
	[ "$(ls out | xargs)" = "mine.yaml team-a_networkpolicy_one.yaml" ]
	[ "$(jq -c 'select(.type == "DELETED") | [.object.metadata.name, .message]' results)" = '["two","nothing wants it"]' ]
}

# unread: what egress-translate writes of an AgentCard of team-a of which only the name can be read.
unread() {
	echo '{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"RecordRejected","details":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","namespace":"team-a","name":"x"}}}'
}

@test "--prune spares the namespace of a card of which only the name can be read, until the next list, and no other" {
	{ policy one; policy two team-b; } | egress-apply --dir out >/dev/null
	{ unread; complete; } | egress-apply --dir out --prune >results
	[ "$(ls out | xargs)" = team-a_networkpolicy_one.yaml ]
	[ "$(head -n 1 results)" = "$(unread)" ]
	{ unread; complete | sed 's,k8s.io/initial-events-end,agent-egress.dev/initial-events-begin,'; complete; } |
		egress-apply --dir out --prune >/dev/null
	[ -z "$(ls out)" ]
}

@test "--prune leaves what keeps a workload in quarantine, and a DELETE takes it away" {
	policy held | jq -c '.object.metadata.labels["agent-egress.dev/quarantine"] = "true"' | egress-apply --dir out >/dev/null
	{ policy one; complete; } | egress-apply --dir out --prune >/dev/null
	[ -f out/team-a_networkpolicy_held.yaml ]
	delete held | egress-apply --dir out >/dev/null
	[ ! -e out/team-a_networkpolicy_held.yaml ]
}

@test "--dry-run client writes nothing, not even the directory" {
	[ "$(policy one | egress-apply --dir out --dry-run client | jq -r '.type + " " + .message')" = "APPLIED dry run" ]
	[ ! -e out ]
	policy one | egress-apply --dir out >/dev/null
	cp -r out before
	{ delete one; policy one team-a ::/0; policy two; complete; } | egress-apply --dir out --dry-run client --prune >/dev/null
	diff -r before out
}

@test "--diff shows each change on stderr as a unified diff" {
	policy one | egress-apply --dir out >/dev/null
	run --separate-stderr egress-apply --dir out --diff <<<"$(policy one team-a 192.0.2.0/24)"
	[ "$status" -eq 0 ]
	[[ "$stderr" == *"--- team-a_networkpolicy_one.yaml"*'-        cidr: "10.0.0.0/8"'*'+        cidr: "192.0.2.0/24"'* ]]
	[ "$(jq -r .type <<<"$output")" = APPLIED ]
}

@test "the status of an AgentCard is no manifest" {
	status='{"type":"APPLY","object":{"apiVersion":"agent.kagenti.dev/v1alpha1","kind":"AgentCard","metadata":{"namespace":"a","name":"b"},"status":{"networkPolicy":{}}}}'
	[ "$(egress-apply --dir out <<<"$status" | jq -r .type)" = UNCHANGED ]
	[ -z "$(ls out)" ]
	run -1 egress-apply --dir out <<<"${status/status/spec}"
}

@test "one process uses a directory at a time" {
	mkfifo gate
	egress-apply --dir out <gate >/dev/null 3>&- &
	local first=$!
	exec 4>gate
	policy one >&4
	for _ in $(seq 2400); do [ ! -f out/team-a_networkpolicy_one.yaml ] || break; sleep 0.05; done
	run -3 --separate-stderr egress-apply --dir out <<<"$(policy two)"
	[[ "$stderr" == *"another egress-apply is using it"* ]]
	exec 4>&-
	wait "$first"
}

@test "killed at any moment it leaves only whole files, and the next run finishes" {
	for n in {1..300}; do policy "p$((n % 30))" team-a "10.0.0.$n/32"; done >log
	for kill in {1..20}; do
		egress-apply --dir out <log >/dev/null 3>&- &
		sleep "0.0$((RANDOM % 5))$((RANDOM % 10))"
		kill -9 $! 2>/dev/null || true
		wait $! || true
		for file in out/*.yaml; do
			[ -e "$file" ] || continue
			[ "$(tail -n 1 "$file")" = "      protocol: TCP" ]
		done
	done
	egress-apply --dir out <log >/dev/null
	egress-apply --dir fresh <log >/dev/null
	diff -r fresh out
}

@test "of many operations on a file only the last is written, and each has its result" {
	{
		policy gone
		delete gone
		for n in {0..50}; do policy one team-a "10.0.$n.0/24"; done
	} >log
	egress-apply --dir out <log >results
	[ "$(ls out)" = team-a_networkpolicy_one.yaml ]
	grep -qF 10.0.50.0/24 out/team-a_networkpolicy_one.yaml
	[ "$(jq -r '.type + " " + .object.metadata.name' results | uniq -c | tr -s ' ' | xargs)" = "1 APPLIED gone 1 DELETED gone 51 APPLIED one" ]
	[ "$(tail -n 1 results | jq -r .message)" = "" ]
	[ "$(head -n 1 results | jq -r .message)" = "replaced by a later operation before it was written" ]
}

@test "a file that ends as it was is not touched" {
	policy one | egress-apply --dir out >/dev/null
	before=$(stat -c '%i %y' out/*.yaml)
	{ policy one team-a 192.0.2.0/24; delete one; policy one; } >log
	[ "$(egress-apply --dir out <log | jq -r .type | xargs)" = "APPLIED DELETED APPLIED" ]
	[ "$(stat -c '%i %y' out/*.yaml)" = "$before" ]
}

@test "more files than are held at a time are all written, and what a killed run left goes" {
	mkdir out
	echo half >out/.egress-apply.7.tmp
	policy NAME >one
	for n in {1..2500}; do sed "s/NAME/p$n/g" one; done >log
	egress-apply --dir out <log >results
	[ "$(ls -A out | wc -l)" -eq 2500 ]
	[ "$(jq -r .type results | sort | uniq -c | tr -s ' ')" = " 2500 APPLIED" ]
	{ policy p1; complete; } | egress-apply --dir out --prune >results
	[ "$(ls -A out)" = team-a_networkpolicy_p1.yaml ]
	[ "$(jq -r .type results | uniq -c | tr -s ' ' | xargs)" = "1 UNCHANGED 2499 DELETED 1 BOOKMARK" ]
}

@test "a directory that cannot be used ends the program with status 3" {
	touch file
	run -3 egress-apply --dir file <<<"$(policy one)"
	run -3 egress-apply --dir no/parent <<<"$(policy one)"
}

@test "a file that cannot be written is a FAILED result, and the stream goes on" {
	mkdir -p out/team-a_networkpolicy_one.yaml
	run -1 --separate-stderr egress-apply --dir out <<<"$(policy one)"$'\n'"$(policy two)"
	[ "$(jq -r .type <<<"$output" | xargs)" = "FAILED APPLIED" ]
}

@test "when a file cannot be put in place, every operation on it is FAILED, and no other" {
	mkdir -p out/.egress-apply.0.tmp
	{ policy one; policy two; policy one team-a ::/0; policy one team-a ::/0; } >log
	run -1 --separate-stderr egress-apply --dir out <log
	[ "$(jq -r .type <<<"$output" | xargs)" = "FAILED APPLIED FAILED FAILED" ]
	[[ "$stderr" == *"cannot write out/team-a_networkpolicy_one.yaml: File exists"* ]]
	[ "$(ls out)" = team-a_networkpolicy_two.yaml ]
}

@test "--dry-run server needs a cluster" {
	run -2 egress-apply --dir out --dry-run server <<<""
}

@test "kubectl reads a file back as the same object" {
	command -v kubectl || skip "kubectl is missing: apt-get install kubernetes-client"
	policy one | egress-apply --dir out >/dev/null
	if ! kubectl label --local --dry-run=client -o json -f out/team-a_networkpolicy_one.yaml x=y >read 2>why; then
		skip "this kubectl cannot read files without a server: $(head -1 why)"
	fi
	diff <(policy one | jq -S .object) <(jq -S 'del(.metadata.labels.x)' read)
}

@test "a kind that is not applied to a cluster, or without our label, makes no file, and nothing is pruned then" {
	policy kept | egress-apply --dir out >/dev/null
	{
		policy one | jq -c '.object.kind = "Secret" | .object.apiVersion = "v1"'
		policy two | jq -c 'del(.object.metadata.labels)'
		policy three
		complete
	} >log
	run -1 --separate-stderr egress-apply --dir out --prune <log
	[ "$(jq -r .type <<<"$output" | xargs)" = "FAILED FAILED APPLIED BOOKMARK" ]
	[[ "$stderr" == *"not a kind that is applied"* && "$stderr" == *"nothing is pruned"* ]]
	[ "$(ls out | xargs)" = "team-a_networkpolicy_kept.yaml team-a_networkpolicy_three.yaml" ]
}

@test "many files share the wait for the disk, and those that are as they should be are not written" {
	command -v strace >/dev/null || skip "strace is missing: apt-get install strace"
	policy NAME >one
	for n in {1..300}; do sed "s/NAME/p$n/g" one; done >log
	strace -f -e trace=fsync,fdatasync,syncfs,openat -o trace egress-apply --dir out <log >/dev/null || skip "strace cannot trace here"
	[ "$(ls out | wc -l)" -eq 300 ]
	[ "$(grep -cE '(fsync|syncfs)\(' trace)" -le 10 ]
	[ "$(grep -c 'syncfs(' trace)" -ge 1 ]
	strace -f -e trace=openat,fsync,syncfs,rename,renameat -o trace egress-apply --dir out <log >results
	[ "$(jq -r .type results | sort | uniq -c | tr -s ' ')" = " 300 UNCHANGED" ]
	run -1 grep -E 'O_CREAT.*\.tmp|syncfs\(|rename' trace
}

@test "when the reader of the results ends, all files are still written, with status 1" {
	for n in {1..50}; do policy "p$n"; done >log
	{ egress-apply --dir out <log 2>messages && true; echo $? >ended; } | true
	until [ -s ended ]; do sleep 0.01; done
	[ "$(cat ended)" -eq 1 ]
	[ "$(ls out | wc -l)" -eq 50 ]
	grep -q "nobody reads the results any more" messages
}
