/* The text of operations: egress-records(5). Each appends one line without its newline. */
#ifndef TRANSLATE_OPERATION_PRIVATE_H
#define TRANSLATE_OPERATION_PRIVATE_H

#include "policy/confinement.h"
#include "policy/quarantine.h"
#include "targets/target.h"

/* An APPLY of a manifest, up to its closing brace. */
void policy_put_apply(struct json_text manifest, const struct policy_decision *decision,
                      struct json_buffer *out);
/* The same of a namespace-wide one. */
void policy_put_apply_namespace(struct json_text manifest, const struct policy_problems *problems,
                            struct json_buffer *out);

/* The same of one that keeps a workload in quarantine. */
void policy_put_apply_quarantine(struct json_text manifest, const struct bounds_quarantine *entry,
                                 struct json_buffer *out);

/* What carrying it out does to what the agent may reach, beside what is live. */
enum policy_effect { POLICY_NARROWS, POLICY_NEW, POLICY_EFFECT_UNKNOWN, POLICY_WIDENS };

/* Closes either; `observed`: the object was last seen to be as this asks for. */
void policy_put_apply_end(const struct policy_object *object, bool observed,
                          enum policy_effect effect, struct json_buffer *out);

void policy_put_delete(const struct policy_object *object, enum policy_effect effect,
                       struct json_buffer *out);

/* The state of a card's agent. `gaps`: NULL for a decision that confines to nothing; `live`: the
 * input shows the objects that implement it. */
void policy_put_agent(const struct policy_decision *decision, const struct policy_card *card,
                      const struct policy_gaps *gaps, bool live, struct json_buffer *out);
void policy_put_gone(const struct policy_gone *gone, struct json_buffer *out);

void policy_put_status(const struct policy_decision *decision, const struct policy_card *card,
                       struct json_buffer *out);

#endif
