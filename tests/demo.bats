# The sample log, and what `make demo` shows of it. When a change of what is shown or decided is
# meant, look at the difference, then:
#
#   BUILD=build pipelines/demo | sed '$d' >tests/data/demo.txt
#   rm -r tests/data/demo && cp -r build/demo/policies tests/data/demo

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	pipelines/demo >"$BATS_FILE_TMPDIR/shown" 2>"$BATS_FILE_TMPDIR/messages"
}

setup() {
	cd "$BATS_TEST_DIRNAME/.." || return 1
	log=pipelines/examples/agents.ndjson
	shown=$BATS_FILE_TMPDIR/shown
	demo=$BUILD/demo
}

# agent NAME VERDICT EGRESS...: the first lines of its rows; EGRESS a line each.
agent() {
	local name=$1 verdict=$2 found
	shift 2
	found=$(awk -v name="$name" '$1 == name { on = 1; line = $0; sub(/^[^ ]+ +[^ ]+ +/, "", line); print $2; print line; next }
		on && /^          / { sub(/^ +/, ""); print; next } { on = 0 }' "$shown")
	[ "$found" = "$(printf '%s\n' "$verdict" "$@")" ] || { echo "$name: $found"; return 1; }
}

# why NAME: the lines below.
why() { awk -v name="$1" '$1 == name { on = 1; next } on && /^    [^ ]/ { sub(/^ +/, ""); print } /^$/ { on = 0 }' "$shown"; }

# of the log
events() { jq -c "select($1)" "$log"; }

API_SERVER='the API server: 192.0.2.20, 192.0.2.21, 2001:db8::20 on 6443/TCP'
DNS='pods k8s-app=kube-dns of namespace kube-system on 53/UDP, 53/TCP'

@test "the demo says nothing on stderr: the whole log can be used" {
	[ ! -s "$BATS_FILE_TMPDIR/messages" ] || { cat "$BATS_FILE_TMPDIR/messages" && false; }
	[ ! -s "$demo/rejects.ndjson" ]
}

@test "the table is as agreed" {
	sed '$d' "$shown" | diff tests/data/demo.txt -
}

@test "the last line counts events, operations and manifests" {
	manifests=("$demo"/policies/*)
	[[ "$(tail -n 1 "$shown")" == "$(wc -l <"$log") events, $(jq -c 'select(.type == "APPLY" or .type == "DELETE")' "$demo/operations.ndjson" | wc -l) operations, ${#manifests[@]} manifests in "*/demo/policies ]]
}

@test "the manifests are as agreed" {
	diff -r tests/data/demo "$demo/policies"
}

@test "the demo gives the same bytes again" {
	cp -r "$demo" "$BATS_TEST_TMPDIR/first"
	pipelines/demo | diff "$shown" -
	diff -r "$BATS_TEST_TMPDIR/first" "$demo"
}

@test "every card that the log leaves is in the table, and no other" {
	jq -rn '[inputs | select(.object.kind == "AgentCard" and .type != "BOOKMARK")]
		| group_by([.object.metadata.namespace, .object.metadata.name]) | map(last)[] | select(.type != "DELETED")
		| .object.metadata | "\(.namespace)/\(.name)"' "$log" |
		diff - <(awk '/^[a-z]+\/[a-z-]+ / { print $1 }' "$shown")
}

@test "the log is large enough to convince: eight agents and more in three namespaces" {
	[ "$(events '.object.kind == "AgentCard" and .type == "ADDED"' | jq -r '.object.metadata.namespace' | sort -u | wc -l)" -eq 3 ]
	[ "$(events '.object.kind == "AgentCard" and .type == "ADDED"' | wc -l)" -ge 8 ]
}

@test "the log has what later stages use and nothing else: no environment, no managedFields" {
	[ "$(jq -c 'select([paths | map(tostring) | join(".")] | any(test("managedFields|\\.env|\\.image")))' "$log" | wc -l)" -eq 0 ]
}

@test "unset: a verified agent may connect anywhere" {
	agent support/chat Verified anywhere
}

@test "scoped by CIDR and port: exactly its rules" {
	agent finance/billing Verified "$DNS" '203.0.113.0/24 except 203.0.113.64/26 on 443/TCP, 8400-8410/TCP'
}

