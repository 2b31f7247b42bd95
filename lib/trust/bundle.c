/* The formats of trust bundles (trust/anchors.h). */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "base/memory.h"
#include "trust/anchors_private.h"

static const struct json_limits bundle_limits = {TRUST_BUNDLE_MAX, 16};

#define PEM_BEGIN "-----BEGIN "

struct reading {
	struct trust_anchors *anchors;
	size_t ignored;
	char first[TRUST_BUNDLE_REASON_SIZE / 2]; /* of what was ignored, and why */
};

__attribute__((format(printf, 2, 3))) static void ignore(struct reading *reading,
                                                         const char *format, ...)
{
	if (reading->ignored++ > 0)
		return;
	va_list list;
	va_start(list, format);
	vsnprintf(reading->first, sizeof reading->first, format, list);
	va_end(list);
}

/* One block, which OpenSSL decodes. */
static void read_pem_block(struct reading *reading, struct json_text block, size_t number)
{
	char *name = NULL, *header = NULL;
	unsigned char *bytes = NULL;
	long len = 0;
	const char *why;
	BIO *in = BIO_new_mem_buf(block.at, (int)block.len);
	if (in == NULL)
		abort();
	if (PEM_read_bio(in, &name, &header, &bytes, &len) != 1) {
		ignore(reading, "PEM block %zu is malformed", number);
	} else if (strcmp(name, "CERTIFICATE") != 0 || header[0] != '\0') {
		ignore(reading, "PEM block %zu is not a certificate: %.32s", number, name);
	} else {
		why = trust_anchors_add(reading->anchors, (struct der){bytes, (size_t)len});
		if (why != NULL)
			ignore(reading, "PEM block %zu: %s", number, why);
	}
	ERR_clear_error();
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(bytes, (size_t)len);
	BIO_free(in);
}

/* Each block up to where the next one begins, so that one without an end does not swallow it. */
static void read_pem(struct reading *reading, struct json_text bundle)
{
	const char *end = bundle.at + bundle.len;
	const char *at = memmem(bundle.at, bundle.len, PEM_BEGIN, strlen(PEM_BEGIN));
	for (size_t number = 1; at != NULL; number++) {
		const char *next = memmem(at + 1, (size_t)(end - at - 1), PEM_BEGIN, strlen(PEM_BEGIN));
		size_t len = (size_t)((next != NULL ? next : end) - at);
		read_pem_block(reading, (struct json_text){at, len}, number);
		at = next;
	}
}

/* NULL when the certificate was taken, else why not. */
static const char *read_x5c(struct trust_anchors *anchors, struct json_text value)
{
	size_t len;
	char *text = json_string(value, &len);
	uint8_t *der = kube_alloc(TRUST_BASE64_DECODED(text == NULL ? 0 : len) + 1, 1);
	const char *why = "its x5c holds no string in base64";
	if (text != NULL && trust_base64_decode((struct json_text){text, len}, der, &len))
		why = trust_anchors_add(anchors, (struct der){der, len});
	free(text);
	free(der);
	return why;
}

static void read_jwk(struct reading *reading, struct json_text jwk, size_t number)
{
	enum { USE, KTY, X5C, PARTS };
	static const char *const keys[PARTS] = {"use", "kty", "x5c"};
	struct json_text found[PARTS];
	if (json_type(jwk) != JSON_OBJECT) {
		ignore(reading, "key %zu is not an object", number);
		return;
	}
	json_pick(jwk, PARTS, keys, found);
	/* keys for other kinds of SVID are nothing to speak of */
	if (json_equals(found[USE], "jwt-svid") || json_equals(found[USE], "wit-svid"))
		return;
	struct json_member first = json_first(found[X5C]);
	const char *why = NULL;
	if (!json_equals(found[USE], "x509-svid"))
		why = "its use is missing or unknown";
	else if (!json_equals(found[KTY], "RSA") && !json_equals(found[KTY], "EC"))
		why = "its kty is missing or unknown";
	else if (json_type(found[X5C]) != JSON_ARRAY || first.value.at == NULL)
		why = "it has no x5c";
	else
		why = read_x5c(reading->anchors, first.value);
	if (why != NULL)
		ignore(reading, "key %zu: %s", number, why);
	else if (json_next(first).value.at != NULL)
		ignore(reading, "key %zu: of the certificates in its x5c only the first counts",
		       number);
}

