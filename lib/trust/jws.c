#include "trust/jws_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/memory.h"
#include "json/json.h"
#include "trust/checker.h"

static const struct json_limits header_limits = {TRUST_HEADER_MAX, 16};

static bool malformed(struct trust_failure *failure, const char *what)
{
	return trust_fail(failure, TRUST_SIGNATURE_INVALID, "%s", what);
}

static bool read_algorithm(struct json_text alg, struct trust_jws *jws, struct trust_failure *failure)
{
	char *name = json_cstring(alg);
	if (name == NULL)
		return trust_fail(failure, TRUST_ALGORITHM_NOT_ALLOWED,
		                  alg.at == NULL ? "the protected header has no alg"
		                                 : "alg is not a string");
	jws->algorithm = trust_algorithm_find(name);
	if (jws->algorithm == NULL)
		trust_fail(failure, TRUST_ALGORITHM_NOT_ALLOWED,
		           "alg \"%.32s\" is not allowed (RS, PS, ES with 256, 384, 512 are)", name);
	free(name);
	return jws->algorithm != NULL;
}

static bool read_key_id(struct json_text kid, struct trust_jws *jws, struct trust_failure *failure)
{
	jws->key_id[0] = '\0';
	if (kid.at == NULL)
		return true;
	char *text = json_cstring(kid);
	bool good = text != NULL && strlen(text) < sizeof jws->key_id;
	if (good)
		memcpy(jws->key_id, text, strlen(text) + 1);
	free(text);
	return good ? true : malformed(failure, "kid is not a string of at most 256 bytes without NUL");
}

bool trust_jws_read_header(struct json_text header, struct trust_jws *jws,
                           struct trust_failure *failure)
{
	static const char *const keys[] = {"alg", "kid", "x5c", "typ", "crit", "b64"};
	enum { ALG, KID, X5C, TYP, CRIT, B64, KEYS };
	struct json_text found[KEYS];
	struct json_error error;
	if (!json_check(header, &header_limits, &error))
		return trust_fail(failure, TRUST_SIGNATURE_INVALID,
		                  "the protected header is not JSON: byte %zu: %s", error.offset,
		                  error.reason);
	header = json_trim(header);
	if (json_type(header) != JSON_OBJECT)
		return malformed(failure, "the protected header is not an object");
	json_pick(header, KEYS, keys, found);
	if (found[CRIT].at != NULL)
		return malformed(failure, "crit asks for an extension, and none is understood");
	if (found[B64].at != NULL && !json_is_true(found[B64]))
		return malformed(failure, "b64 is not true");
	if (found[TYP].at != NULL && json_type(found[TYP]) != JSON_STRING)
		return malformed(failure, "typ is not a string");
	jws->x5c = found[X5C];
	return read_algorithm(found[ALG], jws, failure) && read_key_id(found[KID], jws, failure);
}

static bool check_unprotected(struct json_text header, struct trust_failure *failure)
{
	static const char *const keys[] = {"alg", "crit", "b64", "x5c"};
	enum { KEYS = sizeof keys / sizeof *keys };
	struct json_text found[KEYS];
	enum json_type type = json_type(header);
	if (type == JSON_ABSENT || type == JSON_NULL)
		return true;
	if (type != JSON_OBJECT)
		return malformed(failure, "the unprotected header is not an object");
	json_pick(header, KEYS, keys, found);
	for (unsigned i = 0; i < KEYS; i++)
		if (found[i].at != NULL)
			return trust_fail(failure, TRUST_SIGNATURE_INVALID,
			                  "the unprotected header holds %s", keys[i]);
	return true;
}

/* No member stands in both headers (RFC 7515, section 7.2.1): else readers differ in which one
 * counts. Put together, the two are an object without duplicate keys, which one pass tells. */
static bool check_disjoint(struct json_text protected, struct json_text header,
                           struct trust_failure *failure)
{
	static const struct json_limits limits = {TRUST_HEADER_MAX + TRUST_CARD_MAX, TRUST_CARD_DEPTH};
	struct json_buffer both = {0};
	if (json_is_empty(protected) || json_is_empty(header))
		return true;
	json_put(&both, protected.at, protected.len - 1);
	json_putc(&both, ',');
	json_put(&both, header.at + 1, header.len - 1);
	bool disjoint = json_check(json_buffer_text(&both), &limits, NULL);
	json_buffer_free(&both);
	return disjoint ||
	       malformed(failure, "a member stands in the protected and in the unprotected header");
}

static bool read_signature(struct json_text value, struct trust_jws *jws, struct trust_failure *failure)
{
	struct json_text text = json_plain(value);
	if (text.at == NULL)
		return malformed(failure, "signature is missing, or not a plain string");
	if (text.len > sizeof jws->signature / 3 * 4)
		return malformed(failure, "signature is too long");
	uint8_t bytes[TRUST_BASE64_DECODED(sizeof jws->signature / 3 * 4)];
	if (!trust_base64url_decode(text, bytes, &jws->signature_len))
		return malformed(failure, "signature is not base64url without padding");
	if (jws->signature_len == 0 || jws->signature_len > sizeof jws->signature)
		return malformed(failure, "signature is empty");
	memcpy(jws->signature, bytes, jws->signature_len);
	return true;
}

bool trust_jws_read(struct json_text element, struct trust_jws *jws, struct trust_failure *failure)
{
	static const char *const keys[] = {"protected", "signature", "header"};
	struct json_text found[3];
	*jws = (struct trust_jws){0};
	if (json_type(element) != JSON_OBJECT)
		return malformed(failure, "it is not an object");
	json_pick(element, 3, keys, found);
	jws->protected64 = json_plain(found[0]);
	if (jws->protected64.at == NULL)
		return malformed(failure, "protected is missing, or not a plain string");
	if (jws->protected64.len > (size_t)TRUST_HEADER_MAX / 3 * 4)
		return malformed(failure, "the protected header is too long");
	jws->header = kube_alloc(TRUST_BASE64_DECODED(jws->protected64.len), 1);
	size_t len;
	if (!trust_base64url_decode(jws->protected64, jws->header, &len))
		return malformed(failure, "the protected header is not base64url without padding");
	struct json_text header = {(const char *)jws->header, len};
	return check_unprotected(found[2], failure) && trust_jws_read_header(header, jws, failure) &&
	       check_disjoint(json_trim(header), found[2], failure) &&
	       read_signature(found[1], jws, failure);
}

void trust_jws_free(struct trust_jws *jws)
{
	free(jws->header);
	jws->header = NULL;
}
