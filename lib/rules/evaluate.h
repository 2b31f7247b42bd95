/*
 * Whether the egress rules of a NetworkPolicy allow a connection (networking.k8s.io/v1,
 * NetworkPolicyEgressRule), and by which of them.
 *
 * A destination is an address or a range outside of the cluster, or the pods of a workload. The
 * rules may be anybody's. What cannot be told from here is UNKNOWN, never guessed: the number of
 * a named port, labels that were not seen, whether an ipBlock covers pods (network plugins
 * differ), a CIDR in another than its canonical form, a range that is covered in part. What no
 * API server would store matches nothing.
 *
 * Texts passed json_check(). Everything is borrowed for the call; reasons are static.
 */
#ifndef RULES_EVALUATE_H
#define RULES_EVALUATE_H

#include "net/cidr.h"
#include "k8s/name.h"

enum policy_answer { POLICY_DENIED, POLICY_UNKNOWN, POLICY_ALLOWED };
extern const char *const policy_answer_words[]; /* denied, unknown, allowed */

enum policy_protocol { POLICY_TCP, POLICY_UDP, POLICY_SCTP, POLICY_PROTOCOLS };
extern const char *const policy_protocol_words[]; /* TCP, UDP, SCTP */

/* Labels of pods. */
struct policy_labels {
	struct json_text known; /* absent: none are known */
	bool partial;           /* there may be others */
};

struct policy_destination {
	bool is_workload;
	struct policy_cidr cidr;       /* of an address or a range; of pods their address, no bits: not known */
	char namespace[POLICY_LABEL_SIZE]; /* of a workload: its namespace */
	char name[POLICY_NAME_SIZE];
	enum policy_protocol protocol;
	long port;
	struct policy_labels labels;   /* of the workload's pods */
	struct json_text namespace_labels; /* of its namespace; absent: only its name is known */
};

/* Reads "203.0.113.7:443/tcp", "203.0.113.0/24:443/tcp", "[2001:db8::1]:53/udp" or
 * "NAMESPACE/WORKLOAD:8080/tcp"; without a protocol it is TCP. The labels are left absent. NULL,
 * or a static sentence about what is wrong. */
const char *policy_destination_parse(const char *text, struct policy_destination *destination);

struct policy_match {
	enum policy_answer answer;
	int rule, peer, port; /* egress[rule].to[peer], .ports[port]; -1: there is none to name */
	const char *why;      /* of UNKNOWN: half a sentence; else NULL */
};

/* What the array `egress` of a policy in namespace `namespace` says: the first rule that allows it,
 * else the first for which that is unknown. */
struct policy_match policy_evaluate(struct json_text egress, const char *namespace,
                                    const struct policy_destination *destination);

/* The same of the array `ingress` of a policy in namespace `namespace`: `source` is the pods that
 * connect, with the port and protocol of the connection. */
struct policy_match policy_evaluate_ingress(struct json_text ingress, const char *namespace,
                                            const struct policy_destination *source);

/* Of rules that deny it, the one that comes nearest to allowing it: one for the destination on
 * other ports before one with its ports for another destination. `why` is half a sentence about
 * what does not fit, and `answer` is DENIED; no rule comes near: `rule` is -1. */
struct policy_match policy_evaluate_nearest(struct json_text egress, const char *namespace,
                                            const struct policy_destination *destination);

/* Whether a peer, an element of `to`, selects the workload's pods; an ipBlock selects none. */
enum policy_answer policy_peer_selects(struct json_text peer, const char *namespace,
                                       const struct policy_destination *destination);

/* Whether some rule is for pods and has the destination's port, whatever pods those are. */
bool policy_reaches_pods(struct json_text egress, const struct policy_destination *destination);

/* Whether a NetworkPolicy's spec selects pods with these labels and limits their egress: by its
 * policyTypes, or as the API server sets those when they are missing. */
enum policy_answer policy_limits_egress(struct json_text spec, struct policy_labels labels);
/* The same of their ingress. */
enum policy_answer policy_limits_ingress(struct json_text spec, struct policy_labels labels);

#endif
