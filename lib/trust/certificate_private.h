/*
 * An X.509 certificate read in place (RFC 5280, section 4.1; DER only, version 3).
 *
 * What is read is what a leaf is judged by. Everything borrows from the certificate's bytes.
 */
#ifndef TRUST_CERTIFICATE_PRIVATE_H
#define TRUST_CERTIFICATE_PRIVATE_H

#include "trust/der.h"
#include "trust/jwa_private.h"

/* Bits of keyUsage (section 4.2.1.3), as the first octet of its BIT STRING has them. */
enum { TRUST_DIGITAL_SIGNATURE = 0x80, TRUST_KEY_CERT_SIGN = 0x04, TRUST_CRL_SIGN = 0x02 };

struct trust_certificate {
	struct der whole, tbs;
	struct der issuer, subject, spki; /* each with its header */
	int64_t not_before, not_after;    /* seconds since 1970; both are moments of validity */
	bool signature_known;             /* else of an algorithm that only OpenSSL may judge */
	enum trust_scheme scheme;
	unsigned digest;                  /* bits */
	struct der signature;
	bool ca;                          /* basicConstraints says so */
	int path_length;                  /* pathLenConstraint, at most 255; -1: none */
	bool has_key_usage;
	unsigned key_usage;
	struct der authority_key_id;      /* keyIdentifier of that extension; empty when absent */
	unsigned uris;                    /* URIs in subjectAltName */
	struct der uri;                   /* the last of them */
	const char *critical;             /* why a critical extension is not understood, or NULL */
};

/* NULL when these bytes, to the last, are a certificate; else a static reason. */
const char *trust_certificate_read(struct der bytes, struct trust_certificate *certificate);

#endif
