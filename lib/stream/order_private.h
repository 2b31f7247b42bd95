/*
 * Records of another stage: programs that are joined in the wrong order.
 *
 * Every line of such an input is unusable for the same reason, and a message for each would hide it.
 * So they are counted, and one message says what they are and how the programs are joined.
 */
#ifndef STREAM_ORDER_PRIVATE_H
#define STREAM_ORDER_PRIVATE_H

#include "stream/stream.h"

struct order {
	unsigned long count, said; /* lines of another stage; as many as the last message told */
	unsigned long first;       /* the number of the first */
	int kind;                  /* what that was */
};

/* Counts a rejected line when it is a record that another stage reads than one that reads `reads`.
 * False when it is none. `json` has passed json_check(). */
bool order_count(struct order *order, enum stream_reads reads, struct json_text json, unsigned long number);

/* A message is due: there are some that none has told. */
bool order_is_due(const struct order *order);
void order_say(struct order *order, enum stream_reads reads);

#endif
