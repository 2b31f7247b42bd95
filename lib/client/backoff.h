/*
 * How long to wait before the next attempt: doubling from `first_ms` to `most_ms`, each time
 * a random part of the upper half, so that many clients do not come back together.
 */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

struct kube_backoff {
	long first_ms, most_ms;
	unsigned tries; /* failed attempts so far; 0 to begin with */
};

/* Counts a failure and says how long to wait: at least `at_least_ms` (what Retry-After asked
 * for; negative: nothing), to which jitter is only added. */
long kube_backoff_next(struct kube_backoff *backoff, long at_least_ms);

/* The same where the server was not reached at all: to ask again costs it nothing, and its return is
 * to be noticed within seconds, however long it was away. */
enum { KUBE_UNREACHED_MOST_MS = 5 * 1000 };
long kube_backoff_unreached(struct kube_backoff *backoff);

/* An attempt went well. */
void kube_backoff_reset(struct kube_backoff *backoff);

/* A random number from `least` to `most`, both included. */
long kube_random(long least, long most);

#endif
