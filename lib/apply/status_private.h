/*
 * The status of an AgentCard beside what the API server holds, and the condition Confined in it.
 *
 * Where the served definition has status.conditions as a list of entries by their type, ours stands
 * there beside the operator's. Elsewhere server-side apply would take the list as one value, and ours
 * would replace the operator's: then it stands in status.networkPolicy.conditions.
 */
#ifndef APPLY_STATUS_PRIVATE_H
#define APPLY_STATUS_PRIVATE_H

#include "apply/server_private.h"
#include "base/buffer.h"

/* The object to apply: `asked` with the condition in its place and with its lastTransitionTime, the
 * live one's where the condition's status is the same. */
void kube_status_compose(struct json_text asked, struct json_text live, bool in_list,
                         struct json_buffer *out);

/* True when applying `composed` would change nothing. */
bool kube_status_is_so(struct json_text composed, struct json_text live);

/* Whether the served AgentCards have that list. Found out once, from the definition; where it may not
 * be read, the answer is no. */
struct kube_status_schema {
	struct kube_server *server;
	enum { KUBE_SCHEMA_UNASKED, KUBE_SCHEMA_ASKED, KUBE_SCHEMA_KNOWN } state;
	bool in_list;
	struct kube_call *call;
	char group[254], version[64];
	struct kube_backoff backoff;
	int64_t due; /* to ask, when no call is in flight */
};

/* Begins to ask; does nothing when that was begun. */
void kube_status_schema_ask(struct kube_status_schema *schema, struct json_text api_version);
/* Sends the request when that is due: milliseconds of the clock until then; -1: nothing is to do. */
int64_t kube_status_schema_pump(struct kube_status_schema *schema, int64_t now);
void kube_status_schema_end(struct kube_status_schema *schema); /* cancels the request */

#endif
