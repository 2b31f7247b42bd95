/*
 * Inside lib/policy: what a decision allows, as ServiceEntries of Istio (networking.istio.io/v1),
 * for target_istio.c.
 *
 * A ServiceEntry is seen by its whole namespace, so that what an agent may reach must follow from
 * the hosts in its own Sidecar alone:
 *   - addresses get a host of their own, made of a digest of what the entry says. An entry never
 *     changes, so no order of the operations lets a Sidecar have more than it should;
 *   - DNS names are allowed on port 443, as TLS, and on no other: Istio joins the ports of all
 *     entries for a name, and where the name is not in the connection, as it is in TLS, every
 *     address passes on that port. The proxy resolves the name itself, and connects to that;
 *   - a wildcard would pass whatever address an agent connects to, if it sends such a name.
 *
 * Ownership: an istio_entries owns its texts, and borrows from the decision; initialise with {0}.
 */
#ifndef TARGETS_ISTIO_ENTRIES_PRIVATE_H
#define TARGETS_ISTIO_ENTRIES_PRIVATE_H

#include "policy/decision.h"

struct istio_entry {
	char hex[POLICY_HEX_SIZE]; /* the digest of all that it says, and whose it is */
	struct json_buffer spec;   /* members, without exportTo */
};

struct istio_entries {
	struct policy_decision *decision;
	bool any;                 /* everything is allowed, without entries */
	struct json_buffer hosts; /* of the Sidecar, as they stand in its array */
	struct istio_entry *items;
	size_t count, size;
	struct json_text *names; /* DNS names of the decision */
	size_t name_count, name_size;
};

/* What cannot be expressed becomes a problem of the decision. */
void istio_entries_read(struct istio_entries *entries, struct policy_decision *decision);

/* Appends "namespace/host", with a comma before it where one is needed. */
void istio_add_host(struct json_buffer *hosts, const char *namespace, struct json_text host);

void istio_entries_free(struct istio_entries *entries);

#endif
