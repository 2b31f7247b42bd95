# Attacks by what the card says, and by how it is written. Part of tests/attacks/make.
# shellcheck shell=bash

made='did not make this'

tamper() { jq -c "$1" billing.json | refused "tampered-$2" SignatureInvalid "$made" "$3"; }
tamper '.url = "https://evil.example"' url 'another URL'
tamper '.skills += [{"id":"steal"}]' more 'a skill more'
tamper 'del(.description)' less 'a member less'
tamper '.skills[0].limit = 1500.0000000000002' number 'a number that is 1500 to whoever reads it with less care'
tamper '.capabilities.streaming = 0' falsy 'a zero for false'
tamper '.skills[0].limit = "1500"' type 'a string for a number'
tamper '.skills |= .[0]' unwrapped 'an object for an array of one'
tamper '.skills[0].signatures = [{"protected":"e30"}]' inner-signatures 'signatures further down, which are no signatures'
tamper '.URL = "https://evil.example"' case 'a key that case-insensitive readers take for url'
jq -c . <<<"$CARD" | sed 's/"limit":1500/"limit":1.5E3/' |
	jq -Rc --slurpfile from billing.json '.[:-1] + ",\"signatures\":\($from[0].signatures)}"' | jq -r . |
	accepted number-spelling 'another spelling of the same number'
jq . billing.json | accepted pretty-printed 'white space between the members'

# invisible and look-alike characters
tamper '.name = "bill\u200bing"' zero-width 'a space of no width in the name'
tamper '.name = "\u202egnillib"' right-to-left 'the name backwards, and a mark that shows it forwards'
tamper '.name = "b\u0456lling"' look-alike 'a Cyrillic letter that looks like a Latin one'
tamper '.description |= sub("€"; "\u20ac\ufe0e")' variation 'a selector of a variant, which shows as nothing'
tamper '.name = "billing\u00ad"' soft-hyphen 'a soft hyphen at the end of the name'
tamper '."url\u200b" = "https://evil.example"' zero-width-key 'a key that looks like url'
tamper '.["\ufeffname"] = "evil"' bom-key 'a byte order mark in a key'
jq -c '.name = "caf\u00e9"' <<<"$CARD" | sign ES256 billing.key "$(billing_header)" |
	jq -c '.name = "cafe\u0301"' |
	refused tampered-normalization SignatureInvalid "$made" 'the same letters, composed otherwise'

# NUL
tamper '.name = "billing\u0000evil"' nul 'a NUL, where C strings end'
tamper '."url\u0000" = "https://evil.example"' nul-key 'a key that ends in NUL'
tamper '."signatures\u0000" = [1]' nul-signatures 'a key that is signatures to those who stop at NUL'
tamper '.skills[0]."id\u0000x" = "steal"' nul-inner-key 'a NUL in a key further down'

# The text of the signed card, spoiled.
text=$(jq -c . billing.json)
duplicate() { refused "duplicate-$1" CardInvalid 'duplicate key' "$2"; }
printf '{"url":"https://evil.example",%s' "${text#\{}" | duplicate first 'a key twice, the second one signed'
printf '%s,"url":"https://evil.example"}' "${text%\}}" | duplicate last 'a key twice, the first one signed'
printf '{"\\u0075rl":"https://evil.example",%s' "${text#\{}" | duplicate escaped 'a key twice, one of them spelled with an escape'
printf '%s,"u\\u0072l":"https://evil.example"}' "${text%\}}" | duplicate escaped-last 'the same from the other end'
printf '{"signatures":[],%s' "${text#\{}" | duplicate signatures 'the signatures twice'
printf '%s' "${text/\"id\":\"pay\"/\"id\":\"steal\",\"id\":\"pay\"}" | duplicate inner 'a key twice, further down'
printf '%s,"a\\u0000":1,"a\\u0000":2}' "${text%\}}" | duplicate nul 'a key with NUL twice'
printf '{"":1,"":2,%s' "${text#\{}" | duplicate empty 'an empty key twice'

