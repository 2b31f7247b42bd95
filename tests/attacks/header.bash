# Attacks by the protected and the unprotected header. Part of tests/attacks/make.
# shellcheck shell=bash

accepted header-plain 'billing signs with its SVID' <billing.json
with "$(billing_header '.jku = "https://evil.example/keys" | .x5u = .jku | .jwk = {kty:"oct",k:"AAAA"} | .x5t = "AAAA"')" |
	accepted header-ignored 'headers that would name other keys are ignored: billing signed'

# algorithm confusion
alg() { with "$(billing_header ".alg = $1")" "${2:-ES256}" |
	refused "$3" AlgorithmNotAllowed "$4" "$5"; }
alg '"none"' none alg-none 'alg "none" is not allowed' 'no signature at all'
alg '"nOnE"' none alg-none-case 'alg "nOnE" is not allowed' 'none in letters that a careless comparison takes for another algorithm'
alg '""' ES256 alg-empty 'alg "" is not allowed' 'an empty algorithm'
alg '"es256"' ES256 alg-lower-case 'alg "es256" is not allowed' 'an algorithm in lower case'
alg '"ES256 "' ES256 alg-space 'alg "ES256 " is not allowed' 'a space behind the algorithm'
alg '"ES256\u0000"' ES256 alg-nul 'alg is not a string' 'a NUL behind the algorithm, where C strings end'
alg '["ES256"]' ES256 alg-array 'alg is not a string' 'the algorithm in an array'
alg '"\u001b[2J\u009b1m"' ES256 alg-terminal 'alg "?[2J?1m" is not allowed' 'what a terminal would act on'
alg null ES256 alg-null 'alg is not a string' 'a null for the algorithm'
alg '"RS1"' ES256 alg-rs1 'alg "RS1" is not allowed' 'SHA-1'
alg '"ES256K"' ES256 alg-es256k 'alg "ES256K" is not allowed' 'an algorithm of another registry'
with "$(billing_header 'del(.alg)')" | refused alg-missing AlgorithmNotAllowed 'has no alg' 'no algorithm'
with "$(billing_header 'del(.alg) | .Alg = "ES256"')" |
	refused alg-other-case AlgorithmNotAllowed 'has no alg' 'Alg, which case-insensitive readers take for alg'

# key confusion: the public key is the secret of an HMAC
openssl x509 -in billing.crt -noout -pubkey >public.pem
openssl pkey -pubin -in public.pem -outform DER -out public.der
openssl x509 -in billing.crt -outform DER -out certificate.der
for secret in public.pem public.der billing.crt certificate.der; do
	sign HS256 $secret "$(billing_header '.alg = "HS256"')" <<<"$CARD" |
		refused "hmac-${secret/./-}" AlgorithmNotAllowed 'alg "HS256" is not allowed' "an HMAC whose secret is $secret, which everybody has"
done

# the algorithm and the key do not go together
sign ES256 billing.key "$(billing_header '.alg = "RS256"')" <<<"$CARD" |
	refused alg-rsa-for-ec-key AlgorithmNotAllowed 'alg RS256 does not fit' 'RS256 with an EC key'
sign RS256 rsa.key "$(header ES256 rsa.crt)" <<<"$CARD" |
	refused alg-ec-for-rsa-key AlgorithmNotAllowed 'alg ES256 does not fit' 'ES256 with an RSA key'
sign ES384 billing.key "$(header ES384 billing.crt)" <<<"$CARD" |
	refused alg-es384-on-p256 AlgorithmNotAllowed 'ES384 needs a key on P-384' 'ES384 with a key on P-256'
sign PS256 rsa.key "$(header RS256 rsa.crt)" <<<"$CARD" |
	refused alg-rs256-is-pss SignatureInvalid 'did not make this RS256' 'a PSS signature that is called RS256'
sign RS256 rsa.key "$(header PS256 rsa.crt)" <<<"$CARD" |
	refused alg-ps256-is-pkcs1 SignatureInvalid 'did not make this PS256' 'a PKCS #1 signature that is called PS256'
