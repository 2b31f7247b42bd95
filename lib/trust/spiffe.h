/*
 * SPIFFE IDs (SPIFFE-ID standard, section 2): spiffe://<trust domain>/<path>
 *
 * Trust domain: 1 to 255 bytes of a-z 0-9 . - _ (no upper case, port or user). Path: segments
 * of a-z A-Z 0-9 . - _, none of them empty, "." or ".."; no trailing slash, query, fragment or
 * percent-encoding. At most 2048 bytes in all. So a SPIFFE ID has one spelling and is compared
 * byte by byte.
 */
#ifndef TRUST_SPIFFE_H
#define TRUST_SPIFFE_H

#include "json/json.h"

struct trust_spiffe_id {
	struct json_text domain; /* borrowed from the ID */
	struct json_text path;   /* with its first slash; empty for the trust domain's own ID */
};

/* NULL when `id` is a SPIFFE ID, else a static reason: "holds a percent-encoding". */
const char *trust_spiffe_read(struct json_text id, struct trust_spiffe_id *parts);

/* True when it is a trust domain name. */
bool trust_domain_is_valid(struct json_text name);

#endif
