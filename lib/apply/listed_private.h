/*
 * What pruning and the search for orphans share: both read lists of the server's in pages, and make a
 * DELETE of what they find in them.
 */
#ifndef APPLY_LISTED_PRIVATE_H
#define APPLY_LISTED_PRIVATE_H

#include "apply/server_private.h"
#include "base/buffer.h"
#include "json/json.h"
#include "k8s/kind.h"

/* The token of the page behind this one, to be freed; NULL: this is the last, or the token is one that
 * a query cannot hold as it is. */
char *kube_listed_next(struct json_text page);

/* Appends a DELETE operation for the object of this kind with this metadata, bound to its uid.
 * `reason`: NULL: none. What the metadata lacks the operation lacks, and cannot be read. */
void kube_listed_put_delete(struct json_buffer *out, const struct k8s_kind *kind,
                            struct json_text metadata, const char *reason);

/* Whether one that has failed so often may be asked for again. */
bool kube_listed_may_wait(const struct kube_server *server, const struct kube_backoff *backoff);

#endif
