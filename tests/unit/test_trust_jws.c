/* One element of `signatures`: its protected header, its signature, and base64url. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority.h"
#include "base/base64url.h"
#include "trust/jws_private.h"

static void expect_header(const char *header, size_t len, enum trust_reason reason, const char *words)
{
	struct trust_jws jws = {0};
	struct trust_failure failure = {.reason = TRUST_VERIFIED};
	bool good = trust_jws_read_header((struct json_text){header, len}, &jws, &failure);
	assert_int_equal(good, reason == TRUST_VERIFIED);
	assert_int_equal(failure.reason, reason);
	if (strstr(failure.message, words) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", words, failure.message);
	assert_non_null(strstr(failure.message, words));
}

static void only_the_nine_algorithms_are_allowed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "EdDSA", "Ed25519",
		"ES256K", "es256", "ES256 ", " ES256", "RS1", "RSA-OAEP", "ES", "RS2560", "ES256\\u0000"};
	static const char *const good[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
	                                   "PS512", "ES256", "ES384", "ES512"};
	char header[128];
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int len = snprintf(header, sizeof header, "{\"alg\":\"%s\"}", bad[i]);
		expect_header(header, (size_t)len, TRUST_ALGORITHM_NOT_ALLOWED, "alg");
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int len = snprintf(header, sizeof header, "{\"alg\":\"%s\"}", good[i]);
		expect_header(header, (size_t)len, TRUST_VERIFIED, "");
	}
}

static void headers_that_could_mean_two_things_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		enum trust_reason reason;
		const char *words;
	} cases[] = {
		{"", TRUST_SIGNATURE_INVALID, "is not JSON"},
		{"[]", TRUST_SIGNATURE_INVALID, "is not an object"},
		{"\"ES256\"", TRUST_SIGNATURE_INVALID, "is not an object"},
		{"{}", TRUST_ALGORITHM_NOT_ALLOWED, "has no alg"},
		{"{\"alg\":null}", TRUST_ALGORITHM_NOT_ALLOWED, "alg is not a string"},
		{"{\"alg\":256}", TRUST_ALGORITHM_NOT_ALLOWED, "alg is not a string"},
		{"{\"alg\":[\"ES256\"]}", TRUST_ALGORITHM_NOT_ALLOWED, "alg is not a string"},
		{"{\"Alg\":\"ES256\"}", TRUST_ALGORITHM_NOT_ALLOWED, "has no alg"},
		{"{\"alg\":\"ES256\",\"alg\":\"none\"}", TRUST_SIGNATURE_INVALID, "duplicate key"},
		{"{\"alg\":\"none\",\"\\u0061lg\":\"ES256\"}", TRUST_SIGNATURE_INVALID, "duplicate key"},
		{"{\"alg\":\"ES256\"} {}", TRUST_SIGNATURE_INVALID, "is not JSON"},
		{"{\"alg\":\"ES256\",}", TRUST_SIGNATURE_INVALID, "is not JSON"},
		{"{\"alg\":\"ES256\",\"kid\":\"\xff\"}", TRUST_SIGNATURE_INVALID, "is not JSON"},
		{"{\"alg\":\"ES256\",\"crit\":[]}", TRUST_SIGNATURE_INVALID, "crit"},
		{"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", TRUST_SIGNATURE_INVALID, "crit"},
		{"{\"alg\":\"ES256\",\"crit\":null}", TRUST_SIGNATURE_INVALID, "crit"},
		{"{\"alg\":\"ES256\",\"b64\":false}", TRUST_SIGNATURE_INVALID, "b64 is not true"},
		{"{\"alg\":\"ES256\",\"b64\":\"true\"}", TRUST_SIGNATURE_INVALID, "b64 is not true"},
		{"{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}", TRUST_SIGNATURE_INVALID, "crit"},
		{"{\"alg\":\"ES256\",\"kid\":7}", TRUST_SIGNATURE_INVALID, "kid"},
		{"{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}", TRUST_SIGNATURE_INVALID, "kid"},
		{"{\"alg\":\"ES256\",\"typ\":{}}", TRUST_SIGNATURE_INVALID, "typ"},
		{"{\"alg\":\"ES256\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", TRUST_SIGNATURE_INVALID,
		 "is not JSON"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_header(cases[i].header, strlen(cases[i].header), cases[i].reason, cases[i].words);
	expect_header("{\"alg\":\"ES256\0\"}", 16, TRUST_SIGNATURE_INVALID, "is not JSON");
}

static void keys_that_a_header_brings_along_are_not_looked_at(void **state)
{
	(void)state;
	static const char header[] =
		"{\"alg\":\"ES256\",\"jku\":\"https://evil.example/keys\",\"x5u\":\"file:///etc/passwd\","
		"\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"},\"x5t\":7,\"b64\":true,\"typ\":\"JOSE\"}";
	expect_header(header, strlen(header), TRUST_VERIFIED, "");
}

static void a_kid_has_at_most_256_bytes(void **state)
{
	(void)state;
	char header[400];
	for (int len = 256; len <= 257; len++) {
		char kid[300];
		memset(kid, 'k', sizeof kid);
		kid[len] = '\0';
		int size = snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid);
		expect_header(header, (size_t)size, len == 256 ? TRUST_VERIFIED : TRUST_SIGNATURE_INVALID,
		              len == 256 ? "" : "kid");
	}
}

static bool read_element(const char *element, struct trust_failure *failure)
{
	struct trust_jws jws;
	bool good = trust_jws_read(json_of(element), &jws, failure);
	trust_jws_free(&jws);
	return good;
}

static void an_element_has_a_header_and_a_signature(void **state)
{
	(void)state;
	/* {"alg":"ES256"} */
