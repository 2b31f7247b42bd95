/*
 * The tables behind verify/cards.h: AgentCards by name, and the workloads' names that they
 * target, each with what is known of it. Private to lib/trust.
 *
 * Ownership: a table owns its entries and what they point at, except where it says borrowed.
 * An entry of `targets` lives while a card, a signed card or a workload needs it.
 */
#ifndef VERIFY_CARDS_HELD_PRIVATE_H
#define VERIFY_CARDS_HELD_PRIVATE_H

#include "k8s/event.h"
#include "k8s/workload.h"
#include "base/packed.h"
#include "base/table.h"
#include "trust/checker.h"

/* Kinds whose lists are told apart by marks; the workloads' come first. */
enum held_kind {
	HELD_WORKLOADS = K8S_WORKLOADS, /* before it: the rows of k8s/workload.h */
	HELD_CONFIGMAP = HELD_WORKLOADS,
	HELD_CLUSTERTRUSTBUNDLE,
	HELD_AGENTCARD,
	HELD_KINDS,
	HELD_NONE = HELD_KINDS,
};

/* The group of a kind that is no workload ("" is the core group), and its name; an AgentCard's group
 * is the caller's. */
struct held_kind_name {
	const char *group, *kind;
};
extern const struct held_kind_name held_kind_names[HELD_KINDS];
/* HELD_NONE: nothing that is held. */
enum held_kind held_kind_of(const struct event *event, const char *agentcard_group);

/* Where a card was found. */
enum held_source {
	HELD_SOURCE_CONFIGMAP,
	HELD_SOURCE_STATUS_CARD,
	HELD_SOURCE_STATUS, /* what the operator has concluded */
	HELD_SOURCE_FETCH,  /* who was at the other end when it was fetched */
	HELD_SOURCE_NONE,
};
enum { HELD_SOURCES = HELD_SOURCE_NONE + 1, HELD_NO_ANCHOR = UINT8_MAX };

enum { HELD_WHY_MAX = 200 }; /* bytes of why a record is unusable */

struct held_span {
	uint32_t at, len; /* in the object's text; 0, 0: absent */
};

/* What a namespace costs. It lives while anything of it is held, or was left out. */
struct held_namespace {
	UT_hash_handle hh;
	size_t bytes;                 /* of all that is held of it */
	size_t items;                 /* cards and targets */
	struct held_target *unasked;  /* with a signed card that no AgentCard asks for */
	bool left_out;                /* such a one found no room */
	char key[];
};

struct held_card {
	UT_hash_handle hh;
	struct held_namespace *namespace;
	size_t bytes;                  /* counted in its namespace */
	bool over;                     /* its object found no room, and is not held */
	struct held_card *prev, *next; /* of the same target, in order of arrival */
	struct held_target *target;    /* NULL: the card names no workload */
	struct json_packed object;     /* its last text */
	char *verification;            /* what was last said of it, as emitted */
	uint32_t verification_len;
	struct held_span status_card, binding, allowed, status; /* in the text of `object` */
	int64_t since, until;          /* when the verification holds */
	const char *trust_domain;      /* the one expected; the checker's */
	unsigned char reason;          /* enum trust_reason of the verification */
	unsigned char source;          /* enum held_source: where the card was found */
	unsigned char anchor;          /* its place among those measured, or HELD_NO_ANCHOR */
	char *unusable;                /* why its last record is; NULL: it is not */
	unsigned list;                 /* the list that named it last */
	unsigned char workload;        /* enum held_kind of its targetRef */
	char key[];                    /* namespace/name */
};

struct held_target {
	UT_hash_handle hh;
	struct held_namespace *namespace;
	struct held_target *prev, *next; /* in `unasked` of it */
	bool unasked; /* something of its ConfigMap is held, and no AgentCard asks for it */
	size_t bytes;                  /* counted in its namespace */
	bool over;                     /* its signed card found no room, and is not held */
	struct held_card *cards;
	struct json_packed signed_card; /* absent: no ConfigMap, or it holds no card */
	struct trust_card_digest digest; /* of it, where `digested` */
	bool digested;
	char *attestation; /* the certificates of whom it was fetched from; NULL: not known */
	char *unusable;                /* why the ConfigMap's last record is; NULL: it is not */
	unsigned signed_list;          /* the list that named its ConfigMap last */
	char *service_accounts[HELD_WORKLOADS]; /* NULL: that workload is not known */
	unsigned workload_lists[HELD_WORKLOADS];
	char key[];                    /* namespace/name of the workloads */
};

struct held {
	struct held_card *cards;
	struct held_target *targets;
	struct held_namespace *namespaces;
	size_t namespace_bytes;                     /* the most that one may hold */
	struct json_packer *objects, *signed_cards; /* made when they are first wanted */
	struct json_buffer object, signed_card;     /* what was unpacked last */
	const struct held_target *unpacked;         /* whose signed card is in that; NULL: nobody's */
};

void *held_memory(size_t size);                 /* zeroed; aborts when memory ran out */
char *held_copy(const char *bytes, size_t len); /* NUL-terminated */

struct held_card *held_card_find(const struct held *held, const char *key);
struct held_card *held_card_add(struct held *held, const char *key);
void held_card_remove(struct held *held, struct held_card *card);
/* Moves the card to the target of this key; NULL: to none. */
void held_card_aim(struct held *held, struct held_card *card, const char *target_key);
/* What of it finds no room in its namespace's share is not held: card->over. */
void held_card_object(struct held *held, struct held_card *card, struct json_text object);
/* The object's text, or a part of it; valid until the next call. */
struct json_text held_card_text(struct held *held, const struct held_card *card);
struct json_text held_card_part(struct held *held, const struct held_card *card,
                                struct held_span part);
/* The same as a string of the caller's; NULL when it is absent. */
char *held_copy_part(struct held *held, const struct held_card *card, struct held_span part);
void held_card_verification(struct held_card *card, struct json_text verification);

struct held_target *held_target_find(const struct held *held, const char *key);
struct held_target *held_target_add(struct held *held, const char *key);
/* Removes the target if nothing needs it. */
void held_target_drop(struct held *held, struct held_target *target);
/* NULL bytes: there is none. True when that changed it. One that no card asks for makes room for
 * all else; one that finds none is not held: target->over. */
bool held_target_sign(struct held *held, struct held_target *target, const char *card, size_t len);
/* Who the signed card was fetched from: a JSON array; absent: not known. Nothing is held beside no
 * signed card. True when that changed. */
bool held_target_attest(struct held_target *target, struct json_text certificates);
/* The signed card; valid until the next call. */
struct json_text held_target_signed(struct held *held, const struct held_target *target);
/* Why the last record of its ConfigMap is unusable; NULL: it is usable. True when that changed. One
 * that no card asks for makes room, and finds none, as its signed card. */
bool held_target_spoil(struct held *held, struct held_target *target, const char *why);
bool held_target_account(struct held_target *target, enum held_kind workload, const char *name);

/* A list of the ConfigMaps begins: what finds no room in it is not known yet. */
void held_forget_left_out(struct held *held);

void held_free(struct held *held);

#endif
