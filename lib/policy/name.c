#include "policy/name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

static const char suffix[] = "-signature-policy";

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Keeps `room` bytes of a name, less what may not stand before a dash in a subdomain. */
static size_t cut(const char *name, size_t room)
{
	while (room > 0 && !is_lower_or_digit(name[room - 1]))
		room--;
	return room;
}

static void join(char name[POLICY_NAME_SIZE], const char *stem, size_t room, const char *hex)
{
	size_t len = strlen(stem);
	if (len > room)
		len = cut(stem, room);
	snprintf(name, POLICY_NAME_SIZE, "%.*s%s%s%s", (int)len, stem, *hex ? "-" : "", hex,
	         suffix);
}

void policy_name(char name[POLICY_NAME_SIZE], const char *workload, const char *kind,
                 unsigned attempt)
{
	enum { ROOM = POLICY_NAME_SIZE - sizeof suffix };
	char stem[2 * POLICY_NAME_SIZE], whole[sizeof stem + sizeof suffix], hex[33] = "";
	int len = snprintf(stem, sizeof stem, "%s%s%s", workload, attempt == 0 ? "" : "-",
	                   attempt == 0 ? "" : kind);
	for (int i = (int)strlen(workload); i < len; i++)
		stem[i] = (char)tolower((unsigned char)stem[i]);
	if (attempt >= 2) {
		snprintf(whole, sizeof whole, "%s/%s", kind, workload);
		digest_hex(json_of(whole), hex, 32);
		join(name, stem, ROOM - 33, hex);
		return;
	}
	if (len <= ROOM) {
		join(name, stem, ROOM, "");
		return;
	}
	snprintf(whole, sizeof whole, "%s%s", stem, suffix);
	digest_hex(json_of(whole), hex, 8);
	join(name, stem, ROOM - 9, hex);
}

void policy_extra_name(char name[POLICY_NAME_SIZE], const char *policy,
                         const char hex[POLICY_HEX_SIZE])
{
	enum { ROOM = POLICY_NAME_SIZE - 1 - POLICY_HEX_SIZE };
	size_t len = strlen(policy);
	if (len > ROOM)
		len = cut(policy, ROOM);
	snprintf(name, POLICY_NAME_SIZE, "%.*s-%s", (int)len, policy, hex);
}

void policy_cluster_name(char name[POLICY_NAME_SIZE], const char *namespace, const char *plain)
{
	enum { ROOM = POLICY_NAME_SIZE - sizeof suffix };
	char stem[2 * POLICY_NAME_SIZE], whole[2 * POLICY_NAME_SIZE], hex[33];
	size_t len = strlen(plain);
	if (len > strlen(suffix) && strcmp(plain + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	snprintf(stem, sizeof stem, "%s-%.*s", namespace, (int)len, plain);
	for (char *c = stem; *c != '\0'; c++)
		if (*c == '.')
			*c = '-';
	snprintf(whole, sizeof whole, "%s/%s", namespace, plain);
	digest_hex(json_of(whole), hex, 32);
	join(name, stem, ROOM - 33, hex);
}
