/* The state behind fetch/agents.h, shared by its files. Private to lib/agent. */
#ifndef FETCH_AGENTS_PRIVATE_H
#define FETCH_AGENTS_PRIVATE_H

#include "fetch/agents.h"
#include "k8s/event.h"
#include "k8s/workload.h"
#include "base/packed.h"
#include "base/table.h"

/* Kinds whose lists are told apart by marks; the workloads' come first. */
enum agents_kind {
	AGENTS_WORKLOADS = K8S_WORKLOADS, /* before it: the rows of k8s/workload.h */
	AGENTS_CONFIGMAP = AGENTS_WORKLOADS,
	AGENTS_AGENTCARD,
	AGENTS_KINDS,
	AGENTS_OTHER = AGENTS_KINDS,
};

struct agents_card {
	UT_hash_handle hh;
	struct agents_card *prev, *next; /* of the same agent */
	struct agent *agent;             /* NULL: the card names none that can be asked */
	int64_t period_ms;
	uint64_t misread, misaimed;      /* hashes of the syncPeriod and name last complained of */
	unsigned list;                   /* the list that named it last */
	unsigned char workload;          /* enum agents_kind of its targetRef */
	char key[];                      /* namespace/name */
};

/* Lives while a card, a ConfigMap or a workload needs it. */
struct agent {
	UT_hash_handle hh;
	struct agents_card *cards;
	uint64_t hash;             /* of the key: its moment in each period */

	bool real;                 /* a ConfigMap in the stream has its card */
	unsigned real_list;
	char *accounts[AGENTS_WORKLOADS]; /* NULL: that workload is not known */
	unsigned workload_lists[AGENTS_WORKLOADS];

	bool wanted;               /* it is to be asked, now and then */
	bool answered;             /* it was asked once, whatever came of it */
	bool legacy;               /* the next question is for the legacy path */
	bool asked;                /* now; `request` is the caller's */
	void *request;
	size_t place;              /* in the queue, from 1; 0: not there */
	int64_t due;
	unsigned tries;            /* failures in a row */
	uint64_t trouble;          /* hash of what was last said of a failure; 0: all is well */
	struct json_packed card;   /* as emitted; absent: none */
	bool card_legacy;          /* where it was */
	char *chain, *attestation; /* of whom it came from, and the member made of it; NULL: not known */
	int64_t good;              /* when it was last answered */
	char key[];                /* namespace/name of the workload */
};

struct agents {
	struct agents_settings settings;
	struct agents_card *cards;
	struct agent *table;
	unsigned lists[AGENTS_KINDS];
	bool listing[AGENTS_KINDS];

	struct agent **queue;      /* a heap: the first is due first */
	size_t queued, queue_size;
	size_t pending;            /* wanted and not answered */

	bool waiting;
	int64_t wait_until;
	struct json_buffer held;   /* the mark that is held back, or nothing at the end of input */

	struct json_packer *packer;
	struct json_buffer line, unpacked;
	unsigned long counts[AGENTS_COUNTS];
};

void *agents_memory(size_t size); /* zeroed; aborts when memory ran out */

/* agents_held.c */
struct agents_card *agents_card_get(struct agents *agents, const char *key); /* made if missing */
struct agents_card *agents_card_find(struct agents *agents, const char *key);
void agents_card_remove(struct agents *agents, struct agents_card *card, int64_t now);
/* Moves the card to the agent of this key; NULL: to none. */
void agents_card_aim(struct agents *agents, struct agents_card *card, const char *key, int64_t now);
struct agent *agents_get(struct agents *agents, const char *key); /* made if missing */
/* Looks again at whether the agent is to be asked, and forgets one that nothing needs. */
void agents_review(struct agents *agents, struct agent *agent, int64_t now);
const char *agents_account(const struct agent *agent);
int64_t agents_period(const struct agents *agents, const struct agent *agent);

/* agents_queue.c */
void agents_queue_put(struct agents *agents, struct agent *agent, int64_t due);
void agents_queue_remove(struct agents *agents, struct agent *agent);

/* agents_events.c */
void agents_take_card(struct agents *agents, const struct event *event, int64_t now);
void agents_take_configmap(struct agents *agents, const struct event *event, int64_t now);
void agents_take_workload(struct agents *agents, const struct event *event, enum agents_kind kind,
                          int64_t now);
void agents_end_list(struct agents *agents, enum agents_kind kind, int64_t now);

/* agents_emit.c */
bool agents_keep(struct agents *agents, struct agent *agent, struct json_text card,
                 const struct agents_peer *peer);
void agents_emit_again(struct agents *agents, const struct agent *agent);
/* Forgets the card, and says so unless a ConfigMap in the stream has taken its place. */
void agents_withdraw(struct agents *agents, struct agent *agent);
__attribute__((format(printf, 3, 4))) void agents_warn(struct agents *agents,
                                                       const struct agent *agent,
                                                       const char *format, ...);

#endif
