/*
 * Rules of NetworkPolicies, in words: "203.0.113.0/24 except 203.0.113.9/32 on 443/TCP".
 *
 * Rules passed json_check(), and may be anybody's. The words of a whole rule are safe to print on a
 * terminal; those of peers and ports may hold what the policy does.
 */
#ifndef EXPLAIN_WORDS_H
#define EXPLAIN_WORDS_H

#include "rules/evaluate.h"

/* A peer of a policy in this namespace, the ports of a rule, and a whole rule. */
void explain_put_peer_words(struct json_buffer *out, struct json_text peer, const char *namespace);
void explain_put_ports_words(struct json_buffer *out, struct json_text ports);
void explain_put_rule_words(struct json_buffer *out, struct json_text rule, const char *namespace);

/* The characters of a JSON string; safe to print. */
void explain_put_string(struct json_buffer *out, struct json_text string);

/* Of an element of domains: "api.example.com, example.org on 443/TCP"; safe to print. */
void explain_put_name_words(struct json_buffer *out, struct json_text domain);

/* "spec.egress[1].to[0], ports[1]": the rule, peer and port of a match. */
void explain_put_rule_path(struct json_buffer *out, const struct policy_match *match);

#endif
