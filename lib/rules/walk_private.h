/* Where the validator is in a document, and saying what is wrong there. */
#ifndef RULES_WALK_PRIVATE_H
#define RULES_WALK_PRIVATE_H

#include "rules/problems.h"

struct policy_walk {
	struct policy_problems *problems;
	char path[256];
	size_t len;
};

/* A path deeper by a member or an index, and back; problems there. */
size_t policy_walk_into(struct policy_walk *walk, const char *member); /* the length before */
size_t policy_walk_index(struct policy_walk *walk, size_t index);
void policy_walk_back(struct policy_walk *walk, size_t len);
void policy_walk_invalid(struct policy_walk *walk, struct json_text value, const char *why);
void policy_walk_problem(struct policy_walk *walk, struct json_text value, const char *message);

/* Behind the path as it is; a path that would not fit is cut: fields of ours are short, so only
 * unknown ones can be. */
void policy_walk_append(struct policy_walk *walk, const char *text, size_t len);

#endif
