# The examples in the manuals, run as they stand there, on the sample log. Two programs are
# replaced: egress-watch writes the log, and kubectl keeps what it was told.

bats_require_minimum_version 1.5.0

load programs

root=$BATS_TEST_DIRNAME/..

# Needs a cluster; tests/cluster has it.
ELSEWHERE='The whole pipeline:
The whole pipeline, where agents serve their own cards:
What the live pipeline would change now:
The way in from the operator, once its part is switched off: first what would be done, then do it:
The operations that failed, and why:
What egress-apply could not do, and why:'

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	unset EGRESS_VERIFY_FLAGS EGRESS_TRANSLATE_FLAGS
	ln -s "$root/pipelines" pipelines
	cp "$root/pipelines/examples/agents.ndjson" .
	mkdir bin
	printf '#!/bin/sh\ncat agents.ndjson\n' >bin/egress-watch
	cat >bin/kubectl <<-'END'
		#!/bin/sh
		echo "$*" >kubectl.told
		case $1 in
		get) jq -c 'select(.type == "ADDED" and .object.metadata.name == "'"$3"'").object' agents.ndjson ;;
		*) cat >kubectl.given ;;
		esac
	END
	chmod +x bin/*
	PATH=$PWD/bin:$PATH
}

page() {
	case $1 in
	*.7) echo "$root/pipelines/$1" ;;
	*) echo "$root/cmd/${1%.*}/$1" ;;
	esac
}

# examples PAGE [INTRODUCTION]: the introductions of its examples, the first line of each; or the
# commands of that one.
examples() {
	awk -v want="${2:-}" '
		/^\.Sh/ { on = /^\.Sh (EXAMPLES|THE DAY)$/; introduction = ""; next }
		!on { next }
		/^\.(Pp|Ed|Ss)/ { code = output = 0; introduction = ""; next }
		/^\.\\" output$/ { output = 1 }
		output { next }
		/^\.(Bd|Dl)/ && want == "" { print introduction }
		/^\.Bd/ { code = 1; next }
		/^\.Dl/ { sub(/^\.Dl /, ""); if (introduction == want) print; next }
		code { if (introduction == want) print; next }
		introduction == "" && !/^\./ { introduction = $0 }' "$(page "$1")" |
		sed 's/\\e/\\/g; s/\\(dq/"/g; s/\\&//g'
}

# shown PAGE INTRODUCTION: the output that the page shows below that example, a line each part of it, without folds.
shown() {
	awk -v want="$2" '
		/^\.Ed/ { block = part = 0; next }
		/^\.\\" output$/ { output = 1; next }
		/^\.Bd/ { block = 1; part = output && last == want; output = 0; next }
		part && /^ \.\.\.$/ { print ""; next }
		part { printf "%s ", $0; next }
		block { next }
		$0 == want { last = want; next }
		/:$/ && !/^\./ { last = "" }
		END { print "" }' "$(page "$1")" | sed 's/\\e/\\/g; s/\\&//g' | tr -s ' \t' ' ' | sed 's/^ //; s/ $//; /^$/d'
}

# is_shown PAGE INTRODUCTION: `output` has each part of what the page shows, in its order.
is_shown() {
	local rest part
	rest=$(tr -s ' \t\n' ' ' <<<"$output")
	shown "$1" "$2" >parts
	[ -s parts ] || { echo "$1 shows no output of: $2" && return 1; }
	while IFS= read -r part; do
		[[ $rest == *"$part"* ]] || { printf '%s\nthe page shows: %s\nit is: %s\n' "$2" "$part" "$output" && return 1; }
		rest=${rest#*"$part"}
	done <parts
}

# shows STATUS example PAGE INTRODUCTION: it ends so, and its output is what the page shows.
shows() {
	run "-$1" "${@:2}"
	is_shown "$3" "$4"
}

# example PAGE INTRODUCTION [SED]: runs it, edited.
example() {
	examples "$1" "$2" | sed "${3:-}" >example.bash
	[ -s example.bash ] || { echo "$1 has no example: $2" && return 1; }
	bash -euo pipefail example.bash
}

verified() { egress-verify --trust-domain example.org <agents.ndjson >verified.ndjson; }

@test "every program's --help and its manual name the same options" {
	for program in $(programs); do
		options "$BUILD/bin/$program" >help
		[ "$(wc -l <help)" -ge 4 ]
		grep '^\.It Fl' "$(page "$program.1")" | grep -oE 'Fl [-a-zA-Z]+' | sed 's/^Fl /-/' | sort |
			diff help - || { echo "$program: above, < is --help, > the manual" && false; }
	done
}

# rendered PAGE: as man(1) shows it on a terminal of 80 columns; what groff has against it is in `warnings`
rendered() { groff -mandoc -Tutf8 -rLL=78n -ww -P-cbou "$1" 2>warnings; }

# plain_items PAGE: the items of its lists that are words alone, of which the first may be taken for a macro
plain_items() {
	sed -n 's/^\.It //p' "$1" | sed 's/\\&//g' | grep -E '^[A-Z][a-z]*( [a-z]+)+$' |
		grep -vE '^(Ar|Cm|Ev|Fl|Ic|Li|Nm|Pa|Sy|Ta|Xr) '
}

# pages: all of them
pages() { ls "$root"/cmd/*/*.1 "$root"/lib/*/*.5 "$root"/pipelines/*.7; }

@test "every manual is shown at 80 columns without a warning, a wide line, a lost heading or a lost item" {
	local page heading count=0
	command -v groff >/dev/null || skip 'there is no groff: apt-get install groff-base'
	export LC_ALL=C.UTF-8
	for page in $(pages); do
		rendered "$page" >text
		[ ! -s warnings ] || { cat warnings && return 1; }
		run -1 grep -nE '^.{81}' text
		while IFS= read -r heading; do
			sed 's/^ *//' text | grep -qxF -e "$heading" || { echo "$page: the heading is lost: $heading" && return 1; }
			count=$((count + 1))
		done < <(sed -n 's/^\.S[hs] //p' "$page" | sed 's/\\&//g')
		while IFS= read -r heading; do
			grep -qF -e "$heading" text || { echo "$page: the item is lost: $heading" && return 1; }
			count=$((count + 1))
		done < <(plain_items "$page")
	done
	[ "$count" -gt 80 ]
}

