/*
 * What an operator chooses: egress-translate(1), OPTIONS.
 *
 * Ownership: what it points to is borrowed and outlives the translator.
 */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/kind.h"
#include "k8s/operator.h"
#include "net/cidr.h"
#include "rules/cni.h"

enum policy_selector_from { POLICY_FROM_SELECTOR, POLICY_FROM_TEMPLATE };
enum policy_peers { POLICY_PEERS_LABEL, POLICY_PEERS_WORKLOADS };

/* What a verified agent gets whose cards never had rules. */
enum policy_unset { POLICY_UNSET_ALLOW_ALL, POLICY_UNSET_API_SERVER, POLICY_UNSET_DENY_ALL };

enum { POLICY_PORT_ENDPOINTS = 0, POLICY_PORT_DEFAULT = 6443 };

/* What the target writes, as far as it concerns which policies are wanted. */
struct policy_writes {
	const struct k8s_kind *kind; /* of the first object of an agent */
	bool names;                     /* DNS names, and lets their agent look them up */
	bool namespace_wide;            /* objects of a whole namespace, too */
};

struct bounds;

struct policy_settings {
	const struct policy_names *names;
	struct policy_writes writes; /* the translator sets it by its target */
	const char *const *ingress_namespaces; /* NULL-terminated */
	const char *const *api_server;         /* CIDRs, NULL-terminated; empty: from the stream */
	long api_server_port;                  /* or POLICY_PORT_ENDPOINTS */
	const char *const *dns; /* rules/dns.h, NULL-terminated; NULL: the usual one */
	const char *cni; /* the network plugin's name (policy/evidence.h); NULL: not known */
	enum policy_selector_from selector_from;
	/* KIND.GROUP=LABEL, NULL-terminated; NULL: none. Pods of workloads of such a kind, which no
	 * row of k8s/workload.h has, bear this label with the workload's name. */
	const char *const *selector_labels;
	enum policy_peers verified_peers;
	policy_cnis cnis;    /* how the cluster reads what is stored; 0: not known */
	enum policy_unset unset;
	const struct bounds *bounds; /* the admin's (bounds/bounds.h); NULL: those of the stream, if any */
	const int64_t *at; /* the time, in seconds since 1970; NULL: as the stream says */
	const struct policy_cidr *pod_cidrs; /* the ranges of all pods' addresses; none: not known */
	size_t pod_cidrs_count;
	bool explicit_peers; /* write a rule without `to` as 0.0.0.0/0 and ::/0 */
	bool status;         /* also apply the status of each AgentCard */
	bool no_wait;        /* do not wait until the world is known */
};

/* Sets api_server_port by --api-server-port's word (NULL: the default), and checks api_server.
 * False, with a sentence for the user in `fault`, when either cannot be used. */
enum { POLICY_FAULT_SIZE = 512 };
bool policy_settings_api_server(struct policy_settings *settings, const char *port,
                                char fault[POLICY_FAULT_SIZE]);

/* Sets selector_labels by the words of --selector-label (NULL-terminated), and checks them likewise. */
bool policy_settings_selector_labels(struct policy_settings *settings, const char *const *words,
                                     char fault[POLICY_FAULT_SIZE]);

/* Sets dns by the words of --dns (NULL-terminated; none: the default), and checks them likewise. */
bool policy_settings_dns(struct policy_settings *settings, const char *const *words,
                         char fault[POLICY_FAULT_SIZE]);

/* Sets pod_cidrs by the words of --pod-cidr (NULL-terminated), and checks them likewise. `cidrs` has room
 * for all, and is borrowed. */
bool policy_settings_pod_cidrs(struct policy_settings *settings, struct policy_cidr *cidrs,
                               const char *const *words, char fault[POLICY_FAULT_SIZE]);

#endif
