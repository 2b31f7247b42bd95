/* What is asked for beside what the API server holds. */
#ifndef APPLY_MATCH_PRIVATE_H
#define APPLY_MATCH_PRIVATE_H

#include "base/buffer.h"

/* True when the live `spec` is the wanted one. Members that are null or [], and an empty
 * matchLabels, count as absent, a port's protocol as TCP and Calico's tier as "default", because
 * the server leaves out the ones and fills in the others. Any other member that was not asked for is a difference: server-side apply keeps what
 * somebody else added, and an addition can widen. */
bool kube_spec_matches(struct json_text wanted, struct json_text live);

/* True when all of `wanted` is in `live`, whose objects may hold more members. */
bool kube_covers(struct json_text wanted, struct json_text live);

/* True when applying `wanted` would change nothing that it names: labels, annotations, owner
 * references and spec, nor what says more of the same, Cilium's `specs`. Else `difference` (may be
 * NULL) holds the first: "spec.egress is [{}] instead of []", printable ASCII. */
bool kube_object_matches(struct json_text wanted, struct json_text live,
                         struct json_buffer *difference);

/* Appends what a diff shows of an object, as YAML: its names, labels, annotations, owners, spec
 * and status, keys sorted. */
void kube_object_view(struct json_text object, struct json_buffer *out);

#endif