@test "that check would find a lost heading, a wide table and a lost item" {
	command -v groff >/dev/null || skip 'there is no groff: apt-get install groff-base'
	printf '.Dd January 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd b\n.Ss In a pot\n.Bl -column "%050d" "%050d"\n.It a Ta b\n.El\n' 1 2 >a.1
	rendered a.1 >text
	run -1 grep -qxE ' *In a pot' text
	printf '.Dd January 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd b\n.Bd -literal\n%081d\n.Ed\n' 1 >a.1
	rendered a.1 >text
	grep -qE '^.{81}' text
	printf '.Dd January 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd b\n.Bl -tag -width Ds\n.It No answer\nwords\n.El\n' >a.1
	rendered a.1 >text
	[ "$(plain_items a.1)" = 'No answer' ]
	run -1 grep -qF 'No answer' text
}

# What a reader copies from the terminal is what is run below.
@test "every example stands in the rendered manual, line by line, as it is run here" {
	local page introduction
	command -v groff >/dev/null || skip 'there is no groff: apt-get install groff-base'
	for page in egress.7 egress-tutorial.7 egress-security.7 egress-troubleshooting.7 $(programs | sed 's/$/.1/'); do
		rendered "$(page "$page")" | sed 's/^ *//' >text
		while IFS= read -r introduction; do
			examples "$page" "$introduction" | sed 's/^ *//' >commands
			[ -s commands ]
			# shellcheck disable=SC2016 # perl's
			perl -0777 -e 'local @ARGV; my ($text, $part) = map { open my $f, "<", $_ or die; <$f> } "text", "commands";
				exit(index($text, "\n$part") < 0)' ||
				{ echo "$page: this is shown otherwise:" && cat commands && return 1; }
		done < <(examples "$page")
	done
}

@test "every example of the manuals is run here" {
	for page in egress.7 egress-tutorial.7 egress-security.7 egress-troubleshooting.7 $(programs | sed 's/$/.1/'); do
		examples $page >introductions
		[ -s introductions ]
		while IFS= read -r introduction; do
			grep -qxF -e "$introduction" <<<"$ELSEWHERE" ||
				grep -qF -e "example $page '$introduction'" -e "example $page \"$introduction\"" "$BATS_TEST_FILENAME" ||
				{ echo "$page: $introduction" && false; }
		done <introductions
	done
}

