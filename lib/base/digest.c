#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { SIZE = 32 };

static void sha256(struct json_text text, unsigned char digest[SIZE])
{
	unsigned len = 0;
	if (EVP_Digest(text.at == NULL ? "" : text.at, text.len, digest, &len, EVP_sha256(), NULL) != 1 ||
	    len != SIZE)
		abort();
}

struct policy_digest policy_digest(struct json_text text)
{
	unsigned char whole[SIZE];
	struct policy_digest digest;
	sha256(text, whole);
	memcpy(digest.bytes, whole, sizeof digest.bytes);
	return digest;
}

bool policy_digest_same(struct policy_digest a, struct policy_digest b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

void digest_hex(struct json_text text, char *hex, size_t digits)
{
	static const char digit[] = "0123456789abcdef";
	unsigned char whole[SIZE];
	sha256(text, whole);
	for (size_t i = 0; i < digits; i++)
		hex[i] = digit[i % 2 == 0 ? whole[i / 2] >> 4 : whole[i / 2] & 15];
	hex[digits] = '\0';
}
