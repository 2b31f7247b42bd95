/* The state behind verify/cards.h, shared by its files. Private to lib/trust. */
#ifndef VERIFY_CARDS_PRIVATE_H
#define VERIFY_CARDS_PRIVATE_H

#include "verify/cards.h"
#include "verify/cards_held_private.h"

struct bundle_slot {
	struct trust_cards_bundle from; /* its trust_domain is the checker's string */
	bool held;                      /* the checker has anchors */
	uint8_t fingerprint[TRUST_FINGERPRINT_SIZE];
	unsigned list;                  /* the list that named its ConfigMap last */
};

struct trust_cards {
	struct trust_cards_settings settings;
	struct bundle_slot *bundles;
	struct held held;
	unsigned lists[HELD_KINDS]; /* the number of the list that goes on, or went */
	bool listing[HELD_KINDS];   /* between the marks of a list */
	int64_t due;                /* no verdict changes by time alone before this */
	struct trust_verdict verdict;
	struct json_buffer verification, line;
	unsigned long verdicts[TRUST_REASONS]; /* emitted */
};

/* What an AgentCard says about where to look. */
struct card_aim {
	enum held_kind workload;      /* HELD_NONE: a kind whose identity nobody tells us */
	const char *problem;          /* the card names no workload: why; else NULL */
	char target[EVENT_KEY_SIZE];  /* namespace/name of the workload */
	struct json_text binding;     /* spec.identityBinding.trustDomain */
	struct json_text status_card; /* status.card; absent also for null */
};

/* cards_aim.c */
void cards_aim(const struct event *event, struct card_aim *aim);

/* cards_check.c. The first writes cards->verification. */
void cards_check(struct trust_cards *cards, struct held_card *card, const char *problem, int64_t at);
void cards_recheck(struct trust_cards *cards, struct held_card *card, int64_t at);
void cards_recheck_target(struct trust_cards *cards, struct held_target *target, int64_t at);

void cards_count_verdict(struct trust_cards *cards, struct json_text verification);

/* cards_inputs.c */
void cards_take_configmap(struct trust_cards *cards, const struct event *event, int64_t at);
void cards_take_workload(struct trust_cards *cards, const struct event *event,
                         enum held_kind kind, int64_t at);
void cards_end_list(struct trust_cards *cards, enum held_kind kind, int64_t at);

/* cards_bundle.c */
void cards_take_bundle(struct trust_cards *cards, const struct event *event, int64_t at);
void cards_end_bundles(struct trust_cards *cards, int64_t at);

#endif