@test "egress(7): replay" {
	run -0 example egress.7 'The manifests that a recorded log leads to, in the directory'
	[ -z "$output" ]
	diff -r "$root/tests/data/demo" live
}

@test "egress(7): audit" {
	cp -r "$root/tests/data/demo" live
	run -0 example egress.7 'What would change if another log were enforced instead of what is in'
	[ -z "$output" ]
	rm live/support_*
	run -1 example egress.7 'What would change if another log were enforced instead of what is in'
	[ "$(grep -c '^diff ' <<<"$output")" -eq 6 ]
}

@test "egress(7): the manifests in a git work tree" {
	git init -q .
	git config user.name tester
	git config user.email tester@example.org
	run -0 example egress.7 'The same in a git work tree, with a commit that says why:'
	[ "$(git log --format=%s)" = 'Egress of 14 agents' ]
	diff -r "$root/tests/data/demo" policies
}

@test "egress(7): how many agents are verified" {
	run -0 example egress.7 'How many agents are verified, and how many are not:'
	grep -qx 'egress_agentcards{reason="Verified"} [0-9]*' <<<"$output"
	grep -qx 'egress_agentcards{reason="SignatureInvalid"} [0-9]*' <<<"$output"
}

@test "egress-watch(1): a picture of the cluster; which agents there are" {
	example egress-watch.1 'A picture of the cluster, to be decided on later and elsewhere:'
	cmp agents.ndjson cluster.ndjson
	run -0 example egress-watch.1 'Which agents there are, by name:'
	grep -qx finance/billing <<<"$output"
	[ "$(wc -l <<<"$output")" -eq "$(jq -r 'select(.type == "ADDED" and .object.kind == "AgentCard") | .type' agents.ndjson | wc -l)" ]
}

@test "egress-fetch(1): which agents serve a card" {
	load kubestub
	export KUBECONFIG=$PWD/stub/kubeconfig
	stub_start <<<"reply 200 '{\"name\":\"a scheduler\"}'"
	run -0 --separate-stderr example egress-fetch.1 'Which agents serve a card, and what they call themselves in it:'
	stub_stop
	# the only one without a ConfigMap
	[ "$output" = $'support\tscheduler-card-signed\ta scheduler' ]
}

@test "egress-verify(1): who is not verified" {
	run -0 example egress-verify.1 'Who is not verified at the end of a recorded log, and why:'
	[ "$(cut -d : -f 1 <<<"$output" | sort | xargs)" = 'faq mailer notes payments scheduler scout' ]
	[[ $output == *'mailer: the card is not signed'* ]]
}

@test "egress(7): who may connect to anywhere" {
	run -0 example egress.7 'The agents that may connect to anywhere, at any time in the log:'
	[ "$(sort <<<"$output" | xargs)" = 'research/archivist support/chat support/faq' ]
}

@test "egress(7): when each policy changed" {
	run -0 example egress.7 "When each policy changed, and to what, as a table of the log's operations:"
	[ "$(grep -P '\tfaq-' <<<"$output")" = $'APPLY\tsupport\tfaq-signature-policy\tEgressUnset\nAPPLY\tsupport\tfaq-signature-policy\tNotVerified' ]
	[ "$(tail -n 1 <<<"$output")" = $'DELETE\tresearch\tsummarizer-signature-policy\tUnwanted' ]
}

@test "egress(7): other rules are tried" {
	run -1 example egress.7 'Try other rules before an agent gets them:'
	[ "$(grep -c '^diff ' <<<"$output")" -eq 1 ]
	[[ $output == *chat-signature-policy.yaml*'-  egress:'*'-  - {}'*'+  egress: []'* ]]
}

@test "egress(7): kubectl as the last stage" {
	example egress.7 'kubectl as the last stage:'
	[ "$(cat kubectl.told)" = 'apply --server-side -f -' ]
	jq -es 'length > 14 and all(.apiVersion == "networking.k8s.io/v1" and .kind == "NetworkPolicy")' kubectl.given
}

@test "egress(7): when each verdict was reached" {
	run -0 example egress.7 'When each verdict was reached, and why:'
	[ "$(grep -cP '^[A-Z]+\tfaq\tVerified\t' <<<"$output")" -eq 1 ]
	[ "$(grep -P '\tfaq\t' <<<"$output" | tail -n 1 | cut -f 3)" = SignatureInvalid ]
}

