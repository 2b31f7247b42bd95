# shellcheck shell=bash
# The agents of the sample log, as manifests for kubectl; record-sample sources this. Keys and
# certificates are made in the current directory, as NAME.key and NAME.crt.

# The CustomResourceDefinition accepts everything: one of the agents asks for what the
# project's own definition would refuse.
sample_definition() {
	cat <<-END
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: agentcards.agent.kagenti.dev}
		spec:
		  group: agent.kagenti.dev
		  scope: Namespaced
		  names: {plural: agentcards, singular: agentcard, kind: AgentCard}
		  versions:
		  - name: v1alpha1
		    served: true
		    storage: true
		    subresources: {status: {}}
		    schema:
		      openAPIV3Schema:
		        type: object
		        properties:
		          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
		          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
	END
}

# certificate NAME ISSUER SUBJECT START END EXTENSIONS: of NAME.key. An ISSUER that is NAME signs
# itself. `openssl ca` because `openssl x509` cannot choose when a certificate begins.
certificate() {
	local self=()
	[ "$1" != "$2" ] || self=(-selfsign)
	: >index.txt
	cat >ca.cnf <<-END
		[ca]
		default_ca = sample
		[sample]
		database = index.txt
		new_certs_dir = .
		rand_serial = yes
		default_md = sha256
		unique_subject = no
		policy = any
		[any]
		organizationName = optional
		commonName = optional
	END
	openssl req -new -key "$1.key" -subj "$3" -out "$1.csr"
	openssl ca -batch -config ca.cnf -notext -in "$1.csr" -cert "$2.crt" -keyfile "$2.key" "${self[@]}" \
		-startdate "$4" -enddate "$5" -extfile <(printf '%s\n' "$6") -out "$1.crt" 2>openssl.log ||
		{ cat openssl.log >&2 && return 1; }
}

# when TIME: as certificates have it.
when() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

ec_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" -out "$1.key"; }
rsa_key() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" 2>openssl.log; }

authority() { # NAME ISSUER END
	ec_key "$1"
	certificate "$1" "$2" "/O=SPIRE/CN=$1" "$(when '-2 hours')" "$(when "$3")" \
		'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
subjectAltName=URI:spiffe://example.org'
}

# The CA outlives the log's readers. `other` claims the same trust domain and is in no bundle.
sample_authorities() {
	authority root root '30 years'
	authority upstream root '1 day'
	authority other other '30 years'
}

# svid NAME ISSUER NAMESPACE SERVICE-ACCOUNT: one that was issued for an hour, an hour ago.
svid() {
	[ -e "$1.key" ] || ec_key "$1"
	certificate "$1" "$2" /O=SPIRE "$(when '-61 minutes')" "$(when '-1 minute')" \
		"keyUsage=critical,digitalSignature,keyAgreement
extendedKeyUsage=serverAuth,clientAuth
basicConstraints=critical,CA:FALSE
authorityKeyIdentifier=keyid
subjectKeyIdentifier=hash
subjectAltName=URI:spiffe://example.org/ns/$3/sa/$4"
	cat "$1.crt" >"$1.chain"
	[ "$2" = root ] || cat "$2.crt" >>"$1.chain"
}

# coordinate BYTES: one of the root key's point, which is the end of its public key.
coordinate() {
	openssl pkey -in root.key -pubout -outform DER | tail -c "$1" | head -c 32 |
		basenc --base64url -w0 | tr -d =
}

trust_bundle() {
	jq -n --arg x5c "$(openssl x509 -in root.crt -outform DER | base64 -w0)" \
		--arg x "$(coordinate 64)" --arg y "$(coordinate 32)" '
		{keys: [{use: "x509-svid", kty: "EC", crv: "P-256", x: $x, y: $y, x5c: [$x5c]}],
		 spiffe_sequence: 1, spiffe_refresh_hint: 300}' |
		jq -Rs '{apiVersion: "v1", kind: "ConfigMap", metadata: {name: "spire-bundle", namespace: "spire-system"},
			data: {"bundle.spiffe": .}}'
}

namespace() {
	jq -n --arg name "$1" '{apiVersion: "v1", kind: "Namespace", metadata: {name: $name}}'
}

# workload KIND NAMESPACE NAME [SERVICE-ACCOUNT]: with an environment, as most have, that must not
# be in a log.
workload() {
	jq -n --arg kind "$1" --arg namespace "$2" --arg name "$3" --arg sa "${4:-$3}" '
		{app: $name, "kagenti.io/type": "agent"} as $labels
		| {apiVersion: "apps/v1", kind: $kind,
		   metadata: {name: $name, namespace: $namespace, labels: ($labels + {"kagenti.io/framework": "LangGraph"})},
		   spec: ({replicas: 1, selector: {matchLabels: {app: $name}},
		     template: {metadata: {labels: $labels},
		       spec: {serviceAccountName: $sa,
		         containers: [{name: "agent", image: "registry.example/\($name):1.4.2",
		           env: [{name: "API_KEY", value: "not-for-logs"}]}]}}}
		     + if $kind == "StatefulSet" then {serviceName: $name} else {} end)}'
}

# agentcard NAMESPACE NAME KIND/WORKLOAD [EGRESS]: EGRESS is JSON; without it nothing is set.
agentcard() {
	jq -n --arg namespace "$1" --arg name "$2" --arg on "$3" --argjson egress "${4:-null}" '
		{apiVersion: "agent.kagenti.dev/v1alpha1", kind: "AgentCard",
		 metadata: {name: $name, namespace: $namespace},
		 spec: ({syncPeriod: "30s",
		   targetRef: {apiVersion: "apps/v1", kind: ($on | split("/")[0]), name: ($on | split("/")[1])}}
		   + if $egress == null then {} else {networkPolicy: {egress: $egress}} end)}'
}

