# Attacks by the bytes of the signature. Part of tests/attacks/make.
# shellcheck shell=bash

made='did not make this'

ec_key p384 P-384
ec_key p521 P-521
svid p384 root spiffe://example.org/ns/team-a/sa/billing-sa
svid p521 root spiffe://example.org/ns/team-a/sa/billing-sa
by p384 ES384 | accepted es384 'ES384 on P-384'
by p521 ES512 | accepted es512 'ES512 on P-521'
by billing ES256 der | accepted ecdsa-der 'an ECDSA signature in DER, as some signers leave it'

ecdsa() { by billing ES256 "$1" | refused "ecdsa-$1" SignatureInvalid "$made" "$2"; }
ecdsa r-zero 'r = 0'
ecdsa s-zero 's = 0'
ecdsa both-zero 'r = s = 0, which verified everything in a well-known implementation'
ecdsa r-order 'r = the order of the curve'
ecdsa s-order 's = the order of the curve'
ecdsa swapped 's before r'
ecdsa short 'each half a byte short'
ecdsa long 'each half a byte long'
ecdsa der-trailing 'a byte behind the DER'
ecdsa der-long-length 'a length in two bytes where one would do'
ecdsa der-indefinite 'BER of indefinite length'
ecdsa der-zeros 'r with zeros in front'
by p521 ES512 s-unreduced | refused ecdsa-s-unreduced SignatureInvalid "$made" 's + n, which is s to those who do not look'
by billing ES256 zero-der | refused ecdsa-both-zero-der SignatureInvalid "$made" 'r = s = 0 in DER'

rsa() { by rsa "${3:-RS256}" "$1" | refused "rsa-$1" SignatureInvalid "$made" "$2"; }
rsa leading-zero 'a zero byte in front'
rsa unreduced 's + n, which is s to those who do not look' PS256
rsa zero 'a signature of zeros'
rsa one 'a signature of one'
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out cube.key 2>/dev/null
svid cube root spiffe://example.org/ns/team-a/sa/billing-sa
by cube RS256 | accepted rsa-exponent-3 'RS256 by a key with exponent 3'
by cube RS256 cube-root |
	refused rsa-cube-root SignatureInvalid "$made" 'a cube root, without the private key: good to those who do not look behind the digest'

spelled() { by billing ES256 "base64-$1" |
	refused "signature-base64-$1" SignatureInvalid "$2" "$3"; }
spelled pad 'not base64url' 'padding'
spelled newline 'not a plain string' 'a newline at its end'
spelled space 'not base64url' 'a space at its end'
spelled nul 'not a plain string' 'a NUL at its end'
spelled stray 'not base64url' 'bits behind the last byte'
# not every signature has a character that the two alphabets spell differently
until by billing ES256 base64-standard >standard.tmp 2>/dev/null; do :; done
refused signature-base64-standard SignatureInvalid 'not base64url' 'the alphabet of plain base64' <standard.tmp

part() { jq -c "$1" billing.json | refused "$2" SignatureInvalid "$3" "$4"; }
part '.signatures[0].signature = ""' signature-empty 'signature is empty' 'a signature of no bytes'
part 'del(.signatures[0].signature)' signature-absent 'signature is missing' 'a header without a signature'
part '.signatures[0].signature = null' signature-null 'signature is missing' 'null for a signature'
part '.signatures[0].signature |= [.]' signature-array 'signature is missing' 'the signature in an array'
part '.signatures[0].signature |= .[:40]' signature-cut "$made" 'half of a signature'
part '.signatures[0].signature |= . * 30' signature-long 'signature is too long' 'a signature longer than any'
part '.signatures[0].signature |= (if .[20:21] == "A" then .[:20] + "B" + .[21:] else .[:20] + "A" + .[21:] end)' \
	signature-flipped "$made" 'a bit of the signature'
part '.signatures[0] |= [.protected, .signature]' signature-element-array 'it is not an object' 'an array for a signature'
part '.signatures[0] |= "\(.protected)..\(.signature)"' signature-compact 'it is not an object' 'the compact serialization'

