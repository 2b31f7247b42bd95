# Attacks by who signed: SPIFFE IDs, trust domains, workloads, bundles. Part of tests/attacks/make.
# shellcheck shell=bash

own=spiffe://example.org/ns/team-a/sa/billing-sa

# another agent
by search | refused identity-other-agent IdentityMismatch 'sa/search-sa, but the workload is' 'billing'"'"'s card, signed by another agent'
refused identity-other-card IdentityMismatch 'sa/search-sa, but the workload is' 'another agent'"'"'s card and signature as they are' <search.json
{ workload Deployment team-a search search-sa | event ADDED
  agentcard team-a search | event ADDED
  signed_configmap team-a search <billing.json; } |
	attack identity-own-card-for-other IdentityMismatch 'but the workload is' 'billing'"'"'s signed card for the workload search'
workload Deployment team-a billing search-sa | event MODIFIED >moved.tmp
{ cat moved.tmp; signed_configmap team-a billing <billing.json; } |
	attack identity-account-changed IdentityMismatch 'but the workload is' 'a workload that runs as another service account than signed'
{ workload Deployment team-b billing billing-sa; agentcard team-b billing; } | event ADDED >team-b.tmp
{ cat team-b.tmp; signed_configmap team-b billing <billing.json; } |
	attack identity-other-namespace IdentityMismatch 'but the workload is spiffe://example.org/ns/team-b' 'the same names in another namespace'
{ jq -c '.object.spec.targetRef.name = "../team-a/billing"' team-b.tmp; signed_configmap team-b billing <billing.json; } |
	attack identity-target-path WorkloadMissing 'not a name' 'a path for the name of a workload'
{ workload Deployment team-a billing ../../team-a/sa/billing-sa | event MODIFIED; signed_configmap team-a billing <billing.json; } |
	attack identity-account-path WorkloadMissing 'is not known' 'a path for a service account'
{ workload Deployment team-a billing '' | event MODIFIED; signed_configmap team-a billing <billing.json; } |
	attack identity-account-default IdentityMismatch 'sa/default' 'a workload of the default service account'
{ jq -c '.type = "DELETED"' workload; signed_configmap team-a billing <billing.json; } |
	attack identity-workload-gone WorkloadMissing 'is not known' 'a workload that was deleted'
{ jq -c '.object.spec.targetRef.kind = "StatefulSet"' card; signed_configmap team-a billing <billing.json; } |
	attack identity-other-kind WorkloadMissing 'StatefulSet team-a/billing is not known' 'a workload of that name, but of another kind'
{ jq -c '.object.spec.targetRef.apiVersion = "evil.example/v1"' card; signed_configmap team-a billing <billing.json; } |
	attack identity-other-group WorkloadMissing 'is not one whose service account is known' 'a Deployment of another API group'

