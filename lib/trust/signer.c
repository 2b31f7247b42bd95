#include "trust/signer_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "trust/chain_private.h"
#include "json/write.h"

__attribute__((format(printf, 2, 3))) static bool explain(char *reason, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(reason, TRUST_SIGN_REASON_SIZE, format, list);
	va_end(list);
	return false;
}

/* Nobody is there to be asked, and an empty password is none. */
static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static bool read_key(struct trust_signer *signer, struct json_text pem, char *reason)
{
	BIO *in = pem.len <= TRUST_PEM_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	if (in != NULL)
		signer->key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	BIO_free(in);
	ERR_clear_error();
	if (signer->key == NULL)
		return explain(reason, "the key is not a private key in PEM without a password");
	const char *why = trust_key_unfit(signer->key);
	return why == NULL || explain(reason, "the key cannot be used: %s", why);
}

/* Appends the certificates to `x5c` as elements of an array. */
static bool read_chain(struct json_text pem, struct json_buffer *x5c, char *reason)
{
	char *name = NULL, *header = NULL;
	unsigned char *bytes = NULL;
	long len = 0;
	BIO *in = pem.len <= TRUST_PEM_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	json_putc(x5c, '[');
	while (in != NULL && PEM_read_bio(in, &name, &header, &bytes, &len) == 1) {
		if (strcmp(name, PEM_STRING_X509) == 0) {
			json_put_comma(x5c);
			json_putc(x5c, '"');
			trust_base64_put(x5c, bytes, (size_t)len);
			json_putc(x5c, '"');
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(bytes, (size_t)len);
	}
	json_putc(x5c, ']');
	bool whole = in != NULL && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(in);
	ERR_clear_error();
	if (!whole)
		return explain(reason, "the chain is not in PEM");
	return x5c->len > 2 || explain(reason, "the chain holds no certificate");
}

/* What every verifier will ask of the chain and has nothing to do with its anchors. */
static bool check_chain(struct trust_signer *signer, struct json_text x5c, char *reason)
{
	struct trust_x5c chain;
	struct trust_failure failure;
	const char *why = NULL;
	bool good = trust_x5c_read(x5c, &chain, &failure) && trust_x5c_check_leaf(&chain, &failure);
	if (!good)
		explain(reason, "the chain cannot be used: %s", failure.message);
	for (unsigned i = 0; good && i + 1 < chain.count; i++)
		if (!der_same(chain.certificates[i].issuer, chain.certificates[i + 1].subject))
			good = explain(reason,
			               "the chain is out of order: certificate %u is not issued by "
			               "the next",
			               i + 1);
	EVP_PKEY *leaf = good ? trust_key_read(chain.certificates[0].spki, &why) : NULL;
	if (good && leaf == NULL)
		good = explain(reason, "the chain cannot be used: %s", why);
	if (good && EVP_PKEY_eq(leaf, signer->key) != 1)
		good = explain(reason, "the key is not that of the chain's first certificate");
	if (good) {
		signer->not_before = chain.certificates[0].not_before;
		signer->not_after = chain.certificates[0].not_after;
	}
	EVP_PKEY_free(leaf);
	trust_x5c_free(&chain);
	return good;
}

static bool choose_algorithm(struct trust_signer *signer, const char *name, char *reason)
{
	struct trust_failure failure;
	const char *why = "";
	signer->algorithm =
	        name != NULL ? trust_algorithm_find(name) : trust_algorithm_of(signer->key, &why);
	if (signer->algorithm == NULL)
		return explain(reason,
		               "%.32s is not an algorithm: RS, PS, ES with 256, 384, 512 are",
		               name != NULL ? name : why);
	return trust_algorithm_fits(signer->algorithm, signer->key, &failure) ||
	       explain(reason, "%s", failure.message);
}

static bool put_key_id(const struct trust_signer *signer, const char *key_id,
                       struct json_buffer *header, char *reason)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned char *spki = NULL;
	if (key_id != NULL) {
		if (key_id[0] == '\0' || strlen(key_id) >= TRUST_KEY_ID_SIZE)
			return explain(reason, "the key's ID is empty or longer than 256 bytes");
		json_put_string(header, key_id);
		return true;
	}
	int len = i2d_PUBKEY(signer->key, &spki);
	if (len <= 0 || EVP_Digest(spki, (size_t)len, digest, NULL, trust_digest(256), NULL) != 1)
		abort();
	OPENSSL_free(spki);
	json_putc(header, '"');
	trust_base64url_put(header, digest, 32);
	json_putc(header, '"');
	return true;
}

static bool make_header(struct trust_signer *signer, const char *key_id, struct json_text x5c,
                        char *reason)
{
	struct json_buffer header = {0};
	json_putf(&header, "{\"alg\":\"%s\",\"typ\":\"JOSE\",\"kid\":", signer->algorithm->name);
	bool good = put_key_id(signer, key_id, &header, reason);
	json_puts(&header, ",\"x5c\":");
	json_puttext(&header, x5c);
	json_putc(&header, '}');
	if (good)
		trust_base64url_put(&signer->header, header.at, header.len);
	json_buffer_free(&header);
	return good;
}

struct trust_signer *trust_signer_new(struct json_text key, struct json_text chain,
                                      const char *algorithm, const char *key_id,
                                      char reason[TRUST_SIGN_REASON_SIZE])
{
	struct json_buffer x5c = {0};
	struct trust_signer *signer = calloc(1, sizeof *signer);
	if (signer == NULL || !trust_crypto_prepare())
		abort();
	bool good = read_key(signer, key, reason) && read_chain(chain, &x5c, reason) &&
	            check_chain(signer, json_buffer_text(&x5c), reason) &&
	            choose_algorithm(signer, algorithm, reason) &&
	            make_header(signer, key_id, json_buffer_text(&x5c), reason);
	json_buffer_free(&x5c);
	if (good)
		return signer;
	trust_signer_free(signer);
	return NULL;
}

void trust_signer_free(struct trust_signer *signer)
{
	if (signer == NULL)
		return;
	EVP_PKEY_free(signer->key);
	json_buffer_free(&signer->header);
	free(signer);
}
