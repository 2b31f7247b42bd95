#include "resolve/names.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_FIRST = 2, RETRY_MOST = 60 };

struct dns_names {
	struct dns_settings settings;
	struct dns_name *table;
	struct dns_name *changed; /* a queue */
	struct dns_name *cursor;  /* where the look for the next question goes on; NULL: the first */
	int64_t due, expiry;
};

struct dns_names *dns_names_new(const struct dns_settings *settings)
{
	struct dns_names *names = calloc(1, sizeof *names);
	if (names == NULL)
		abort();
	names->settings = *settings;
	names->due = names->expiry = DNS_NEVER;
	return names;
}

size_t dns_names_count(const struct dns_names *names)
{
	return HASH_COUNT(names->table);
}

static void remove_name(struct dns_names *names, struct dns_name *name)
{
	if (name->changed)
		DL_DELETE(names->changed, name);
	if (names->cursor == name)
		names->cursor = name->hh.next;
	HASH_DEL(names->table, name);
	for (int type = 0; type < DNS_TYPES; type++)
		free(name->families[type].addresses);
	free(name);
}

void dns_names_free(struct dns_names *names)
{
	struct dns_name *name, *next;
	if (names == NULL)
		return;
	HASH_ITER(hh, names->table, name, next)
	{
		remove_name(names, name);
	}
	free(names);
}

static struct dns_name *find(const struct dns_names *names, const char *at, size_t len)
{
	struct dns_name *name;
	HASH_FIND(hh, names->table, at, len, name);
	return name;
}

static struct dns_name *find_or_add(struct dns_names *names, const char *at, size_t len)
{
	struct dns_name *name = find(names, at, len);
	if (name != NULL || HASH_COUNT(names->table) >= names->settings.max_names)
		return name;
	name = calloc(1, sizeof *name + len + 1);
	if (name == NULL)
		abort();
	memcpy(name->name, at, len);
	for (int type = 0; type < DNS_TYPES; type++)
		name->families[type].next = INT64_MIN;
	HASH_ADD_KEYPTR(hh, names->table, name->name, (unsigned)len, name);
	names->due = INT64_MIN;
	return name;
}

void dns_names_use(struct dns_names *names, struct json_text name, void *user,
                   struct dns_use *use)
{
	*use = (struct dns_use){.user = user};
	use->name = names->settings.recorded ? find(names, name.at, name.len)
	                                     : find_or_add(names, name.at, name.len);
	if (use->name != NULL)
		DL_APPEND(use->name->uses, use);
}

void dns_names_drop(struct dns_names *names, struct dns_use *use)
{
	struct dns_name *name = use->name;
	if (name == NULL)
		return;
	DL_DELETE(name->uses, use);
	use->name = NULL;
	if (name->uses == NULL && !names->settings.recorded)
		remove_name(names, name);
}

static void note_change(struct dns_names *names, struct dns_name *name)
{
	if (name->changed)
		return;
	name->changed = true;
	DL_APPEND(names->changed, name);
}

struct dns_name *dns_names_changed(struct dns_names *names)
{
	struct dns_name *name = names->changed;
	if (name == NULL)
		return NULL;
	DL_DELETE(names->changed, name);
	name->changed = false;
	return name;
}

static uint32_t held_ttl(const struct dns_settings *settings, uint32_t ttl)
{
	if (ttl < settings->min_ttl)
		ttl = settings->min_ttl;
	return ttl > settings->max_ttl ? settings->max_ttl : ttl;
}

/* The answer's addresses that count, in its order. */
static void take_fresh(struct dns_family *family, const struct dns_settings *settings,
                       const struct dns_answer *answer, int64_t at)
{
	int64_t until = at + held_ttl(settings, answer->ttl) + settings->stale;
	family->count = family->surplus = family->refused = 0;
	for (size_t i = 0; i < answer->count; i++) {
		const struct policy_cidr *ip = &answer->addresses[i];
		const char *why = dns_ranges_refuse(&settings->ranges, ip);
		if (why != NULL && family->refused++ == 0) {
			family->first_refused = *ip;
			family->why_refused = why;
		}
		if (why != NULL)
			continue;
		if (family->count == settings->max_addresses)
			family->surplus++;
		else
			family->addresses[family->count++] =
				(struct dns_address){.ip = *ip, .seen = at, .until = until};
	}
}

