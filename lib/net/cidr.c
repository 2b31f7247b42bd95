#include "net/cidr.h"

#include <arpa/inet.h>
#include <string.h>

static const char not_one[] = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
static const char zeros[] = "must not have leading 0s in IP or prefix length";
static const char mapped[] = "must not have an IPv4-mapped IPv6 address";
static const char beyond[] = "must not have bits set beyond the prefix length";
static const char spelling[] = "must be in canonical form";

static bool parse_prefix(const char *digits, unsigned bits, unsigned *prefix)
{
	size_t len = strlen(digits);
	if (len < 1 || len > 3 || strspn(digits, "0123456789") != len)
		return false;
	*prefix = 0;
	for (size_t i = 0; i < len; i++)
		*prefix = *prefix * 10 + (unsigned)(digits[i] - '0');
	return *prefix <= bits;
}

/* inet_pton() refuses them with all else that is no address; they deserve their own words. */
static bool has_leading_zero(const char *ip)
{
	if (strspn(ip, "0123456789.") != strlen(ip))
		return false;
	for (const char *at = ip; *at != '\0'; at++)
		if (*at == '0' && (at == ip || at[-1] == '.') && at[1] >= '0' && at[1] <= '9')
			return true;
	return false;
}

static bool has_bits_beyond(const struct policy_cidr *cidr)
{
	for (unsigned bit = cidr->prefix; bit < cidr->bits; bit++)
		if (cidr->ip[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

/* An IPv4 address in the last four bytes: mapped (::ffff:0:0/96), or "compatible". */
static bool holds_ipv4(const unsigned char ip[16])
{
	static const unsigned char zero[12], one[4] = {0, 0, 0, 1};
	if (memcmp(ip, zero, 10) != 0)
		return false;
	if (ip[10] == 0xff && ip[11] == 0xff)
		return true;
	return memcmp(ip, zero, 12) == 0 && memcmp(ip + 12, zero, 4) != 0 &&
	       memcmp(ip + 12, one, 4) != 0;
}

static bool is_canonical(const struct policy_cidr *cidr, const char *ip)
{
	char canonical[INET6_ADDRSTRLEN];
	int family = cidr->bits == 32 ? AF_INET : AF_INET6;
	return inet_ntop(family, cidr->ip, canonical, sizeof canonical) != NULL &&
	       strcmp(canonical, ip) == 0;
}

const char *policy_cidr_parse(struct json_text text, struct policy_cidr *cidr)
{
	char word[INET6_ADDRSTRLEN + 4];
	if (text.at == NULL || text.len >= sizeof word || memchr(text.at, '\0', text.len) != NULL)
		return not_one;
	memcpy(word, text.at, text.len);
	word[text.len] = '\0';
	char *slash = strchr(word, '/');
	if (slash == NULL)
		return not_one;
	*slash++ = '\0';
	*cidr = (struct policy_cidr){.bits = strchr(word, ':') == NULL ? 32 : 128};
	if (has_leading_zero(word))
		return zeros;
	if (inet_pton(cidr->bits == 32 ? AF_INET : AF_INET6, word, cidr->ip) != 1 ||
	    !parse_prefix(slash, cidr->bits, &cidr->prefix))
		return not_one;
	if (slash[0] == '0' && slash[1] != '\0')
		return zeros;
	if (cidr->bits == 128 && holds_ipv4(cidr->ip))
		return mapped;
	if (has_bits_beyond(cidr))
		return beyond;
	return is_canonical(cidr, word) ? NULL : spelling;
}

bool policy_cidr_holds(const struct policy_cidr *outer, const struct policy_cidr *inner)
{
	if (outer->bits != inner->bits || outer->prefix > inner->prefix)
		return false;
	for (unsigned bit = 0; bit < outer->prefix; bit++)
		if ((outer->ip[bit / 8] ^ inner->ip[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

void policy_cidr_put(const struct policy_cidr *cidr, struct json_buffer *out)
{
	char ip[INET6_ADDRSTRLEN];
	inet_ntop(cidr->bits == 32 ? AF_INET : AF_INET6, cidr->ip, ip, sizeof ip);
	json_putf(out, "\"%s/%u\"", ip, cidr->prefix);
}
