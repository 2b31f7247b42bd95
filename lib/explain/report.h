/* What is said of an agent, in the forms in which egress-explain says it. */
#ifndef EXPLAIN_REPORT_H
#define EXPLAIN_REPORT_H

#include "explain/explain.h"

/* Each appends to `out`: a block of text, a line of a table, a JSON object; each
 * ends its lines. */
void put_block(struct json_buffer *out, const struct world *world,
               const struct explanation *explanation);
void put_row(struct json_buffer *out, const struct explanation *explanation);
/* Of an agent that may reach the destination: a line with the policy that lets it. */
void put_who(struct json_buffer *out, const struct world *world,
             const struct explanation *explanation);
void put_json(struct json_buffer *out, const struct world *world,
              const struct explanation *explanation);
extern const char table_head[];

/* The graph for dot(1). It borrows the world; agents come in order of their keys. explain_dot_end()
 * writes what is left, and frees it. */
struct explain_dot;
struct explain_dot *explain_dot_begin(struct json_buffer *out, const struct world *world);
void explain_dot_put(struct explain_dot *dot, struct json_buffer *out, const struct explanation *explanation);
void explain_dot_end(struct explain_dot *dot, struct json_buffer *out);

#endif