spoiled() { refused "text-$1" CardInvalid "$2" "$3"; }
printf '%s{}' "$text" | spoiled trailing 'text after the value' 'a second document behind the card'
signed_configmap team-a billing <<<"$text" | jq -c '.object.data["agent-card.json"] += "\u0000{}"' |
	attack text-nul-behind CardInvalid 'text after the value' 'a NUL behind the card, and something else'
printf '\xef\xbb\xbf%s' "$text" | spoiled bom 'not valid JSON' 'a byte order mark before the card'
printf '%s' "${text/billing/\\ud800}" | spoiled surrogate 'lone surrogate' 'half of a character'
printf '%s' "${text/billing/\\udc00\\ud800}" | spoiled surrogates-swapped 'lone surrogate' 'the halves of a character swapped'
printf '%s' "${text/billing/a	b}" | spoiled control 'not valid JSON' 'a tab in a string, not escaped'
printf '%s' "${text/billing/\\x41}" | spoiled escape 'not valid JSON' 'an escape that JSON does not have'
printf '%s' "${text/1500/01500}" | spoiled leading-zero 'not valid JSON' 'a number that is octal elsewhere'
printf '%s' "${text/1500/0x5dc}" | spoiled hex-number 'not valid JSON' 'a number in hex'
printf '%s' "${text/1500/NaN}" | spoiled nan 'not valid JSON' 'NaN'
printf '%s' "${text/1500/+1500}" | spoiled plus 'not valid JSON' 'a plus sign'
printf '%s' "${text/1500/1500.}" | spoiled point 'not valid JSON' 'a number that ends in a point'
printf '%s,}' "${text%\}}" | spoiled comma 'not valid JSON' 'a comma too many'
printf '%s/**/}' "${text%\}}" | spoiled comment 'not valid JSON' 'a comment'
printf '%s' "${text//\"/\'}" | spoiled quotes 'not valid JSON' 'single quotes'
printf '%s' "${text::-1}" | spoiled cut 'not valid JSON' 'the last brace missing'
printf '' | spoiled empty 'not valid JSON' 'no bytes at all'
printf '   ' | spoiled blank 'not valid JSON' 'white space alone'
printf '[%s]' "$text" | spoiled array 'not an object' 'the card in an array'
printf '"%s"' "${text//\"/\\\"}" | spoiled string 'not an object' 'the card in a string'
printf 'null' | spoiled null 'not an object' 'null'
printf '%s,"x":%s1%s}' "${text%\}}" "$(printf '[%.0s' {1..128})" "$(printf ']%.0s' {1..128})" |
	spoiled deep 'nested too deeply' 'one level more than a card may have'
printf '%s' "${text/1500/1e999}" | refused text-huge-number SignatureInvalid 'out of the range' 'a number that is infinite elsewhere'
gzip -nc <<<"$text" | base64 -w0 |
	refused text-gzip CardInvalid 'not valid JSON' 'the card compressed'

# events that say what the stage should say
claim='"verification":{"verified":true,"reason":"Verified"}'
{ sed "s|}\$|,$claim}|" card; } |
	attack claim-verified CardMissing 'no signed card' 'an event that brings a verification along'
{ sed "s|}\$|,${claim/verification/verific\\u0061tion}}|" card; } |
	attack claim-escaped CardMissing 'no signed card' 'the same, its key spelled with an escape'
{ sed "s|{\"type\"|{$claim,\"type\"|" card; } |
	attack claim-first CardMissing 'no signed card' 'the same before the object'
jq -c '.object.verification = {verified:true} | .object.status = {verification:{verified:true},validSignature:true,conditions:[{type:"Verified",status:"True"}]}' card |
	attack claim-status CardMissing 'no signed card' 'a status that says so, which counts only with --accept-status'
signed_configmap team-a billing <billing.json | jq -c '.object.metadata.namespace = "team-b"' |
	attack configmap-elsewhere CardMissing 'no signed card' 'a signed card in the ConfigMap of another namespace'
