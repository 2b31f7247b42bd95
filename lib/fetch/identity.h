/*
 * Who we are to an agent, and who it must be to us: mutual TLS with X.509-SVIDs.
 *
 * Our certificate, its key and the trust bundle are files, as spiffe-helper writes them, read
 * again when they change (they are looked at every ten seconds at most). A pair that does not fit,
 * as in the midst of a rotation, and a bundle that is unusable, leave the last good ones in place,
 * with a warning; a bundle that is gone ends all trust.
 *
 * The peer's certificates are judged by trust/peer.h, and by nothing else: an X509-SVID holds no
 * host name, and no authority counts but the bundle's.
 *
 * Ownership: settings are borrowed until agent_identity_free().
 */
#ifndef FETCH_IDENTITY_H
#define FETCH_IDENTITY_H

#include <openssl/ssl.h>

#include "trust/peer.h"

struct agent_identity;

struct agent_identity_settings {
	const char *svid, *key;    /* files in PEM; NULL: we have no certificate */
	const char *bundle;        /* a file: SPIFFE JSON or PEM */
	const char *trust_domain;
};

/* NULL when a file cannot be used; reported. */
struct agent_identity *agent_identity_new(const struct agent_identity_settings *settings);
void agent_identity_free(struct agent_identity *identity);

const char *agent_identity_domain(const struct agent_identity *identity);

/* Looks whether the files have changed. */
void agent_identity_refresh(struct agent_identity *identity, int64_t now_ms);

/* One connection's expectation: it must outlive the connection. `chain` is a JSON array of strings in
 * base64, and the caller's to free. */
struct agent_expected {
	const struct agent_identity *identity;
	char path[TRUST_SPIFFE_ID_SIZE];
	struct json_buffer chain;     /* the peer's certificates, once it was found to be who it must */
	struct trust_failure failure; /* why the peer was refused; `message` is empty: it was not */
};

/* Makes a TLS context ask for exactly this peer, and show our certificate. */
bool agent_identity_apply(SSL_CTX *context, struct agent_expected *expected);

#endif
