#include "trust/issuers_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "trust/validity_private.h"

struct issuers_entry {
	UT_hash_handle hh;
	uint8_t digest[TRUST_FINGERPRINT_SIZE]; /* of the anchor and the chain without its leaf */
	X509 *x509;               /* x5c[1]; NULL: it does not lead to an anchor */
	struct trust_issuer issuer; /* the key is x509's */
	struct trust_failure failure;
};

struct trust_issuers {
	struct issuers_entry *table; /* the oldest first */
};

struct trust_issuers *trust_issuers_new(void)
{
	return kube_alloc(1, sizeof(struct trust_issuers));
}

static void drop(struct trust_issuers *issuers, struct issuers_entry *entry)
{
	HASH_DEL(issuers->table, entry);
	X509_free(entry->x509);
	free(entry);
}

void trust_issuers_clear(struct trust_issuers *issuers)
{
	struct issuers_entry *entry, *next;
	HASH_ITER(hh, issuers->table, entry, next)
	{
		drop(issuers, entry);
	}
}

void trust_issuers_free(struct trust_issuers *issuers)
{
	if (issuers == NULL)
		return;
	trust_issuers_clear(issuers);
	free(issuers);
}

static X509 *parse(const struct trust_certificate *certificate)
{
	const uint8_t *p = certificate->whole.p;
	return d2i_X509(NULL, &p, (long)certificate->whole.len);
}

static bool explain(const struct trust_x5c *chain, unsigned first, X509_STORE_CTX *context,
                    struct trust_failure *failure)
{
	int depth = X509_STORE_CTX_get_error_depth(context);
	unsigned place = first + (depth > 0 ? (unsigned)depth : 0);
	const char *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
	if (place < chain->count)
		return trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u]: %.200s", place, why);
	return trust_fail(failure, TRUST_CHAIN_INVALID, "the anchor above x5c: %.200s", why);
}

bool trust_chain_ask_openssl(const struct trust_x5c *chain, unsigned first,
                             const struct trust_anchor *anchor, struct trust_failure *failure)
{
	X509 *target = parse(&chain->certificates[first]);
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool good = target != NULL && between != NULL && store != NULL && context != NULL &&
	            X509_STORE_add_cert(store, anchor->x509) == 1;
	for (unsigned i = first + 1; i < chain->count && good; i++) {
		X509 *x509 = parse(&chain->certificates[i]);
		good = x509 != NULL && sk_X509_push(between, x509) > 0;
	}
	if (good && X509_STORE_CTX_init(context, store, target, between) == 1) {
		X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
		X509_VERIFY_PARAM_set_flags(rules,
		                            X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
		X509_VERIFY_PARAM_set_auth_level(rules, 2);
		X509_VERIFY_PARAM_set_depth(rules, TRUST_CHAIN_MAX);
		good = X509_verify_cert(context) == 1 || explain(chain, first, context, failure);
	} else {
		good = trust_fail(failure, TRUST_CHAIN_INVALID, "x5c[%u] is malformed", first);
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_pop_free(between, X509_free);
	X509_free(target);
	ERR_clear_error();
	return good;
}

static bool is_constrained(X509 *x509)
{
	return X509_get_ext_by_NID(x509, NID_name_constraints, -1) >= 0;
}

/* Every certificate above the leaf is a CA with a fit key; keeps x5c[1]. */
static bool read_path(const struct trust_x5c *chain, struct issuers_entry *entry)
{
	for (unsigned i = chain->count - 1; i >= 1; i--) {
		struct trust_certificate certificate;
		const char *reason;
		X509_free(entry->x509);
		entry->x509 = trust_ca_read(chain->certificates[i].whole, &certificate, &reason);
		if (entry->x509 == NULL)
			return trust_fail(&entry->failure, TRUST_CHAIN_INVALID, "x5c[%u]: %s", i,
			                  reason);
		entry->issuer.constrained =
		        entry->issuer.constrained || is_constrained(entry->x509);
	}
	return true;
}

/* A self-issued certificate that is not the last of its path is exempt from name constraints
 * (RFC 5280, section 6.1.3 b). OpenSSL, asked about x5c[1] alone, would take it for the last; it is
 * asked again with the leaf wherever there are constraints, and judges x5c[1] rightly then. */
static bool is_judged_with_leaf(const struct issuers_entry *entry)
{
	return entry->issuer.constrained &&
	       (X509_get_extension_flags(entry->x509) & EXFLAG_SI) != 0;
}

static void validate(const struct trust_anchor *anchor, const struct trust_x5c *chain,
                     unsigned below, struct issuers_entry *entry)
{
	entry->issuer = (struct trust_issuer){.constrained = anchor->constrained, .anchor = anchor};
	/* OpenSSL would count the path below the anchor without the leaf */
	if (trust_chain_check_length(chain, below, anchor->certificate.path_length, "the anchor",
	                             &entry->failure) &&
	    read_path(chain, entry) &&
	    (is_judged_with_leaf(entry) ||
	     trust_chain_ask_openssl(chain, 1, anchor, &entry->failure))) {
		entry->issuer.key = X509_get0_pubkey(entry->x509);
		entry->issuer.key_id = trust_key_id(entry->x509);
		return;
	}
	X509_free(entry->x509);
	entry->x509 = NULL;
}

/* DER says how long it is, so nothing needs to stand between the certificates. */
static void take_digest(const struct trust_anchor *anchor, const struct trust_x5c *chain,
                        uint8_t digest[TRUST_FINGERPRINT_SIZE])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	/* a digest that is not of the chain would be a cache key that two chains share */
	bool good = context != NULL && EVP_DigestInit_ex2(context, trust_digest(256), NULL) == 1 &&
	            EVP_DigestUpdate(context, anchor->digest, sizeof anchor->digest) == 1;
	for (unsigned i = 1; good && i < chain->count; i++)
		good = EVP_DigestUpdate(context, chain->certificates[i].whole.p,
		                        chain->certificates[i].whole.len) == 1;
	if (!good || EVP_DigestFinal_ex(context, digest, NULL) != 1)
		abort();
	EVP_MD_CTX_free(context);
}

static struct issuers_entry *find(const struct trust_issuers *issuers, const uint8_t *digest)
{
	struct issuers_entry *entry;
	HASH_FIND(hh, issuers->table, digest, TRUST_FINGERPRINT_SIZE, entry);
	return entry;
}

/* Adds an entry, when there are too many in the place of the oldest. */
static struct issuers_entry *add(struct trust_issuers *issuers, const uint8_t *digest)
{
	struct issuers_entry *entry = kube_alloc(1, sizeof *entry);
	if (HASH_COUNT(issuers->table) >= TRUST_ISSUERS_MAX)
		drop(issuers, issuers->table);
	memcpy(entry->digest, digest, sizeof entry->digest);
	HASH_ADD(hh, issuers->table, digest, sizeof entry->digest, entry);
	return entry;
}

const struct trust_issuer *trust_issuers_find(struct trust_issuers *issuers,
                                              const struct trust_anchor *anchor,
                                              const struct trust_x5c *chain, unsigned below,
                                              struct trust_failure *failure)
{
	uint8_t digest[TRUST_FINGERPRINT_SIZE];
	take_digest(anchor, chain, digest);
	struct issuers_entry *entry = find(issuers, digest);
	if (entry == NULL) {
		entry = add(issuers, digest);
		validate(anchor, chain, below, entry);
	}
	if (entry->x509 != NULL)
		return &entry->issuer;
	*failure = entry->failure;
	return NULL;
}
