/*
 * Signs bytes as a JWS, rightly or with one thing wrong: for tests of what must be refused.
 *
 *   forge ALG KEY HEADER PAYLOAD [TRICK]
 *
 * ALG is RS256 … ES512, EdDSA, HS256 (then KEY is any file, its bytes are the secret) or none; HEADER
 * and PAYLOAD are files. Prints {"protected":…,"signature":…}. What TRICK does to the
 * signature or to the protected header is in the tables below. It owns everything until exit.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static void need(int good, const char *what)
{
	if (good > 0)
		return;
	fprintf(stderr, "forge: cannot %s\n", what);
	exit(3);
}

static struct json_buffer read_file(const char *path)
{
	struct json_buffer text = {0};
	FILE *file = fopen(path, "rb");
	need(file != NULL, path);
	json_buffer_reserve(&text, 1 << 22);
	text.len = fread(text.at, 1, text.size, file);
	fclose(file);
	return text;
}

static struct json_buffer base64url(const unsigned char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct json_buffer text = {0};
	unsigned held = 0;
	int bits = 0;
	for (size_t i = 0; i < len; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			json_putc(&text, digits[held >> (bits - 6) & 63]);
	}
	if (bits > 0)
		json_putc(&text, digits[held << (6 - bits) & 63]);
	return text;
}

/* Ways to write base64url that a lenient decoder takes for the same bytes. */
static void spell_badly(struct json_buffer *text, const char *trick)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (strcmp(trick, "pad") == 0) {
		do
			json_putc(text, '=');
		while (text->len % 4 != 0);
	} else if (strcmp(trick, "newline") == 0) {
		json_puts(text, "\\n");
	} else if (strcmp(trick, "space") == 0) {
		json_putc(text, ' ');
	} else if (strcmp(trick, "nul") == 0) {
		json_puts(text, "\\u0000");
	} else if (strcmp(trick, "stray") == 0) {
		need(text->len % 4 != 0, "leave stray bits in whole groups of three bytes");
		char *last = &text->at[text->len - 1];
		*last = digits[(strchr(digits, *last) - digits) | 1];
	} else if (strcmp(trick, "standard") == 0) {
		bool changed = false;
		for (size_t i = 0; i < text->len; i++) {
			changed = changed || text->at[i] == '-' || text->at[i] == '_';
			text->at[i] = text->at[i] == '-' ? '+' : text->at[i];
			text->at[i] = text->at[i] == '_' ? '/' : text->at[i];
		}
		need(changed, "spell this differently in the standard alphabet");
	} else {
		need(0, "do that trick");
	}
}

static const EVP_MD *digest_of(const char *alg)
{
	return strstr(alg, "512") ? EVP_sha512() : strstr(alg, "384") ? EVP_sha384() : EVP_sha256();
}

static struct json_buffer sign_key(const char *alg, EVP_PKEY *key, const struct json_buffer *input)
{
	struct json_buffer made = {0};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *with;
	const EVP_MD *digest = strcmp(alg, "EdDSA") == 0 ? NULL : digest_of(alg);
	need(EVP_DigestSignInit(context, &with, digest, NULL, key), "sign");
	if (alg[0] == 'P') {
		need(EVP_PKEY_CTX_set_rsa_padding(with, RSA_PKCS1_PSS_PADDING), "use PSS");
		need(EVP_PKEY_CTX_set_rsa_pss_saltlen(with, RSA_PSS_SALTLEN_DIGEST), "use PSS");
	}
	size_t len = 4096;
	json_buffer_reserve(&made, len);
	need(EVP_DigestSign(context, (unsigned char *)made.at, &len,
	                    (const unsigned char *)input->at, input->len), "sign");
	made.len = len;
	EVP_MD_CTX_free(context);
	return made;
}

