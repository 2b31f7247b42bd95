#include "base/table.h"

#include <stdint.h>
#include <sys/random.h>

#include "base/text.h"

struct sip {
	uint64_t a, b, c, d;
};

static uint64_t turned(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void turn(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = turned(s->b, 13) ^ s->a;
	s->d = turned(s->d, 16) ^ s->c;
	s->a = turned(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = turned(s->b, 17) ^ s->c;
	s->d = turned(s->d, 21) ^ s->a;
	s->c = turned(s->c, 32);
}

static void take(struct sip *s, uint64_t word)
{
	s->d ^= word;
	turn(s);
	s->a ^= word;
}

uint64_t json_table_sip(const uint64_t secret[2], const void *key, size_t len)
{
	struct sip s = {secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
	                secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u};
	const char *p = key;
	uint64_t last = (uint64_t)len << 56;
	for (size_t left = len; left >= 8; left -= 8, p += 8)
		take(&s, json_load(p));
	for (size_t i = 0; i < len % 8; i++)
		last |= (uint64_t)(unsigned char)p[i] << 8 * i;
	take(&s, last);
	s.c ^= 0xff;
	for (int i = 0; i < 3; i++)
		turn(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

unsigned json_table_hash(const void *key, size_t len)
{
	static uint64_t secret[2];
	static bool drawn;
	/* without randomness, where this program lies must do */
	if (!drawn && getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		secret[0] = (uint64_t)(uintptr_t)&drawn, secret[1] = (uint64_t)(uintptr_t)key;
	drawn = true;
	return (unsigned)json_table_sip(secret, key, len);
}
