/* The state behind verify/cards.h, shared by its files. Private to lib/verify. */
#ifndef VERIFY_CARDS_PRIVATE_H
#define VERIFY_CARDS_PRIVATE_H

#include "verify/cards.h"
#include "verify/cards_held_private.h"

enum { BUNDLE_WHERE_SIZE = EVENT_KEY_SIZE + 64, BUNDLE_TROUBLE_SIZE = 1024 };

struct bundle_slot {
	struct trust_cards_bundle from; /* its trust_domain is the checker's string */
	bool held;                      /* the checker has anchors */
	uint8_t fingerprint[TRUST_FINGERPRINT_SIZE];
	unsigned list;                  /* the list that named its object last */
	bool has_sequence;
	int64_t sequence;               /* spiffe_sequence of the last bundle that counted */
	int64_t bad_since;              /* no bundle at all has been there since; TRUST_TIME_MAX */
	int64_t warned;                 /* when that was said last */
	char where[BUNDLE_WHERE_SIZE], bad[BUNDLE_TROUBLE_SIZE / 2]; /* where, and why */
	char trouble[BUNDLE_TROUBLE_SIZE];      /* why there are no anchors */
	char ignored[TRUST_BUNDLE_REASON_SIZE]; /* what of the last bundle did not count */
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
	bool *left_out;                        /* of settings.without: there was such an anchor */
	char *anchors[TRUST_MEASURED];         /* the IDs of those measured */
};

/* What an AgentCard says about where to look. */
struct card_aim {
	enum held_kind workload;      /* HELD_NONE: a kind whose identity nobody tells us */
	const char *problem;          /* the card names no workload: why; else NULL */
	char target[EVENT_KEY_SIZE];  /* namespace/name of the workload */
	/* null is as absent in all of them */
	struct json_text binding;     /* spec.identityBinding.trustDomain */
	struct json_text allowed;     /* spec.identityBinding.allowedSpiffeIDs */
	struct json_text status;
	struct json_text status_card; /* status.card */
};

/* cards_aim.c */
void cards_aim(const struct event *event, struct card_aim *aim);

/* cards_check.c. The first writes cards->verification. */
void cards_check(struct trust_cards *cards, struct held_card *card, const char *problem, int64_t at);
void cards_recheck(struct trust_cards *cards, struct held_card *card, int64_t at);
void cards_recheck_target(struct trust_cards *cards, struct held_target *target, int64_t at);

/* measure.c: the place of an anchor's ID among those that are measured, which the first that verify a
 * card are; TRUST_MEASURED: of the rest. */
unsigned cards_measured_anchor(struct trust_cards *cards, const char *id);

/* cards_inputs.c */
void cards_take_configmap(struct trust_cards *cards, const struct event *event, int64_t at);
void cards_take_workload(struct trust_cards *cards, const struct event *event,
                         enum held_kind kind, int64_t at);
void cards_end_list(struct trust_cards *cards, enum held_kind kind, int64_t at);

/* configmap.c */
/* namespace/name of the workload whose signed card such a ConfigMap holds; false: it is no such one. */
bool cards_signed_for(const struct event *event, char key[EVENT_KEY_SIZE]);
/* Appends the value of a key of `data`, or decoded of `binaryData`. False when there is none. */
bool cards_configmap_value(struct json_text configmap, const char *key, struct json_buffer *out);
/* Appends what a string decodes to; false for anything else. */
bool cards_put_string(struct json_text value, struct json_buffer *out);

/* cards_unusable.c: the record of this identity cannot be used. False: nothing of it is held. */
bool cards_spoil(struct trust_cards *cards, const struct event *named, const char *why, int64_t at);

/* cards_bundle.c */
void cards_open_bundles(struct trust_cards *cards);
void cards_take_bundle(struct trust_cards *cards, const struct event *event, enum held_kind kind,
                       int64_t at);
/* Its last record is unusable. */
void cards_spoil_bundle(struct trust_cards *cards, const struct event *event, enum held_kind kind,
                        const char *why, int64_t at);
void cards_end_bundles(struct trust_cards *cards, enum held_kind kind, int64_t at);
/* Ends the grace of bundles that are none, and says once a minute that it goes on. */
void cards_bundles_time(struct trust_cards *cards, int64_t at);

#endif
