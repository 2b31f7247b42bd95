#!/usr/bin/env bats
# egress-flows(1): what each format says, and what equal flows become.

bats_require_minimum_version 1.5.0

root=$BATS_TEST_DIRNAME/..
samples=$root/tests/data/flows

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# flows FORMAT [OPTION]... <log: "TIME SOURCE > DESTINATION VERDICT" for each record.
flows() {
	egress-flows --from "$@" | jq -r '.flow | "\(.time // "-") \(.source.namespace // "-")/\(.source.workload.name // .source.pod // .source.ip) > " +
		"\(.destination.namespace // "" | if . == "" then . else . + "/" end)\(.destination.pod // .destination.ip):\(.destination.port)/\(.destination.protocol) " +
		"\(.verdict // "-")\(if .direction == "unknown" then " either" else "" end)"'
}

@test "hubble: the wrapper's flows, with pods, labels, workloads and names" {
	run -0 flows hubble "$samples/hubble.ndjson"
	[ "$output" = "2026-11-02T08:15:01.120000001Z finance/billing > 198.51.100.7:443/TCP allowed
2026-11-02T08:15:02Z finance/billing-7c9f-x1 > kube-system/coredns-1:53/UDP denied" ]
	run -0 --separate-stderr egress-flows --from hubble "$samples/hubble.ndjson"
	jq -e -s '.[0].flow | .source.labels == {app: "billing", "kagenti.io/type": "agent"}
		and .destination.names == ["api.payments.example"]' <<<"$output"
}

# hubble_flow JQ: the first sample, changed.
hubble_flow() { head -n 1 "$samples/hubble.ndjson" | jq -c "$1"; }

@test "hubble: a flow without the wrapper is the same" {
	hubble_flow .flow | flows hubble >bare
	flows hubble <(head -n 1 "$samples/hubble.ndjson") | cmp - bare
}

@test "hubble: which verdicts are allowed, which denied, and which are neither" {
	local verdict
	while read -r verdict reason said; do
		hubble_flow ".flow.verdict = \"$verdict\" | .flow.drop_reason_desc = \"$reason\"" | flows hubble >out
		[ "$(sed 's/.* //' out)" = "$said" ] || { echo "$verdict $reason: $(cat out)"; false; }
	done <<-END
		FORWARDED - allowed
		REDIRECTED - allowed
		AUDIT - allowed
		DROPPED POLICY_DENIED denied
		DROPPED POLICY_DENY denied
		DROPPED AUTH_REQUIRED denied
		DROPPED CT_MAP_INSERTION_FAILED -
		ERROR - -
		TRANSLATED - -
		SOMETHING_NEW POLICY_DENIED -
	END
	hubble_flow '.flow.verdict = "AUDIT"' | egress-flows --from hubble | jq -e '.flow.wouldDeny'
}

@test "hubble: replies, ingress, ICMP, later packets, layer 7 and other trace points are passed over" {
	local change
	for change in '.flow.is_reply = true' '.flow.traffic_direction = "INGRESS"' '.flow.l4 = {ICMPv4: {type: 8}}' \
		'.flow.l4.TCP.flags = {SYN: true, ACK: true}' '.flow.l4.TCP.flags = {ACK: true}' '.flow.Type = "L7"' \
		'.flow.event_type = {type: 4, sub_type: 3}' '.flow.event_type = {type: 129}' \
		'{lost_events: {num_events_lost: 3}, node_name: "n1", time: .time}'; do
		hubble_flow "$change" >in
		run -0 flows hubble in
		[ -z "$output" ] || { echo "$change: $output"; false; }
	done
}

@test "hubble: a connection seen at its pod, at the verdict and at the drop is one flow, as the policy judged it" {
	hubble_flow '.flow.event_type = {type: 4, sub_type: 5} | .flow.trace_observation_point = "FROM_ENDPOINT"' >in
	hubble_flow '.flow.event_type = {type: 5} | .flow.verdict = "DROPPED" | .flow.drop_reason_desc = "POLICY_DENIED"
		| .flow.egress_denied_by = [{name: "closed", namespace: "finance"}]' >>in
	hubble_flow '.flow.event_type = {type: 1, sub_type: 133} | .flow.verdict = "DROPPED" | .flow.drop_reason_desc = "POLICY_DENIED"' >>in
	run -0 flows hubble in
	[ "$output" = "2026-11-02T08:15:01.120000001Z finance/billing > 198.51.100.7:443/TCP denied" ]
	egress-flows --from hubble in | jq -e '.flow.policy == ["finance/closed"]'
	# without a verdict the trace at the pod counts
	head -n 1 in >alone
	run -0 flows hubble alone
	[ "$output" = "2026-11-02T08:15:01.120000001Z finance/billing > 198.51.100.7:443/TCP allowed" ]
	# two connections are two
	sed 's/40100/40101/' in | cat in - >two
	[ "$(flows hubble two | wc -l)" -eq 2 ]
}

@test "hubble: a UDP packet that may be an answer says so" {
	hubble_flow '.flow.l4 = {UDP: {source_port: 5000, destination_port: 53}} | del(.flow.is_reply)' >in
	[ "$(flows hubble in)" = "2026-11-02T08:15:01.120000001Z finance/billing > 198.51.100.7:53/UDP allowed either" ]
}

@test "gke: as the node writes it, and as Cloud Logging has it" {
	run -0 flows gke "$samples/gke.ndjson"
	[ "$output" = "2026-11-02T08:16:00.000000001Z finance/billing-7c9f > 192.0.2.80:8443/TCP allowed" ]
	jq -c '{insertId: "x", timestamp, jsonPayload: del(.timestamp)}' "$samples/gke.ndjson" >entry
	flows gke entry | cmp - <<<"$output"
	egress-flows --from gke entry | jq -e '.flow | .count == 3 and .policy == ["finance/billing-signature-policy"]'
	jq -c '.disposition = "deny" | .connection.direction = "egress"' "$samples/gke.ndjson" >denied
	[[ "$(flows gke denied)" == *' denied' ]]
	jq -c '.connection.direction = "ingress"' "$samples/gke.ndjson" >in
	[ -z "$(flows gke in)" ]
}

@test "ovn: what leaves a pod, IPv4 and IPv6, with the policy that decided" {
	run -0 flows ovn "$samples/ovn-acl.log"
	[ "$output" = "2026-11-02T08:17:10.441Z finance/10.128.2.6 > 203.0.113.9:443/TCP allowed
2026-11-02T08:17:11.002Z finance/fd01::6 > 2001:db8::53:53/UDP denied" ]
	egress-flows --from ovn "$samples/ovn-acl.log" | head -n 1 | jq -e '.flow.policy == ["finance/billing-signature-policy"]'
	sed 's/from-lport/to-lport/' "$samples/ovn-acl.log" >in
	[ -z "$(flows ovn in)" ]
	sed 's/tcp_flags=syn/tcp_flags=syn|ack/; s/udp6/icmp6/' "$samples/ovn-acl.log" >in
	[ -z "$(flows ovn in)" ]
}

@test "eks: ACCEPT and DENY, of either direction, with the time where the line has one" {
	run -0 flows eks "$samples/eks.log"
	[ "$output" = "- -/10.0.1.44 > 198.51.100.20:443/TCP allowed either" ]
	sed 's/ACCEPT/DENY/; s/^/2026-11-02T08:18:00.000Z /' "$samples/eks.log" >in
	[ "$(flows eks in)" = "2026-11-02T08:18:00.000Z -/10.0.1.44 > 198.51.100.20:443/TCP denied either" ]
	sed 's/PROTOCOL: TCP/PROTOCOL: ICMP/' "$samples/eks.log" >in
	[ -z "$(flows eks in)" ]
}

@test "kube-network-policies: a packet and what became of it are one flow" {
	run -0 flows kube-network-policies "$samples/kube-network-policies.ndjson"
	[ "$output" = "2026-11-02T08:20:00.00025Z finance/billing-7c9f-x1 > 198.51.100.7:443/TCP denied" ]
	sed 's/denied by egress policy/accepted by policy/' "$samples/kube-network-policies.ndjson" >in
	[[ "$(flows kube-network-policies in)" == *' allowed' ]]
	# what became of it was lost; then its id comes again
	{
		head -n 1 "$samples/kube-network-policies.ndjson"
		sed 's/"DstPort":443/"DstPort":80/' "$samples/kube-network-policies.ndjson"
	} >in
	run -0 flows kube-network-policies in
	[ "$output" = "2026-11-02T08:20:00.00025Z finance/billing-7c9f-x1 > 198.51.100.7:443/TCP -
2026-11-02T08:20:00.00025Z finance/billing-7c9f-x1 > 198.51.100.7:80/TCP denied" ]
}

@test "conntrack: new connections alone, with the destination that was asked for" {
	run -0 flows conntrack "$samples/conntrack.log"
	[ "$output" = "2026-11-02T08:20:01.12Z -/10.1.0.12 > 10.96.0.10:443/TCP - either" ]
	sed 's/\[NEW\]/[DESTROY]/' "$samples/conntrack.log" >in
	[ -z "$(flows conntrack in)" ]
	# -o extended names the family first; without -o timestamp there is no time
	sed 's/^[^[]*\[[0-9.]*\]//; s/tcp /ipv4     2 tcp /' "$samples/conntrack.log" >in
	[ "$(flows conntrack in)" = "- -/10.1.0.12 > 10.96.0.10:443/TCP - either" ]
}

@test "inspektor-gadget: attempts to connect, with pod, owner and labels" {
	run -0 flows inspektor-gadget "$samples/inspektor-gadget.ndjson"
	[ "$output" = "2026-11-02T08:15:01.1Z finance/billing > 198.51.100.7:443/TCP -" ]
	egress-flows --from inspektor-gadget "$samples/inspektor-gadget.ndjson" | jq -e '.flow.source.labels == {app: "billing"}'
	sed 's/"connect"/"accept"/' "$samples/inspektor-gadget.ndjson" >in
	[ -z "$(flows inspektor-gadget in)" ]
}

@test "flows: our own records come back byte for byte" {
	egress-flows --from hubble "$samples/hubble.ndjson" >records
	egress-flows --from gke "$samples/gke.ndjson" >>records
	egress-flows --from ovn "$samples/ovn-acl.log" >>records
	egress-flows --from flows <records | cmp - records
}

@test "several files are read in their order" {
	egress-flows --from hubble "$samples/hubble.ndjson" "$samples/hubble.ndjson" >out
	cat "$samples/hubble.ndjson" "$samples/hubble.ndjson" | egress-flows --from hubble | cmp - out
}

@test "a line that cannot be used is named, kept and counted, and the rest goes on" {
	local format file
	while read -r format file; do
		{
			echo '{"what":"else"}'
			cat "$samples/$file"
			printf '{"flow":{"verdict":"\\u001b[2J","IP":{"source":"no","destination":"address"},"l4":{"TCP":{"destination_port":99999}}}}\n'
		} >in
		rm -f kept
		run -1 --separate-stderr egress-flows --from "$format" --rejects kept in
		[ "${#lines[@]}" -ge 1 ] || { echo "$format: nothing came"; false; }
		[[ "$stderr" == "egress-flows: line 1: "* ]] || { echo "$format: $stderr"; false; }
		grep -qxF '{"what":"else"}' kept
	done <<-END
		hubble hubble.ndjson
		gke gke.ndjson
		ovn ovn-acl.log
		eks eks.log
		kube-network-policies kube-network-policies.ndjson
		conntrack conntrack.log
		inspektor-gadget inspektor-gadget.ndjson
	END
}

@test "names that could harm a terminal or a policy are refused" {
	local change
	for change in '.flow.source.pod_name = "a\u001b[2Jb"' '.flow.source.namespace = "a b"' '.flow.destination_names = ["a\"b"]' \
		'.flow.IP.destination = "198.51.100.7/0"' '.flow.time = "yesterday"' '.flow.destination_names = "api.example"'; do
		hubble_flow "$change" >in
		run -1 --separate-stderr egress-flows --from hubble in
		[ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 1 ] || { echo "$change: $output $stderr"; false; }
	done
}

@test "an IPv4 address inside an IPv6 one is the IPv4 address" {
	hubble_flow '.flow.IP.destination = "::ffff:198.51.100.7"' >in
	[[ "$(flows hubble in)" == *'> 198.51.100.7:443/TCP'* ]]
}

@test "--merge: equal flows of a workload's pods are one, with a count and the first and the last time" {
	{
		hubble_flow .
		hubble_flow '.flow.time = "2026-11-02T09:00:00Z" | .flow.source.pod_name = "billing-7c9f-x2" | .flow.IP.source = "10.1.0.13"'
		hubble_flow '.flow.time = "2026-11-01T09:00:00+02:00"'
		hubble_flow '.flow.l4.TCP.destination_port = 80'
	} >in
	egress-flows --from hubble --merge in >out
	[ "$(jq -c '.flow | [.count, .first, .last, .destination.port, .source.pod]' out)" = \
		'[3,"2026-11-01T07:00:00Z","2026-11-02T09:00:00Z",443,null]
[1,"2026-11-02T08:15:01.120000001Z","2026-11-02T08:15:01.120000001Z",80,null]' ]
	# merged again it is the same, and counts add up
	egress-flows --from flows --merge out | cmp - out
	cat out out | egress-flows --from flows --merge | jq -se 'map(.flow.count) == [6, 2]'
}

@test "--merge: a workload that scans is incomplete, and nobody else" {
	{
		hubble_flow '.flow.source.namespace = "other"'
		hubble_flow . | jq -c 'range(5) as $a | range(250) as $b | .flow.IP.destination = "198.51.\($a).\($b)"'
	} >in
	run -1 --separate-stderr egress-flows --from hubble --merge in
	[ "${#lines[@]}" -eq 1025 ]
	[ "$stderr" = "egress-flows: finance/billing: 226 flows to further destinations are in no record; those of it that are say incomplete" ]
	[ "$(jq -s '[.[].flow | select(.incomplete)] | length' <<<"$output")" -eq 1024 ]
	jq -se 'map(select(.flow.source.namespace == "other")) | .[0].flow.incomplete == null' <<<"$output"
}

# pod_event TYPE TIME NAME IP [JQ]
pod_event() {
	jq -nc --arg type "$1" --arg time "$2" --arg name "$3" --arg ip "$4" '{type: $type, time: $time, object: {apiVersion: "v1", kind: "Pod",
		metadata: {namespace: "finance", name: $name, uid: "uid-\($name)", labels: {app: "billing", "pod-template-hash": "7c9f"},
			ownerReferences: [{apiVersion: "apps/v1", kind: "ReplicaSet", name: "billing-7c9f", controller: true, uid: "r"}]},
		spec: {hostNetwork: false}, status: {podIP: $ip, podIPs: [{ip: $ip}], startTime: $time}}} | '"${5:-.}"
}

@test "--pods: an address is the pod that had it at the time of the flow" {
	{
		pod_event ADDED 2026-11-02T08:00:00Z billing-7c9f-x1 10.1.0.12
		pod_event DELETED 2026-11-02T08:18:00Z billing-7c9f-x1 10.1.0.12
		pod_event ADDED 2026-11-02T08:19:00Z search-1 10.1.0.12 '.object.metadata.ownerReferences = [] | .object.metadata.labels = {app: "search"}'
		pod_event ADDED 2026-11-02T08:00:00Z node-1 10.1.9.9 '.object.spec.hostNetwork = true'
	} >pods
	run -0 flows conntrack --pods pods "$samples/conntrack.log"
	[ "$output" = "2026-11-02T08:20:01.12Z finance/search-1 > 10.96.0.10:443/TCP - either" ]
	sed 's/1793607601/1793607000/' "$samples/conntrack.log" >in # 08:10
	[ "$(flows conntrack --pods pods in)" = "2026-11-02T08:10:00.12Z finance/billing > 10.96.0.10:443/TCP - either" ]
	egress-flows --from conntrack --pods pods in | jq -e '.flow.source | .workload.kind == "Deployment" and .labels.app == "billing"'
	sed 's/1793607601/1793607510/' "$samples/conntrack.log" >in # 08:18:30, when nobody had it
	[ "$(flows conntrack --pods pods in)" = "2026-11-02T08:18:30.12Z -/10.1.0.12 > 10.96.0.10:443/TCP - either" ]
	# without a time two pods had it
	sed 's/^[^[]*\[[0-9.]*\]//' "$samples/conntrack.log" >in
	[ "$(flows conntrack --pods pods in)" = "- -/10.1.0.12 > 10.96.0.10:443/TCP - either" ]
}

@test "--from is needed, and must be a format" {
	run -2 --separate-stderr egress-flows
	[[ "$stderr" == *"--from is needed"* ]]
	run -2 egress-flows --from tcpdump
	run -3 egress-flows --from hubble nowhere
}
