#include "authority.h"

#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "authority: cannot %s\n", what);
	exit(3);
}

EVP_PKEY *ec_key(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);
	need(key != NULL, "make an EC key");
	return key;
}

EVP_PKEY *rsa_key(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	need(key != NULL, "make an RSA key");
	return key;
}

static void set_times(X509 *certificate, const struct wishes *wishes)
{
	bool fallback = wishes->from == 0 && wishes->to == 0;
	time_t from = (time_t)(NOW + (fallback ? -HOUR : wishes->from));
	time_t to = (time_t)(NOW + (fallback ? HOUR : wishes->to));
	need(ASN1_TIME_set(X509_getm_notBefore(certificate), from) != NULL &&
	             ASN1_TIME_set(X509_getm_notAfter(certificate), to) != NULL,
	     "set the validity");
}

static void set_names(X509 *certificate, X509 *issuer, const char *subject)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	if (subject == NULL)
		subject = "leaf";
	if (subject[0] != '\0')
		need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject,
		                                -1, -1, 0) == 1,
		     "set the subject");
	need(X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : name) == 1,
	     "set the issuer");
}

static void add_extensions(X509 *certificate, X509 *issuer, const char *const *pairs)
{
	X509V3_CTX context;
	X509 *above = issuer != NULL ? issuer : certificate;
	X509V3_set_ctx(&context, above, certificate, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	bool has_key_id = X509_get_ext_by_NID(above, NID_subject_key_identifier, -1) >= 0;
	for (; pairs != NULL && pairs[0] != NULL; pairs += 2) {
		if (strcmp(pairs[0], "authorityKeyIdentifier") == 0 && !has_key_id)
			continue;
		X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, &context, pairs[0], pairs[1]);
		need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, pairs[1]);
		X509_EXTENSION_free(extension);
	}
}

static void sign_certificate(X509 *certificate, EVP_PKEY *key, const struct wishes *wishes)
{
	EVP_PKEY_CTX *with;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = wishes->digest != NULL ? wishes->digest : EVP_sha256();
	need(EVP_DigestSignInit(context, &with, digest, NULL, key) == 1, "sign");
	if (wishes->pss)
		need(EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_PSS_PADDING) == 1 &&
		             EVP_PKEY_CTX_set_rsa_pss_saltlen(with, RSA_PSS_SALTLEN_DIGEST) == 1,
		     "use PSS");
	need(X509_sign_ctx(certificate, context) > 0, "sign a certificate");
	EVP_MD_CTX_free(context);
}

struct party issue(const struct party *issuer, EVP_PKEY *key, const struct wishes *wishes)
{
	static long serial = 1000;
	struct party made = {key != NULL ? key : ec_key("P-256"), X509_new()};
	X509 *above = issuer != NULL ? issuer->certificate : NULL;
	need(made.certificate != NULL &&
	             X509_set_version(made.certificate, wishes->version1 ? 0 : X509_VERSION_3) == 1 &&
	             ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++) == 1 &&
	             X509_set_pubkey(made.certificate, made.key) == 1,
	     "make a certificate");
	set_times(made.certificate, wishes);
	set_names(made.certificate, above, wishes->subject);
	add_extensions(made.certificate, above, wishes->extensions);
	sign_certificate(made.certificate, issuer != NULL ? issuer->key : made.key, wishes);
	return made;
}

struct party make_ca(const struct party *issuer, const char *name)
{
	return issue(issuer, NULL,
	             &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = name});
}

struct party make_svid(const struct party *issuer, const char *spiffe_id)
{
	char uri[4096];
	snprintf(uri, sizeof uri, "URI:%s", spiffe_id);
	return issue(issuer, NULL,
	             &(struct wishes){.extensions = WISHES(LEAF_EXTENSIONS, "subjectAltName", uri)});
}

void party_free(struct party *party)
{
	X509_free(party->certificate);
	EVP_PKEY_free(party->key);
	*party = (struct party){0};
}

char *encode64(const void *bytes, size_t len, bool url)
{
	char *text = malloc(len / 3 * 4 + 5);
	need(text != NULL, "allocate");
	int written = EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	for (int i = 0; url && i < written; i++)
		text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	while (url && written > 0 && text[written - 1] == '=')
		written--;
	text[written] = '\0';
	return text;
}