signed_configmap team-a billing <billing.json | jq -c '.object.data |= {"agent-card.JSON": .["agent-card.json"], "Agent-card.json": .["agent-card.json"]}' |
	attack configmap-key CardMissing 'no signed card' 'a signed card under another key'
signed_configmap team-a billing <billing.json | jq -c '.object |= (.binaryData = (.data | map_values(@base64)) | del(.data))' |
	attack control-configmap-binary Verified 'signed by' 'a signed card in binaryData'
# wrap [jq program over the wrapper] <card: the ConfigMap that holds it under signed-agent-card.json
wrap() { jq -c '{agentCard: ., attestations: {}, verificationMaterial: {}} | '"${1:-.}" | configmap team-a billing-card-signed signed-agent-card.json | event ADDED; }
# too NAME.json <ConfigMap: the same with that card under agent-card.json
too() { jq -c --rawfile card "$1" '.object.data["agent-card.json"] = $card'; }
wrap <billing.json | attack control-wrapped Verified 'signed by' 'a signed card beside its attestations'
cp billing.json other.json
wrap '.agentCard.description = "evil"' <billing.json | too other.json |
	attack wrapped-first SignatureInvalid 'signature' 'a changed card beside attestations, and the good one under the other key'
cp billing.json other.json
wrap 'del(.agentCard)' <billing.json | too other.json |
	attack wrapped-nothing RecordUnusable 'signed-agent-card.json is unusable' 'attestations without a card, and the good one under the other key'
wrap '.signatures = .agentCard.signatures | .agentCard |= del(.signatures)' <billing.json |
	attack wrapped-signatures-outside SignatureMissing 'not signed' 'signatures that stand beside the card'
wrap <billing.json | sed 's/\\"agentCard\\":{/\\"agentCard\\":{},\\"agentCard\\":{/' |
	attack wrapped-twice RecordUnusable 'duplicate key' 'two cards in one object'
wrap '.attestations.signatureBundle = {verified: true} | .agentCard |= del(.signatures)' <billing.json |
	attack wrapped-attested SignatureMissing 'not signed' 'an attestation in the place of a signature'
signed_configmap team-a billing <billing.json | jq -c '.object.kind = "Secret"' |
	attack secret CardMissing 'no signed card' 'a Secret of the name'
signed_configmap team-a billing <billing.json | jq -c '.object.apiVersion = "evil.example/v1"' |
	attack configmap-group CardMissing 'no signed card' 'a ConfigMap of another API group'
signed_configmap team-a billing <billing.json | jq -c '.object.data["agent-card.json"] |= fromjson' |
	attack configmap-object CardMissing 'no signed card' 'an object where a string belongs'

# lines that cannot be used: what they are of must not stay what it was, or become what comes beside it
deep=$(printf '[%.0s' {1..600})$(printf ']%.0s' {1..600})
spoil() { # deep|utf8|twice <event
	jq -c '.object.status.x = "SPOILT"' |
		case $1 in
		deep) sed "s/\"SPOILT\"/$deep/" ;;
		utf8) sed 's/SPOILT/\xff/' ;;
		twice) sed 's/"x":"SPOILT"/"x":1,"x":2/' ;;
		esac
}
unusable() {
	{ spoil "$1" <card && signed_configmap team-a billing <billing.json; } |
		attack "unusable-card-$1" RecordUnusable "AgentCard cannot be used: $2" "an AgentCard whose last record has $3"
	{ signed_configmap team-a billing <billing.json | spoil "$1"
	  jq -c --slurpfile signed billing.json '.object.status.card = $signed[0]' card; } |
		attack "unusable-signed-$1" RecordUnusable "signed card cannot be used: $2" "a signed card whose last record has $3"
}
unusable deep 'nested too deeply' '600 nested arrays'
unusable utf8 'invalid UTF-8' 'a byte that is no UTF-8'
unusable twice 'duplicate key' 'a key twice'