sign RS512 rsa.key "$(header RS256 rsa.crt)" <<<"$CARD" |
	refused alg-other-digest SignatureInvalid 'did not make this RS256' 'a signature over another digest than the header says'
sign RS256 rsa.key "$(header RS256 rsa.crt)" <<<"$CARD" | accepted rs256 'RS256 by an RSA key'
sign PS384 rsa.key "$(header PS384 rsa.crt)" <<<"$CARD" | accepted ps384 'PS384 by an RSA key'

# somebody else's key, brought along
ec_key stranger
stranger=$(openssl pkey -in stranger.key -pubout -outform DER | tail -c 64 | basenc --base64url -w0)
jwk="{kty:\"EC\",crv:\"P-256\",x:\"${stranger:0:43}\",y:\"$(openssl pkey -in stranger.key -pubout -outform DER | tail -c 32 | basenc --base64url -w0 | tr -d =)\"}"
stranger() { sign ES256 stranger.key "$1" <<<"$CARD"; }
stranger "$(billing_header ".jwk = $jwk")" |
	refused jwk-beside-x5c SignatureInvalid 'did not make' 'its own key in jwk, billing'"'"'s certificate in x5c'
stranger "$(billing_header "del(.x5c) | .jwk = $jwk")" |
	refused jwk-alone ChainInvalid 'has no x5c' 'its own key in jwk, and no certificate'
stranger "$(billing_header 'del(.x5c) | .jku = "https://evil.example/keys.json"')" |
	refused jku ChainInvalid 'has no x5c' 'keys to be fetched from its own server'
stranger "$(billing_header 'del(.x5c) | .x5u = "https://evil.example/chain.pem"')" |
	refused x5u ChainInvalid 'has no x5c' 'a certificate to be fetched from its own server'
stranger "$(billing_header 'del(.x5c) | .kid = "../../../dev/null"')" |
	refused kid-path ChainInvalid 'has no x5c' 'a path for a key identifier'
stranger "$(billing_header '.')" |
	refused stranger-with-victims-certificate SignatureInvalid 'did not make' 'a signature by anybody beside billing'"'"'s public certificate'

# extensions
with "$(billing_header '.crit = ["exp"] | .exp = 4102444800')" |
	refused crit SignatureInvalid 'crit asks for an extension' 'an extension that must be understood'
with "$(billing_header '.crit = []')" |
	refused crit-empty SignatureInvalid 'crit asks for an extension' 'an empty crit, which is not allowed'
with "$(billing_header '.b64 = false | .crit = ["b64"]')" |
	refused b64-false-crit SignatureInvalid 'crit asks for an extension' 'a payload that is not encoded (RFC 7797)'
with "$(billing_header '.b64 = false')" |
	refused b64-false SignatureInvalid 'b64 is not true' 'the same, without saying that it matters'
with "$(billing_header '.b64 = "true"')" |
	refused b64-string SignatureInvalid 'b64 is not true' 'a string for a boolean'
with "$(billing_header '.kid = "k" * 300')" |
	refused kid-long SignatureInvalid 'kid is not a string of at most 256' 'a key identifier longer than any'
with "$(billing_header '.kid = "key-1\u0000evil"')" |
	refused kid-nul SignatureInvalid 'kid is not a string' 'a NUL in the key identifier'
with "$(billing_header '.typ = 1')" | refused typ-number SignatureInvalid 'typ is not a string' 'a number for the type'

# the unprotected header, which nobody signs
for member in 'alg = "none"' 'x5c = []' 'crit = ["b64"]' 'b64 = false'; do
	jq -c ".signatures[0].header.$member" billing.json |
		refused "unprotected-${member%% *}" SignatureInvalid "the unprotected header holds ${member%% *}" \
			"${member%% *} in the unprotected header"
done
stranger "$(billing_header 'del(.x5c)')" |
	jq -c --argjson x5c "$(x5c impostor.crt)" '.signatures[0].header.x5c = $x5c' |
	refused unprotected-x5c-alone SignatureInvalid 'the unprotected header holds x5c' 'the certificate only where nobody signs it'
