/*
 * Is the other end of a TLS connection the workload that it must be?
 *
 * Its certificates are judged as a card's are (X.509-SVID, sections 4 and 5; RFC 5280,
 * section 6): the leaf an X.509-SVID, the chain one that leads to an anchor of the trust domain; but all of it valid at this moment, because a
 * connection, unlike a signature, is made now.
 */
#ifndef TRUST_PEER_H
#define TRUST_PEER_H

#include "trust/der.h"
#include "trust/failure.h"

struct trust_anchors;

struct trust_peer {
	const struct trust_anchors *anchors; /* of `trust_domain`; NULL: there are none */
	const char *trust_domain;
	const char *path; /* of the SPIFFE ID that it must have, e.g. from trust_peer_path(); NULL: any */
};

/* The path that the workload's SPIFFE ID has, by a template (NULL: TRUST_TEMPLATE_DEFAULT), in
 * trust_checker_new()'s terms. "", which nobody has, when the names give none. */
void trust_peer_path(const char *path_template, const char *namespace,
                     const char *service_account, char path[TRUST_SPIFFE_ID_SIZE]);

/* NULL when that template is usable, else what is wrong with it: "lacks {namespace}". */
const char *trust_peer_template(const char *path_template);

/* The certificates as the peer sent them, in DER, leaf first; at most TRUST_CHAIN_MAX. */
bool trust_peer_check(const struct trust_peer *peer, const struct der certificates[], size_t count,
                      int64_t at, struct trust_failure *failure);

/* The same of certificates that were written down, as a JSON array of strings in base64. When it is
 * true, spiffe_id, anchor, not_after, since and until of `verdict` are set, and nothing else. */
bool trust_peer_attested(const struct trust_peer *peer, struct json_text certificates, int64_t at,
                         struct trust_verdict *verdict, struct trust_failure *failure);

#endif
