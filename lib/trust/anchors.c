#include "trust/anchors.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/anchors_private.h"
#include "base/base64url.h"

static const struct json_limits bundle_limits = {TRUST_BUNDLE_MAX, 16};

__attribute__((format(printf, 2, 3))) static bool explain(char *reason, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(reason, TRUST_BUNDLE_REASON_SIZE, format, list);
	va_end(list);
	return false;
}

struct der trust_key_id(X509 *x509)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x509);
	struct der none = {0};
	if (id == NULL)
		return none;
	return (struct der){ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)};
}

static const char *check_ca(const struct trust_certificate *certificate)
{
	if (!certificate->ca)
		return "it is not a CA";
	if (certificate->has_key_usage && (certificate->key_usage & TRUST_KEY_CERT_SIGN) == 0)
		return "its key usage does not allow it to sign certificates";
	return NULL;
}

X509 *trust_ca_read(struct der bytes, struct trust_certificate *certificate, const char **reason)
{
	*reason = trust_certificate_read(bytes, certificate);
	if (*reason == NULL)
		*reason = check_ca(certificate);
	if (*reason != NULL)
		return NULL;
	const uint8_t *p = bytes.p;
	X509 *x509 = d2i_X509(NULL, &p, (long)bytes.len);
	const EVP_PKEY *key = x509 != NULL ? X509_get0_pubkey(x509) : NULL;
	*reason = x509 == NULL || p != bytes.p + bytes.len ? "it is not a certificate in DER"
	          : key == NULL                            ? "its public key is malformed"
	                                                   : trust_key_unfit(key);
	if (*reason == NULL && (X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0)
		*reason = "an extension is malformed";
	if (*reason == NULL)
		return x509;
	ERR_clear_error();
	X509_free(x509);
	return NULL;
}

static bool holds(const struct trust_anchors *anchors, const uint8_t *digest)
{
	for (size_t i = 0; i < anchors->count; i++)
		if (memcmp(anchors->list[i].digest, digest, TRUST_FINGERPRINT_SIZE) == 0)
			return true;
	return false;
}

/* Takes `der`, which was malloc'ed. `number` is the certificate's place in the bundle. */
static bool add_anchor(struct trust_anchors *anchors, uint8_t *der, size_t len, size_t number,
                       char *reason)
{
	struct trust_anchor anchor = {.der = der};
	const char *why = NULL;
	if (EVP_Digest(der, len, anchor.digest, NULL, trust_digest(256), NULL) != 1)
		abort();
	if (holds(anchors, anchor.digest)) {
		free(der);
		return true;
	}
	if (anchors->count == TRUST_ANCHORS_MAX)
		why = "there are more than 256";
	else
		anchor.x509 = trust_ca_read((struct der){der, len}, &anchor.certificate, &why);
	if (anchor.x509 == NULL) {
		free(der);
		return explain(reason, "certificate %zu: %s", number, why);
	}
	anchor.key = X509_get0_pubkey(anchor.x509);
	anchor.key_id = trust_key_id(anchor.x509);
	anchor.constrained = X509_get_ext_by_NID(anchor.x509, NID_name_constraints, -1) >= 0;
	struct trust_anchor *list =
		realloc(anchors->list, (anchors->count + 1) * sizeof *anchors->list);
	if (list == NULL)
		abort();
	anchors->list = list;
	list[anchors->count++] = anchor;
	return true;
}

static bool read_pem_block(struct trust_anchors *anchors, BIO *in, size_t number, bool *end,
                           char *reason)
{
	char *name = NULL, *header = NULL;
	unsigned char *bytes = NULL;
	long len = 0;
	if (PEM_read_bio(in, &name, &header, &bytes, &len) != 1) {
		*end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
		ERR_clear_error();
		return *end ? true : explain(reason, "PEM block %zu is malformed", number);
	}
	bool good;
	if (strcmp(name, "CERTIFICATE") != 0 || header[0] != '\0') {
		good = explain(reason, "PEM block %zu is not a certificate: %.32s", number, name);
	} else {
		uint8_t *der = malloc((size_t)len);
		if (der == NULL)
			abort();
		memcpy(der, bytes, (size_t)len);
		good = add_anchor(anchors, der, (size_t)len, number, reason);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(bytes, (size_t)len);
	return good;
}

static bool read_pem(struct trust_anchors *anchors, struct json_text bundle, char *reason)
{
	BIO *in = BIO_new_mem_buf(bundle.at, (int)bundle.len);
	bool good = in != NULL, end = false;
	for (size_t number = 1; good && !end; number++)
		good = read_pem_block(anchors, in, number, &end, reason);
	BIO_free(in);
	return good;
}

static bool read_jwk(struct trust_anchors *anchors, struct json_text jwk, size_t number, char *reason)
{
	if (json_type(jwk) != JSON_OBJECT)
		return explain(reason, "key %zu is not an object", number);
	struct json_text use = json_get(jwk, "use"), x5c = json_get(jwk, "x5c");
	if (!json_equals(use, "x509-svid"))
		return true;
	struct json_member first = json_first(x5c);
	if (json_type(x5c) != JSON_ARRAY || first.value.at == NULL || json_next(first).value.at != NULL)
		return explain(reason, "key %zu has not exactly one certificate in its x5c", number);
	size_t len;
	char *text = json_string(first.value, &len);
	uint8_t *der = text == NULL ? NULL : malloc(TRUST_BASE64_DECODED(len));
	bool good = der != NULL && trust_base64_decode((struct json_text){text, len}, der, &len);
	free(text);
	if (!good) {
		free(der);
		return explain(reason, "certificate %zu: it is not in base64", number);
	}
	return add_anchor(anchors, der, len, number, reason);
}

static bool read_jwks(struct trust_anchors *anchors, struct json_text set, char *reason)
{
	struct json_text keys = json_get(set, "keys");
	if (json_type(keys) != JSON_ARRAY)
		return explain(reason, "it has no array \"keys\"");
	size_t number = 1;
	for (struct json_member m = json_first(keys); m.value.at; m = json_next(m))
		if (!read_jwk(anchors, m.value, number++, reason))
			return false;
	return true;
}

struct json_text trust_bundle_domains(struct json_text bundle)
{
	struct json_text domains = {0};
	bundle = json_trim(bundle);
	if (json_type(bundle) == JSON_OBJECT && json_check(bundle, &bundle_limits, NULL))
		domains = json_get(bundle, "trust_domains");
	return json_type(domains) == JSON_OBJECT ? domains : (struct json_text){0};
}

static bool read_json(struct trust_anchors *anchors, struct json_text bundle,
                      const char *trust_domain, char *reason)
{
	struct json_error error;
	if (!json_check(bundle, &bundle_limits, &error))
		return explain(reason, "it is not JSON: byte %zu: %s", error.offset, error.reason);
	struct json_text domains = json_get(bundle, "trust_domains");
	if (json_type(domains) != JSON_OBJECT)
		return read_jwks(anchors, bundle, reason);
	if (trust_domain == NULL && json_count(domains) != 1)
		return explain(reason, "it names several trust domains");
	struct json_text set = trust_domain != NULL ? json_get(domains, trust_domain)
	                                            : json_first(domains).value;
	if (json_type(set) != JSON_OBJECT)
		return explain(reason, "it does not name trust domain %.255s",
		               trust_domain != NULL ? trust_domain : "");
	return read_jwks(anchors, set, reason);
}

static int compare_digests(const void *left, const void *right)
{
	const struct trust_anchor *a = left, *b = right;
	return memcmp(a->digest, b->digest, sizeof a->digest);
}

/* In the order of their digests, so that the order in the bundle does not matter. */
static void take_fingerprint(struct trust_anchors *anchors)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (anchors->list == NULL || context == NULL ||
	    EVP_DigestInit_ex2(context, trust_digest(256), NULL) != 1)
		abort();
	qsort(anchors->list, anchors->count, sizeof *anchors->list, compare_digests);
	for (size_t i = 0; i < anchors->count; i++)
		if (EVP_DigestUpdate(context, anchors->list[i].digest, TRUST_FINGERPRINT_SIZE) != 1)
			abort();
	if (EVP_DigestFinal_ex(context, anchors->fingerprint, NULL) != 1)
		abort();
	EVP_MD_CTX_free(context);
}

struct trust_anchors *trust_anchors_read(struct json_text bundle, const char *trust_domain,
                                         char reason[TRUST_BUNDLE_REASON_SIZE])
{
	struct trust_anchors *anchors = calloc(1, sizeof *anchors);
	bool good = false;
	bundle = json_trim(bundle);
	if (anchors == NULL || !trust_crypto_prepare())
		explain(reason, "libcrypto cannot be used");
	else if (bundle.at == NULL || bundle.len == 0)
		explain(reason, "it is empty");
	else if (bundle.len > TRUST_BUNDLE_MAX)
		explain(reason, "it is larger than %d bytes", TRUST_BUNDLE_MAX);
	else if (bundle.at[0] == '{')
		good = read_json(anchors, bundle, trust_domain, reason);
	else
		good = read_pem(anchors, bundle, reason);
	if (good && anchors->count == 0)
		good = explain(reason, "it has no certificate%s",
		               bundle.at[0] == '{' ? " of use x509-svid" : "");
	if (!good) {
		trust_anchors_free(anchors);
		return NULL;
	}
	take_fingerprint(anchors);
	return anchors;
}

void trust_anchors_free(struct trust_anchors *anchors)
{
	if (anchors == NULL)
		return;
	for (size_t i = 0; i < anchors->count; i++) {
		X509_free(anchors->list[i].x509);
		free(anchors->list[i].der);
	}
	free(anchors->list);
	free(anchors);
}

size_t trust_anchors_count(const struct trust_anchors *anchors)
{
	return anchors->count;
}

const uint8_t *trust_anchors_fingerprint(const struct trust_anchors *anchors)
{
	return anchors->fingerprint;
}
