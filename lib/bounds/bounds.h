/*
 * The admin's bounds: what no card exceeds, what every agent gets, and what none does (egress-bounds(5)).
 *
 * Entries select agents by what those whom they confine do not write: the name and the labels of the
 * namespace, the workload's kind and name, the SPIFFE ID of a verified card.
 *
 * Ownership: a struct bounds copies its document and owns the copy; texts that it gives are its own.
 */
#ifndef BOUNDS_BOUNDS_H
#define BOUNDS_BOUNDS_H

#include <stdint.h>

#include "json/json.h"
#include "rules/document.h"

enum { BOUNDS_ENTRIES_MAX = 1024 };

/* The one object of the cluster that counts, when the bounds come from there. */
#define BOUNDS_API_GROUP "agent-egress.dev"
#define BOUNDS_OBJECT_NAME "default"

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
	struct json_text namespace_labels; /* a label selector; absent: any */
	struct bounds_rules at_most, always, never;
};

struct bounds_agent {
	const char *namespace;
	const char *kind, *name; /* of its workload; NULL: not known */
	const char *spiffe_id;   /* "": not known, or not verified */
	struct json_text namespace_labels; /* that passed policy_labels_check(); absent: not known */
};

enum bounds_match { BOUNDS_NO, BOUNDS_MAY, BOUNDS_YES };

/* The next entry behind `index`, from 0, that selects or may select the agent; then, unless one
 * selects it, the default. NULL: there is none. Of one that may, atMost and never count. */
const struct bounds_entry *bounds_next(const struct bounds *bounds, const struct bounds_agent *agent,
                                       size_t *index, enum bounds_match *match);

/* What one workload gets beside all that, up to a time. */
struct bounds_grant {
	const char *path;     /* "grants[2]" */
	const char *workload; /* NAMESPACE/KIND/NAME */
	struct bounds_rules rules;
	int64_t until; /* seconds since 1970; it has ended when it is that time */
};

/* The next grant behind `index`, from 0, of this workload; NULL for both: of any. */
const struct bounds_grant *bounds_next_grant(const struct bounds *bounds, const char *namespace,
                                             const char *kind, const char *name, size_t *index);

/* A workload that reaches nothing, and is reached by nobody. */
struct bounds_quarantine {
	const char *path;     /* "quarantine[2]" */
	const char *workload; /* NAMESPACE/KIND/NAME */
	const char *reason;   /* printable */
};

/* The one of this workload, or NULL. */
const struct bounds_quarantine *bounds_quarantine_of(const struct bounds *bounds,
                                                     const char *namespace, const char *kind,
                                                     const char *name);
const struct bounds_quarantine *bounds_quarantine_at(const struct bounds *bounds, size_t index);

/* A group by its name, a string of JSON; false when there is none. */
bool bounds_group(const struct bounds *bounds, struct json_text name, struct bounds_rules *rules);

const char *bounds_contact(const struct bounds *bounds); /* "": none */
size_t bounds_count(const struct bounds *bounds);        /* entries, without the default */
size_t bounds_groups(const struct bounds *bounds);
bool bounds_has_default(const struct bounds *bounds);
size_t bounds_grants(const struct bounds *bounds);
size_t bounds_quarantines(const struct bounds *bounds);
bool bounds_select_by_labels(const struct bounds *bounds); /* some entry asks for a namespace's */

#endif