/* The order of the key's curve, and how many bytes one half of a raw signature takes. */
static size_t half_of(EVP_PKEY *key, BIGNUM **order)
{
	char name[64];
	size_t len;
	need(EVP_PKEY_get_group_name(key, name, sizeof name, &len), "name the curve");
	EC_GROUP *group = EC_GROUP_new_by_curve_name(OBJ_sn2nid(name));
	*order = BN_dup(EC_GROUP_get0_order(group));
	EC_GROUP_free(group);
	return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

static void put_number(struct json_buffer *out, const BIGNUM *number, size_t size)
{
	json_buffer_reserve(out, size);
	need(BN_bn2binpad(number, (unsigned char *)out->at + out->len, (int)size), "fit a number");
	out->len += size;
}

/* DER of the signature, as a lenient parser would take it. */
static struct json_buffer spell_der(struct json_buffer der, const char *trick)
{
	struct json_buffer out = {0};
	if (strcmp(trick, "der") == 0)
		return der;
	if (strcmp(trick, "der-trailing") == 0) {
		json_put(&out, der.at, der.len);
		json_putc(&out, 0);
	} else if (strcmp(trick, "der-long-length") == 0) {
		json_putc(&out, 0x30);
		json_putc(&out, (char)0x81);
		json_put(&out, der.at + 1, der.len - 1);
	} else if (strcmp(trick, "der-indefinite") == 0) {
		json_put(&out, "\x30\x80", 2);
		json_put(&out, der.at + 2, der.len - 2);
		json_put(&out, "\0\0", 2);
	} else if (strcmp(trick, "der-zeros") == 0) {
		/* r with two zero bytes in front */
		unsigned r = (unsigned char)der.at[3];
		json_putc(&out, 0x30);
		json_putc(&out, (char)(der.at[1] + 2));
		json_putc(&out, 0x02);
		json_putc(&out, (char)(r + 2));
		json_put(&out, "\0\0", 2);
		json_put(&out, der.at + 4, der.len - 4);
	} else if (strcmp(trick, "zero-der") == 0) {
		json_put(&out, "\x30\x06\x02\x01\x00\x02\x01\x00", 8);
	} else {
		need(0, "do that trick");
	}
	free(der.at);
	return out;
}

static struct json_buffer raw_ecdsa(EVP_PKEY *key, struct json_buffer der, const char *trick)
{
	BIGNUM *order;
	size_t half = half_of(key, &order);
	const unsigned char *at = (const unsigned char *)der.at;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	BIGNUM *r = BN_dup(ECDSA_SIG_get0_r(pair)), *s = BN_dup(ECDSA_SIG_get0_s(pair));
	struct json_buffer out = {0};
	if (strcmp(trick, "r-zero") == 0)
		BN_zero(r);
	if (strcmp(trick, "s-zero") == 0)
		BN_zero(s);
	if (strcmp(trick, "both-zero") == 0) {
		BN_zero(r);
		BN_zero(s);
	}
	if (strcmp(trick, "r-order") == 0)
		BN_copy(r, order);
	if (strcmp(trick, "s-order") == 0)
		BN_copy(s, order);
	if (strcmp(trick, "s-unreduced") == 0) /* fits in the half only with P-521 */
		BN_add(s, s, order);
	if (strcmp(trick, "short") == 0 || strcmp(trick, "long") == 0)
		half += trick[0] == 's' ? (size_t)-1 : 1;
	if (strcmp(trick, "short") == 0) {
		BN_rshift(r, r, 8);
		BN_rshift(s, s, 8);
	}
	bool swapped = strcmp(trick, "swapped") == 0;
	put_number(&out, swapped ? s : r, half);
	put_number(&out, swapped ? r : s, half);
	BN_free(r);
	BN_free(s);
	BN_free(order);
	ECDSA_SIG_free(pair);
	free(der.at);
	return out;
}

/* What RSASSA-PKCS1-v1_5 signs (RFC 8017, section 9.2), for SHA-256, with `filling` bytes of
 * 0xff; behind the digest zeros follow up to `size`. */
static BIGNUM *encode_message(const struct json_buffer *input, size_t size, size_t filling)
{
	static const unsigned char prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	unsigned char digest[32];
	struct json_buffer block = {0};
	EVP_Digest(input->at, input->len, digest, NULL, EVP_sha256(), NULL);
	json_put(&block, "\0\1", 2);
	for (size_t i = 0; i < filling; i++)
		json_putc(&block, (char)0xff);
	json_putc(&block, 0);
	json_put(&block, (const char *)prefix, sizeof prefix);
	json_put(&block, (const char *)digest, sizeof digest);
	while (block.len < size)
		json_putc(&block, 0);
	BIGNUM *number = BN_bin2bn((unsigned char *)block.at, (int)size, NULL);
	json_buffer_free(&block);
	return number;
}

/* The least number whose cube is not below `cube`. */
static BIGNUM *cube_root(const BIGNUM *cube)
{
	BN_CTX *context = BN_CTX_new();
	BIGNUM *root = BN_new(), *power = BN_new();
	for (int bit = BN_num_bits(cube) / 3 + 1; bit >= 0; bit--) {
		BN_set_bit(root, bit);
		BN_sqr(power, root, context);
		BN_mul(power, power, root, context);
		if (BN_cmp(power, cube) >= 0)
			BN_clear_bit(root, bit);
	}
	BN_add_word(root, 1);
	BN_free(power);
	BN_CTX_free(context);
	return root;
}

static struct json_buffer trick_rsa(EVP_PKEY *key, const struct json_buffer *input,
                                    struct json_buffer good, const char *trick)
{
	size_t size = (size_t)EVP_PKEY_get_size(key);
	struct json_buffer out = {0};
	BIGNUM *modulus = NULL, *number = BN_new();
	EVP_PKEY_get_bn_param(key, "n", &modulus);
	BN_bin2bn((unsigned char *)good.at, (int)good.len, number);
	if (strcmp(trick, "leading-zero") == 0)
		size++;
	if (strcmp(trick, "zero") == 0 || strcmp(trick, "one") == 0)
		BN_set_word(number, trick[0] == 'o');
	if (strcmp(trick, "unreduced") == 0)
		BN_add(number, number, modulus);
	if (strncmp(trick, "exponent-1", 10) == 0 || strcmp(trick, "cube-root") == 0)
		BN_free(number);
	if (strcmp(trick, "exponent-1") == 0)
		number = encode_message(input, size, size - 3 - 19 - 32);
	if (strcmp(trick, "cube-root") == 0) {
		BIGNUM *block = encode_message(input, size, 8);
		number = cube_root(block);
		BN_free(block);
	}
	if ((size_t)BN_num_bytes(number) <= size)
		put_number(&out, number, size);
	BN_free(number);
	BN_free(modulus);
	free(good.at);
	return out;
}

/* With PSS every signature is another one, and some leave room for the modulus to be added. */
static struct json_buffer make_rsa(const char *alg, EVP_PKEY *key, const struct json_buffer *input,
                                   const char *trick)
{
	struct json_buffer made = {0};
	for (int tries = 0; tries < 1000 && made.len == 0; tries++)
		made = trick_rsa(key, input, sign_key(alg, key, input), trick);
	need(made.len > 0, "do that trick with this key");
	return made;
}

static struct json_buffer sign(const char *alg, const char *key_file,
                               const struct json_buffer *input, const char *trick)
{
	struct json_buffer made = {0};
	if (strcmp(alg, "none") == 0)
		return made;
	if (strcmp(alg, "HS256") == 0) {
		struct json_buffer secret = read_file(key_file);
		unsigned len;
		json_buffer_reserve(&made, EVP_MAX_MD_SIZE);
		HMAC(EVP_sha256(), secret.at, (int)secret.len, (const unsigned char *)input->at,
		     input->len, (unsigned char *)made.at, &len);
		made.len = len;
		json_buffer_free(&secret);
		return made;
	}
	FILE *file = fopen(key_file, "r");
	need(file != NULL, key_file);
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	need(key != NULL, "read the key");
	if (EVP_PKEY_is_a(key, "RSA"))
		made = make_rsa(alg, key, input, trick);
	else
		made = sign_key(alg, key, input);
	if (strncmp(trick, "der", 3) == 0 || strcmp(trick, "zero-der") == 0)
		made = spell_der(made, trick);
	else if (alg[0] == 'E' && alg[1] == 'S')
		made = raw_ecdsa(key, made, trick);
	EVP_PKEY_free(key);
	return made;
}

int main(int argc, char **argv)
{
	if (argc != 5 && argc != 6) {
		fprintf(stderr, "usage: forge ALG KEY HEADER PAYLOAD [TRICK]\n");
		return 2;
	}
	const char *trick = argc == 6 ? argv[5] : "";
	struct json_buffer header = read_file(argv[3]), payload = read_file(argv[4]), input = {0};
	struct json_buffer protected = base64url((unsigned char *)header.at, header.len);
	if (strncmp(trick, "header-", 7) == 0)
		spell_badly(&protected, trick + 7);
	struct json_buffer encoded = base64url((unsigned char *)payload.at, payload.len);
	json_put(&input, protected.at, protected.len);
	json_putc(&input, '.');
	json_put(&input, encoded.at, encoded.len);
	struct json_buffer made = sign(argv[1], argv[2], &input, trick);
	struct json_buffer signature = base64url((unsigned char *)made.at, made.len);
	if (strncmp(trick, "base64-", 7) == 0)
		spell_badly(&signature, trick + 7);
	printf("{\"protected\":\"%.*s\",\"signature\":\"%.*s\"}\n", (int)protected.len, protected.at,
	       (int)signature.len, signature.len > 0 ? signature.at : "");
	json_buffer_free(&header);
	json_buffer_free(&payload);
	json_buffer_free(&input);
	json_buffer_free(&protected);
	json_buffer_free(&encoded);
	json_buffer_free(&made);
	json_buffer_free(&signature);
	return 0;
}