@test "scoped to pods: exactly its rules; its SVID came through an intermediate CA" {
	agent support/triage Verified "$DNS" \
		'pods app=tickets of its namespace, pods app in (billing, ledger) of namespace finance on 8080/TCP'
	[ "$(events '.object.metadata.name == "triage-card-signed"' | jq -r '.object.data["agent-card.json"] | fromjson
		| .signatures[0].protected | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .x5c | length')" -eq 2 ]
}

@test "empty: nothing" {
	agent finance/ledger Verified nothing
	[[ "$(why finance/ledger)" == 'verified, and its card allows no egress'* ]]
}

@test "unsigned: the API server, although the card asks for everything" {
	agent support/mailer SignatureMissing "$API_SERVER"
	[ "$(events '.object.kind == "AgentCard" and .object.metadata.name == "mailer"' | jq -c .object.spec.networkPolicy)" = '{"egress":[{}]}' ]
}

@test "tampered: the API server" {
	agent support/notes SignatureInvalid "$API_SERVER"
}

@test "never signed: the API server" {
	agent support/scheduler CardMissing "$API_SERVER"
}

@test "signed by another agent's SVID: the API server, and it says whose" {
	agent finance/payments IdentityMismatch "$API_SERVER"
	[[ "$(why finance/payments)" == *spiffe://example.org/ns/finance/sa/billing*spiffe://example.org/ns/finance/sa/payments* ]]
}

@test "signed by an SVID of another CA: the API server" {
	agent research/scout ChainInvalid "$API_SERVER"
}

@test "two cards on one workload that differ: nothing, and both say so" {
	for card in reports reports-too; do
		agent "finance/$card" Verified nothing
		[[ "$(why "finance/$card")" == *'have different rules: reports, reports-too'* ]]
	done
}

@test "an invalid rule beside a valid one: nothing, and each problem is named" {
	agent research/crawler Verified nothing
	why research/crawler >"$BATS_TEST_TMPDIR/why"
	grep -F 'spec.networkPolicy.egress[1].ports[0].endPort: Invalid value: 8000' "$BATS_TEST_TMPDIR/why"
	grep -F 'spec.networkPolicy.egress[1].to[0].ipBlock.cidr: Invalid value: "198.51.100.7/24"' "$BATS_TEST_TMPDIR/why"
}

@test "a port, anywhere: that, with warnings" {
	agent research/indexer Verified 'anywhere on 443/TCP'
	why research/indexer | grep -F 'warning: spec.networkPolicy.egress[0]: '
}

@test "while the log goes on: the API server moves, and every policy that names it follows" {
	jq -c 'select(.type == "BOOKMARK"), select(.reason == "NotVerified")
		| [.object.metadata.name, [.object.spec.egress[]?.to[]?.ipBlock.cidr]]' "$demo/operations.ndjson" >"$BATS_TEST_TMPDIR/all"
	before='["192.0.2.10/32","192.0.2.11/32"]' after='["192.0.2.20/32","192.0.2.21/32","2001:db8::20/128"]'
	for name in payments mailer notes scheduler scout; do
		[ "$(grep "$name-" "$BATS_TEST_TMPDIR/all" | jq -c '.[1]')" = "$before"$'\n'"$after" ]
	done
}

@test "while the log goes on: from verified to unverified, from anywhere to the API server" {
	agent support/faq SignatureInvalid "$API_SERVER"
	[ "$(jq -c 'select(.object.metadata.name == "faq-signature-policy") | .reason' "$demo/operations.ndjson")" = '"EgressUnset"
"NotVerified"' ]
}

@test "while the log goes on: a card is deleted, and its policy with it" {
	[ "$(jq -c 'select(.object.metadata.name == "archivist-signature-policy") | .type' "$demo/operations.ndjson")" = '"APPLY"
"DELETE"' ]
	[ ! -e "$demo/policies/research_networkpolicy_archivist-signature-policy.yaml" ]
}

@test "while the log goes on: a card names another workload, whose policy is there before the old one goes" {
	[ "$(jq -r 'select(.object.metadata.name? // "" | startswith("summarizer")) | "\(.type) \(.object.metadata.name)"' "$demo/operations.ndjson")" = \
'APPLY summarizer-signature-policy
APPLY summarizer-v2-signature-policy
DELETE summarizer-signature-policy' ]
}

@test "no verified agent is cut off and no unverified one let out while the lists come in" {
	[ "$(jq -c 'select(.type == "DELETE" or .object.metadata.annotations["k8s.io/initial-events-end"]?) | .type' "$demo/operations.ndjson" | head -n 1)" = '"BOOKMARK"' ]
	[ "$(jq -rn '[inputs | select(.type != "AGENT")] | .[: (map(.object.metadata.annotations["k8s.io/initial-events-end"]? != null) | index(true))] | map(select(.type != "BOOKMARK")) | map(.object.metadata.name) | length - (unique | length)' "$demo/operations.ndjson")" -eq 0 ]
}

# words RULE...: the egress of these rules (JSON) in words, a line for each.
words() {
	jq -rn -L pipelines 'include "words"; {spec: {egress: [$ARGS.positional[] | fromjson]}} | egress_words[]' --args -- "$@"
}

@test "in words: no rule is nothing, an empty one is anywhere" {
	[ "$(words)" = nothing ]
	[ "$(words '{}')" = anywhere ]
	[ "$(words '{"to":[],"ports":[]}')" = anywhere ]
	[ "$(words '{}' '{"ports":[{"port":443}]}')" = $'anywhere\nanywhere on 443/TCP' ]
}

@test "in words: ports by number, range, name, and protocol alone" {
	[ "$(words '{"ports":[{"port":1,"endPort":2,"protocol":"UDP"},{"port":"http"},{"protocol":"SCTP"},{}]}')" = \
		'anywhere on 1-2/UDP, http/TCP, any SCTP, any TCP' ]
}

@test "in words: single addresses without their prefix, others with it" {
	[ "$(words '{"to":[{"ipBlock":{"cidr":"192.0.2.1/32"}},{"ipBlock":{"cidr":"2001:db8::1/128"}},
		{"ipBlock":{"cidr":"2001:db8::/32","except":["2001:db8::1/128"]}},{"ipBlock":{"cidr":"0.0.0.0/0","except":[]}}]}')" = \
		'192.0.2.1, 2001:db8::1, 2001:db8::/32 except 2001:db8::1, 0.0.0.0/0' ]
}

@test "in words: pods and namespaces by every kind of selector" {
	[ "$(words '{"to":[{"podSelector":{}}]}')" = 'all pods of its namespace' ]
	[ "$(words '{"to":[{"namespaceSelector":{}}]}')" = 'all pods of all namespaces' ]
	[ "$(words '{"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"a"}},"podSelector":{"matchLabels":{"b":"c","d":"e"}}}]}')" = \
		'pods b=c and d=e of namespace a' ]
	[ "$(words '{"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"a","b":"c"}}}]}')" = \
		'all pods of namespaces kubernetes.io/metadata.name=a and b=c' ]
	[ "$(words '{"to":[{"namespaceSelector":{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b","c"]},{"key":"d","operator":"DoesNotExist"}]}}]}')" = \
		'all pods of namespaces a not in (b, c) and d does not exist' ]
}
