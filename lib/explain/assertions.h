/*
 * Statements over all that the policies allow (egress-assertions(5)), decided by arithmetic
 * (rules/witness.h) and not by trying connections: each either holds, fails, with a connection that
 * shows it and the rule that allows that, or cannot be decided.
 *
 * Ownership: assertions copy their document, and keep what they found as text; what is given to
 * explain_assertions_judge() is borrowed for the call.
 */
#ifndef EXPLAIN_ASSERTIONS_H
#define EXPLAIN_ASSERTIONS_H

#include "explain/explain.h"
#include "rules/document.h"

enum { EXPLAIN_ASSERTIONS_MAX = 256 };

struct explain_assertions;

/* Reads a document that passed json_check(). NULL, with each fault said, when anything is wrong. */
struct explain_assertions *explain_assertions_read(struct json_text document,
                                                   const struct document_faults *faults);
/* The same of a file of YAML; faults are reported with its name and line. */
struct explain_assertions *explain_assertions_open(const char *path);
void explain_assertions_free(struct explain_assertions *assertions);

/* What holds for all agents. `pods`, borrowed, are the ranges of pods' addresses; none: they are not
 * known. */
struct explain_assertions_facts {
	const struct policy_cidr *pods;
	size_t pods_count;
	bool others; /* the directory has policies of others' kinds, which nobody judged */
};

/* Once, before the first agent. */
void explain_assertions_know(struct explain_assertions *assertions,
                             const struct explain_assertions_facts *facts);

/* What one agent's policies say to each of them. */
void explain_assertions_judge(struct explain_assertions *assertions, const struct world *world,
                              const struct explanation *explanation);

/* Appends what came of them: lines for people, or a JSON object each. True when all hold. */
bool explain_assertions_put(const struct explain_assertions *assertions, bool json,
                            struct json_buffer *out);

#endif
