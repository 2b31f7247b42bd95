/*
 * Checking a document that an admin writes, in which rules stand: the bounds, assertions. Each fault is
 * said with its path and its place in the text, so that a reader can tell the line.
 *
 * Ownership: a document_check borrows all that it is given; `at` and `path` are valid during `say`.
 */
#ifndef RULES_DOCUMENT_H
#define RULES_DOCUMENT_H

#include "rules/rules.h"

/* `at` lies in the document. */
struct document_faults {
	void (*say)(void *context, struct json_text at, const char *path, const char *message);
	void *context;
};

struct document_check {
	const struct document_faults *faults;
	struct json_text document; /* passed json_check(); the place of what is missing */
	bool good;
};

void document_fault(struct document_check *check, struct json_text at, const char *path,
                    const char *message);

/* A null is a member that somebody forgot to write: of `never` that would forbid nothing. */
void document_refuse_nulls(struct document_check *check, struct json_text value, const char *path);

/* Anything but an object whose members are all `known` (NULL-terminated). */
void document_refuse_unknown(struct document_check *check, struct json_text object, const char *path,
                             const char *const known[]);

/* The validator's problems with rules that were read at `path`, as faults at their places in `value`. */
void document_problems(struct document_check *check, struct json_text value, const char *path,
                       const struct policy_problems *problems);

/* Rules as a card has them, with the validator's faults at their places. Absent: not set. */
struct policy_rules document_rules(struct document_check *check, struct json_text value,
                                   const char *path);

/* The list of patterns (k8s/pattern.h) that is `object`'s member `name`, or absent. With `slash` each
 * names a KIND/NAME. */
struct json_text document_patterns(struct document_check *check, struct json_text object,
                                   const char *name, const char *path, bool slash);

#endif
