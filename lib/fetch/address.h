/*
 * Where an agent's card is asked for. The agent's Service has the name of its workload; its card
 * is at a well-known path (A2A, section 5.3; the legacy one is that of A2A before 0.3).
 *
 * All that goes into an address is a name as Kubernetes has it, checked here, and what the
 * administrator said: nothing in an AgentCard chooses a host, a port or a path.
 */
#ifndef FETCH_ADDRESS_H
#define FETCH_ADDRESS_H

#include "base/buffer.h"

#define AGENT_PATH "/.well-known/agent-card.json"
#define AGENT_PATH_LEGACY "/.well-known/agent.json"

/* NULL when a Service of this name can be in this namespace (RFC 1123 labels, at most 63 bytes),
 * else what keeps it from that. */
const char *agent_name_unfit(struct json_text namespace, struct json_text name);

/* A port's number, or a name (RFC 6335, section 5.1; at most 15 bytes). */
bool agent_port_is_number(const char *port);
bool agent_port_is_usable(const char *port);

/* A domain below which cluster names are: RFC 1123, at most 180 bytes. */
bool agent_domain_is_usable(const char *domain);

/* The path to ask the API server for: its proxy to the Service. */
void agent_put_proxy_path(struct json_buffer *out, bool https, const char *namespace,
                          const char *name, const char *port, const char *path);

/* "http://NAME.NAMESPACE.svc.DOMAIN:PORT" */
void agent_put_origin(struct json_buffer *out, bool https, const char *namespace, const char *name,
                      const char *domain, const char *port);

/* Where a redirect leads: appends its path, with the query, when it stays at the scheme, host and
 * port of `origin`; else false. `location` is an absolute URL; user names, passwords and fragments
 * in it are left out. */
bool agent_put_redirect(struct json_buffer *out, const char *origin, const char *location);

#endif
