/*
 * A translator that unit tests tell events, and ask what it made of them.
 *
 * Lines are written with ' for ", and printf's directives.
 *
 * Ownership: a translating owns what it holds; texts that it gives are valid until the next call.
 */
#ifndef TESTS_TRANSLATING_H
#define TESTS_TRANSLATING_H

#include "base/buffer.h"
#include "translate/translator.h"

struct translating {
	struct policy_translator *translator;
	struct json_buffer line;       /* told last */
	struct json_buffer operations; /* all that were emitted, a line each */
	struct json_buffer answer;
};

/* For the first target, the API server's port from its endpoints. */
void translating_start(struct translating *translating);
/* With other settings, which are borrowed until translating_free(). */
void translating_start_with(struct translating *translating, struct policy_settings *settings);
void translating_free(struct translating *translating);

/* Takes a line; it must be of use. */
__attribute__((format(printf, 2, 3))) void tell(struct translating *translating,
                                                const char *format, ...);

/* A Deployment of namespace `n` with its label app, and an AgentCard of the same name for it, or of
 * another. network_policy: its rules, or NULL. */
void tell_workload(struct translating *translating, const char *name);
void tell_card(struct translating *translating, const char *type, const char *name, bool verified,
               const char *network_policy);
void tell_card_for(struct translating *translating, const char *type, const char *name,
                   const char *workload, bool verified, const char *network_policy);

/* The marks of the AgentCards' list, or of another. */
void tell_begin(struct translating *translating, const char *api_version, const char *kind);
void tell_end(struct translating *translating, const char *api_version, const char *kind);
void tell_begin_cards(struct translating *translating);
void tell_end_cards(struct translating *translating);

/* What was asked for last of the policy of this name: "APPLY REASON EGRESS", "DELETE REASON", or
 * "nothing"; with ' for ". */
const char *asked(struct translating *translating, const char *name);
/* Of all that were emitted, marks among them. */
size_t operations(const struct translating *translating);

#endif
