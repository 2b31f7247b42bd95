/* Any bytes as a certificate: where OpenSSL reads it too, both say the same of it. Then as an
 * element of x5c, up to the judgement of the leaf. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "trust/chain_private.h"

static void need(bool good)
{
	if (!good)
		abort();
}

static unsigned count_uris(X509 *x509)
{
	unsigned count = 0;
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		count += sk_GENERAL_NAME_value(names, i)->type == GEN_URI;
	GENERAL_NAMES_free(names);
	return count;
}

static void expect_time(const ASN1_TIME *theirs, int64_t ours)
{
	need(ours < INT32_MIN || ours > INT32_MAX || ASN1_TIME_cmp_time_t(theirs, (time_t)ours) == 0 ||
	     ASN1_TIME_check(theirs) != 1);
}

static void compare(const struct trust_certificate *ours, X509 *theirs)
{
	uint32_t flags = X509_get_extension_flags(theirs);
	if ((flags & EXFLAG_INVALID) != 0)
		return;
	need(X509_get_version(theirs) == X509_VERSION_3);
	need(ours->ca == ((flags & EXFLAG_CA) != 0));
	need(ours->has_key_usage == ((flags & EXFLAG_KUSAGE) != 0));
	need(!ours->has_key_usage || ours->key_usage == (X509_get_key_usage(theirs) & 0xff));
	need(ours->uris == count_uris(theirs));
	expect_time(X509_get0_notBefore(theirs), ours->not_before);
	expect_time(X509_get0_notAfter(theirs), ours->not_after);
}

static void read_as_x5c(const uint8_t *data, size_t size)
{
	struct json_buffer text = {0};
	struct trust_x5c chain;
	struct trust_failure failure;
	json_puts(&text, "[\"");
	trust_base64_put(&text, data, size);
	json_puts(&text, "\"]");
	if (trust_x5c_read(json_buffer_text(&text), &chain, &failure) &&
	    trust_x5c_check_leaf(&chain, &failure))
		need(chain.id.path.len > 0 && !chain.certificates[0].ca);
	trust_x5c_free(&chain);
	json_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_certificate certificate;
	const uint8_t *p = data;
	if (trust_certificate_read((struct der){data, size}, &certificate) == NULL) {
		const char *reason;
		X509 *x509 = d2i_X509(NULL, &p, (long)size);
		if (x509 != NULL)
			compare(&certificate, x509);
		X509_free(x509);
		EVP_PKEY_free(trust_key_read(certificate.spki, &reason));
		ERR_clear_error();
	}
	read_as_x5c(data, size);
	return 0;
}