#define HEADER "\"protected\":\"eyJhbGciOiJFUzI1NiJ9\""
	static const struct {
		const char *element, *words; /* NULL: it is good */
	} cases[] = {
		{"{" HEADER ",\"signature\":\"AAAA\"}", NULL},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":{\"kid\":\"other\"}}", NULL},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":null,\"more\":1}", NULL},
		{"[]", "is not an object"},
		{"{\"signature\":\"AAAA\"}", "protected is missing"},
		{"{\"protected\":{\"alg\":\"ES256\"},\"signature\":\"AAAA\"}", "protected is missing"},
		{"{\"protected\":\"eyJhbGciOiJFUzI1NiJ9=\",\"signature\":\"AAAA\"}", "without padding"},
		{"{\"protected\":\"eyJhbGciOiJFUzI1NiJ9 \",\"signature\":\"AAAA\"}", "without padding"},
		{"{\"protected\":\"eyJhbGciOiJFUzI1NiJ9\\n\",\"signature\":\"AAAA\"}", "plain string"},
		{"{\"protected\":\"\",\"signature\":\"AAAA\"}", "is not JSON"},
		{"{" HEADER "}", "signature is missing"},
		{"{" HEADER ",\"signature\":[\"AAAA\"]}", "signature is missing"},
		{"{" HEADER ",\"signature\":\"\"}", "signature is empty"},
		{"{" HEADER ",\"signature\":\"AAAA====\"}", "not base64url"},
		{"{" HEADER ",\"signature\":\"AA+A\"}", "not base64url"},
		{"{" HEADER ",\"signature\":\"AAB\"}", "not base64url"},
		{"{" HEADER ",\"signature\":\"A\\u0041AA\"}", "plain string"},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":{\"alg\":\"none\"}}", "header holds alg"},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":{\"x5c\":[]}}", "header holds x5c"},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":{\"crit\":[]}}", "header holds crit"},
		{"{" HEADER ",\"signature\":\"AAAA\",\"header\":\"x\"}", "header is not an object"},
		/* of the protected header's members none may stand in the other (RFC 7515, 7.2.1) */
		{"{\"protected\":\"eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ\",\"signature\":\"AAAA\","
		 "\"header\":{\"kid\":\"a\"}}", "stands in the protected and in the unprotected"},
		{"{\"protected\":\"eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ\",\"signature\":\"AAAA\","
		 "\"header\":{\"x\":1,\"k\\u0069d\":2}}", "stands in the protected and in the unprotected"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trust_failure failure = {.message = ""};
		bool good = read_element(cases[i].element, &failure);
		assert_int_equal(good, cases[i].words == NULL);
		if (cases[i].words == NULL)
			continue;
		if (strstr(failure.message, cases[i].words) == NULL)
			print_error("\"%s\" is not in \"%s\"\n", cases[i].words, failure.message);
		assert_non_null(strstr(failure.message, cases[i].words));
	}
}