@test "egress-verify(1): two trust domains" {
	jq -r 'select(.object.metadata.name == "spire-bundle").object.data[]' agents.ndjson >partner.json
	example egress-verify.1 "Two trust domains, the second one's bundle in a file:" 's|/etc/spire|.|' >out
	jq -es 'map(select(.object.metadata.name == "chat" and .verification)) | last.verification.verified' out
}

@test "egress-verify(1): what a signer should have signed" {
	run -0 example egress-verify.1 'What a signer should have signed:'
	[ "$(cat kubectl.told)" = 'get configmap billing-card-signed -o json' ]
	[ "$(jq -r .name <<<"$output")" = billing ]
	jq -e 'has("signatures") | not' <<<"$output"
}

@test "egress-verify(1): which cards would no longer be verified" {
	run -0 example egress-verify.1 'Which cards would no longer be verified if expired certificates were refused:'
	[ "$(xargs <<<"$output")" = 'archivist billing chat crawler faq indexer ledger reports reports-too summarizer triage' ]
}

@test "egress-resolve(1): recorded answers; which names bring nothing" {
	jq -c 'if .object.kind == "AgentCard" and .object.metadata.name == "chat"
		then .object.spec.networkPolicy.domains = [{names: ["api.example.com", "www.example.com"]}] else . end' \
		agents.ndjson >named.ndjson
	mv named.ndjson agents.ndjson
	echo '{"time":"2026-01-02T03:04:05Z","name":"api.example.com","type":"A","status":"NOERROR","ttl":60,"addresses":["5.6.7.8"]}' >answers.ndjson
	example egress-resolve.1 'What a recorded log and recorded answers lead to:'
	jq -es 'map(select(.object.metadata.name == "chat-signature-policy")) | last.object.spec.egress
		| length == 2 and .[1] == {to: [{ipBlock: {cidr: "5.6.7.8/32"}}]}' operations.ndjson
	verified
	run -0 example egress-resolve.1 'Which names bring nothing, and why:'
	grep -qxF $'chat\twww.example.com\tno answer was recorded' <<<"$output"
}

@test "egress-translate(1): the policies, for kubectl" {
	verified
	example egress-translate.1 'The policies of a recorded log, for kubectl:'
	[ "$(cat kubectl.told)" = 'apply --server-side -f -' ]
	jq -es 'map(.metadata.name) | contains(["chat-signature-policy"])' kubectl.given
}

@test "egress-translate(1): who asks for something invalid" {
	verified
	run -0 example egress-translate.1 'Who asks for something invalid:'
	[[ $output == *'crawler: spec.networkPolicy.egress[1].ports[0].endPort: '* ]]
	[ "$(cut -d : -f 1 <<<"$output" | sort -u)" = crawler ]
}

@test "egress-translate(1): Sidecars, beside the NetworkPolicies of another pipeline" {
	verified
	egress-translate <verified.ndjson | jq -c 'select(.type == "APPLY")
		| {type: "MODIFIED", object: (.object | .metadata.resourceVersion = "7")}' >seen
	cat verified.ndjson seen >both && mv both verified.ndjson
	deleted='.type == "DELETE" and .object.kind == "NetworkPolicy"'
	egress-translate --target istio <verified.ndjson | jq -es "any($deleted)"
	run -0 example egress-translate.1 'Sidecars, beside the NetworkPolicies of another pipeline:'
	jq -es "any(.object.kind == \"Sidecar\") and (any($deleted) | not)" <<<"$output"
}

@test "egress-translate(1): the AgentCard's definition" {
	example egress-translate.1 "The AgentCard's definition:"
	grep -q '^kind: CustomResourceDefinition' kubectl.given
}

@test "egress-apply(1): manifests for a repository" {
	verified
	example egress-apply.1 'The manifests for a repository that something else applies:' >/dev/null
	diff -r "$root/tests/data/demo" policies
}

@test "egress-sign(1): sign a card and hand it to the cluster; show what the signature covers" {
	load trust.bash
	ca root example.org
	svid svid root spiffe://example.org/ns/team-a/sa/billing
	mv svid.key svid_key.pem
	mv svid.crt svid.pem
	echo '{"name":"billing","url":"https://billing.example"}' >card.json
	example egress-sign.1 'Sign a card and hand it to the cluster:'
	[ "$(cat kubectl.told)" = 'apply -f -' ]
	[ "$(jq -r '.metadata | "\(.namespace)/\(.name)"' kubectl.given)" = team-a/billing-card-signed ]
	jq -e '.data["agent-card.json"] | fromjson | .name == "billing" and (.signatures | length) == 1' kubectl.given
	example egress-sign.1 'Sign a card for the operator and for the SDKs of A2A:'
	jq -e '.signatures | length == 2' signed.json
	run -0 example egress-sign.1 'Show what a signature covers:'
	[ "$output" = "$(cat card.json)" ]
}

