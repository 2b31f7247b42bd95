#include "resolve/answer.h"

#include <stdlib.h>
#include <string.h>

#include "net/ranges.h"
#include "os/clock.h"
#include "k8s/name.h"
#include "json/json.h"

const char *const dns_type_words[] = {"A", "AAAA", NULL};
const char *const dns_status_words[] = {"NOERROR", "NODATA",      "NXDOMAIN", "SERVFAIL", "REFUSED",
                                        "TIMEOUT", "UNANSWERED", "BADREPLY", NULL};

enum { LABEL_MAX = 63, V4 = 32, V6 = 128 };

static bool labels_fit(struct json_text name)
{
	size_t start = 0;
	for (size_t i = 0; i <= name.len; i++) {
		if (i < name.len && name.at[i] != '.')
			continue;
		if (i - start > LABEL_MAX)
			return false;
		start = i + 1;
	}
	return true;
}

bool dns_name_usable(struct json_text name)
{
	return name.at != NULL && name.len < DNS_NAME_SIZE && policy_is_subdomain(name) &&
	       labels_fit(name);
}

void dns_answer_add(struct dns_answer *answer, const struct policy_cidr *address)
{
	if (answer->count % 16 == 0) {
		size_t size = (answer->count + 16) * sizeof *answer->addresses;
		answer->addresses = realloc(answer->addresses, size);
		if (answer->addresses == NULL)
			abort();
	}
	answer->addresses[answer->count++] = *address;
}

static int compare(const void *a, const void *b)
{
	return dns_address_compare(a, b);
}

void dns_answer_sort(struct dns_answer *answer)
{
	size_t kept = 0;
	if (answer->count == 0)
		return;
	qsort(answer->addresses, answer->count, sizeof *answer->addresses, compare);
	for (size_t i = 0; i < answer->count; i++)
		if (i == 0 || compare(&answer->addresses[kept - 1], &answer->addresses[i]) != 0)
			answer->addresses[kept++] = answer->addresses[i];
	answer->count = kept;
}

static int word_at(const char *const words[], struct json_text value)
{
	for (int i = 0; words[i] != NULL; i++)
		if (json_equals(value, words[i]))
			return i;
	return -1;
}

static const char *read_addresses(struct json_text list, struct dns_answer *answer)
{
	unsigned bits = answer->type == DNS_A ? V4 : V6;
	if (json_type(list) != JSON_ARRAY)
		return "\"addresses\" is missing or not a list";
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m)) {
		struct policy_cidr address;
		if (!dns_address_parse(json_plain(m.value), &address) || address.bits != bits)
			return "\"addresses\" has something that is no address of this type";
		if (answer->count == DNS_ANSWER_MAX)
			return "\"addresses\" has more than 4096";
		dns_answer_add(answer, &address);
	}
	dns_answer_sort(answer);
	return answer->count > 0 ? NULL : "NOERROR without addresses: that is NODATA";
}

static const char *read_rest(struct json_text ttl, struct json_text addresses,
                             struct dns_answer *answer)
{
	int64_t seconds;
	if (answer->status != DNS_NOERROR)
		return json_is_empty(addresses) ? NULL : "addresses without NOERROR";
	if (!json_integer(ttl, &seconds) || seconds < 0 || seconds > INT32_MAX)
		return "\"ttl\" is missing or not a number of seconds";
	answer->ttl = (uint32_t)seconds;
	return read_addresses(addresses, answer);
}

static bool read_time(struct json_text value, int64_t *time)
{
	char *text = json_cstring(value);
	bool good = text != NULL && clock_parse(text, time);
	free(text);
	return good;
}

const char *dns_answer_read(struct json_text json, struct dns_answer *answer)
{
	enum { TIME, NAME, TYPE, STATUS, TTL, ADDRESSES, COUNT };
	static const char *const keys[COUNT] = {"time", "name", "type", "status", "ttl", "addresses"};
	struct json_text found[COUNT];
	dns_answer_free(answer);
	if (json_type(json) != JSON_OBJECT)
		return "not a JSON object";
	json_pick(json, COUNT, keys, found);
	struct json_text name = json_plain(found[NAME]);
	int type = word_at(dns_type_words, found[TYPE]);
	int status = word_at(dns_status_words, found[STATUS]);
	if (!read_time(found[TIME], &answer->time))
		return "\"time\" is missing or not a time such as 2026-01-02T03:04:05Z";
	if (!dns_name_usable(name))
		return "\"name\" is missing or not a DNS name in lower case";
	if (type < 0)
		return "\"type\" is neither A nor AAAA";
	if (status < 0)
		return "\"status\" is none that is known";
	memcpy(answer->name, name.at, name.len);
	answer->name[name.len] = '\0';
	answer->type = (enum dns_type)type;
	answer->status = (enum dns_status)status;
	return read_rest(found[TTL], found[ADDRESSES], answer);
}

void dns_answer_put(const struct dns_answer *answer, struct json_buffer *out)
{
	char time[CLOCK_TEXT_SIZE], ip[DNS_ADDRESS_SIZE];
	clock_format(answer->time, time);
	json_putf(out, "{\"time\":\"%s\",\"name\":\"%s\",\"type\":\"%s\",\"status\":\"%s\"", time,
	          answer->name, dns_type_words[answer->type], dns_status_words[answer->status]);
	if (answer->status == DNS_NOERROR) {
		json_putf(out, ",\"ttl\":%u,\"addresses\":[", answer->ttl);
		for (size_t i = 0; i < answer->count; i++) {
			dns_address_format(&answer->addresses[i], ip);
			json_putf(out, "%s\"%s\"", i == 0 ? "" : ",", ip);
		}
		json_putc(out, ']');
	}
	json_putc(out, '}');
}

void dns_answer_free(struct dns_answer *answer)
{
	free(answer->addresses);
	*answer = (struct dns_answer){0};
}
