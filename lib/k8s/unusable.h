/*
 * Records that cannot be used, and the objects that they are of.
 *
 * A record may be too long, nested too deeply, or no UTF-8, and whoever may write an object of
 * theirs can make it so. Were such a line only left out, the object would count as what it was before
 * for as long as its owner likes. So a lenient reader looks for what the line is of, and the stages
 * behind are told of it in an ERROR event:
 *
 *   {"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","status":"Failure",
 *    "reason":"RecordRejected","details":{"apiVersion":…,"kind":…,"namespace":…,"name":…}}}
 *
 * Without `details` it is not known which object it was.
 */
#ifndef K8S_UNUSABLE_H
#define K8S_UNUSABLE_H

#include "base/buffer.h"
#include "k8s/event.h"

/* Finds object.apiVersion, object.kind and object.metadata in a line that is not a usable event, as
 * far as it can be read: nothing is checked but these members themselves, in time linear in the line.
 * False when the line is of no object, or when that cannot be told: one of them is missing, was
 * cut off, has escapes, is there twice. Of the event only the identity is set, which borrows from
 * `line`: apiVersion, kind, namespace (absent: cluster-scoped) and name. */
bool k8s_unusable_find(struct json_text line, struct event *event);

/* The same in an object that does not say its kind, as the items of a list do not. */
bool k8s_unusable_find_item(struct json_text item, const char *api_version, const char *kind,
                            struct event *event);

/* The same from an ERROR event that names an object. False when `error` is none. */
bool k8s_unusable_read(const struct event *error, struct event *event);

/* Appends the ERROR event, without a newline. */
void k8s_unusable_put(struct json_buffer *out, const struct event *event);

/* Sets `out` to what stands for such a line: the ERROR event of the object that it is of. False when
 * k8s_unusable_find() finds none. */
bool k8s_unusable_replace(struct json_buffer *out, struct json_text line);

#endif
