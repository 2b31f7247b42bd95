# Attacks by the chain. Part of tests/attacks/make.
# shellcheck shell=bash

own=spiffe://example.org/ns/team-a/sa/billing-sa
# chained NAME CRT...: the usual card by NAME.key, with this x5c.
chained() {
	local name=$1
	shift
	sign ES256 "$name.key" "$(header ES256 "$@")" <<<"$CARD"
}
bad() { refused "chain-$1" ChainInvalid "$2" "$3"; }

subca middle root
subca below middle
svid deep middle $own
svid deeper below $own
chained deep deep.crt middle.crt | accepted chain-intermediate 'an intermediate CA'
chained deep deep.crt middle.crt root.crt | accepted chain-with-root 'the anchor itself at the end of the chain'
chained deeper deeper.crt below.crt middle.crt | accepted chain-two 'two intermediate CAs'

# order and number
chained deep deep.crt | bad cut 'does not lead to an anchor' 'the intermediate left out'
chained deeper deeper.crt below.crt | bad cut-above 'does not lead to an anchor' 'the upper intermediate left out'
chained deeper deeper.crt middle.crt below.crt | bad order 'x5c is out of order' 'the intermediates in the wrong order'
chained deep deep.crt root.crt middle.crt | bad order-root 'x5c is out of order' 'the root before the intermediate'
chained deep middle.crt deep.crt | refused chain-reversed SpiffeIDInvalid '0 URIs' 'the leaf last'
chained billing billing.crt search.crt | bad second-leaf 'x5c is out of order' 'another leaf behind the leaf'
chained billing billing.crt billing.crt | bad twice 'x5c is out of order' 'the leaf twice'
chained deeper deeper.crt below.crt middle.crt root.crt | bad long 'more than 3' 'more certificates than a chain may have'
chained billing search.crt billing.crt | bad leaf-behind 'x5c is out of order' 'the signer second, behind somebody else'

# who may issue
chained impostor impostor.crt | bad same-name 'does not lead to an anchor' 'a CA of the same name as the anchor'
chained impostor impostor.crt evil.crt | bad same-name-with-ca 'x5c[1]' 'the same, and that CA in the chain'
chained impostor impostor.crt root.crt | bad same-name-with-root 'another authority key' 'the same, and the anchor in the chain'
key_id=$(openssl x509 -in root.crt -noout -ext subjectKeyIdentifier | sed -n '2{s/[ :]//g;p}')
for claim in none "DER:$(der 30 "$(der 80 "$key_id")")"; do
	leaf claimant evil "authorityKeyIdentifier=$claim"
	chained claimant claimant.crt | bad "same-name-${claim%%:*}" 'not signed by its issuer' \
		"the same, with ${claim/DER*/the anchor\'s} key identifier"
	chained claimant claimant.crt root.crt | bad "same-name-with-root-${claim%%:*}" 'not signed by its issuer' \
		"the same, and the anchor in the chain"
done
svid by-leaf billing $own
chained by-leaf by-leaf.crt billing.crt | bad issued-by-leaf 'x5c[1] is not a CA' 'issued by an SVID'
chained by-leaf by-leaf.crt billing.crt root.crt | bad issued-by-leaf-with-root 'x5c[1] is not a CA' 'the same, with the anchor'
svid victim root spiffe://example.org/ns/team-a/sa/victim
svid by-search search $own
chained by-search by-search.crt search.crt | bad issued-by-other-agent 'x5c[1] is not a CA' 'issued by another agent'"'"'s SVID'
issuer() { # NAME EXTENSIONS TEXT DESCRIPTION
	rm -f issuer.key
	issue issuer root "$2"
	svid issued issuer $own
	chained issued issued.crt issuer.crt | bad "$1" "$3" "$4"
}
issuer ca-without-usage 'basicConstraints=critical,CA:TRUE' 'keyCertSign' 'an intermediate without key usage'
issuer ca-other-usage 'basicConstraints=critical,CA:TRUE
keyUsage=critical,digitalSignature,cRLSign' 'keyCertSign' 'an intermediate whose key usage is for other things'
issuer ca-false 'basicConstraints=critical,CA:FALSE
keyUsage=critical,keyCertSign' 'not a CA' 'an intermediate that says it is no CA'
issuer ca-unsaid 'keyUsage=critical,keyCertSign' 'not a CA' 'an intermediate that does not say it is a CA'
issuer ca-critical 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
1.2.3.4=critical,DER:0500' 'x5c[1]' 'an intermediate with a critical extension that nobody knows'
issuer ca-other-domain 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectAltName=URI:spiffe://other.org' 'another trust domain than the leaf' 'an intermediate of another trust domain below the same root'
issuer ca-two-domains 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectAltName=URI:spiffe://other.org,URI:spiffe://example.org' 'several URIs' 'an intermediate of two trust domains'
issuer ca-path 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectAltName=URI:spiffe://example.org/ns/team-a/sa/ca' 'SPIFFE ID has a path' 'an intermediate whose SPIFFE ID is a workload'"'"'s'
for policy in policyConstraints=critical,requireExplicitPolicy:0 policyMappings=critical,1.2.3:1.2.4 inhibitAnyPolicy=critical,0; do
	issuer "ca-${policy%%=*}" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
