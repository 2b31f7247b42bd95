/*
 * Asking name servers, with c-ares: over UDP, and over TCP where a reply is cut; each server is
 * tried twice, two seconds at first. This is the one part of lib/dns that does I/O.
 *
 * What c-ares reads of the system (resolv.conf) it reads in dns_resolver_new(), before a sandbox;
 * after that only sockets are made. Cached nothing: who asks decides when to ask again.
 *
 * Ownership: the resolver owns its sockets and its wake descriptor. An answer is valid during the
 * callback, which comes from dns_resolver_process() or from dns_resolver_ask() itself, and must
 * call neither.
 */
#ifndef RESOLVE_RESOLVER_H
#define RESOLVE_RESOLVER_H

#include "resolve/answer.h"

struct dns_resolver;

struct dns_resolver_settings {
	const char *const *servers; /* "192.0.2.1", "192.0.2.1:53", "2001:db8::1", "[2001:db8::1]:53" */
	size_t server_count;        /* 0: as resolv.conf(5) says */
	void (*take)(void *context, struct dns_answer *answer); /* its time is not set */
	void *context;
};

/* NULL when one is no server's address or the system has no more, reported. */
struct dns_resolver *dns_resolver_new(const struct dns_resolver_settings *settings);
void dns_resolver_free(struct dns_resolver *resolver);

void dns_resolver_ask(struct dns_resolver *resolver, const char *name, enum dns_type type);
size_t dns_resolver_asked(const struct dns_resolver *resolver); /* and not answered */

/* Becomes readable when dns_resolver_process() has something to do, or `ms` after
 * dns_resolver_sleep() (negative: never). */
int dns_resolver_wake(const struct dns_resolver *resolver);
void dns_resolver_sleep(struct dns_resolver *resolver, int64_t ms);
void dns_resolver_process(struct dns_resolver *resolver);

/* True when the word is a server's address; then appends it as c-ares wants it. */
bool dns_resolver_server(const char *word, struct json_buffer *out);

#endif
