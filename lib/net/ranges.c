#include "net/ranges.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V4 = 32, V6 = 128 };

struct range {
	struct policy_cidr cidr;
	const char *why;
};

#define RANGE4(a, b, c, d, len, why)                                                               \
	{                                                                                          \
		{{a, b, c, d}, V4, len}, why                                                       \
	}
#define RANGE6(len, why, ...)                                                                      \
	{                                                                                          \
		{{__VA_ARGS__}, V6, len}, why                                                      \
	}

/* Where clouds serve an instance its credentials, or steer it. */
static const struct range metadata[] = {
	RANGE4(169, 254, 169, 254, 32, "is a cloud's metadata address"),
	RANGE4(169, 254, 170, 2, 32, "is a cloud's metadata address"),
	RANGE4(169, 254, 170, 23, 32, "is a cloud's metadata address"),
	RANGE4(100, 100, 100, 200, 32, "is a cloud's metadata address"),
	RANGE4(192, 0, 0, 192, 32, "is a cloud's metadata address"),
	RANGE4(168, 63, 129, 16, 32, "is a cloud's metadata address"),
	RANGE6(128, "is a cloud's metadata address", 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 2, 0x54),
	RANGE6(128, "is a cloud's metadata address", 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 0, 0x23),
	RANGE6(128, "is a cloud's metadata address", 0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               0, 2, 0x54),
};