static void read_jwks(struct reading *reading, struct json_text set, struct json_text keys)
{
	size_t number = 1;
	for (struct json_member m = json_first(keys); m.value.at; m = json_next(m))
		read_jwk(reading, m.value, number++);
	reading->anchors->has_sequence =
		json_integer(json_get(set, "spiffe_sequence"), &reading->anchors->sequence);
}

struct json_text trust_bundle_domains(struct json_text bundle)
{
	struct json_text domains = {0};
	bundle = json_trim(bundle);
	if (json_type(bundle) == JSON_OBJECT && json_check(bundle, &bundle_limits, NULL))
		domains = json_get(bundle, "trust_domains");
	return json_type(domains) == JSON_OBJECT ? domains : (struct json_text){0};
}

/* The bundle of the trust domain in a Bundle Map: what it lacks, nobody vouches for any more. */
static void read_map(struct reading *reading, struct json_text domains, const char *trust_domain)
{
	struct json_text set = trust_domain != NULL ? json_get(domains, trust_domain)
	                                            : json_first(domains).value;
	struct json_text keys = json_get(set, "keys");
	if (trust_domain == NULL && json_count(domains) != 1)
		ignore(reading, "it names several trust domains");
	else if (set.at == NULL)
		ignore(reading, "it does not name trust domain %.100s", trust_domain);
	else if (json_type(keys) != JSON_ARRAY)
		ignore(reading, "what it holds for the trust domain has no array \"keys\"");
	else
		read_jwks(reading, set, keys);
}

static bool read_json(struct reading *reading, struct json_text bundle, const char *trust_domain,
                      char *reason)
{
	struct json_error error;
	if (!json_check(bundle, &bundle_limits, &error)) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "it is not JSON: byte %zu: %s",
		         error.offset, error.reason);
		return false;
	}
	struct json_text domains = json_get(bundle, "trust_domains"), keys = json_get(bundle, "keys");
	if (json_type(domains) == JSON_OBJECT) {
		read_map(reading, domains, trust_domain);
		return true;
	}
	if (json_type(keys) == JSON_ARRAY) {
		read_jwks(reading, bundle, keys);
		return true;
	}
	snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "it has no array \"keys\"");
	return false;
}

static bool read_bundle(struct reading *reading, struct json_text bundle, const char *trust_domain,
                        char *reason)
{
	if (bundle.len > TRUST_BUNDLE_MAX) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "it is larger than %d bytes",
		         TRUST_BUNDLE_MAX);
		return false;
	}
	if (bundle.len == 0) {
		ignore(reading, "it is empty");
		return true;
	}
	if (bundle.at[0] == '{')
		return read_json(reading, bundle, trust_domain, reason);
	if (memmem(bundle.at, bundle.len, PEM_BEGIN, strlen(PEM_BEGIN)) == NULL) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "it is neither a JSON object nor PEM");
		return false;
	}
	read_pem(reading, bundle);
	return true;
}

struct trust_anchors *trust_anchors_read(struct json_text bundle, const char *trust_domain,
                                         char reason[TRUST_BUNDLE_REASON_SIZE])
{
	struct reading reading = {0};
	reason[0] = '\0';
	if (!trust_crypto_prepare()) {
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "libcrypto cannot be used");
		return NULL;
	}
	reading.anchors = kube_alloc(1, sizeof *reading.anchors);
	if (!read_bundle(&reading, json_trim(bundle), trust_domain, reason)) {
		trust_anchors_free(reading.anchors);
		return NULL;
	}
	if (reading.ignored == 1)
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "%s", reading.first);
	else if (reading.ignored > 1)
		snprintf(reason, TRUST_BUNDLE_REASON_SIZE, "%zu parts are ignored, the first: %s",
		         reading.ignored, reading.first);
	trust_anchors_seal(reading.anchors);
	return reading.anchors;
}