jq -c '.signatures[0].header = {kid:"key-1"}' billing.json |
	refused unprotected-same SignatureInvalid 'stands in the protected and in the unprotected' 'a member in both headers, of the same value'
jq -c '.signatures[0].header = {other:1, typ:"JWT"}' billing.json |
	refused unprotected-other SignatureInvalid 'stands in the protected and in the unprotected' 'a member in both headers, of two values'
jq -c '.signatures[0].header = {other:1}' billing.json | sed 's/"other"/"\\u006bid"/' |
	refused unprotected-escaped SignatureInvalid 'stands in the protected and in the unprotected' 'the same, spelled with an escape'
jq -c '.signatures[0].header = {other:1}' billing.json | accepted unprotected-other 'a member that the protected header does not have'
jq -c '.signatures[0].header = "alg"' billing.json |
	refused unprotected-string SignatureInvalid 'unprotected header is not an object' 'a string for the unprotected header'

# headers that have two meanings
h=$(billing_header)
with "{\"alg\":\"none\",${h#\{}" |
	refused header-duplicate-alg SignatureInvalid 'duplicate key' 'two algorithms, of which readers take the first or the last'
with "{\"\\u0061lg\":\"none\",${h#\{}" |
	refused header-duplicate-escaped SignatureInvalid 'duplicate key' 'the same, one of them spelled with an escape'
with "{\"x5c\":$(x5c impostor.crt),${h#\{}" |
	refused header-duplicate-x5c SignatureInvalid 'duplicate key' 'two chains'
with "$h{}" | refused header-trailing SignatureInvalid 'text after the value' 'text behind the header'
with $'\xef\xbb\xbf'"$h" | refused header-bom SignatureInvalid 'header is not JSON' 'a byte order mark before the header'
with "${h%\}},\"x\":\"$(printf '\xc0\xaf')\"}" |
	refused header-overlong-utf8 SignatureInvalid 'invalid UTF-8' 'an overlong character in the header'
with "[$h]" | refused header-array SignatureInvalid 'header is not an object' 'the header in an array'
with "${h%\}},\"x\":$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})}" |
	refused header-deep SignatureInvalid 'nested too deeply' 'a header that is nested deeply'
with "${h%\}},\"x\":1,}" | refused header-comma SignatureInvalid 'header is not JSON' 'a comma too many'
with "${h%\}}//}" | refused header-comment SignatureInvalid 'header is not JSON' 'a comment in the header'
with '' | refused header-empty SignatureInvalid 'header is not JSON' 'an empty header'

# spellings of base64url; three lengths, so that one of them leaves bits over
for trick in newline space nul; do
	with "$h" ES256 header-$trick |
		refused "header-base64-$trick" SignatureInvalid 'protected' "a $trick in the encoded header"
done
for length in '' ' ' '  '; do
	trick=pad
	[ $((($(printf '%s%s' "$h" "$length" | wc -c)) % 3)) -ne 0 ] || continue
	with "$h$length" ES256 header-$trick |
		refused "header-base64-pad${#length}" SignatureInvalid 'not base64url' 'padding'
	with "$h$length" ES256 header-stray |
		refused "header-base64-stray${#length}" SignatureInvalid 'not base64url' 'bits behind the last byte'
done
with "${h%\}},\"x\":\"~~~~~~~~~~~~\"}" ES256 header-standard |
	refused header-base64-standard SignatureInvalid 'not base64url' 'the alphabet of plain base64'
jq -c --argjson h "$h" '.signatures[0].protected = $h' billing.json |
	refused header-not-encoded SignatureInvalid 'protected is missing' 'the header as an object'
jq -c 'del(.signatures[0].protected)' billing.json |
	refused header-missing SignatureInvalid 'protected is missing' 'no protected header'
jq -c '.signatures[0].protected = ""' billing.json |
	refused header-no-bytes SignatureInvalid 'header is not JSON' 'a header of no bytes'
