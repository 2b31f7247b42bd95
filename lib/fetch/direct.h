/*
 * Asking agents directly, many at a time, over libcurl. The agent is the party that is confined,
 * so it is told nothing and can do nothing but answer:
 *
 *   - GET over http or https, HTTP/1.1, one connection a question; no credentials, no cookies, no
 *     .netrc, no proxy, nothing of the environment;
 *   - redirects only within its own scheme, host and port, at most three;
 *   - at most so many bytes of body, as they come over the wire (nothing is decompressed), and of
 *     headers; all of it within one time, however slowly it drips;
 *   - its name must not lead to us or to what only we can reach: loopback, link-local (where
 *     clouds keep their metadata), multicast and unspecified addresses are refused;
 *   - with an identity: TLS 1.2 or later, with a peer that has the SPIFFE ID expected.
 *
 * As in client/client.h, nothing blocks and callbacks are called from agent_direct_poll() only.
 *
 * Ownership: settings' strings and identity are borrowed until agent_direct_free(). A call is
 * valid until its on_done returns or agent_direct_cancel().
 */
#ifndef FETCH_DIRECT_H
#define FETCH_DIRECT_H

#include <sys/socket.h>

#include "fetch/identity.h"
#include "client/client.h"

struct agent_direct;
struct agent_call;

struct agent_direct_settings {
	struct agent_identity *identity; /* NULL: plain http */
	/* HOST:PORT of a gateway that finds the agent by the name asked for: every connection goes
	 * there, and its address is the administrator's word; NULL: none */
	const char *gateway;
	size_t max_bytes;
	long timeout_ms;
};

/* NULL when memory ran out. */
struct agent_direct *agent_direct_new(const struct agent_direct_settings *settings);
void agent_direct_free(struct agent_direct *direct);

/* `origin` as agent_put_origin() writes it; `peer` is the path of the SPIFFE ID that it must have,
 * with an identity. Failures show in on_done, later. */
struct agent_call *agent_direct_get(struct agent_direct *direct, const char *origin,
                                    const char *path, const char *peer,
                                    void (*on_done)(void *user, const struct kube_result *result),
                                    void *user);
/* In on_done, with an identity: who answered, as in struct agent_expected; absent: nobody known. */
struct agent_peer {
	const char *trust_domain, *path; /* of its SPIFFE ID */
	struct json_text chain;
};
struct agent_peer agent_direct_peer(const struct agent_call *call);
void agent_direct_cancel(struct agent_call *call);

/* As kube_client_poll(). */
int agent_direct_poll(struct agent_direct *direct, int timeout_ms, struct pollfd *fds,
                      nfds_t count);

/* True when a connection to this address is refused. */
bool agent_address_is_inner(const struct sockaddr *address);

#endif