$policy" 'critical policy extension' "an intermediate with a critical ${policy%%=*}, which nobody evaluates"
done
issuer ca-domain-case 'basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectAltName=URI:SPIFFE://other.org' 'another trust domain than the leaf' 'an intermediate of another trust domain, its scheme in upper case'

# path lengths
issue short root 'basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign'
subca too-low short
svid in-reach short $own
svid out-of-reach too-low $own
chained in-reach in-reach.crt short.crt | accepted chain-path-length 'an intermediate that may issue leaves'
chained out-of-reach out-of-reach.crt too-low.crt short.crt |
	bad path-length 'path length' 'a CA below one that may issue only leaves'
ca strict example.org strict critical,CA:TRUE,pathlen:0
subca below-strict strict
svid deep-strict below-strict $own
bundle strict.crt | bundle_configmap MODIFIED >strict-trust
{ cat strict-trust; chained deep-strict deep-strict.crt below-strict.crt | signed_configmap team-a billing; } |
	attack chain-path-length-of-anchor ChainInvalid 'path length' 'a CA below an anchor that may issue only leaves'
{ cat strict-trust; chained deep-strict deep-strict.crt below-strict.crt strict.crt | signed_configmap team-a billing; } |
	attack chain-path-length-with-anchor ChainInvalid 'path length' 'the same, with the anchor in the chain'

# name constraints
constrained() { # NAME CONSTRAINT
	rm -f constrained.key
	subca constrained root "nameConstraints=critical,$1"
	svid named constrained $own
	chained named named.crt constrained.crt
}
constrained 'permitted;URI:example.org' | accepted chain-permitted 'a CA for names of this trust domain'
constrained 'permitted;URI:other.org' | bad not-permitted 'permitted subtree' 'a CA for names of another trust domain only'
constrained 'excluded;URI:example.org' | bad excluded 'excluded subtree' 'a CA for any but names of this trust domain'
constrained 'permitted;URI:.example.org' | bad permitted-below 'permitted subtree' 'a CA for names below this trust domain only'
ca fenced example.org fenced $'critical,CA:TRUE\nnameConstraints=critical,permitted;URI:other.org'
svid beyond fenced $own
{ bundle fenced.crt | bundle_configmap MODIFIED; chained beyond beyond.crt | signed_configmap team-a billing; } |
	attack chain-not-permitted-by-anchor ChainInvalid 'permitted subtree' 'an anchor for names of another trust domain only'