/* The IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast. */
static const struct range special[] = {
	RANGE4(0, 0, 0, 0, 8, "is unspecified"),
	RANGE4(10, 0, 0, 0, 8, "is private"),
	RANGE4(100, 64, 0, 0, 10, "is shared address space (CGNAT)"),
	RANGE4(127, 0, 0, 0, 8, "is loopback"),
	RANGE4(169, 254, 0, 0, 16, "is link-local"),
	RANGE4(172, 16, 0, 0, 12, "is private"),
	RANGE4(192, 0, 0, 0, 24, "is reserved"),
	RANGE4(192, 0, 2, 0, 24, "is for documentation"),
	RANGE4(192, 88, 99, 0, 24, "is reserved"),
	RANGE4(192, 168, 0, 0, 16, "is private"),
	RANGE4(198, 18, 0, 0, 15, "is for benchmarks"),
	RANGE4(198, 51, 100, 0, 24, "is for documentation"),
	RANGE4(203, 0, 113, 0, 24, "is for documentation"),
	RANGE4(224, 0, 0, 0, 4, "is multicast"),
	RANGE4(240, 0, 0, 0, 4, "is reserved"),
	RANGE6(128, "is unspecified", 0),
	RANGE6(128, "is loopback", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
	RANGE6(48, "is a local translation of IPv4", 0, 0x64, 0xff, 0x9b, 0, 1),
	RANGE6(23, "is reserved", 0x20, 1),
	RANGE6(32, "is for documentation", 0x20, 1, 0x0d, 0xb8),
	RANGE6(20, "is for documentation", 0x3f, 0xff),
	RANGE6(7, "is private (ULA)", 0xfc),
	RANGE6(10, "is link-local", 0xfe, 0x80),
	RANGE6(10, "is private (site-local)", 0xfe, 0xc0),
	RANGE6(8, "is multicast", 0xff),
};

/* All that is handed out for the Internet. */
static const struct policy_cidr unicast = {{0x20}, V6, 3};

/* Forms of IPv6 that hold an IPv4 address, `at` that byte; Teredo's is inverted (RFC 4380). */
static const struct embedding {
	struct policy_cidr cidr;
	unsigned at;
	unsigned char inverted;
} embeddings[] = {
	{{{0, 0x64, 0xff, 0x9b}, V6, 96}, 12, 0}, /* NAT64, RFC 6052 */
	{{{0x20, 0x02}, V6, 16}, 2, 0},           /* 6to4, RFC 3056 */
	{{{0x20, 0x01, 0, 0}, V6, 32}, 12, 0xff},
};
enum { NAT64, EMBEDDINGS = sizeof embeddings / sizeof embeddings[0] };

static const char *find(const struct range *table, size_t count, const struct policy_cidr *address)
{
	for (size_t i = 0; i < count; i++)
		if (policy_cidr_holds(&table[i].cidr, address))
			return table[i].why;
	return NULL;
}

static bool is_in(const struct policy_cidr *ranges, size_t count, const struct policy_cidr *address)
{
	for (size_t i = 0; i < count; i++)
		if (policy_cidr_holds(&ranges[i], address))
			return true;
	return false;
}

static bool is_listed(const struct dns_ranges *ranges, const struct policy_cidr *address)
{
	for (size_t i = 0; i < ranges->allowed_count; i++)
		if (ranges->allowed[i].prefix == address->bits &&
		    policy_cidr_holds(&ranges->allowed[i], address))
			return true;
	return false;
}

/* What a table says of the address itself. */
static const char *refuse_plain(const struct dns_ranges *ranges, const struct policy_cidr *address)
{
	const char *why = find(metadata, sizeof metadata / sizeof metadata[0], address);
	if (why != NULL)
		return is_listed(ranges, address) ? NULL : why;
	if (is_in(ranges->allowed, ranges->allowed_count, address))
		return NULL;
	if (is_in(ranges->cluster, ranges->cluster_count, address))
		return "is in the cluster";
	why = find(special, sizeof special / sizeof special[0], address);
	if (why != NULL || address->bits == V4 || policy_cidr_holds(&unicast, address) ||
	    policy_cidr_holds(&embeddings[NAT64].cidr, address))
		return why;
	return "is no global unicast address";
}

static const char *refuse_embedded(const struct dns_ranges *ranges,
                                   const struct policy_cidr *address)
{
	for (size_t i = 0; i < EMBEDDINGS; i++) {
		if (!policy_cidr_holds(&embeddings[i].cidr, address))
			continue;
		struct policy_cidr inner = {.bits = V4, .prefix = V4};
		for (unsigned byte = 0; byte < 4; byte++)
			inner.ip[byte] =
				address->ip[embeddings[i].at + byte] ^ embeddings[i].inverted;
		if (refuse_plain(ranges, &inner) != NULL)
			return "holds an IPv4 address that is not public";
	}
	return NULL;
}

const char *dns_ranges_refuse(const struct dns_ranges *ranges, const struct policy_cidr *address)
{
	char text[DNS_ADDRESS_SIZE + 4], ip[DNS_ADDRESS_SIZE];
	struct policy_cidr again;
	dns_address_format(address, ip);
	snprintf(text, sizeof text, "%s/%u", ip, address->bits);
	if (policy_cidr_parse(json_of(text), &again) != NULL)
		return "is an IPv4 address written as IPv6";
	const char *why = refuse_plain(ranges, address);
	return why != NULL || address->bits == V4 ? why : refuse_embedded(ranges, address);
}

void dns_address_format(const struct policy_cidr *address, char *text)
{
	text[0] = '\0';
	inet_ntop(address->bits == V4 ? AF_INET : AF_INET6, address->ip, text, DNS_ADDRESS_SIZE);
}

bool dns_address_parse(struct json_text text, struct policy_cidr *address)
{
	char word[DNS_ADDRESS_SIZE], canonical[DNS_ADDRESS_SIZE];
	if (text.at == NULL || text.len >= sizeof word || memchr(text.at, '\0', text.len) != NULL)
		return false;
	memcpy(word, text.at, text.len);
	word[text.len] = '\0';
	unsigned bits = strchr(word, ':') == NULL ? V4 : V6;
	*address = (struct policy_cidr){.bits = bits, .prefix = bits};
	if (inet_pton(bits == V4 ? AF_INET : AF_INET6, word, address->ip) != 1)
		return false;
	dns_address_format(address, canonical);
	return strcmp(word, canonical) == 0;
}

int dns_address_compare(const struct policy_cidr *a, const struct policy_cidr *b)
{
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->ip, b->ip, a->bits / 8);
}
