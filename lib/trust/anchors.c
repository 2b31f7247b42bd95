#include "trust/anchors.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "trust/anchors_private.h"
#include "trust/spiffe.h"

struct der trust_key_id(X509 *x509)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x509);
	struct der none = {0};
	if (id == NULL)
		return none;
	return (struct der){ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id)};
}

/* A CA's SPIFFE ID is its trust domain's own (X509-SVID, section 2): one with a path is a
 * workload that was let issue. */
static const char *check_ca_id(const struct trust_certificate *certificate)
{
	static const char scheme[] = "spiffe://";
	const size_t len = sizeof scheme - 1;
	struct json_text uri = {(const char *)certificate->uri.p, certificate->uri.len};
	struct trust_spiffe_id id;
	if (certificate->uris == 0 || uri.len < len || strncasecmp(uri.at, scheme, len) != 0)
		return NULL;
	if (trust_spiffe_read(uri, &id) != NULL)
		return "its SPIFFE ID is malformed";
	return id.path.len > 0 ? "its SPIFFE ID has a path, which a CA's must not have" : NULL;
}

static const char *check_ca(const struct trust_certificate *certificate)
{
	if (!certificate->ca)
		return "it is not a CA";
	if (certificate->has_key_usage && (certificate->key_usage & TRUST_KEY_CERT_SIGN) == 0)
		return "its key usage does not allow it to sign certificates";
	return certificate->uris > 1 ? "it names several URIs" : check_ca_id(certificate);
}

/* OpenSSL counts these as understood, but evaluates them only when it is asked to build a tree of
 * policies (RFC 5280, sections 4.2.1.5, 4.2.1.11, 4.2.1.14); nobody asks, so they are refused. */
static bool has_critical_policy(const X509 *x509)
{
	static const int policies[] = {NID_policy_constraints, NID_policy_mappings,
	                               NID_inhibit_any_policy};
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		int at = X509_get_ext_by_NID(x509, policies[i], -1);
		if (at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x509, at)) != 0)
			return true;
	}
	return false;
}

static const char *check_extensions(X509 *x509)
{
	uint32_t flags = X509_get_extension_flags(x509);
	if ((flags & EXFLAG_INVALID) != 0)
		return "an extension is malformed";
	if ((flags & EXFLAG_CRITICAL) != 0)
		return "it has a critical extension that is not understood";
	return has_critical_policy(x509)
	               ? "it has a critical policy extension, and policies are not evaluated"
	               : NULL;
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
	if (*reason == NULL)
		*reason = check_extensions(x509);
	if (*reason == NULL)
		return x509;
	ERR_clear_error();
	X509_free(x509);
	return NULL;
}

/* The subjectKeyIdentifier in hex; for a certificate that has none, or one longer than any, the
 * identifier that RFC 7093, section 2, method 1, gives its key. */
static void name_anchor(struct trust_anchor *anchor)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct der id = anchor->key_id;
	if (id.len == 0 || id.len > (TRUST_ANCHOR_ID_SIZE - 1) / 2) {
		if (X509_pubkey_digest(anchor->x509, trust_digest(256), digest, NULL) != 1)
			abort();
		id = (struct der){digest, 20};
	}
	for (size_t i = 0; i < id.len; i++) {
		anchor->id[2 * i] = "0123456789abcdef"[id.p[i] >> 4];
		anchor->id[2 * i + 1] = "0123456789abcdef"[id.p[i] & 15];
	}
	anchor->id[2 * id.len] = '\0';
}

static bool holds(const struct trust_anchors *anchors, const uint8_t *digest)
{
	for (size_t i = 0; i < anchors->count; i++)
		if (memcmp(anchors->list[i].digest, digest, TRUST_FINGERPRINT_SIZE) == 0)
			return true;
	return false;
}

