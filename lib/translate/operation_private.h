/* The text of operations: egress-records(5). Each appends one line without its newline. */
#ifndef TRANSLATE_OPERATION_PRIVATE_H
#define TRANSLATE_OPERATION_PRIVATE_H

#include "targets/target.h"

/* An APPLY of a manifest, up to its closing brace. */
void policy_put_apply(struct json_text manifest, const struct policy_decision *decision,
                      struct json_buffer *out);
/* The same of a namespace-wide one. */
void policy_put_apply_namespace(struct json_text manifest, const struct policy_problems *problems,
                            struct json_buffer *out);

/* Closes either; `observed`: the object was last seen to be as this asks for. */
void policy_put_apply_end(const struct policy_object *object, bool observed,
                          struct json_buffer *out);

void policy_put_delete(const struct policy_object *object, struct json_buffer *out);

void policy_put_status(const struct policy_decision *decision, const struct policy_card *card,
                       struct json_buffer *out);

#endif