# stripping
strip() { jq -c "$1" billing.json | refused "$2" "$3" "$4" "$5"; }
strip 'del(.signatures)' strip SignatureMissing 'not signed' 'the signatures taken away'
strip '.signatures = []' strip-empty SignatureMissing 'not signed' 'an empty array of signatures'
strip '.signatures = null' strip-null SignatureMissing 'not signed' 'null for the signatures'
strip '.signatures |= .[0]' strip-object CardInvalid 'not an array' 'an object for the signatures'
strip '.signatures = true' strip-true CardInvalid 'not an array' 'true for the signatures'
strip '.Signatures = .signatures | del(.signatures)' strip-case SignatureMissing 'not signed' 'Signatures, which case-insensitive readers take for signatures'
strip '.signature = .signatures[0] | del(.signatures)' strip-singular SignatureMissing 'not signed' 'a signature, but not where it belongs'
strip '{card:., signatures:[]}' strip-wrapped SignatureMissing 'not signed' 'a signed card inside an unsigned one'

# moving
search=$(jq -c '.name = "search" | .url = "https://search.example"' <<<"$CARD")
sign ES256 search.key "$(header ES256 search.crt)" <<<"$search" >search.json
sign ES256 billing.key "$(billing_header)" <<<"$search" >other.json
jq -c --slurpfile from search.json '.signatures = $from[0].signatures' billing.json |
	refused moved-from-search SignatureInvalid "$made" 'the signature of another agent'"'"'s card'
jq -c --slurpfile from other.json '.signatures = $from[0].signatures' billing.json |
	refused moved-from-own-card SignatureInvalid "$made" 'the signature of another card of its own'
jq -c --slurpfile from other.json '.signatures[0].signature = $from[0].signatures[0].signature' billing.json |
	refused moved-signature-alone SignatureInvalid "$made" 'the same, with the header left in its place'
jq -c --slurpfile from search.json '.signatures[0].protected = $from[0].signatures[0].protected' billing.json |
	refused moved-header-alone SignatureInvalid "$made" 'another agent'"'"'s header before its signature'
jq -c --slurpfile from search.json '.signatures += $from[0].signatures | .signatures |= reverse' other.json |
	jq -c --argjson card "$CARD" '$card + {signatures}' |
	refused moved-several SignatureInvalid 'signature 2: ' 'several signatures, none of them over this card'
jq -c '.signatures = [range(17) as $i | .signatures[0]]' billing.json |
	refused signatures-many CardInvalid 'more than 16' 'more signatures than anybody needs'
jq -c --slurpfile from search.json '.signatures |= $from[0].signatures + .' billing.json |
	accepted signatures-several 'one good signature behind a bad one'

# what a signature covers
jq -cS . billing.json | tr -d '\n' >with-signatures.tmp
printf '%s' "$(billing_header)" >header.tmp
"$BUILD/tools/forge" ES256 billing.key header.tmp with-signatures.tmp >signature.tmp
jq -c --slurpfile new signature.tmp '.signatures += $new | .signatures |= .[1:]' billing.json |
	refused covers-signatures SignatureInvalid "$made" 'a signature over the card with its signatures'
printf '%s' "$CARD" >raw.tmp
"$BUILD/tools/forge" ES256 billing.key header.tmp raw.tmp >signature.tmp
jq -c --slurpfile new signature.tmp '.signatures = $new' <<<"$CARD" |
	refused covers-raw-bytes SignatureInvalid "$made" 'a signature over a form that is not canonical'
printf '{}' >raw.tmp
"$BUILD/tools/forge" ES256 billing.key header.tmp raw.tmp >signature.tmp
jq -c --slurpfile new signature.tmp '.signatures = $new' <<<"$CARD" |
	refused covers-nothing SignatureInvalid "$made" 'a signature over an empty card'
jq -c '.extra = {"a":[null,""],"b":{}}' billing.json |
	accepted padded-with-empties 'members that the forms a2a and kagenti remove were added'
jq -c '.extra = {"a":[null,""],"b":{}}' billing.json |
	refused padded-with-empties SignatureInvalid "$made" 'members that are removed before signing were added' \
		--trust-domain example.org --canonical jcs
