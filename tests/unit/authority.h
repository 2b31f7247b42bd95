/*
 * Keys, certificates and signed cards for the unit tests, made when they run, so that none
 * expires. Signatures are made here with OpenSSL's one-shot calls, not with lib/trust's own.
 * Everything is the test's to free, or lives until it ends.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"

#define NOW ((int64_t)1800000000) /* the time at which the tests check: in January of 2027 */
#define HOUR ((int64_t)3600)

struct party {
	EVP_PKEY *key;
	X509 *certificate;
};

/* What a certificate says; {0} members have defaults. */
struct wishes {
	const char *const *extensions; /* pairs of OpenSSL's name and value, closed by NULL */
	const char *subject;           /* CN; "" for an empty name */
	int64_t from, to;              /* validity, in seconds from NOW; 0, 0: an hour around it */
	const EVP_MD *digest;          /* default SHA-256 */
	bool pss;
	bool version1;
};

#define CA_EXTENSIONS \
	"basicConstraints", "critical,CA:TRUE", "keyUsage", "critical,keyCertSign,cRLSign", \
		"subjectKeyIdentifier", "hash"
#define LEAF_EXTENSIONS \
	"keyUsage", "critical,digitalSignature", "extendedKeyUsage", "serverAuth,clientAuth", \
		"basicConstraints", "critical,CA:FALSE", "authorityKeyIdentifier", "keyid"
#define WISHES(...) (const char *const[]){__VA_ARGS__, NULL}

EVP_PKEY *ec_key(const char *curve);
EVP_PKEY *rsa_key(unsigned bits);

/* A certificate of `key` (NULL: a new one on P-256), issued by `issuer` (NULL: by itself). */
struct party issue(const struct party *issuer, EVP_PKEY *key, const struct wishes *wishes);
struct party make_ca(const struct party *issuer, const char *name);
struct party make_svid(const struct party *issuer, const char *spiffe_id);
void party_free(struct party *party);

/* `count` certificates as an x5c array. */
char *make_x5c(size_t count, const struct party *const *chain);
/* A bundle in PEM. */
char *make_bundle(size_t count, const struct party *const *cas);

/* The element of `signatures` that `key` makes with `alg` over a payload. `header` is the
 * protected header as it shall stand. */
char *make_signature(const char *alg, EVP_PKEY *key, const char *header, const char *payload);
/* {"alg","kid","x5c"} */
char *make_header(const char *alg, size_t count, const struct party *const *chain);
/* TEST_PAYLOAD with these signatures, each an element of the array. */
#define TEST_PAYLOAD "{\"name\":\"billing\",\"version\":\"1\"}"
char *make_signed(size_t count, const char *const *signatures);
/* TEST_PAYLOAD signed with `alg` by the first of the chain. */
char *make_card(const char *alg, size_t count, const struct party *const *chain);

char *encode64(const void *bytes, size_t len, bool url);

#endif