# id NAME REASON TEXT HEX DESCRIPTION: signed with an SVID whose URI is these bytes.
id() {
	leaf id root "$(san "$4")" && by id | refused "id-$1" "$2" "$3" "$5"
}
wrong() { id "$1" SpiffeIDInvalid "$2" "$3" "$4"; }
mismatch() { id "$1" IdentityMismatch 'but the workload is' "$(hex "$2")" "$3"; }
leaf id root "$(san "$(hex $own)")" && by id | accepted id-own 'its own SPIFFE ID'
mismatch longer $own/admin 'a segment more'
mismatch suffix ${own}-2 'a name that begins like its own'
mismatch prefix ${own%-sa} 'a name that its own begins with'
mismatch case spiffe://example.org/ns/team-a/sa/Billing-SA 'its name in other letters'
mismatch order spiffe://example.org/sa/billing-sa/ns/team-a 'the segments in another order'
wrong scheme-case "the leaf's URI SPIFFE://" "$(hex "SPIFFE://${own#*//}")" 'the scheme in upper case'
wrong scheme "the leaf's URI https://" "$(hex "https://${own#*//}")" 'another scheme'
wrong scheme-missing "the leaf's URI //example.org" "$(hex "//${own#*//}")" 'no scheme'
wrong domain-case "the leaf's URI spiffe://Example.org" "$(hex "${own/example/Example}")" 'the trust domain in upper case'
wrong domain-empty "the leaf's URI spiffe:///ns" "$(hex "${own/example.org/}")" 'no trust domain'
wrong port "the leaf's URI spiffe://example.org:443" "$(hex "${own/example.org/example.org:443}")" 'a port'
wrong user "the leaf's URI spiffe://example.org@" "$(hex "${own/example.org/example.org@evil.org}")" 'a user'
wrong query "the leaf's URI" "$(hex "$own?admin")" 'a query'
wrong fragment "the leaf's URI" "$(hex "$own#x")" 'a fragment'
wrong percent 'percent-encoding' "$(hex "${own/billing/%62illing}")" 'an encoded letter'
wrong percent-nul 'percent-encoding' "$(hex "$own%00")" 'an encoded NUL'
wrong slash-end "the leaf's URI" "$(hex "$own/")" 'a slash at its end'
wrong slashes "the leaf's URI" "$(hex "${own/\/sa/\/\/sa}")" 'an empty segment'
wrong dot "the leaf's URI" "$(hex "${own/\/sa/\/.\/sa}")" 'a dot segment'
wrong dots "the leaf's URI" "$(hex "${own/ns/ns/team-b/..}")" 'a segment that leads up'
wrong nul "the leaf's URI" "$(hex $own)00$(hex .evil.example)" 'a NUL behind its own ID, where C strings end'
wrong nul-domain "the leaf's URI" "$(hex spiffe://example.org)00$(hex /ns/team-a/sa/billing-sa)" 'a NUL behind the trust domain'
wrong newline "the leaf's URI" "$(hex $own)0A" 'a newline at its end'
wrong space "the leaf's URI" "$(hex "$own ")" 'a space at its end'
wrong backslash "the leaf's URI" "$(hex "${own/\/sa/\\sa}")" 'a backslash for a slash'
wrong zero-width "the leaf's URI" "$(hex "${own/billing/bill$'\u200b'ing}")" 'a space of no width'
wrong look-alike "the leaf's URI" "$(hex "${own/example/ex$'\u0430'mple}")" 'a Cyrillic letter in the trust domain'
wrong utf16 "the leaf's URI" "$(hex $own | sed 's/../00&/g')" 'two bytes a letter'
wrong no-path 'names the trust domain itself' "$(hex spiffe://example.org)" 'the trust domain itself'
wrong long "the leaf's URI" "$(hex "spiffe://example.org/$(printf 'a%.0s' {1..2040})")" 'more than 2048 bytes'
wrong domain-long "the leaf's URI" "$(hex "spiffe://$(printf 'a%.0s' {1..256})/ns/team-a/sa/billing-sa")" 'a trust domain of more than 255 bytes'
wrong empty "the leaf's URI" '' 'an empty URI'