const char *trust_anchors_add(struct trust_anchors *anchors, struct der bytes)
{
	struct trust_anchor anchor = {0};
	const char *why = NULL;
	if (EVP_Digest(bytes.p, bytes.len, anchor.digest, NULL, trust_digest(256), NULL) != 1)
		abort();
	if (holds(anchors, anchor.digest))
		return NULL;
	if (anchors->count == TRUST_ANCHORS_MAX)
		return "there are 256 before it, and more do not count";
	anchor.der = kube_alloc(bytes.len + 1, 1);
	memcpy(anchor.der, bytes.p, bytes.len);
	anchor.x509 =
		trust_ca_read((struct der){anchor.der, bytes.len}, &anchor.certificate, &why);
	if (anchor.x509 == NULL) {
		free(anchor.der);
		return why;
	}
	anchor.key = X509_get0_pubkey(anchor.x509);
	anchor.key_id = trust_key_id(anchor.x509);
	anchor.constrained = X509_get_ext_by_NID(anchor.x509, NID_name_constraints, -1) >= 0;
	name_anchor(&anchor);
	anchors->list =
		kube_resize(anchors->list, anchors->count + 1, sizeof *anchors->list);
	anchors->list[anchors->count++] = anchor;
	return NULL;
}

static int compare_digests(const void *left, const void *right)
{
	const struct trust_anchor *a = left, *b = right;
	return memcmp(a->digest, b->digest, sizeof a->digest);
}

void trust_anchors_seal(struct trust_anchors *anchors)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context == NULL || EVP_DigestInit_ex2(context, trust_digest(256), NULL) != 1)
		abort();
	if (anchors->count > 0)
		qsort(anchors->list, anchors->count, sizeof *anchors->list, compare_digests);
	for (size_t i = 0; i < anchors->count; i++)
		if (EVP_DigestUpdate(context, anchors->list[i].digest, TRUST_FINGERPRINT_SIZE) != 1)
			abort();
	if (EVP_DigestFinal_ex(context, anchors->fingerprint, NULL) != 1)
		abort();
	EVP_MD_CTX_free(context);
}

static void free_anchor(struct trust_anchor *anchor)
{
	X509_free(anchor->x509);
	free(anchor->der);
}

void trust_anchors_free(struct trust_anchors *anchors)
{
	if (anchors == NULL)
		return;
	for (size_t i = 0; i < anchors->count; i++)
		free_anchor(&anchors->list[i]);
	free(anchors->list);
	free(anchors);
}

size_t trust_anchors_count(const struct trust_anchors *anchors)
{
	return anchors->count;
}

bool trust_anchors_sequence(const struct trust_anchors *anchors, int64_t *sequence)
{
	*sequence = anchors->sequence;
	return anchors->has_sequence;
}

/* The ID's digits alone, in lower case; "" when it cannot be one. */
static void read_id(const char *text, char id[TRUST_ANCHOR_ID_SIZE])
{
	size_t len = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == ':')
			continue;
		if (isxdigit((unsigned char)*p) == 0 || len + 1 >= TRUST_ANCHOR_ID_SIZE) {
			len = 0;
			break;
		}
		id[len++] = (char)tolower((unsigned char)*p);
	}
	id[len % 2 == 0 ? len : 0] = '\0';
}

bool trust_anchor_id_is_valid(const char *text)
{
	char id[TRUST_ANCHOR_ID_SIZE];
	read_id(text, id);
	return id[0] != '\0';
}

size_t trust_anchors_leave_out(struct trust_anchors *anchors, const char *text)
{
	char id[TRUST_ANCHOR_ID_SIZE];
	size_t kept = 0, count = anchors->count;
	read_id(text, id);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(anchors->list[i].id, id) == 0)
			free_anchor(&anchors->list[i]);
		else
			anchors->list[kept++] = anchors->list[i];
	}
	anchors->count = kept;
	trust_anchors_seal(anchors);
	return count - kept;
}

const uint8_t *trust_anchors_fingerprint(const struct trust_anchors *anchors)
{
	return anchors->fingerprint;
}