@test "egress-explain(1): what every agent has; a connection; the graph" {
	run -0 example egress-explain.1 'What every agent has:'
	[ "${#lines[@]}" -eq 16 ]
	run -0 example egress-explain.1 'May an agent connect there, and why:'
	[ "${lines[0]}" = 'finance/billing to 203.0.113.7:443/tcp: allowed' ]
	run -0 example egress-explain.1 'Who may reach an address:'
	[[ ${lines[0]} == 'finance/billing '*' by finance/billing-signature-policy: spec.egress[1].to[0], ports[0]' ]]
	# the sample does not show others' policies of all kinds
	run -1 example egress-explain.1 'Is every agent confined:'
	example egress-explain.1 'Who may talk to whom, drawn:'
	grep -qxF $'\t"support/triage" -> "finance/ledger" [label="8080/TCP"]' egress.dot
}

@test "egress-explain(1): which recorded connections would be cut" {
	cp "$root/tests/data/flows/hubble.ndjson" .
	run -1 --separate-stderr example egress-explain.1 'Which of the connections that Hubble saw would be cut:'
	[ "${lines[0]}" = '1 flows would be cut, 0 may be, 0 are allowed, 0 denied as before, 1 are of no agent' ] || { echo "$output"; false; }
}

@test "egress-explain(1): a card before it is applied" {
	cat >card.yaml <<-END
		apiVersion: agent.kagenti.dev/v1alpha1
		kind: AgentCard
		metadata: {name: billing, namespace: finance}
		spec:
		  targetRef: {apiVersion: apps/v1, kind: Deployment, name: billing}
		  networkPolicy: {egress: []}
	END
	run -0 example egress-explain.1 'What would this card allow, and on which targets:'
	[ "${lines[0]}" = 'finance/billing, tried as if it were verified' ]
	[[ ${lines[1]} == '    egress deny-all, '* ]]
}

@test "egress-explain(1): what an agent could reach at a time" {
	jq -c '. + {time: (1795507200 + input_line_number | todate)}' agents.ndjson >timed.ndjson
	run -0 example egress-explain.1 'What could an agent reach on a Tuesday:'
	[ "${lines[0]}" = finance/billing ]
}

@test "egress-explain(1): assertions" {
	cp "$root/pipelines/examples/assertions.yaml" .
	run -1 example egress-explain.1 'Does what must hold still hold:'
	[[ $output = *'support/chat may reach 169.254.169.254:80/tcp'* ]]
}

@test "egress-explain(1): of manifests" {
	cp -r "$root/tests/data/demo" policies
	run -0 example egress-explain.1 'The same of manifests, such as those that a repository holds:'
	[ "${lines[0]}" = 'finance/billing to 203.0.113.7:443/tcp: allowed' ]
}

@test "egress-explain(1): which agents are widened" {
	cat >bin/kubectl <<-'END'
		#!/bin/sh
		echo '{"items":[{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"support","name":"open"},
			"spec":{"podSelector":{"matchLabels":{"app":"triage"}},"policyTypes":["Egress"],"egress":[{}]}}]}'
	END
	run -0 example egress-explain.1 "Which agents are widened by somebody else's policies:"
	[ "$output" = 'support/triage: open' ]
}

@test "egress-flows(1): where each workload connects to" {
	cp "$root/tests/data/flows/hubble.ndjson" flows.log
	run -0 example egress-flows.1 'Where did each workload connect to, the most frequent first:'
	[ "${lines[0]}" = $'1\tfinance\tbilling\tapi.payments.example\t443' ]
}

@test "egress-propose(1): from a log of connections to cards for review" {
	head -n 1 "$root/tests/data/flows/hubble.ndjson" >hubble.log
	run -0 example egress-propose.1 "From a day of Hubble's log to cards for review:"
	grep -q api.payments.example proposed.yaml
}

