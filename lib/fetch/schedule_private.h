/* When an agent is asked. Times are milliseconds on any clock that only goes forward; there is no
 * randomness: what spreads the agents is a hash of each one's name. */
#ifndef FETCH_SCHEDULE_PRIVATE_H
#define FETCH_SCHEDULE_PRIVATE_H

#include "json/json.h"

enum { AGENT_PERIOD_MAX_MS = 24 * 3600 * 1000 };

/* A duration as Go's time.ParseDuration reads it ("30s", "1m30s", "1.5h"), of more than nothing,
 * in whole milliseconds, at least one; longer ones than AGENT_PERIOD_MAX_MS count as that. False,
 * and nothing is written, when the text is none. */
bool agent_duration(struct json_text text, int64_t *ms);

/* The next time to ask after an answer at `now`: in each period, the agent has a moment of its
 * own; at least half a period lies in between. */
int64_t agent_next(uint64_t hash, int64_t period_ms, int64_t now);

/* The next time to ask after `tries` failures in a row (at least 1): after `first_ms`, twice as
 * long each time, up to `most_ms`, and up to a quarter more. */
int64_t agent_retry(uint64_t hash, unsigned tries, int64_t first_ms, int64_t most_ms, int64_t now);

#endif