static char *finish(struct json_buffer *text)
{
	json_putc(text, '\0');
	return text->at;
}

char *make_x5c(size_t count, const struct party *const *chain)
{
	struct json_buffer out = {0};
	json_putc(&out, '[');
	for (size_t i = 0; i < count; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(chain[i]->certificate, &der);
		char *text = encode64(der, (size_t)len, false);
		json_putf(&out, "%s\"%s\"", i > 0 ? "," : "", text);
		free(text);
		OPENSSL_free(der);
	}
	json_putc(&out, ']');
	return finish(&out);
}

char *make_bundle(size_t count, const struct party *const *cas)
{
	struct json_buffer out = {0};
	char *pem;
	BIO *bio = BIO_new(BIO_s_mem());
	for (size_t i = 0; i < count; i++)
		need(PEM_write_bio_X509(bio, cas[i]->certificate) == 1, "write PEM");
	long len = BIO_get_mem_data(bio, &pem);
	json_put(&out, pem, (size_t)len);
	BIO_free(bio);
	return finish(&out);
}

static size_t raw_from_der(const unsigned char *der, size_t len, EVP_PKEY *key, unsigned char *raw)
{
	int octets = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
	need(pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, octets) > 0 &&
	             BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + octets, octets) > 0,
	     "write r and s");
	ECDSA_SIG_free(pair);
	return 2 * (size_t)octets;
}

static char *sign_input(const char *alg, EVP_PKEY *key, const char *input)
{
	unsigned char made[1100], raw[1100];
	size_t len = sizeof made;
	EVP_PKEY_CTX *with;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = strstr(alg, "512") != NULL   ? EVP_sha512()
	                       : strstr(alg, "384") != NULL ? EVP_sha384()
	                                                    : EVP_sha256();
	need(EVP_DigestSignInit(context, &with, digest, NULL, key) == 1, "sign");
	if (alg[0] == 'P')
		need(EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_PSS_PADDING) == 1 &&
		             EVP_PKEY_CTX_set_rsa_pss_saltlen(with, RSA_PSS_SALTLEN_DIGEST) == 1,
		     "use PSS");
	need(EVP_DigestSign(context, made, &len, (const unsigned char *)input, strlen(input)) == 1, "sign");
	EVP_MD_CTX_free(context);
	if (!EVP_PKEY_is_a(key, "EC"))
		return encode64(made, len, true);
	len = raw_from_der(made, len, key, raw);
	return encode64(raw, len, true);
}

char *make_signature(const char *alg, EVP_PKEY *key, const char *header, const char *payload)
{
	struct json_buffer input = {0}, out = {0};
	char *protected64 = encode64(header, strlen(header), true);
	char *payload64 = encode64(payload, strlen(payload), true);
	json_putf(&input, "%s.%s", protected64, payload64);
	json_putc(&input, '\0');
	char *signature = sign_input(alg, key, input.at);
	json_putf(&out, "{\"protected\":\"%s\",\"signature\":\"%s\"}", protected64, signature);
	free(signature);
	free(payload64);
	free(protected64);
	json_buffer_free(&input);
	return finish(&out);
}

char *make_header(const char *alg, size_t count, const struct party *const *chain)
{
	struct json_buffer out = {0};
	char *x5c = make_x5c(count, chain);
	json_putf(&out, "{\"alg\":\"%s\",\"kid\":\"key-1\",\"x5c\":%s}", alg, x5c);
	free(x5c);
	return finish(&out);
}

char *make_signed(size_t count, const char *const *signatures)
{
	struct json_buffer out = {0};
	json_put(&out, TEST_PAYLOAD, strlen(TEST_PAYLOAD) - 1);
	json_puts(&out, ",\"signatures\":[");
	for (size_t i = 0; i < count; i++)
		json_putf(&out, "%s%s", i > 0 ? "," : "", signatures[i]);
	json_puts(&out, "]}");
	return finish(&out);
}

char *make_card(const char *alg, size_t count, const struct party *const *chain)
{
	char *header = make_header(alg, count, chain);
	char *signature = make_signature(alg, chain[0]->key, header, TEST_PAYLOAD);
	char *card = make_signed(1, (const char *const[]){signature});
	free(signature);
	free(header);
	return card;
}
