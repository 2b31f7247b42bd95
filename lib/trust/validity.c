#include "trust/validity_private.h"

bool trust_span_reached(struct trust_span *span, int64_t at, int64_t moment)
{
	if (at >= moment) {
		span->since = moment > span->since ? moment : span->since;
		return true;
	}
	span->until = moment < span->until ? moment : span->until;
	return false;
}

bool trust_anchor_is_current(const struct trust_anchor *anchor, int64_t at, struct trust_span *span)
{
	return trust_span_reached(span, at, anchor->certificate.not_before) &&
	       !trust_span_reached(span, at, anchor->certificate.not_after + 1);
}

void trust_fail_no_anchor(const struct trust_x5c *chain, bool outdated,
                          struct trust_failure *failure)
{
	const struct trust_certificate *leaf = &chain->certificates[0];
	bool alone = chain->count == 1 && der_same(leaf->issuer, leaf->subject);
	trust_fail(failure, TRUST_CHAIN_INVALID, "%s",
	           outdated
	                   ? "x5c leads only to an anchor of the trust bundle that is not valid now"
	           : alone ? "x5c[0] is self-signed, and no CA of the trust bundle issued it"
	                   : "x5c does not lead to an anchor of the trust bundle");
}

static bool is_self_issued(const struct trust_certificate *certificate)
{
	return der_same(certificate->issuer, certificate->subject);
}

bool trust_chain_check_length(const struct trust_x5c *chain, unsigned end, int allowed,
                              const char *whose, struct trust_failure *failure)
{
	int below = 0;
	for (unsigned i = 1; i < end; i++)
		below += !is_self_issued(&chain->certificates[i]);
	if (allowed < 0 || below <= allowed)
		return true;
	return trust_fail(failure, TRUST_CHAIN_INVALID,
	                  "the path below %s is longer than its path length, %d", whose, allowed);
}