static bool has(const struct dns_address *addresses, size_t count, const struct policy_cidr *ip)
{
	for (size_t i = 0; i < count; i++)
		if (dns_address_compare(&addresses[i].ip, ip) == 0)
			return true;
	return false;
}

/* Those that left last come first, as they are the likeliest to be in use. */
static int latest_first(const void *a, const void *b)
{
	const struct dns_address *first = a, *second = b;
	if (first->seen != second->seen)
		return first->seen > second->seen ? -1 : 1;
	return dns_address_compare(&first->ip, &second->ip);
}

/* Of the addresses from before, those that are in their grace. */
static void keep_left(struct dns_family *family, const struct dns_settings *settings,
                      struct dns_address *before, size_t count, int64_t at)
{
	size_t fresh = family->count;
	if (count > 0)
		qsort(before, count, sizeof *before, latest_first);
	for (size_t i = 0; i < count && family->count < settings->max_addresses; i++) {
		struct dns_address *address = &before[i];
		if (address->until <= at)
			continue;
		if (!address->left)
			address->until = at + settings->grace;
		address->left = true;
		if (address->until > at && !has(family->addresses, fresh, &address->ip))
			family->addresses[family->count++] = *address;
	}
}

/* True when these are not the same addresses. */
static bool differ(const struct dns_family *family, const struct dns_address *before, size_t count)
{
	if (family->count != count)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!has(family->addresses, family->count, &before[i].ip))
			return true;
	return false;
}

static bool replace(struct dns_family *family, const struct dns_settings *settings,
                    const struct dns_answer *answer, int64_t at)
{
	struct dns_address *before = family->addresses;
	size_t count = family->count;
	family->addresses = calloc(settings->max_addresses + 1, sizeof *family->addresses);
	if (family->addresses == NULL)
		abort();
	take_fresh(family, settings, answer, at);
	keep_left(family, settings, before, count, at);
	bool changed = differ(family, before, count);
	free(before);
	family->addresses = realloc(family->addresses,
	                            (family->count + 1) * sizeof *family->addresses);
	if (family->addresses == NULL)
		abort();
	return changed;
}

static int64_t retry_after(const struct dns_names *names, const struct dns_name *name,
                           unsigned failures)
{
	int64_t wait = RETRY_FIRST;
	for (unsigned i = 1; i < failures && wait < RETRY_MOST; i++)
		wait *= 2;
	if (wait > RETRY_MOST)
		wait = RETRY_MOST;
	uint64_t jitter = json_hash(json_of(name->name)) ^ names->settings.seed ^ failures;
	jitter *= 0x9e3779b97f4a7c15u;
	return wait - (int64_t)((jitter >> 32) % (uint64_t)(wait / 2 + 1));
}

static void expect(struct dns_names *names, const struct dns_family *family)
{
	if (family->next < names->due)
		names->due = family->next;
	for (size_t i = 0; i < family->count; i++)
		if (family->addresses[i].until < names->expiry)
			names->expiry = family->addresses[i].until;
}

bool dns_names_answer(struct dns_names *names, const struct dns_answer *answer, int64_t at)
{
	size_t len = strlen(answer->name);
	const struct dns_settings *settings = &names->settings;
	struct dns_name *name = settings->recorded ? find_or_add(names, answer->name, len)
	                                           : find(names, answer->name, len);
	if (name == NULL)
		return false;
	struct dns_family *family = &name->families[answer->type];
	bool first = !family->told;
	bool changed = false;
	family->told = true;
	family->asked = false;
	family->status = answer->status;
	if (dns_is_failure(answer->status)) {
		family->next = at + retry_after(names, name, ++family->failures);
	} else {
		uint32_t ttl = answer->status == DNS_NOERROR ? answer->ttl : DNS_NEGATIVE_TTL;
		family->failures = 0;
		family->next = at + held_ttl(settings, ttl);
		changed = replace(family, settings, answer, at);
	}
	expect(names, family);
	if (first || changed)
		note_change(names, name);
	return true;
}

