# Attacks by a certificate alone: what a leaf must be, and how it is written. Part of
# tests/attacks/make.
# shellcheck shell=bash

own=spiffe://example.org/ns/team-a/sa/billing-sa
# of NAME TEXT DESCRIPTION EXTENSION...: signed with a leaf that has these.
of() {
	local name=$1 text=$2 what=$3
	shift 3
	leaf odd root "$@"
	by odd | refused "leaf-$name" ChainInvalid "$text" "$what"
}
of ca 'is a CA' 'a CA as a leaf' 'basicConstraints=critical,CA:TRUE'
of cert-sign 'keyCertSign' 'a leaf that may sign certificates' 'keyUsage=critical,digitalSignature,keyCertSign'
of crl-sign 'cRLSign' 'a leaf that may sign revocation lists' 'keyUsage=critical,digitalSignature,cRLSign'
of no-usage 'has no key usage' 'a leaf without key usage' 'keyUsage=none'
of no-signature 'lacks digitalSignature' 'a leaf whose key is for agreeing on keys' 'keyUsage=critical,keyAgreement'
of critical 'critical extension' 'a critical extension that nobody knows' '1.2.3.4=critical,DER:0500'
of constraints 'critical extension' 'name constraints on a leaf' 'nameConstraints=critical,permitted;URI:example.org'
of boolean 'malformed' 'a CA flag that is neither 0 nor 255' 'basicConstraints=critical,DER:3003010101'
of usage-long 'malformed' 'a key usage with bits over' 'keyUsage=critical,DER:03020880'
of names-behind 'malformed' 'bytes behind the list of names' \
	"subjectAltName=DER:$(der 30 "$(der 86 "$(hex $own)")")0500"
leaf odd root '1.2.3.4=DER:0500' && by odd | accepted leaf-extension 'an extension that nobody knows and that is not critical'
leaf odd root "$(san "$(hex $own)" | sed 's/=/=critical,/')" && by odd | accepted leaf-critical-name 'a subjectAltName that is critical'

# What openssl would not write: extensions that stand there under another name are given their
# own afterwards, and the CA signs the result.
# twice NAME OID HEX DESCRIPTION: a second extension of this kind.
twice() {
	leaf odd root "2.5.29.99=$3"
	sign ES256 odd.key "$(raw_header ES256 "$(resign root "$(tbs_of odd.crt | sed "s/0603551D63/0603551D$2/")")")" <<<"$CARD" |
		refused "leaf-two-$1" ChainInvalid 'twice' "$4"
}
twice constraints 13 critical,DER:30030101FF 'basic constraints twice, the second time as a CA'
twice usages 0F critical,DER:03020780 'key usage twice'
twice names 11 "DER:$(der 30 "$(der 86 "$(hex spiffe://example.org/ns/team-a/sa/search-sa)")")" \
	'two lists of names, of which readers take the first or the last'
twice key-ids 23 DER:3000 'two authority key identifiers'
# signed NAME REASON TEXT DESCRIPTION TBS: signed by the CA as it is.
signed() {
	sign ES256 billing.key "$(raw_header ES256 "$(resign root "$5")")" <<<"$CARD" |
		refused "leaf-$1" "$2" "$3" "$4"
}
tbs=$(tbs_of billing.crt)
sign ES256 billing.key "$(raw_header ES256 "$(resign root "$tbs")")" <<<"$CARD" |
	accepted leaf-signed-again 'the same certificate, signed once more'
signed version-1 ChainInvalid 'not of version 3' 'extensions in a certificate of version 1' "${tbs/A003020102/A003020100}"
signed version-4 ChainInvalid 'not of version 3' 'a version that does not exist' "${tbs/A003020102/A003020103}"
signed two-algorithms ChainInvalid 'two signature algorithms' 'another algorithm inside than outside' \
	"${tbs/$ECDSA_SHA256/${ECDSA_SHA256::-2}03}"
signed time-zone ChainInvalid 'validity is malformed' 'a time that is not in UTC' "${tbs/$(hex 21251231235959Z)/$(hex 2125123123+0100)}"
signed time-month ChainInvalid 'validity is malformed' 'a month that does not exist' "${tbs/$(hex 21251231235959Z)/$(hex 21251331235959Z)}"
signed time-letters ChainInvalid 'validity is malformed' 'letters in a time' "${tbs/$(hex 21251231235959Z)/$(hex 2125123123595OZ)}"
point=$(openssl pkey -in billing.key -pubout -outform DER | tail -c 64 | basenc --base16 -w0)
signed point-off-curve AlgorithmNotAllowed 'not on the curve' 'a point that is not on the curve' \
	"${tbs/$point/${point::-2}$(printf '%02X' $((0x${point: -2} ^ 1)))}"
