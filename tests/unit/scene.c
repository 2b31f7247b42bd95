#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene.h"

static const char *const domains[] = {"example.org", "other.org"};

void trust(struct scene *scene, const char *domain, const struct party *ca)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	char *bundle = make_bundle(1, &ca);
	struct trust_anchors *anchors = trust_anchors_read(json_of(bundle), NULL, reason);
	assert_non_null(anchors);
	assert_true(trust_checker_anchors(scene->checker, domain, anchors));
	free(bundle);
}

void begin(struct scene *scene)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	trust_checker_free(scene->checker);
	scene->settings.trust_domains = domains;
	scene->settings.trust_domain_count = 2;
	scene->checker = trust_checker_new(&scene->settings, reason);
	assert_non_null(scene->checker);
	trust(scene, "example.org", &scene->root);
	trust(scene, "other.org", &scene->other_root);
}

int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	assert_non_null(scene);
	scene->root = make_ca(NULL, "root");
	scene->other_root = make_ca(NULL, "other");
	scene->leaf = make_svid(&scene->root, ID);
	begin(scene);
	*state = scene;
	return 0;
}

int tear_down(void **state)
{
	struct scene *scene = *state;
	party_free(&scene->leaf);
	party_free(&scene->root);
	party_free(&scene->other_root);
	trust_checker_free(scene->checker);
	free(scene);
	return 0;
}

struct trust_request request_for(const char *card)
{
	return (struct trust_request){.card = json_of(card), .namespace = "team-a",
	                              .service_account = "billing", .at = NOW};
}

enum trust_reason check(struct scene *scene, const struct trust_request *request)
{
	trust_check(scene->checker, request, &scene->verdict);
	assert_int_equal(scene->verdict.verified, scene->verdict.reason == TRUST_VERIFIED);
	assert_true(scene->verdict.message[0] != '\0');
	assert_true(scene->verdict.since <= request->at && request->at < scene->verdict.until);
	return scene->verdict.reason;
}

void expect(struct scene *scene, const char *card, enum trust_reason reason)
{
	struct trust_request request = request_for(card);
	if (check(scene, &request) != reason)
		print_error("%s: %s\n", trust_reason_names[scene->verdict.reason], scene->verdict.message);
	assert_int_equal(scene->verdict.reason, reason);
}

void expect_message(struct scene *scene, const char *card, enum trust_reason reason,
                           const char *words)
{
	expect(scene, card, reason);
	if (strstr(scene->verdict.message, words) == NULL)
		print_error("\"%s\" is not in \"%s\"\n", words, scene->verdict.message);
	assert_non_null(strstr(scene->verdict.message, words));
}

char *card_by(const struct party *leaf, const char *alg)
{
	return make_card(alg, 1, (const struct party *const[]){leaf});
}