static void what_is_too_long_is_refused_before_it_is_decoded(void **state)
{
	(void)state;
	static const char *const formats[] = {"{\"protected\":\"%s\",\"signature\":\"AAAA\"}",
	                                      "{" HEADER ",\"signature\":\"%s\"}"};
	char *text = malloc(100001);
	assert_non_null(text);
	memset(text, 'A', 100000);
	text[100000] = '\0';
	for (size_t i = 0; i < 2; i++) {
		struct json_buffer element = {0};
		struct trust_failure failure;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		json_putf(&element, formats[i], text);
#pragma GCC diagnostic pop
		json_putc(&element, '\0');
		assert_false(read_element(element.at, &failure));
		assert_non_null(strstr(failure.message, "too long"));
		json_buffer_free(&element);
	}
	free(text);
}

/* RFC 4648, section 10, and what its sections 3.2 to 3.5 leave to choose. */
static void base64_has_one_spelling(void **state)
{
	(void)state;
	static const struct {
		const char *text, *bytes; /* NULL: refused */
		bool url;
	} cases[] = {
		{"", "", true},          {"Zg", "f", true},       {"Zm8", "fo", true},
		{"Zm9v", "foo", true},   {"Zm9vYmFy", "foobar", true}, {"-_-_", "\xfb\xff\xbf", true},
		{"Zg==", NULL, true},    {"Zh", NULL, true},      {"Zm9", NULL, true},
		{"Z", NULL, true},       {"Zm9vY", NULL, true},   {"+/+/", NULL, true},
		{"Zm 9v", NULL, true},   {"Zm9v\n", NULL, true},  {"Zm8=", NULL, true},
		{"Zm\xc3\xa9v", NULL, true}, {"Zg", NULL, false}, {"Zg==", "f", false},
		{"Zm8=", "fo", false},   {"Zm9v", "foo", false},  {"+/+/", "\xfb\xff\xbf", false},
		{"-_-_", NULL, false},   {"Zh==", NULL, false},   {"Zm9=", NULL, false},
		{"Zg=", NULL, false},    {"Z===", NULL, false},   {"====", NULL, false},
		{"Zg==Zg==", NULL, false}, {"=Zg=", NULL, false}, {"Zm9v====", NULL, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t out[16];
		size_t len = 0;
		struct json_text text = json_of(cases[i].text);
		bool good = cases[i].url ? trust_base64url_decode(text, out, &len)
		                         : trust_base64_decode(text, out, &len);
		if (good != (cases[i].bytes != NULL))
			print_error("%s\n", cases[i].text);
		assert_int_equal(good, cases[i].bytes != NULL);
		if (good && cases[i].bytes != NULL) {
			assert_int_equal(len, strlen(cases[i].bytes));
			assert_memory_equal(out, cases[i].bytes, len);
		}
	}
}

static void what_base64_writes_it_reads(void **state)
{
	(void)state;
	uint8_t bytes[64], back[80];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
	for (size_t len = 0; len <= sizeof bytes; len++)
		for (int url = 0; url < 2; url++) {
			struct json_buffer out = {0};
			size_t size = 0;
			if (url)
				trust_base64url_put(&out, bytes, len);
			else
				trust_base64_put(&out, bytes, len);
			char *expected = encode64(bytes, len, url);
			assert_int_equal(out.len, strlen(expected));
			assert_memory_equal(out.at, expected, out.len);
			struct json_text text = json_of(expected);
			assert_true(url ? trust_base64url_decode(text, back, &size)
			                : trust_base64_decode(text, back, &size));
			assert_int_equal(size, len);
			assert_memory_equal(back, bytes, len);
			free(expected);
			json_buffer_free(&out);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_nine_algorithms_are_allowed),
		cmocka_unit_test(headers_that_could_mean_two_things_are_refused),
		cmocka_unit_test(keys_that_a_header_brings_along_are_not_looked_at),
		cmocka_unit_test(a_kid_has_at_most_256_bytes),
		cmocka_unit_test(an_element_has_a_header_and_a_signature),
		cmocka_unit_test(what_is_too_long_is_refused_before_it_is_decoded),
		cmocka_unit_test(base64_has_one_spelling),
		cmocka_unit_test(what_base64_writes_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
