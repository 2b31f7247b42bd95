/*
 * Files of answers (egress-resolve(1), ANSWERS): read for a replay, and written for one.
 */
#ifndef EGRESS_RESOLVE_ANSWERS_H
#define EGRESS_RESOLVE_ANSWERS_H

#include <stdio.h>

#include "resolve/cards.h"

struct answers_read {
	int64_t at;           /* the time of the last one that was taken, or the limit */
	unsigned long faults; /* lines that could not be used, reported */
};

/* Gives the file's answers up to the time `limit` (DNS_NEVER: all) to the cards, each at its own
 * time. False when the file cannot be read, reported. */
bool answers_read(const char *path, int64_t limit, struct dns_cards *cards,
                  struct answers_read *result);

/* Opens a file to append answers to, mode 0600; -1 when it cannot be, reported. */
int answers_open(const char *path);
/* False when it cannot be written, with errno. */
bool answers_write(int fd, const struct dns_answer *answer, struct json_buffer *scratch);

#endif
