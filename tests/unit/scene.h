/*
 * A checker that trusts two roots, a leaf of the first, and what a test asks of it.
 * One scene a test: cmocka's set-up and tear-down make and free it.
 */
#ifndef SCENE_H
#define SCENE_H

#include "authority.h"
#include "trust/checker.h"

#define ID "spiffe://example.org/ns/team-a/sa/billing"
#define ID_URI "URI:spiffe://example.org/ns/team-a/sa/billing"

struct scene {
	struct party root, other_root, leaf; /* of example.org, of other.org; the leaf is ID's */
	struct trust_settings settings;
	struct trust_checker *checker;
	struct trust_verdict verdict;        /* of the last check */
};

int set_up(void **state);
int tear_down(void **state);

/* Starts over with the scene's settings, as they are now. */
void begin(struct scene *scene);
void trust(struct scene *scene, const char *domain, const struct party *ca);

/* By the workload that is ID's, at NOW. */
struct trust_request request_for(const char *card);
enum trust_reason check(struct scene *scene, const struct trust_request *request);
void expect(struct scene *scene, const char *card, enum trust_reason reason);
void expect_message(struct scene *scene, const char *card, enum trust_reason reason,
                    const char *words);

char *card_by(const struct party *leaf, const char *alg);

#endif