# the same key and name twice, once for other names only: each is tried, above a leaf and above a CA
fence='critical,CA:TRUE
subjectKeyIdentifier=hash
nameConstraints=critical,permitted;URI:other.org'
ca twin example.org twin $'critical,CA:TRUE\nsubjectKeyIdentifier=hash'
cp twin.crt twin-free.crt
svid under-twin twin $own
subca twin-middle twin
svid under-twin-middle twin-middle $own
ca twin example.org twin "$fence"
twins() { # NAME REASON TEXT DESCRIPTION CRT...
	local name=$1 reason=$2 text=$3 what=$4
	shift 4
	{ bundle "$@" | bundle_configmap MODIFIED; chained under-twin under-twin.crt | signed_configmap team-a billing; } |
		attack "$name-leaf" "$reason" "$text" "$what"
	{ bundle "$@" | bundle_configmap MODIFIED; chained under-twin-middle under-twin-middle.crt twin-middle.crt | signed_configmap team-a billing; } |
		attack "$name-intermediate" "$reason" "$text" "$what, below an intermediate"
}
twins control-chain-twins Verified 'signed by' 'two anchors of one name and key, of which one may not vouch for it' twin.crt twin-free.crt
twins chain-fenced-twin ChainInvalid 'permitted subtree' 'an anchor for names of another trust domain, whose twin is gone' twin.crt
ca odd example.org odd $'critical,CA:TRUE\nsubjectKeyIdentifier=hash\n1.2.3.4=critical,DER:0500'
svid under-odd odd $own
subca odd-middle odd
svid under-odd-middle odd-middle $own
bundle odd.crt | bundle_configmap MODIFIED >odd-trust
{ cat odd-trust; chained under-odd under-odd.crt | signed_configmap team-a billing; } |
	attack chain-anchor-critical TrustBundleMissing 'critical extension' 'an anchor with a critical extension that nobody knows'
{ cat odd-trust; chained under-odd-middle under-odd-middle.crt odd-middle.crt | signed_configmap team-a billing; } |
	attack chain-anchor-critical-intermediate TrustBundleMissing 'critical extension' 'the same, above an intermediate'

# a CA that certified its own new key is exempt from name constraints (RFC 5280, 6.1.3 b)
ca rolling example.org rolling $'critical,CA:TRUE\nsubjectKeyIdentifier=hash\nnameConstraints=critical,permitted;DNS:agents.example'
rolled() { # COMMON-NAME
	rm -f rolled.key
	ec_key rolled
	certify rolled "/O=SPIRE/CN=$1" "keyUsage=critical,keyCertSign
basicConstraints=critical,CA:TRUE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=DNS:elsewhere.example" -cert rolling.crt -keyfile rolling.key
	svid under-rolled rolled $own
	{ bundle rolling.crt | bundle_configmap MODIFIED; chained under-rolled under-rolled.crt rolled.crt | signed_configmap team-a billing; }
}
rolled rolling | attack control-chain-self-issued Verified 'signed by' 'a CA that certified its own new key, which names do not constrain'
rolled other-ca | attack chain-not-self-issued ChainInvalid 'permitted subtree' 'a CA of another name, which they do'

# times
dated() { # FROM TO COMMAND...
	local FROM=$1 TO=$2
	shift 2
	"$@"
}
before=20270101000000Z
dated "$FROM" $before svid expired root $own
chained expired expired.crt | accepted chain-expired 'a leaf that has expired since it signed, as SVIDs do'
chained expired expired.crt | refused chain-expired Expired 'has expired' 'an expired leaf, where that matters' \
	--trust-domain example.org --require-unexpired
dated "$FROM" $before subca old root
svid under-old old $own
chained under-old under-old.crt old.crt | refused chain-expired-ca Expired 'has expired' 'an expired intermediate, where that matters' \
	--trust-domain example.org --require-unexpired
dated 20280101000000Z "$TO" svid after-old old $own
chained after-old after-old.crt old.crt | bad never 'never valid at the same time' 'a leaf that was issued after its CA had expired'
dated 20310101000000Z "$TO" svid early root $own
chained early early.crt | bad early 'not yet valid' 'a leaf of tomorrow'
dated 20310101000000Z "$TO" subca early-ca root
svid under-early early-ca $own
chained under-early under-early.crt early-ca.crt | bad early-ca 'not yet valid' 'an intermediate of tomorrow'
dated "$FROM" $before ca worn example.org
dated "$FROM" $before svid under-worn worn $own
{ bundle worn.crt | bundle_configmap MODIFIED; chained under-worn under-worn.crt | signed_configmap team-a billing; } |
	attack chain-expired-anchor ChainInvalid 'not valid now' 'an anchor that has expired'
