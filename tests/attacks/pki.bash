# Certificates whose dates are chosen, and whose every byte can be: what trust.bash makes by
# `openssl x509` is made by `openssl ca` here. Part of tests/attacks/make.
# shellcheck shell=bash

FROM=20260101000000Z
TO=21251231235959Z
touch index.txt
cat >ca.cnf <<'EOF'
[ca]
default_ca = any
[any]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = names
unique_subject = no
[names]
organizationName = optional
commonName = optional
EOF

# certify NAME SUBJECT EXTENSIONS OPTION...: NAME.crt for NAME.key.
certify() {
	local name=$1 subject=$2 extensions=$3
	shift 3
	printf '%s\n' "$extensions" >extensions.tmp
	openssl req -new -key "$name.key" -subj "$subject" -out request.tmp
	openssl ca -batch -notext -config ca.cnf -in request.tmp -startdate "$FROM" -enddate "$TO" \
		-extfile extensions.tmp -out "$name.crt" "$@" 2>ca.err || { cat ca.err >&2 && return 1; }
}

# ca NAME DOMAIN [COMMON-NAME] [BASIC-CONSTRAINTS]
ca() {
	[ -e "$1.key" ] || ec_key "$1"
	certify "$1" "/O=SPIRE/CN=${3:-$1}" "keyUsage=critical,keyCertSign,cRLSign
basicConstraints=${4:-critical,CA:TRUE}
subjectAltName=URI:spiffe://$2" -selfsign -keyfile "$1.key"
}

# issue NAME CA EXTENSIONS [OPTION...]
issue() {
	local name=$1 ca=$2 extensions=$3
	shift 3
	[ -e "$name.key" ] || ec_key "$name"
	certify "$name" "/O=SPIRE/CN=$name" "$extensions" -cert "$ca.crt" -keyfile "$ca.key" "$@"
}

# leaf NAME CA EXTENSIONS...: an SVID of billing's, of which some extensions are others, named
# as keyUsage, extendedKeyUsage, basicConstraints, subjectAltName.
leaf() {
	local name=$1 ca=$2 usual more kind
	shift 2
	more=$(printf '%s\n' "$@")
	usual="$SVID_USAGE
subjectAltName=URI:spiffe://example.org/ns/team-a/sa/billing-sa"
	# shellcheck disable=SC2013 # words, one a line
	for kind in $(sed -n 's/^\([A-Za-z]*\)=.*/\1/p' <<<"$more"); do
		usual=$(grep -v "^$kind=" <<<"$usual")
	done
	issue "$name" "$ca" "$usual
$(sed '/^authority/!{/=none$/d}' <<<"$more")"
}

# Bytes in hex, and DER around them: der TAG HEX...
hex() { printf '%s' "$1" | basenc --base16 -w0; }
der() {
	local tag=$1 content len
	shift
	content=$(printf '%s' "$@")
	len=$((${#content} / 2))
	if [ $len -lt 128 ]; then printf '%s%02X%s' "$tag" $len "$content"
	elif [ $len -lt 256 ]; then printf '%s81%02X%s' "$tag" $len "$content"
	else printf '%s82%04X%s' "$tag" $len "$content"; fi
}
# san HEX...: a subjectAltName with these URIs, byte for byte.
san() {
	local uris='' uri
	for uri in "$@"; do uris+=$(der 86 "$uri"); done
	printf 'subjectAltName=DER:%s' "$(der 30 "$uris")"
}

# hex_of CRT: its DER in hex; from_hex HEX: the base64 of these bytes.
hex_of() { openssl x509 -in "$1" -outform DER | basenc --base16 -w0; }
from_hex() { basenc -d --base16 <<<"$1" | base64 -w0; }
# tbs_of CRT: what its issuer signed, in hex; resign CA TBS: the base64 of the certificate
# that these bytes become when the CA signs them.
tbs_of() {
	local whole
	whole=$(hex_of "$1")
	printf '%s' "${whole:8:$((8 + 2 * 0x${whole:12:4}))}"
}
ECDSA_SHA256=300A06082A8648CE3D040302
resign() {
	local made
	made=$(basenc -d --base16 <<<"$2" | openssl dgst -sha256 -sign "$1.key" | basenc --base16 -w0)
	from_hex "$(der 30 "$2" $ECDSA_SHA256 "$(der 03 00 "$made")")"
}
# raw_header ALG BASE64...: a protected header with this x5c.
raw_header() {
	local alg=$1
	shift
	jq -nc --arg alg "$alg" '{alg:$alg, kid:"key-1", typ:"JOSE", x5c:$ARGS.positional}' --args "$@"
}
