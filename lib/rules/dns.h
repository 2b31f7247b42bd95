/*
 * Where pods look names up: the DNS pods of the cluster. An agent whose card names domains needs
 * them, and gets these and no others.
 *
 * They are told by words as --dns takes them, NAMESPACE/KEY=VALUE[:PORT]: the pods of a namespace
 * that have this label, and the UDP and TCP port on which they listen, 53 unless it is given; or
 * CIDR[:PORT], such as 169.254.20.10/32: addresses that are no pod's, as those of NodeLocal
 * DNSCache.
 *
 * What is returned borrows from the words.
 */
#ifndef RULES_DNS_H
#define RULES_DNS_H

#include "net/cidr.h"

enum { POLICY_DNS_PORT = 53 };

struct policy_dns {
	bool is_block;
	struct policy_cidr cidr; /* of a block */
	struct json_text namespace, key, value; /* of pods */
	long port;
};

/* NULL, or a static sentence about what is wrong. */
const char *policy_dns_parse(const char *word, struct policy_dns *dns);

/* These words, or, when there are none (NULL), kube-system/k8s-app=kube-dns; NULL-terminated. */
const char *const *policy_dns_words(const char *const *words);

/* Appends an array of NetworkPolicyEgressRules, normal form, one for each word of
 * policy_dns_words(). */
void policy_dns_put(const char *const *words, struct json_buffer *out);

#endif
