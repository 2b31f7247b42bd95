#include "trust/peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trust/chain_private.h"
#include "trust/checker.h"
#include "trust/path_private.h"

void trust_peer_path(const char *path_template, const char *namespace,
                     const char *service_account, char path[TRUST_SPIFFE_ID_SIZE])
{
	trust_template_expand(path_template != NULL ? path_template : TRUST_TEMPLATE_DEFAULT,
	                      namespace, service_account, path);
}

const char *trust_peer_template(const char *path_template)
{
	return trust_template_check(path_template);
}

/* A copy, because a chain owns its bytes. */
static bool read_chain(struct trust_x5c *chain, const struct der certificates[], size_t count,
                       struct trust_failure *failure)
{
	size_t len = 0;
	*chain = (struct trust_x5c){0};
	if (count == 0 || count > TRUST_CHAIN_MAX)
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "it sent %zu certificates, not 1 to %d", count, TRUST_CHAIN_MAX);
	for (size_t i = 0; i < count; i++)
		len += certificates[i].len;
	uint8_t *to = chain->bytes = kube_alloc(len + 1, 1);
	for (size_t i = 0; i < count; i++) {
		struct der bytes = {to, certificates[i].len};
		if (bytes.len > TRUST_CERTIFICATE_MAX)
			return trust_fail(failure, TRUST_CHAIN_INVALID,
			                  "certificate %zu is larger than %d bytes", i,
			                  TRUST_CERTIFICATE_MAX);
		memcpy(to, certificates[i].p, bytes.len);
		const char *why = trust_certificate_read(bytes, &chain->certificates[i]);
		if (why != NULL)
			return trust_fail(failure, TRUST_CHAIN_INVALID, "certificate %zu: %s", i,
			                  why);
		chain->count++;
		to += bytes.len;
	}
	return true;
}

static bool is_expected(const struct trust_peer *peer, const struct trust_x5c *chain,
                        struct trust_failure *failure)
{
	int len = (int)(chain->spiffe_id.len < 256 ? chain->spiffe_id.len : 256);
	if (!json_same(chain->id.domain, json_of(peer->trust_domain)))
		return trust_fail(failure, TRUST_DOMAIN_MISMATCH,
		                  "%.*s is not of the trust domain %.64s", len,
		                  chain->spiffe_id.at, peer->trust_domain);
	if (peer->path == NULL)
		return true;
	if (peer->path[0] == '\0' || !json_same(chain->id.path, json_of(peer->path)))
		return trust_fail(failure, TRUST_IDENTITY_MISMATCH,
		                  "it is %.*s, not the workload's own %.*s", len,
		                  chain->spiffe_id.at, 64, peer->path);
	return true;
}

/* The anchor that it leads to, or NULL. */
static const struct trust_anchor *check(const struct trust_peer *peer, struct trust_x5c *chain,
                                        int64_t at, struct trust_span *span,
                                        struct trust_failure *failure)
{
	if (!trust_x5c_check_leaf(chain, failure) || !is_expected(peer, chain, failure))
		return NULL;
	if (peer->anchors == NULL) {
		trust_fail(failure, TRUST_BUNDLE_MISSING, "there is no trust bundle of %.64s",
		           peer->trust_domain);
		return NULL;
	}
	struct trust_issuers *issuers = trust_issuers_new();
	const struct trust_anchor *anchor =
	        trust_chain_validate(issuers, peer->anchors, chain, at, span, failure);
	trust_issuers_free(issuers);
	if (anchor == NULL || trust_chain_is_current(chain, at, span))
		return anchor;
	trust_fail(failure, TRUST_EXPIRED, "its certificate has expired");
	return NULL;
}

bool trust_peer_check(const struct trust_peer *peer, const struct der certificates[], size_t count,
                      int64_t at, struct trust_failure *failure)
{
	struct trust_x5c chain;
	struct trust_span span = TRUST_SPAN_ALWAYS;
	bool good = read_chain(&chain, certificates, count, failure) &&
	            check(peer, &chain, at, &span, failure) != NULL;
	trust_x5c_free(&chain);
	return good;
}

bool trust_peer_attested(const struct trust_peer *peer, struct json_text certificates, int64_t at,
                         struct trust_verdict *verdict, struct trust_failure *failure)
{
	struct trust_x5c chain;
	struct trust_span span = TRUST_SPAN_ALWAYS;
	const struct trust_anchor *anchor = NULL;
	if (trust_x5c_read(certificates, &chain, failure))
		anchor = check(peer, &chain, at, &span, failure);
	if (anchor != NULL) {
		memcpy(verdict->spiffe_id, chain.spiffe_id.at, chain.spiffe_id.len);
		verdict->spiffe_id[chain.spiffe_id.len] = '\0';
		memcpy(verdict->anchor, anchor->id, strlen(anchor->id) + 1);
		verdict->not_after = chain.certificates[0].not_after;
		verdict->since = span.since;
		verdict->until = span.until;
	}
	trust_x5c_free(&chain);
	return anchor != NULL;
}
