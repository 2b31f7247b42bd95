/*
 * DNS names that are wanted, and the addresses that each may bring, as time goes on.
 *
 * Time is an argument (seconds since 1970) and never read; nothing is asked here. The same calls
 * give the same addresses.
 *
 *   an answer      its addresses count from then on, except those that net/ranges.h refuses; of
 *                  more than max_addresses of a family the lowest count, the same ones each time
 *   its TTL        raised to min_ttl, cut to max_ttl; then the name is to be asked for again
 *   left           an address that a later answer does not have (NODATA and NXDOMAIN have none)
 *                  counts `grace` seconds more, while there is room for it
 *   a failure      changes nothing: addresses count until `stale` seconds after the TTL of the
 *                  last answer; the name is asked for again after 2 seconds, doubling up to 60,
 *                  less a part that depends on the name and `seed`
 *
 * Ownership: the table owns names; a dns_use is its user's and stays where it is while it is in
 * use. Settings are copied, their ranges borrowed. When memory runs out the program is aborted.
 */
#ifndef RESOLVE_NAMES_H
#define RESOLVE_NAMES_H

#include "resolve/answer.h"
#include "net/ranges.h"
#include "base/table.h"

enum {
	DNS_ADDRESSES_MAX = 256, /* the most that max_addresses can be */
	DNS_NEGATIVE_TTL = 60,   /* of NODATA and NXDOMAIN, within min_ttl and max_ttl */
};

#define DNS_NEVER INT64_MAX

struct dns_settings {
	uint32_t min_ttl, max_ttl, grace, stale; /* seconds */
	size_t max_addresses;                    /* of a name, in each family */
	size_t max_names;
	struct dns_ranges ranges;
	uint64_t seed;
	bool recorded; /* names come with their answers, and stay without a user */
};

struct dns_address {
	struct policy_cidr ip;
	int64_t seen;  /* the last answer that had it */
	int64_t until; /* counts before this */
	bool left;     /* the last answer does not have it */
};

struct dns_family {
	bool told;  /* there was an outcome */
	bool asked; /* one is waited for */
	enum dns_status status; /* of the last outcome */
	unsigned failures;      /* in a row */
	int64_t next;           /* to be asked for at */
	struct dns_address *addresses;
	size_t count;
	size_t surplus, refused;     /* of the last answer: over the bound, and by the ranges */
	struct policy_cidr first_refused;
	const char *why_refused;     /* static */
};

struct dns_use;

struct dns_name {
	UT_hash_handle hh;
	struct dns_family families[DNS_TYPES];
	struct dns_use *uses;
	struct dns_name *prev, *next; /* changed */
	bool changed;
	char name[];
};

struct dns_use {
	struct dns_name *name; /* NULL: the table was full */
	void *user;
	struct dns_use *prev, *next;
};

struct dns_names;

struct dns_names *dns_names_new(const struct dns_settings *settings);
void dns_names_free(struct dns_names *names);
size_t dns_names_count(const struct dns_names *names);

/* Fills `use` in; its `name` is NULL when there are max_names already. The name is usable. */
void dns_names_use(struct dns_names *names, struct json_text name, void *user,
                   struct dns_use *use);
void dns_names_drop(struct dns_names *names, struct dns_use *use);

/* Takes an outcome. False when nobody wants the name (any more), or the table is full. */
bool dns_names_answer(struct dns_names *names, const struct dns_answer *answer, int64_t at);

/* Lets go of addresses that do not count any more. */
void dns_names_time(struct dns_names *names, int64_t at);
int64_t dns_names_expiry(const struct dns_names *names); /* not needed before this */

/* The next question to ask at this time, which then counts as asked; false: none. */
struct dns_question {
	const char *name;
	enum dns_type type;
};
bool dns_names_next(struct dns_names *names, int64_t at, struct dns_question *question);
int64_t dns_names_due(const struct dns_names *names); /* there is none before this */

/* Takes out a name whose addresses have changed, or that has its first outcomes; NULL: none. */
struct dns_name *dns_names_changed(struct dns_names *names);

/* True when there was an outcome for both families. */
bool dns_name_told(const struct dns_name *name);

/* Appends why the name brings no addresses, or not all of them; nothing when it brings all. */
void dns_name_problem(const struct dns_name *name, struct json_buffer *out);

#endif
