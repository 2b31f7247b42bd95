# An agent whose card is signed, and what a stream says of it; load agent.bash.
#
# make_agent, in setup_file, makes the events `trust`, `workload`, `signed` and `card` of billing in
# team-a, all of them in `good`, and what they are made of. enter, in setup, puts a copy of it
# all into the test's directory.
# shellcheck shell=bash

load trust.bash

CARD='{"name":"billing","url":"https://billing.example","skills":[{"id":"pay"}]}'

make_agent() {
	cd "$BATS_FILE_TMPDIR" || return 1
	ca root example.org
	ca other other.org
	svid billing root spiffe://example.org/ns/team-a/sa/billing-sa
	svid plain root spiffe://example.org/ns/team-a/sa/default
	svid federated other spiffe://other.org/ns/team-a/sa/billing-sa
	sign ES256 billing.key "$(header ES256 billing.crt)" <<<"$CARD" >billing.json
	sign ES256 plain.key "$(header ES256 plain.crt)" <<<"$CARD" >plain.json
	sign ES256 federated.key "$(header ES256 federated.crt)" <<<"$CARD" >federated.json
	bundle root.crt >bundle.json
	bundle other.crt >other.json
	agentcard team-a billing | event ADDED >card
	# shellcheck disable=SC2094 # the file has the name of the function, and is another thing
	workload Deployment team-a billing billing-sa |
		jq -c '.spec.selector.matchLabels = {app: "billing"} | .spec.template.metadata.labels = {app: "billing"}' |
		event ADDED >workload
	signed_configmap team-a billing <billing.json >signed
	bundle_configmap <bundle.json >trust
	cat trust workload signed card >good
}

enter() {
	cp "$BATS_FILE_TMPDIR"/* "$BATS_TEST_TMPDIR"/ 2>/dev/null || true
	cd "$BATS_TEST_TMPDIR" || return 1
}

verify() { egress-verify --trust-domain example.org "$@" 2>err; }

# verdicts_of FILE... [-- OPTION...]: what is said of the cards in these files.
verdicts_of() {
	local files=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	cat "${files[@]}" | verify "$@" | verdicts
}