@test "egress-verify(1): whose cards fall when a CA goes" {
	verified
	id=$(jq -r 'select(.verification.verified).verification.anchor' verified.ndjson | sort -u | head -n 1)
	export id
	[ -n "$id" ]
	run -0 example egress-verify.1 'Whose cards fall when a CA goes, without waiting for it:'
	[ "$(sort -u <<<"$output" | wc -l)" -gt "$(jq -r 'select(.verification.verified == false).object.metadata.name' verified.ndjson | sort -u | wc -l)" ]
}

@test "egress-troubleshooting(7): may it connect; what is wrong with which card; who is not confined; the verdicts" {
	run -1 example egress-troubleshooting.7 'May this agent connect there, and why not:'
	grep -qx 'finance/billing to 198.51.100.9:443/tcp: denied' <<<"$output"
	run -0 example egress-troubleshooting.7 'What is wrong with which card, and in which field:'
	grep -q $'^research/crawler\tspec.networkPolicy.egress\[1\].ports\[0\].endPort\t' <<<"$output"
	run -0 example egress-troubleshooting.7 'Which agents are not confined, and by what:'
	grep -q $'^finance/billing\tNotApplied\tNetworkPolicy billing-signature-policy is not there$' <<<"$output"
	run -0 example egress-troubleshooting.7 'How often each verdict was reached, with a message of each:'
	grep -q '^[1-9][0-9]* SignatureInvalid ' <<<"$output"
}

@test "egress-tutorial(7): the whole day, from observed connections to enforced rules, and back" {
	local -x TMPDIR=$PWD/tmp
	mkdir -p tmp checkout/build
	cd checkout
	ln -s "$root/pipelines" pipelines
	ln -s "$BUILD/bin" build/bin
	printf 'all: ;@:\n' >Makefile
	example egress-tutorial.7 "From a checkout, in a folder of the day's own:"
	cd "$TMPDIR"/tmp.*
	example egress-tutorial.7 'The sample has none, so give it the morning of one day:'

	shows 0 example egress-tutorial.7 'Check the signatures, and list the agents of one namespace:'
	shows 0 example egress-tutorial.7 'A day of connections, and where they went:'
	run -0 --separate-stderr example egress-tutorial.7 'Cards for review, and what their comments say:'
	is_shown egress-tutorial.7 'Cards for review, and what their comments say:'
	shows 0 example egress-tutorial.7 'What would the proposed cards allow, and on which targets:'
	shows 0 example egress-tutorial.7 'The reviewed card, tried in the same way:'

	example egress-tutorial.7 'The log as it would go on:'
	[ "$(wc -l <change.ndjson)" -eq 1 ]
	shows 1 example egress-tutorial.7 'Which connections would be cut, and which stay:'
	shows 1 example egress-tutorial.7 'The same question for the rules of today, and another agent:'

	shows 0 example egress-tutorial.7 'Nobody reaches the metadata service, whatever a card says:'
	example egress-tutorial.7 'The policies of today:'
	shows 1 example egress-tutorial.7 'Does it hold today:'
	shows 0 example egress-tutorial.7 'Apply the log with the new card, and ask again:'
	shows 1 example egress-tutorial.7 'Which manifests are other than before:'
	[ "${#lines[@]}" -eq 1 ]

	shows 0 example egress-tutorial.7 'What may the agent reach now:'
	shows 0 example egress-tutorial.7 'May it reach its vendor:'
	shows 1 example egress-tutorial.7 'May it reach the metadata service:'
	shows 1 example egress-tutorial.7 'Keep the log, and ask it later:'

	shows 0 example egress-tutorial.7 'The log with the undo, and the policies that it leads to:'
	run -0 example egress-tutorial.7 'The policies of today, again:'
	[ -z "$output" ]
}

@test "that check of what a page shows would find another output, and parts in another order" {
	output='holds     nobody reaches the cloud'"'"'s metadata service (14 agents)
fails     only finance reaches the ledger'"'"'s database (10 agents)
    support/chat may reach 10.20.0.0:5432/tcp: policy support/chat-signature-policy, spec.egress[0]'
	is_shown egress-tutorial.7 'Does it hold today:'
	output=${output/fails/holds}
	run -1 is_shown egress-tutorial.7 'Does it hold today:'
	output='support/triage Verified scoped unconfined
AGENT VERDICT EGRESS CONFINED support/chat Verified allow-all - support/faq SignatureInvalid api-server unconfined'
	run -1 is_shown egress-tutorial.7 'Check the signatures, and list the agents of one namespace:'
	run -1 is_shown egress-tutorial.7 'The log as it would go on:'
	[[ $output == *'shows no output of: The log as it would go on:' ]]
}

