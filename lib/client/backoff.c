#include "client/backoff.h"

#include <stdint.h>
#include <sys/random.h>

long kube_random(long least, long most)
{
	uint32_t bits = 0;
	if (most <= least)
		return least;
	/* Without entropy there is no jitter, which harms nobody. */
	if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
		bits = UINT32_MAX / 2;
	uint64_t range = (uint64_t)(most - least) + 1;
	return least + (long)((bits * range) >> 32);
}

long kube_backoff_next(struct kube_backoff *backoff, long at_least_ms)
{
	long wait = backoff->first_ms;
	for (unsigned i = 0; i < backoff->tries && wait < backoff->most_ms; i++)
		wait *= 2;
	if (wait > backoff->most_ms)
		wait = backoff->most_ms;
	backoff->tries++;
	wait = kube_random(wait - wait / 2, wait);
	if (at_least_ms < 0)
		return wait;
	return at_least_ms + kube_random(0, wait / 2);
}

long kube_backoff_unreached(struct kube_backoff *backoff)
{
	long wait = kube_backoff_next(backoff, -1);
	if (wait <= KUBE_UNREACHED_MOST_MS)
		return wait;
	return kube_random(KUBE_UNREACHED_MOST_MS / 2, KUBE_UNREACHED_MOST_MS);
}

void kube_backoff_reset(struct kube_backoff *backoff)
{
	backoff->tries = 0;
}