# document NAMESPACE NAME SKILL: the A2A card that the agent serves.
document() {
	jq -n --arg namespace "$1" --arg name "$2" --arg skill "$3" '
		{protocolVersion: "0.3.0", name: $name, description: "Can \($skill).", version: "1.4.2",
		 url: "http://\($name).\($namespace).svc.cluster.local:8000/",
		 capabilities: {streaming: true, pushNotifications: false},
		 defaultInputModes: ["text/plain"], defaultOutputModes: ["text/plain"],
		 skills: [{id: ($skill | gsub(" "; "-")), name: $skill, description: "Can \($skill).", tags: [], examples: []}]}'
}

# signed NAMESPACE WORKLOAD SKILL [SVID [egress-sign's options]]: the ConfigMap.
signed() {
	local namespace=$1 name=$2 skill=$3 svid=${4:-$2}
	shift $(($# < 4 ? 3 : 4))
	[ -e "$svid.crt" ] || svid "$svid" root "$namespace" "$svid"
	document "$namespace" "$name" "$skill" |
		egress-sign --key "$svid.key" --chain "$svid.chain" --configmap "$namespace/$name" "$@"
}

unsigned() { # NAMESPACE WORKLOAD SKILL
	document "$@" | jq -s --arg namespace "$1" --arg name "$2-card-signed" '
		{apiVersion: "v1", kind: "ConfigMap", metadata: {name: $name, namespace: $namespace},
		 data: {"agent-card.json": (.[0] | tojson)}}'
}

# altered JQ: a ConfigMap whose card was changed after it was signed.
altered() { jq '.data["agent-card.json"] |= (fromjson | '"$1"' | tojson)'; }

DNS='{"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}},
	"podSelector":{"matchLabels":{"k8s-app":"kube-dns"}}}],
	"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}'

sample_agents() {
	namespace spire-system
	trust_bundle
	sample_finance
	sample_support
	sample_research
	# a second card for a workload that has one
	agentcard finance reports-too Deployment/reports '[{}]'
}

sample_finance() {
	namespace finance
	workload Deployment finance billing
	signed finance billing 'send invoices'
	agentcard finance billing Deployment/billing "[$DNS,
		{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.0/24\",\"except\":[\"203.0.113.64/26\"]}}],
		 \"ports\":[{\"port\":443},{\"port\":8400,\"endPort\":8410}]}]"

	workload StatefulSet finance ledger
	ec_key ledger P-384
	signed finance ledger 'keep the books' ledger --canonical jcs
	agentcard finance ledger StatefulSet/ledger '[]'

	# shows the card of billing's making
	workload Deployment finance payments
	signed finance payments 'pay invoices' billing
	agentcard finance payments Deployment/payments '[{}]'

	workload Deployment finance reports
	signed finance reports 'write reports'
	agentcard finance reports Deployment/reports \
		"[$DNS,{\"to\":[{\"ipBlock\":{\"cidr\":\"198.51.100.0/24\"}}],\"ports\":[{\"port\":443}]}]"
}

sample_support() {
	namespace support
	workload Deployment support chat
	rsa_key chat
	signed support chat 'talk to customers'
	agentcard support chat Deployment/chat

	workload Deployment support triage
	svid triage upstream support triage
	signed support triage 'sort tickets' triage --canonical a2a
	agentcard support triage Deployment/triage "[$DNS,
		{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"tickets\"}}},
		         {\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"finance\"}},
		          \"podSelector\":{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"billing\",\"ledger\"]}]}}],
		 \"ports\":[{\"port\":8080}]}]"

	workload Deployment support mailer
	unsigned support mailer 'send mail'
	agentcard support mailer Deployment/mailer '[{}]'

	workload Deployment support notes
	signed support notes 'take notes' | altered '.url = "http://notes.elsewhere.example/"'
	agentcard support notes Deployment/notes

	# its init container has not run
	workload Deployment support scheduler
	agentcard support scheduler Deployment/scheduler

	workload Deployment support faq
	sample_faq | tee faq.json
	agentcard support faq Deployment/faq
}

sample_faq() { signed support faq 'answer questions'; }
sample_faq_altered() { altered '.skills[0].id = "wire-money"' <faq.json; }

sample_research() {
	namespace research
	workload Deployment research crawler
	signed research crawler 'read the web'
	agentcard research crawler Deployment/crawler \
		'[{"ports":[{"port":443}]},{"to":[{"ipBlock":{"cidr":"198.51.100.7/24"}}],"ports":[{"port":9000,"endPort":8000}]}]'

	workload Deployment research indexer
	signed research indexer 'search documents'
	agentcard research indexer Deployment/indexer '[{"ports":[{"port":443}]}]'

	workload Deployment research archivist
	signed research archivist 'keep papers'
	agentcard research archivist Deployment/archivist

	# moves to summarizer-v2
	workload Deployment research summarizer
	workload Deployment research summarizer-v2 summarizer
	signed research summarizer 'summarize papers'
	signed research summarizer-v2 'summarize papers' summarizer
	agentcard research summarizer Deployment/summarizer \
		"[$DNS,{\"to\":[{\"podSelector\":{\"matchLabels\":{\"app\":\"indexer\"}}}],\"ports\":[{\"port\":\"http\"}]}]"

	workload Deployment research scout
	svid scout other research scout
	signed research scout 'find papers'
	agentcard research scout Deployment/scout
}