signed point-infinity AlgorithmNotAllowed 'x5c[0]' 'the point at infinity' "${tbs/$point/$(printf '%0128d' 0)}"

# anchors and strangers as leaves
sign ES256 root.key "$(header ES256 root.crt)" <<<"$CARD" |
	refused leaf-anchor SpiffeIDInvalid 'names the trust domain itself' 'the anchor itself as the leaf'
rm -f self.key && ec_key self
certify self '/O=SPIRE/CN=self' "$SVID_USAGE
subjectAltName=URI:$own" -selfsign -keyfile self.key
by self | refused leaf-self-signed ChainInvalid 'self-signed' 'a leaf that nobody issued but itself'
certify self '/O=SPIRE/CN=root' "$SVID_USAGE
subjectAltName=URI:$own" -selfsign -keyfile self.key
by self | refused leaf-self-signed-as-root ChainInvalid 'x5c[0]' 'the same under the name of the anchor'
certify self '/O=SPIRE' '' -cert root.crt -keyfile root.key
by self | refused leaf-version-1 ChainInvalid 'not of version 3' 'a certificate without extensions'

# keys
weak() { # NAME ALG REASON TEXT DESCRIPTION, for weak.key
	svid weak root $own
	by weak "$2" | refused "key-$1" "$3" "$4" "$5"
}
rsa_key weak 1024
weak rsa-1024 RS256 AlgorithmNotAllowed 'shorter than 2048' 'an RSA key of 1024 bits'
ec_key weak secp256k1
weak secp256k1 ES256 AlgorithmNotAllowed 'none of P-256' 'a curve of the same size'
ec_key weak P-224
weak p224 ES256 AlgorithmNotAllowed 'none of P-256' 'a smaller curve'
openssl genpkey -algorithm ED25519 -out weak.key
svid weak root $own
sign EdDSA weak.key "$(header EdDSA weak.crt)" <<<"$CARD" |
	refused key-ed25519 AlgorithmNotAllowed 'alg "EdDSA" is not allowed' 'Ed25519'
sign EdDSA weak.key "$(header ES256 weak.crt)" <<<"$CARD" |
	refused key-ed25519-as-es256 AlgorithmNotAllowed 'x5c[0]' 'Ed25519 that is called ES256, its signature as long'
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out weak.key
weak explicit ES256 AlgorithmNotAllowed 'not a named curve' 'a curve of its own parameters'
ec_key compressed && openssl pkey -in compressed.key -ec_conv_form compressed -out weak.key
weak compressed ES256 AlgorithmNotAllowed 'uncompressed' 'a compressed point'
# A public key with exponent 1: everything is its own signature, and no private key is wanted.
modulus=$(openssl rsa -in rsa.key -noout -modulus 2>/dev/null | cut -d = -f 2)
printf 'asn1=SEQUENCE:spki\n[spki]\na=SEQUENCE:alg\nk=BITWRAP,SEQUENCE:key\n[alg]\no=OID:rsaEncryption\nn=NULL\n[key]\nn=INTEGER:0x%s\ne=INTEGER:1\n' "$modulus" >one.cnf
openssl asn1parse -genconf one.cnf -noout -out one.der
openssl pkey -pubin -inform DER -in one.der -out one.pem
printf '%s\nsubjectAltName=URI:%s\n' "$SVID_USAGE" "$own" >extensions.tmp
openssl req -new -key rsa.key -subj /O=SPIRE |
	openssl x509 -req -CA root.crt -CAkey root.key -days 36000 -force_pubkey one.pem -extfile extensions.tmp -out one.crt 2>/dev/null
sign RS256 rsa.key "$(header RS256 one.crt)" exponent-1 <<<"$CARD" |
	refused key-exponent-1 AlgorithmNotAllowed 'RSA exponent' 'an RSA exponent of 1' --trust-domain example.org --at 2050-01-01T00:00:00Z

# signatures of certificates
svid old-digest root $own -md sha1
by old-digest | refused certificate-sha1 ChainInvalid 'x5c[0]' 'a leaf that was issued with SHA-1'
rsa_key legacy
ca legacy example.org
for digest in sha256 sha1 md5; do
	svid old-digest legacy $own -md $digest
	{ bundle legacy.crt | bundle_configmap MODIFIED; by old-digest | signed_configmap team-a billing; } >$digest.tmp
