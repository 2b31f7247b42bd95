#include "trust/chain_private.h"

#include <stdio.h>
#include <string.h>

#include "trust/issuers_private.h"
#include "trust/validity_private.h"

static bool expired(struct trust_span *span, int64_t at,
                    const struct trust_certificate *certificate)
{
	return trust_span_reached(span, at, certificate->not_after + 1);
}

bool trust_chain_is_current(const struct trust_x5c *chain, int64_t at, struct trust_span *span)
{
	for (unsigned i = 0; i < chain->count; i++)
		if (expired(span, at, &chain->certificates[i]))
			return false;
	return true;
}

/* Nothing of it is yet to come, and there was a moment at which all of it was valid. */
static bool check_times(const struct trust_x5c *chain, int64_t at, struct trust_span *span,
                        struct trust_failure *failure)
{
	int64_t from = TRUST_TIME_MIN, to = TRUST_TIME_MAX;
	for (unsigned i = 0; i < chain->count; i++) {
		const struct trust_certificate *c = &chain->certificates[i];
		if (!trust_span_reached(span, at, c->not_before))
			return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u] is not yet valid",
			                  i);
		from = c->not_before > from ? c->not_before : from;
		to = c->not_after < to ? c->not_after : to;
	}
	if (from <= to)
		return true;
	return trust_fail(failure, TRUST_CHAIN_INVALID,
	                  "the certificates of x5c were never valid at the same time");
}

static bool check_intermediate(const struct trust_x5c *chain, unsigned i,
                               struct trust_failure *failure)
{
	const struct trust_certificate *c = &chain->certificates[i];
	struct trust_spiffe_id id = {0};
	struct json_text uri = {(const char *)c->uri.p, c->uri.len};
	char whose[16];
	snprintf(whose, sizeof whose, "x5c[%u]", i);
	if (!c->ca)
		return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u] is not a CA", i);
	if (!c->has_key_usage || (c->key_usage & TRUST_KEY_CERT_SIGN) == 0)
		return trust_fail(
		        failure, TRUST_CHAIN_INVALID,
		        "x5c[%u] may not sign certificates: its key usage lacks keyCertSign", i);
	if (c->uris > 1)
		return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u] names several URIs", i);
	if (c->uris == 1 && uri.len >= 9 && strncasecmp(uri.at, "spiffe://", 9) == 0 &&
	    (trust_spiffe_read(uri, &id) != NULL || !json_same(id.domain, chain->id.domain)))
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "x5c[%u] is a CA of another trust domain than the leaf", i);
	if (c->uris == 1 && uri.len >= 9 && strncasecmp(uri.at, "spiffe://", 9) == 0 &&
	    id.path.len > 0)
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "x5c[%u] is a CA whose SPIFFE ID has a path: it is a workload's",
		                  i);
	return trust_chain_check_length(chain, i, c->path_length, whose, failure);
}

static bool check_order(const struct trust_x5c *chain, struct trust_failure *failure)
{
	for (unsigned i = 0; i + 1 < chain->count; i++)
		if (!der_same(chain->certificates[i].issuer, chain->certificates[i + 1].subject))
			return trust_fail(failure, TRUST_CHAIN_INVALID,
			                  "x5c is out of order: x5c[%u] is not issued by x5c[%u]",
			                  i, i + 1);
	for (unsigned i = 1; i < chain->count; i++)
		if (!check_intermediate(chain, i, failure))
			return false;
	return true;
}

/* An authority key identifier chooses among issuers of one name; without it any may be meant. */
static bool key_ids_agree(struct der authority, struct der subject)
{
	return authority.len == 0 || subject.len == 0 || der_same(authority, subject);
}

static bool leaf_is_signed_by(const struct trust_certificate *leaf, EVP_PKEY *key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	return (EVP_PKEY_is_a(key, "RSA") == 1) == (leaf->scheme != TRUST_ECDSA) &&
	       EVP_Digest(leaf->tbs.p, leaf->tbs.len, digest, NULL, trust_digest(leaf->digest),
	                  NULL) == 1 &&
	       trust_signature_verify(key, leaf->scheme, leaf->digest, digest, leaf->signature.p,
	                              leaf->signature.len);
}

/* The leaf below an issuer that counts. Where there are name constraints, or a signature
 * algorithm that we do not know, OpenSSL judges the whole chain as well. */
static bool check_leaf_signature(const struct trust_x5c *chain, const struct trust_issuer *issuer,
                                 struct trust_failure *failure)
{
	const struct trust_certificate *leaf = &chain->certificates[0];
	if (!key_ids_agree(leaf->authority_key_id, issuer->key_id))
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "x5c[0] names another authority key than its issuer's");
	if ((issuer->constrained || !leaf->signature_known) &&
	    !trust_chain_ask_openssl(chain, 0, issuer->anchor, failure))
		return false;
	if (!leaf->signature_known || leaf_is_signed_by(leaf, issuer->key))
		return true;
	return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[0] is not signed by its issuer's key");
}

/* Does the leaf lead to this anchor, which stands above `below` certificates of x5c? */
static bool leads_to(struct trust_issuers *issuers, const struct trust_anchor *anchor,
                     const struct trust_x5c *chain, unsigned below, struct trust_failure *failure)
{
	struct trust_issuer direct = {anchor->key, anchor->key_id, anchor->constrained, anchor};
	const struct trust_issuer *issuer = &direct;
	if (chain->count > 1)
		issuer = trust_issuers_find(issuers, anchor, chain, below, failure);
	return issuer != NULL && check_leaf_signature(chain, issuer, failure);
}

/* How many certificates of x5c, the leaf included, lie below the anchor; 0: it is not above. Where
 * its name stands twice (a CA that certified its own new key), the longer path is meant: that is
 * the stricter one for path lengths. */
static unsigned count_below(const struct trust_x5c *chain, const struct trust_anchor *anchor)
{
	const struct trust_certificate *leaf = &chain->certificates[0];
	unsigned below = 0;
	if (chain->count == 1)
		return der_same(leaf->issuer, anchor->certificate.subject) &&
		       key_ids_agree(leaf->authority_key_id, anchor->key_id);
	for (unsigned i = 1; i < chain->count; i++) {
		const struct trust_certificate *c = &chain->certificates[i];
		if (der_same(c->whole, anchor->certificate.whole))
			return i;
		if (der_same(c->issuer, anchor->certificate.subject))
			below = i + 1;
	}
	return below;
}

/* Several anchors may have one name, and even one key: each is tried, since what constrains one
 * need not constrain another. */
const struct trust_anchor *trust_chain_validate(struct trust_issuers *issuers,
                                                const struct trust_anchors *anchors,
                                                const struct trust_x5c *chain, int64_t at,
                                                struct trust_span *span,
                                                struct trust_failure *failure)
{
	bool outdated = false, tried = false;
	if (!check_order(chain, failure) || !check_times(chain, at, span, failure))
		return NULL;
	for (size_t i = 0; i < anchors->count; i++) {
		const struct trust_anchor *anchor = &anchors->list[i];
		unsigned below = count_below(chain, anchor);
		if (below == 0)
			continue;
		if (!trust_anchor_is_current(anchor, at, span))
			outdated = true;
		else if (leads_to(issuers, anchor, chain, below, failure))
			return anchor;
		else
			tried = true;
	}
	if (!tried)
		trust_fail_no_anchor(chain, outdated, failure);
	return NULL;
}
