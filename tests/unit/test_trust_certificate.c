/* Certificates read in place: the calendar, and DER's one spelling of lengths and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authority.h"
#include "trust/certificate_private.h"

/* A certificate in DER, and where the thirteen bytes of its notBefore stand. */
struct image {
	unsigned char *bytes;
	size_t len;
	unsigned char *not_before;
};

static struct image make_image(void)
{
	struct party ca = make_ca(NULL, "root");
	struct image image = {0};
	image.len = (size_t)i2d_X509(ca.certificate, &image.bytes);
	for (size_t i = 0; i + 15 < image.len && image.not_before == NULL; i++)
		if (memcmp(image.bytes + i, "\x17\x0d", 2) == 0 && image.bytes[i + 14] == 'Z')
			image.not_before = image.bytes + i + 2;
	assert_non_null(image.not_before);
	party_free(&ca);
	return image;
}

static const char *read_image(const struct image *image, struct trust_certificate *certificate)
{
	return trust_certificate_read((struct der){image->bytes, image->len}, certificate);
}

static void times_are_those_of_the_calendar(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds; /* date -u +%s */
	} good[] = {
		{"700101000000Z", 0},          {"691231235959Z", -1},        {"000229000000Z", 951782400},
		{"240229120000Z", 1709208000}, {"491231235959Z", 2524607999}, {"500101000000Z", -631152000},
		{"990430000000Z", 925430400},  {"260831000000Z", 1788134400},
	};
	static const char *const bad[] = {
		"230229000000Z", "240230000000Z", "260431000000Z", "260631000000Z", "260931000000Z",
		"261131000000Z", "260132000000Z", "261301000000Z", "260001000000Z", "260100000000Z",
		"260101240000Z", "260101006000Z", "260101000060Z", "26010100000 Z", "2601010000-1Z",
		"260101000000z", "260101000000+",
	};
	struct image image = make_image();
	struct trust_certificate certificate;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		memcpy(image.not_before, good[i].text, 13);
		assert_null(read_image(&image, &certificate));
		assert_true(certificate.not_before == good[i].seconds);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memcpy(image.not_before, bad[i], 13);
		assert_string_equal(read_image(&image, &certificate), "its validity is malformed");
	}
	OPENSSL_free(image.bytes);
}

static void a_certificate_is_read_whole_or_not_at_all(void **state)
{
	(void)state;
	struct image image = make_image();
	struct trust_certificate certificate;
	size_t len = image.len;
	assert_null(read_image(&image, &certificate));
	for (image.len = 0; image.len < len; image.len++)
		assert_non_null(read_image(&image, &certificate));
	unsigned char *longer = malloc(len + 1);
	assert_non_null(longer);
	memcpy(longer, image.bytes, len);
	longer[len] = 0;
	assert_string_equal(trust_certificate_read((struct der){longer, len + 1}, &certificate),
	                    "it has bytes behind its end");
	free(longer);
	OPENSSL_free(image.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_those_of_the_calendar),
		cmocka_unit_test(a_certificate_is_read_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
