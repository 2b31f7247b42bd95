/*
 * One of several replicas works, the others wait: leader election with a Lease
 * (coordination.k8s.io/v1), as client-go's leaderelection does it.
 *
 * A lease is taken when nobody holds it, or when its holder has not renewed it for
 * leaseDurationSeconds as seen by our own clock; every write carries the resourceVersion that
 * was read, so that of two who try one wins. Who cannot renew in time must stop.
 */
#ifndef CLIENT_LEASE_H
#define CLIENT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

struct kube_lease;

/* `identity` names this replica. Borrows the client; copies the strings. */
struct kube_lease *kube_lease_new(struct kube_client *client, const char *namespace,
                                  const char *name, const char *identity);

/* Waits until we hold it. False when a signal came, or it can never be had (reported). */
bool kube_lease_acquire(struct kube_lease *lease);

/* Renews when due. False, reported, when it is lost. */
bool kube_lease_hold(struct kube_lease *lease);

/* When kube_lease_hold() should be called next, monotonic. */
int64_t kube_lease_due(const struct kube_lease *lease);

/* Gives it back when we hold it, so that the next need not wait, and frees. */
void kube_lease_free(struct kube_lease *lease);

#endif