done
attack control-certificate-rsa-ca Verified 'signed by' 'a leaf that an RSA CA issued with SHA-256' <sha256.tmp
attack certificate-rsa-sha1 ChainInvalid 'x5c[0]' 'a leaf that an RSA CA issued with SHA-1' <sha1.tmp
attack certificate-rsa-md5 ChainInvalid 'x5c[0]' 'a leaf that an RSA CA issued with MD5' <md5.tmp
rsa_key small 1024
issue small root 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign'
svid under-small small $own
sign ES256 under-small.key "$(header ES256 under-small.crt small.crt)" <<<"$CARD" |
	refused certificate-rsa-1024-ca ChainInvalid 'x5c[1]' 'an intermediate with a key of 1024 bits'

# patched NAME TEXT DESCRIPTION HEX: the leaf of billing with other bytes
patched() {
	sign ES256 billing.key "$(raw_header ES256 "$(from_hex "$4")")" <<<"$CARD" |
		refused "certificate-$1" ChainInvalid "$2" "$3"
}
whole=$(hex_of billing.crt)
sign ES256 billing.key "$(raw_header ES256 "$(from_hex "$whole")")" <<<"$CARD" | accepted certificate-whole 'the certificate, byte for byte'
patched trailing 'bytes behind its end' 'a byte behind the certificate' "${whole}00"
patched long-length 'not a certificate in DER' 'a length in three bytes where two would do' "308300${whole:4}"
patched indefinite 'not a certificate in DER' 'BER of indefinite length' "3080${whole:8}0000"
patched cut 'not a certificate in DER' 'the last byte missing' "${whole::-2}"
patched flipped 'not signed by its issuer' 'another last byte' "${whole::-2}$(printf '%02X' $((0x${whole: -2} ^ 1)))"
patched time 'not signed by its issuer' 'a later end than was signed' "${whole/$(hex 21251231235959Z)/$(hex 21261231235959Z)}"
patched name 'not signed by its issuer' 'another service account than was signed' \
	"${whole/$(hex billing-sa)/$(hex bi11ing-sa)}"
patched two-algorithms 'two signature algorithms' 'another algorithm outside than inside' \
	"${whole%"$ECDSA_SHA256"*}${ECDSA_SHA256::-2}03${whole##*"$ECDSA_SHA256"}"
patched empty 'not a certificate in DER' 'no bytes' ''
patched sequence 'not a certificate in DER' 'an empty sequence' 3000
patched pem 'not a certificate in DER' 'PEM inside of the base64' "$(basenc --base16 -w0 billing.crt)"
patched large 'larger than' 'a certificate larger than any' "$whole$(head -c 17000 /dev/zero | basenc --base16 -w0)"

# encoded NAME TEXT DESCRIPTION <the x5c as JSON
encoded() { with "$(billing_header ".x5c = $(cat)")" | refused "x5c-$1" ChainInvalid "$2" "$3"; }
der64=$(from_hex "$whole")
jq -nc --arg c "${der64//+/-}" '[$c | gsub("/"; "_")]' | encoded base64url 'not a string in base64' 'base64url, where plain base64 belongs'
jq -nc --arg c "${der64%%=*}" '[$c + "="*3]' | encoded padding 'not a string in base64' 'too much padding'
jq -nc --arg c "$der64" '[$c[:64] + "\n" + $c[64:]]' | encoded newline 'not a string in base64' 'a newline in the base64'
jq -nc --arg c "$der64" '[$c + " "]' | encoded space 'not a string in base64' 'a space behind the base64'
jq -nc --arg c "$der64" '[$c + "\u0000"]' | encoded nul 'not a string in base64' 'a NUL behind the base64'
jq -Rsc '[.]' billing.crt | encoded pem 'not a string in base64' 'PEM'
jq -nc --arg c "$der64" '$c' | encoded string 'not an array' 'a string for the array'
jq -nc --arg c "$der64" '{"0":$c}' | encoded object 'not an array' 'an object for the array'
echo '[]' | encoded empty 'not an array' 'no certificate'
echo null | encoded null 'x5c' 'null'
echo '[1]' | encoded number 'not a string in base64' 'a number for a certificate'
echo '[""]' | encoded no-bytes 'not a certificate in DER' 'an empty string for a certificate'
jq -nc --arg c "$der64" '[[$c]]' | encoded nested 'not a string in base64' 'an array in the array'
