/*
 * Comparing what a server stores with what was asked of it.
 *
 * The normal form of a value: no white space, members sorted by the bytes of their keys, what
 * the server leaves out left out (null, an empty array as a member, an empty matchLabels), and
 * what it adds added (protocol TCP of a port). Two specs of equal normal form mean the same.
 * `egress: [{}]` and `egress: []` stay different: an empty object in an array is kept.
 *
 * The values passed json_check(). Nothing here keeps what it is given.
 */
#ifndef RULES_NORMAL_H
#define RULES_NORMAL_H

#include "base/buffer.h"
#include "base/digest.h"

void policy_normal_put(struct json_buffer *out, struct json_text value);

/* The digest of what we set in an object: its spec (less Calico's tier "default", which the
 * server adds; and Cilium's specs, which say more of the same), these labels (NULL-terminated
 * keys), these annotations, and the owner references that are controllers. What others add does not count;
 * `scratch` is overwritten. */
struct policy_digest policy_essence(struct json_text object, const char *const labels[],
                                    const char *const annotations[], struct json_buffer *scratch);

#endif
