/*
 * The admin's bounds: what no card exceeds, what every agent gets, and what none does (egress-bounds(5)).
 *
 * Entries select agents by what those whom they confine do not write: the name of the namespace, the
 * workload's kind and name, the SPIFFE ID of a verified card.
 *
 * Ownership: a struct bounds copies its document and owns the copy; texts that it gives are its own.
 */
#ifndef BOUNDS_BOUNDS_H
#define BOUNDS_BOUNDS_H

#include "json/json.h"
#include "rules/document.h"

enum { BOUNDS_ENTRIES_MAX = 1024 };

/* Reads a document that passed json_check(). NULL, with each fault said, when anything is wrong. */
struct bounds *bounds_read(struct json_text document, const struct document_faults *faults);
void bounds_free(struct bounds *bounds);

struct bounds_rules {
	bool set;
	struct json_text egress, domains, groups; /* valid; absent: none */
};

struct bounds_entry {
	const char *path; /* "bounds[2]", or "default" */
	struct json_text namespaces, workloads, spiffe_ids; /* absent: any */
	struct bounds_rules at_most, always, never;
};

struct bounds_agent {
	const char *namespace;
	const char *kind, *name; /* of its workload; NULL: not known */
	const char *spiffe_id;   /* "": not known, or not verified */
};

enum bounds_match { BOUNDS_NO, BOUNDS_MAY, BOUNDS_YES };

/* The next entry behind `index`, from 0, that selects or may select the agent; then, unless one
 * selects it, the default. NULL: there is none. Of one that may, atMost and never count. */
const struct bounds_entry *bounds_next(const struct bounds *bounds, const struct bounds_agent *agent,
                                       size_t *index, enum bounds_match *match);

/* A group by its name, a string of JSON; false when there is none. */
bool bounds_group(const struct bounds *bounds, struct json_text name, struct bounds_rules *rules);

const char *bounds_contact(const struct bounds *bounds); /* "": none */
size_t bounds_count(const struct bounds *bounds);        /* entries, without the default */
size_t bounds_groups(const struct bounds *bounds);
bool bounds_has_default(const struct bounds *bounds);

#endif