static bool expire(struct dns_family *family, int64_t at)
{
	size_t kept = 0, before = family->count;
	for (size_t i = 0; i < before; i++)
		if (family->addresses[i].until > at)
			family->addresses[kept++] = family->addresses[i];
	family->count = kept;
	return kept < before;
}

void dns_names_time(struct dns_names *names, int64_t at)
{
	if (at < names->expiry)
		return;
	names->expiry = DNS_NEVER;
	for (struct dns_name *name = names->table; name != NULL; name = name->hh.next) {
		for (int type = 0; type < DNS_TYPES; type++) {
			if (expire(&name->families[type], at))
				note_change(names, name);
			expect(names, &name->families[type]);
		}
	}
}

int64_t dns_names_expiry(const struct dns_names *names)
{
	return names->expiry;
}

static bool ask(struct dns_names *names, struct dns_name *name, int64_t at,
                struct dns_question *question)
{
	for (int type = 0; type < DNS_TYPES; type++) {
		struct dns_family *family = &name->families[type];
		if (family->asked)
			continue;
		if (family->next <= at) {
			family->asked = true;
			*question = (struct dns_question){name->name, (enum dns_type)type};
			return true;
		}
		if (family->next < names->due)
			names->due = family->next;
	}
	return false;
}

bool dns_names_next(struct dns_names *names, int64_t at, struct dns_question *question)
{
	int64_t before = names->due;
	if (at < names->due)
		return false;
	names->due = DNS_NEVER;
	struct dns_name *name = names->cursor;
	for (unsigned left = HASH_COUNT(names->table); left > 0; left--) {
		if (name == NULL)
			name = names->table;
		if (ask(names, name, at, question)) {
			names->cursor = name;
			names->due = before; /* the others were not looked at */
			return true;
		}
		name = name->hh.next;
	}
	return false;
}

int64_t dns_names_due(const struct dns_names *names)
{
	return names->due;
}

bool dns_name_told(const struct dns_name *name)
{
	return name->families[DNS_A].told && name->families[DNS_AAAA].told;
}

static void say_refused(const struct dns_name *name, struct json_buffer *out)
{
	for (int type = 0; type < DNS_TYPES; type++) {
		const struct dns_family *family = &name->families[type];
		char ip[DNS_ADDRESS_SIZE];
		if (family->refused == 0)
			continue;
		dns_address_format(&family->first_refused, ip);
		json_putf(out, "%s%zu of its addresses %s refused: %s %s", out->len > 0 ? "; " : "",
		          family->refused, family->refused == 1 ? "is" : "are", ip,
		          family->why_refused);
	}
}

static void say_surplus(const struct dns_name *name, struct json_buffer *out)
{
	for (int type = 0; type < DNS_TYPES; type++) {
		const struct dns_family *family = &name->families[type];
		if (family->surplus > 0)
			json_putf(out, "%s%zu of its %s records %s left out: there are too many",
			          out->len > 0 ? "; " : "", family->surplus, dns_type_words[type],
			          family->surplus == 1 ? "is" : "are");
	}
}

/* When there is no address at all. The word of a failure says more than that of no data. */
static void say_none(const struct dns_name *name, struct json_buffer *out)
{
	enum dns_status a = name->families[DNS_A].status, aaaa = name->families[DNS_AAAA].status;
	enum dns_status worst = a > aaaa ? a : aaaa;
	if (!dns_name_told(name))
		json_puts(out, "no answer came yet");
	else if (dns_is_failure(worst))
		json_putf(out, "its name servers gave no answer (%s)", dns_status_words[worst]);
	else if (worst == DNS_NXDOMAIN)
		json_puts(out, "does not exist (NXDOMAIN)");
	else
		json_puts(out, "has no addresses");
}

void dns_name_problem(const struct dns_name *name, struct json_buffer *out)
{
	struct json_buffer words = {0};
	say_refused(name, &words);
	say_surplus(name, &words);
	bool none = name->families[DNS_A].count == 0 && name->families[DNS_AAAA].count == 0;
	if (none && words.len == 0)
		say_none(name, &words);
	json_put(out, words.at, words.len);
	json_buffer_free(&words);
}
