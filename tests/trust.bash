# Certificates, signed cards and streams for tests of verification; load trust.bash.
# Keys and certificates are made on the spot, so that no fixture expires. Files are in the
# current directory: NAME.key and NAME.crt of a certificate.
# shellcheck shell=bash

# ec_key NAME [CURVE]; rsa_key NAME [BITS]
ec_key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" \
		-pkeyopt ec_param_enc:named_curve -out "$1.key" 2>/dev/null
}
rsa_key() {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:"${2:-2048}" -out "$1.key" 2>/dev/null
}

# ca NAME DOMAIN: a self-signed CA, as SPIRE makes them.
ca() {
	[ -e "$1.key" ] || ec_key "$1"
	openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "/O=SPIRE/CN=$1" \
		-addext "subjectAltName=URI:spiffe://$2" -addext keyUsage=critical,keyCertSign,cRLSign \
		-out "$1.crt" 2>/dev/null
}

# issue NAME CA EXTENSIONS [openssl x509 options]: a certificate for NAME.key (made if missing).
issue() {
	local name=$1 ca=$2 extensions=$3
	shift 3
	[ -e "$name.key" ] || ec_key "$name"
	openssl req -new -key "$name.key" -subj "/O=SPIRE" |
		openssl x509 -req -CA "$ca.crt" -CAkey "$ca.key" -sha256 -days 10 \
			-extfile <(printf '%s\n' "$extensions") -out "$name.crt" "$@" 2>/dev/null
}

SVID_USAGE='keyUsage=critical,digitalSignature,keyAgreement
extendedKeyUsage=serverAuth,clientAuth
basicConstraints=critical,CA:FALSE
authorityKeyIdentifier=keyid'

# svid NAME CA SPIFFE-ID [options]; subca NAME CA [MORE-EXTENSIONS]
svid() {
	local name=$1 ca=$2 id=$3
	shift 3
	issue "$name" "$ca" "$SVID_USAGE
subjectAltName=URI:$id" "$@"
}
subca() {
	issue "$1" "$2" "keyUsage=critical,keyCertSign,cRLSign
basicConstraints=critical,CA:TRUE
subjectKeyIdentifier=hash
${3:-}"
}

# x5c CRT...: the header's member, of these files.
x5c() {
	local file
	for file in "$@"; do openssl x509 -in "$file" -outform DER | base64 -w0; echo; done |
		jq -Rnc '[inputs]'
}

# header ALG CRT... [jq program over it]
header() {
	local alg=$1
	shift
	jq -nc --arg alg "$alg" --argjson x5c "$(x5c "$@")" '{alg:$alg, kid:"key-1", typ:"JOSE", x5c:$x5c}'
}

# sign ALG KEY HEADER [TRICK] <card: the card with one signature more. jq -cS writes the
# canonical form here: cards of these tests have no numbers or strings that it spells otherwise.
sign() {
	local alg=$1 key=$2 head=$3 trick=${4:-}
	local card
	card=$(cat)
	jq -cSj 'del(.signatures)' <<<"$card" >payload.tmp
	printf '%s' "$head" >header.tmp
	"$BUILD/tools/forge" "$alg" "$key" header.tmp payload.tmp ${trick:+"$trick"} >signature.tmp
	jq -c --slurpfile new signature.tmp '.signatures += $new' <<<"$card"
}

# bundle CRT...: a SPIFFE bundle.
bundle() {
	jq -nc --argjson x5c "$(x5c "$@")" \
		'{keys: [$x5c[] | {use:"x509-svid", kty:"EC", x5c:[.]}], spiffe_sequence:1}'
}

# Events. configmap NS NAME KEY <text; agentcard NS NAME [jq program over the object];
# workload KIND NS NAME [SERVICE-ACCOUNT]; event TYPE <object; mark begin|end API KIND
event() { jq -c --arg type "$1" '{type:$type, object:.}'; }
configmap() {
	jq -Rsc --arg ns "$1" --arg name "$2" --arg key "$3" \
		'{apiVersion:"v1", kind:"ConfigMap", metadata:{namespace:$ns, name:$name}, data:{($key):.}}'
}
signed_configmap() { configmap "$1" "$2-card-signed" agent-card.json | event "${3:-ADDED}"; }
bundle_configmap() { configmap spire-system spire-bundle bundle.spiffe | event "${1:-ADDED}"; }
agentcard() {
	jq -nc --arg ns "$1" --arg name "$2" \
		'{apiVersion:"agent.kagenti.dev/v1alpha1", kind:"AgentCard",
		  metadata:{namespace:$ns, name:($name + "-card"), uid:("uid-" + $name), resourceVersion:"1"},
		  spec:{targetRef:{apiVersion:"apps/v1", kind:"Deployment", name:$name}}} | '"${3:-.}"
}
workload() {
	local api=apps/v1 template=template
	[ "$1" != Sandbox ] || api=agents.x-k8s.io/v1alpha1 template=podTemplate
	jq -nc --arg api $api --arg kind "$1" --arg ns "$2" --arg name "$3" --arg sa "${4:-}" --arg t $template \
		'{apiVersion:$api, kind:$kind, metadata:{namespace:$ns, name:$name},
		  spec:{($t):{metadata:{labels:{app:$name}},spec:(if $sa == "" then {} else {serviceAccountName:$sa} end)}}}'
}
mark() {
	local annotation=k8s.io/initial-events-end
	[ "$1" != begin ] || annotation=agent-egress.dev/initial-events-begin
	jq -nc --arg a "$annotation" --arg api "$2" --arg kind "$3" \
		'{type:"BOOKMARK", object:{apiVersion:$api, kind:$kind, metadata:{resourceVersion:"9", annotations:{($a):"true"}}}}'
}

# verdicts <stream: "TYPE namespace/name reason" for each AgentCard in it.
verdicts() {
	jq -r 'select(.verification) | "\(.type) \(.object.metadata.namespace)/\(.object.metadata.name) \(.verification.reason)"'
}