names() {
	leaf names root "$3" && by names | refused "id-$1" SpiffeIDInvalid "$2" "$4"
}
names two '2 URIs' "$(san "$(hex $own)" "$(hex spiffe://example.org/ns/team-a/sa/search-sa)")" 'two SPIFFE IDs'
names twice '2 URIs' "$(san "$(hex $own)" "$(hex $own)")" 'its SPIFFE ID twice'
names other-uri '2 URIs' "$(san "$(hex $own)" "$(hex https://billing.example)")" 'another URI beside its SPIFFE ID'
names dns '0 URIs' 'subjectAltName=DNS:billing.example.org' 'a DNS name alone'
names email '0 URIs' 'subjectAltName=email:spiffe@example.org' 'an address alone'
names none '0 URIs' 'subjectAltName=none' 'no name'
names other-name '0 URIs' "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:$own" 'its SPIFFE ID as another kind of name'
names dns-with-uri '0 URIs' "subjectAltName=DER:$(der 30 "$(der 82 "$(hex $own)")")" 'its SPIFFE ID as a DNS name'
leaf names root 'subjectAltName=URI:spiffe://example.org/ns/team-a/sa/billing-sa,DNS:billing.example.org' &&
	by names | accepted id-and-dns 'a DNS name beside its SPIFFE ID'

# trust domains
federation=(--trust-domain example.org --trust-domain other.org
	--trust-bundle-configmap other.org=federation/other)
bundle other.crt | configmap federation other bundle.spiffe | event ADDED >federated
svid federated other spiffe://other.org/ns/team-a/sa/billing-sa
by federated >federated.json
jq -c '.object.spec.identityBinding.trustDomain = "other.org"' card >bound
{ cat federated bound; signed_configmap team-a billing <federated.json; } |
	attack control-federated Verified 'signed by spiffe://other.org/' 'a card that is bound to a federated trust domain' "${federation[@]}"
{ cat federated; signed_configmap team-a billing <federated.json; } |
	attack domain-not-bound TrustDomainMismatch 'of trust domain other.org, not of example.org' 'an SVID of a federated trust domain, and a card that is not bound to it' "${federation[@]}"
{ cat federated bound; signed_configmap team-a billing <billing.json; } |
	attack domain-bound-elsewhere TrustDomainMismatch 'of trust domain example.org, not of other.org' 'an SVID of the first trust domain, and a card that is bound to another' "${federation[@]}"
svid crossed other $own
{ cat federated; by crossed | signed_configmap team-a billing; } |
	attack domain-crossed ChainInvalid 'does not lead to an anchor' 'an SVID of this trust domain by the CA of a federated one' "${federation[@]}"
{ cat federated bound; by crossed | signed_configmap team-a billing; } |
	attack domain-crossed-bound TrustDomainMismatch 'of trust domain example.org' 'the same for a card that is bound to the other' "${federation[@]}"
jq -c '.object.spec.identityBinding.trustDomain = "evil.org"' card >evil-bound
ca evil-domain evil.org
svid evil-domain-agent evil-domain spiffe://evil.org/ns/team-a/sa/billing-sa
{ cat evil-bound; by evil-domain-agent | signed_configmap team-a billing; } |
	attack domain-not-configured TrustDomainMismatch 'not a configured trust domain' 'a card that is bound to a trust domain of its own making'
{ cat evil-bound; signed_configmap team-a billing <billing.json; } |
	attack domain-not-configured-own TrustDomainMismatch 'not a configured trust domain' 'the same, signed by the workload itself: a binding is never taken for another'
jq -c '.object.spec.identityBinding.trustDomain = "example.org\u0000other.org"' card >nul-bound
{ cat nul-bound; by evil-domain-agent | signed_configmap team-a billing; } |
	attack domain-nul TrustDomainMismatch 'not a configured trust domain' 'a NUL in the binding'
for binding in Example.ORG example.org. ' example.org' ''; do
	name=${binding/#\ */space}
	jq -c --arg d "$binding" '.object.spec.identityBinding.trustDomain = $d' card >spelled
	{ cat spelled; signed_configmap team-a billing <billing.json; } |
		attack "domain-bound-${name:-empty}" TrustDomainMismatch 'not a configured trust domain' 'another spelling of the trust domain in the binding'
done
# allowed NAME IDS DESCRIPTION: billing's own signature, and a card that allows these SPIFFE IDs
allowed() {
	jq -c --argjson ids "$2" '.object.spec.identityBinding.allowedSpiffeIDs = $ids' card >allowing
	{ cat allowing; signed_configmap team-a billing <billing.json; } |
		attack "$1" "${4:-IdentityMismatch}" "${5:-allowedSpiffeIDs}" "$3"
}
allowed allowed-none '[]' 'a list of allowed SPIFFE IDs that is empty'
allowed allowed-other '["spiffe://example.org/ns/team-a/sa/search-sa"]' 'a list that names another agent alone'
allowed allowed-pattern '["spiffe://example.org/*"]' 'a pattern in the list, which holds exact strings'
allowed allowed-string "\"$own\"" 'a string for the list'
allowed control-allowed "[\"$own\"]" 'a list that names its own SPIFFE ID' Verified 'signed by'
jq -c --arg id spiffe://example.org/ns/team-a/sa/search-sa '.object.spec.identityBinding.allowedSpiffeIDs = [$id]' card >allowing
{ cat allowing; signed_configmap team-a billing <search.json; } |
	attack allowed-beyond-workload IdentityMismatch 'but the workload is' 'another agent that the list names: the list does not replace whose card it is'
bind_domain=(--trust-domain example.org --bind trust-domain)
{ jq -c '.type = "DELETED"' workload; signed_configmap team-a billing <search.json; } |
	attack bind-domain-no-workload WorkloadMissing 'is not known' 'any SVID will do, but the workload is gone' "${bind_domain[@]}"
{ jq -c '.object.spec.targetRef.kind = "Pod"' card; signed_configmap team-a billing <search.json; } |
	attack bind-domain-unknown-kind WorkloadMissing 'is not one whose service account is known' 'any SVID will do, but the workload is of an unknown kind' "${bind_domain[@]}"
{ signed_configmap team-a billing <search.json; } |
	attack control-bind-domain Verified 'signed by' 'any SVID will do' "${bind_domain[@]}"
for domain in example.org.evil.net evil-example.org example.orgs ample.org org; do
	svid near root spiffe://$domain/ns/team-a/sa/billing-sa
	by near | refused "domain-$domain" TrustDomainMismatch "of trust domain $domain, not" "a trust domain that looks like this one"
done

# bundles
bundled() { { bundle_configmap MODIFIED; signed_configmap team-a billing <billing.json; } | attack "$@"; }
bundle other.crt | bundled bundle-other ChainInvalid 'does not lead to an anchor' 'the bundle of another trust domain'
bundle evil.crt | bundled bundle-same-name ChainInvalid 'does not lead to an anchor' 'a CA of the same name and another key'
jq -c '.type = "DELETED"' trust >trust-gone
{ cat trust-gone; signed_configmap team-a billing <billing.json; } |
	attack bundle-gone TrustBundleMissing 'no trust bundle' 'a bundle that was deleted'
# fresh NAME TEXT DESCRIPTION <a bundle: the first and only one.
fresh() { { cat trust-gone; bundle_configmap; signed_configmap team-a billing <billing.json; } |
	attack "bundle-$1" TrustBundleMissing 'no trust bundle' "$2"; }
bundle root.crt | jq -c '.keys[0].use = "jwt-svid"' | fresh jwt 'a key for JWTs'
bundle root.crt | jq -c 'del(.keys[0].use)' | fresh no-use 'a key without use'
bundle other.crt | jq -c --argjson x5c "$(x5c root.crt)" '.keys[0].x5c += $x5c' |
	bundled bundle-second-certificate ChainInvalid 'does not lead to an anchor' 'a CA that is the second certificate of a key, of which the first counts'
bundle root.crt | jq -c '.keys[0].x5c += .keys[0].x5c' | bundled control-bundle-two-certificates Verified 'signed by' 'two certificates in one key: the first counts'
bundle root.crt | jq -c '.keys[0].kty = "OKP"' | fresh kty 'a key of an unknown type'
bundle root.crt | jq -c 'del(.keys[0].kty)' | fresh no-kty 'a key without a type'
# ended NAME DESCRIPTION <what takes the place of a good bundle
ended() { bundled "bundle-$1" TrustBundleMissing 'no trust bundle' "$2"; }
echo '{"keys":[]}' | ended withdrawn 'a bundle whose last CA was withdrawn'
printf '' | ended emptied 'a bundle that was emptied'
bundle root.crt | jq -c '.keys[].use = "jwt-svid"' | ended left-with-jwt 'a bundle that is left with keys for JWTs'
bundle root.crt | jq -c '.keys[].use = "wit-svid"' | ended left-with-wit 'a bundle that is left with keys for WITs'
jq -nc --argjson b "$(bundle root.crt)" '{trust_domains:{"other.org":$b}}' | ended unnamed 'a Bundle Map that no longer names the trust domain'
bundle other.crt | jq -c '.keys += [{use:"x509-svid", kty:"AKP", x5c:["AAAA"]}, {use:"new"}, 7]' |
	bundled bundle-removal-beside-unknown ChainInvalid 'does not lead to an anchor' 'the removal of a CA beside entries of unknown kinds'
{ jq -c '.object.data = {other: .object.data["bundle.spiffe"]} | .type = "MODIFIED"' trust; signed_configmap team-a billing <billing.json; } |
	attack bundle-key-gone TrustBundleMissing 'has no key bundle.spiffe or bundle.crt; its keys: other' 'a bundle whose key was renamed'
issue pathed root "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
subjectAltName=URI:spiffe://example.org/ns/team-a/sa/ca"
bundle pathed.crt | ended anchor-with-path 'an anchor whose SPIFFE ID is a workload'"'"'s'
bundle root.crt | sed 's/{/{"keys":[],/' | fresh duplicate 'the keys twice'
bundle billing.crt | fresh leaf 'a leaf for an anchor'
{ cat root.key; cat root.crt; } | bundled control-bundle-private-key Verified 'signed by' 'a private key beside the certificate is ignored, and said'
cat root.key | fresh private-key 'a private key alone'
jq -nc --argjson b "$(bundle root.crt)" '{trust_domains:{"other.org":$b}}' | fresh not-named 'a document of other trust domains'
bundle root.crt | jq -c '.keys[0].x5c[0] |= "\n" + .' | fresh base64 'white space in the base64'
{ cat trust-gone; jq -c '.object.metadata.namespace = "team-a"' trust; signed_configmap team-a billing <billing.json; } |
	attack bundle-elsewhere TrustBundleMissing 'no trust bundle' 'a bundle in the ConfigMap of another namespace'
openssl x509 -in root.crt | { cat trust-gone; bundle_configmap; signed_configmap team-a billing <billing.json; } |
	attack control-bundle-pem Verified 'signed by' 'the bundle in PEM'
