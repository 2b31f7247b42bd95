/*
 * Where the Kubernetes API server listens: from the EndpointSlices of the service `kubernetes`
 * in `default` (discovery.k8s.io, label kubernetes.io/service-name), or when there is none from
 * the Endpoints of that name.
 *
 * IPv4-mapped IPv6 addresses count as IPv4. Endpoints that say ready:false are not counted, nor
 * are addresses that are no unicast address; more than POLICY_APISERVER_MAX make the answer
 * "none known", as nobody runs so many and all of them would be opened.
 *
 * Ownership: a policy_apiserver owns what it holds; initialise with {0}.
 */
#ifndef POLICY_APISERVER_H
#define POLICY_APISERVER_H

#include "k8s/event.h"

enum { POLICY_APISERVER_MAX = 256, POLICY_CIDR_SIZE = 50 };

struct policy_address {
	char cidr[POLICY_CIDR_SIZE]; /* "10.0.0.1/32", "2001:db8::1/128" */
	long port;                   /* 0: not said */
};

struct policy_apiserver {
	struct policy_source *sources;
};

enum policy_source_kind { POLICY_SOURCE_SLICE, POLICY_SOURCE_ENDPOINTS };

/* True when this object is one of those. */
bool policy_apiserver_concerns(const struct event *event);

/* Takes an event of such an object in; true when the addresses may have changed. */
bool policy_apiserver_take(struct policy_apiserver *apiserver, const struct event *event);

/* A list of this kind begins, or ended: what it did not name goes. */
void policy_apiserver_begin(struct policy_apiserver *apiserver, enum policy_source_kind kind);
bool policy_apiserver_end(struct policy_apiserver *apiserver, enum policy_source_kind kind);

/* Fills `addresses` without duplicates, IPv4 first, in numeric order, then by port; their
 * number, 0 when none is known. */
size_t policy_apiserver_list(const struct policy_apiserver *apiserver,
                             struct policy_address addresses[POLICY_APISERVER_MAX]);

void policy_apiserver_free(struct policy_apiserver *apiserver);

#endif
