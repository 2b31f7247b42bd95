/* Any bytes as base64url and as base64: what is accepted is written back as it was, and is
 * what OpenSSL decodes. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"

static void need(bool good)
{
	if (!good)
		abort();
}

static void expect_back(struct json_text text, const uint8_t *bytes, size_t len, bool url)
{
	struct json_buffer back = {0};
	if (url)
		trust_base64url_put(&back, bytes, len);
	else
		trust_base64_put(&back, bytes, len);
	need(back.len == text.len && (text.len == 0 || memcmp(back.at, text.at, text.len) == 0));
	json_buffer_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_text text = {(const char *)data, size};
	uint8_t *ours = malloc(TRUST_BASE64_DECODED(size)), *theirs = malloc(size + 4);
	size_t len;
	if (trust_base64url_decode(text, ours, &len))
		expect_back(text, ours, len, true);
	if (trust_base64_decode(text, ours, &len)) {
		expect_back(text, ours, len, false);
		int decoded = EVP_DecodeBlock(theirs, data, (int)size);
		need(decoded >= (int)len && memcmp(ours, theirs, len) == 0);
	}
	free(ours);
	free(theirs);
	return 0;
}
