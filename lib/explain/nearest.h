/* Names that were perhaps meant. */
#ifndef EXPLAIN_NEAREST_H
#define EXPLAIN_NEAREST_H

#include "policy/inventory.h"

enum { EXPLAIN_NEAREST = 3 };

/* Appends "finance/billing, finance/ledger": the keys of the cards whose names, or whose
 * workloads' names, are nearest to `name`, or begin with it; nothing when none is near. */
void explain_nearest_put(const struct policy_inventory *inventory, const char *name,
                         struct json_buffer *out);

#endif