@test "egress-security(7): the commands that end an agent's connections, never its node's" {
	cat >bin/kubectl <<-'END'
		#!/bin/sh
		[ "$*" = 'get pods -n finance -l app=billing -o json' ] || exit 1
		echo '{"items":[
		{"spec":{"nodeName":"one"},"status":{"podIPs":[{"ip":"10.0.0.7"},{"ip":"fd00::7"}]}},
		{"spec":{"nodeName":"two","hostNetwork":true},"status":{"podIPs":[{"ip":"192.0.2.2"}]}},
		{"spec":{"nodeName":"two"},"status":{}}]}'
	END
	run -0 example egress-security.7 "The commands that end the connections of an agent's pods, each with its node:"
	[ "$output" = "one: conntrack -D -s 10.0.0.7
one: conntrack -D -d 10.0.0.7
one: conntrack -D -f ipv6 -s fd00::7
one: conntrack -D -f ipv6 -d fd00::7" ]
}

@test "egress-security(7): a default-deny of the admin's, which widens no agent" {
	example egress-security.7 'No agent of a namespace reaches anything before it has a policy of its own:'
	[ "$(cat kubectl.told)" = 'apply -f -' ]
	grep -qx '  podSelector: {matchLabels: {kagenti.io/type: agent}}' kubectl.given
	grep -qx '  egress: \[\]' kubectl.given
	jq -nc '{type: "ADDED", object: {apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy",
		metadata: {namespace: "finance", name: "agents-default-deny", uid: "d", resourceVersion: "9"},
		spec: {podSelector: {matchLabels: {"kagenti.io/type": "agent"}}, policyTypes: ["Egress"], egress: []}}}' >>agents.ndjson
	verified
	egress-translate <verified.ndjson | jq -es 'map(select(.type == "AGENT")) | length > 10 and
		(any(.[]; any(.gaps[]?; .reason == "WidenedByPolicy")) | not)'
}

@test "egress-security(7): who shares a service account" {
	run -0 example egress-security.7 'Which workloads that cards name share a service account:'
	[ "$output" = 'research/summarizer: Deployment/summarizer Deployment/summarizer-v2' ]
}

@test "every program's and every pipeline's --help fits 80 columns, and ends in no comment of the source" {
	local program count=0
	for program in $(programs | sed "s|^|$BUILD/bin/|") $(find "$root/pipelines" -maxdepth 1 -type f -perm -u+x ! -name demo) \
		"$root/systemd/check-cluster"; do
		PATH=$BUILD/bin:$PATH "$program" --help >help # not the replaced programs
		[ -s help ]
		run -1 grep -nE '^.{81}' help
		run -1 grep -nE '^(-f:|#|set )' help
		count=$((count + 1))
	done
	[ "$count" -gt 20 ]
}

@test "make html: every page is there, and every link leads to a page and a place in it, or to Debian's" {
	local page link
	command -v mandoc >/dev/null || skip 'there is no mandoc: apt-get install mandoc'
	run -0 make --no-print-directory -C "$root" -o all BUILD="$PWD/web" html
	[ -z "$output" ]
	cd web/html
	for page in $(pages); do [ -s "${page##*/}.html" ]; done
	cmp index.html egress.7.html
	grep -ohE 'href="[^"]*"' ./*.html | sort -u >links
	grep -q 'egress-verify.1.html' links
	grep -q 'https://manpages.debian.org/bookworm/jq.1.en.html' links
	while IFS= read -r link; do
		link=${link#href=\"} link=${link%\"}
		case $link in
		https://manpages.debian.org/bookworm/egress*) echo "not ours: $link" && return 1 ;;
		https://manpages.debian.org/bookworm/*.en.html) ;;
		'#'*) ;; # below, page by page
		*) [ -s "${link%%#*}" ] || { echo "no page: $link" && return 1; } ;;
		esac
	done <links
	for page in ./*.html; do
		grep -oE 'href="#[^"]*"' "$page" | sed 's/^href="#//; s/"$//' | sort -u | while IFS= read -r link; do
			grep -qF "id=\"$link\"" "$page" || { echo "$page: nothing is at #$link" && exit 1; }
		done
	done
}
