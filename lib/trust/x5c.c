#include <stdlib.h>

#include "base/base64url.h"
#include "base/memory.h"
#include "trust/chain_private.h"

static bool invalid(struct trust_failure *failure, unsigned i, const char *why)
{
	return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u] %s", i, why);
}

/* Some writers of JSON escape the slashes of base64, so a string with escapes is decoded. */
static bool decode(struct json_text value, uint8_t *out, size_t *len)
{
	struct json_text text = json_plain(value);
	if (text.at != NULL)
		return trust_base64_decode(text, out, len);
	char *string = json_string(value, &text.len);
	text.at = string;
	bool good = string != NULL && trust_base64_decode(text, out, len);
	free(string);
	return good;
}

static bool read_certificate(struct trust_x5c *chain, unsigned i, struct der bytes,
                             struct trust_failure *failure)
{
	if (bytes.len > TRUST_CERTIFICATE_MAX)
		return invalid(failure, i, "is larger than 16384 bytes");
	const char *why = trust_certificate_read(bytes, &chain->certificates[i]);
	return why == NULL || trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u]: %s", i, why);
}

bool trust_x5c_read(struct json_text x5c, struct trust_x5c *chain, struct trust_failure *failure)
{
	*chain = (struct trust_x5c){0};
	if (x5c.at == NULL)
		return trust_fail(failure, TRUST_CHAIN_INVALID, "the protected header has no x5c");
	size_t count = json_type(x5c) == JSON_ARRAY ? json_count(x5c) : 0;
	if (count == 0)
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "x5c is not an array of certificates");
	if (count > TRUST_CHAIN_MAX)
		return trust_fail(failure, TRUST_CHAIN_INVALID,
		                  "x5c holds %zu certificates, more than %d", count,
		                  TRUST_CHAIN_MAX);
	chain->bytes = kube_alloc(TRUST_BASE64_DECODED(x5c.len), 1);
	uint8_t *to = chain->bytes;
	for (struct json_member m = json_first(x5c); m.value.at != NULL; m = json_next(m)) {
		size_t len;
		if (!decode(m.value, to, &len))
			return invalid(failure, chain->count, "is not a string in base64");
		if (!read_certificate(chain, chain->count, (struct der){to, len}, failure))
			return false;
		chain->count++;
		to += len;
	}
	return true;
}

void trust_x5c_free(struct trust_x5c *chain)
{
	free(chain->bytes);
	chain->bytes = NULL;
}

static bool check_id(struct trust_x5c *chain, struct trust_failure *failure)
{
	const struct trust_certificate *leaf = &chain->certificates[0];
	if (leaf->uris != 1)
		return trust_fail(failure, TRUST_SPIFFE_ID_INVALID,
		                  "the leaf names %u URIs in its subjectAltName, not exactly one",
		                  leaf->uris);
	chain->spiffe_id = (struct json_text){(const char *)leaf->uri.p, leaf->uri.len};
	const char *why = trust_spiffe_read(chain->spiffe_id, &chain->id);
	if (why == NULL && chain->id.path.len == 0)
		why = "has no path: it names the trust domain itself";
	return why == NULL || trust_fail(failure, TRUST_SPIFFE_ID_INVALID, "the leaf's URI %.*s %s",
	                                 (int)(leaf->uri.len < 128 ? leaf->uri.len : 128),
	                                 chain->spiffe_id.at, why);
}

static const char *check_usage(const struct trust_certificate *leaf)
{
	if (leaf->ca)
		return "is a CA, not a leaf";
	if (!leaf->has_key_usage)
		return "has no key usage";
	if ((leaf->key_usage & TRUST_DIGITAL_SIGNATURE) == 0)
		return "may not sign: its key usage lacks digitalSignature";
	if ((leaf->key_usage & TRUST_KEY_CERT_SIGN) != 0)
		return "may sign certificates: its key usage has keyCertSign";
	if ((leaf->key_usage & TRUST_CRL_SIGN) != 0)
		return "may sign revocation lists: its key usage has cRLSign";
	return leaf->critical;
}

bool trust_x5c_check_leaf(struct trust_x5c *chain, struct trust_failure *failure)
{
	if (!check_id(chain, failure))
		return false;
	const char *why = check_usage(&chain->certificates[0]);
	return why == NULL || invalid(failure, 0, why);
}
