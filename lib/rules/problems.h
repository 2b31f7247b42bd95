/*
 * What is wrong, or unwise, with an agent's rules: the `problems` of an operation
 * (egress-records(5)), each {"field","value","message"}, a warning with "severity":"warning".
 *
 * Bounded, because agents write what is quoted: values are cut to POLICY_VALUE_MAX bytes, and
 * after POLICY_PROBLEMS_MAX of them one last problem says how many were left out; errors count
 * on.
 *
 * Ownership: a policy_problems owns its text; initialise with {0}.
 */
#ifndef RULES_PROBLEMS_H
#define RULES_PROBLEMS_H

#include "base/buffer.h"

enum {
	POLICY_PROBLEMS_MAX = 32,
	POLICY_VALUE_MAX = 256,
	POLICY_FIELD_SIZE = 160, /* of the path of any field that a card may have */
};

enum policy_severity {
	POLICY_ERROR,   /* all egress is denied */
	POLICY_WARNING, /* it is done as asked, but for what the message says */
};

struct policy_problems {
	struct json_buffer text; /* objects, with commas between them */
	size_t errors, warnings; /* all of them, also those left out */
};

/* `field` is a path as the API server writes it, "spec.networkPolicy.egress[0].ports[1].port";
 * `value` is JSON, quoted as it stands in a string (a string without its quotes); absent: "". */
void policy_problem(struct policy_problems *problems, enum policy_severity severity,
                    const char *field, struct json_text value, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Adds those of an array that policy_problems_put() wrote; an empty text has none. */
void policy_problems_again(struct policy_problems *problems, struct json_text kept);

/* Appends "[...]". */
void policy_problems_put(const struct policy_problems *problems, struct json_buffer *out);

/* Forgets all, and keeps the memory. */
void policy_problems_clear(struct policy_problems *problems);
void policy_problems_free(struct policy_problems *problems);

#endif
