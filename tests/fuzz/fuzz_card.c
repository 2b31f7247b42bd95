/* Any bytes as a signed card, as the protected header of one, and as what is covered by a good
 * header: nobody signed any of it, so none is verified; and asked again, the answer is the same. */
#include <stdlib.h>
#include <string.h>

#include "../unit/authority.c"
#include "base/base64url.h"
#include "trust/checker.h"

static struct trust_checker *checker;
static char *signature; /* an element, over something else */

static void start(void)
{
	static const char *const domains[] = {"example.org"};
	struct trust_settings settings = {.trust_domains = domains, .trust_domain_count = 1};
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct party root = make_ca(NULL, "root");
	struct party leaf = make_svid(&root, "spiffe://example.org/ns/a/sa/b");
	const struct party *roots[] = {&root}, *chain[] = {&leaf};
	char *bundle = make_bundle(1, roots), *header = make_header("ES256", 1, chain);
	checker = trust_checker_new(&settings, reason);
	signature = make_signature("ES256", leaf.key, header, "nothing that is a card");
	trust_checker_anchors(checker, "example.org", trust_anchors_read(json_of(bundle), NULL, reason));
	free(bundle);
	free(header);
	party_free(&leaf);
	party_free(&root);
}

static void check(struct json_text card)
{
	static struct trust_verdict first, second;
	struct trust_request request = {.card = card, .namespace = "a", .service_account = "b", .at = NOW};
	trust_check(checker, &request, &first);
	if (first.verified || first.message[0] == '\0' || first.reason == TRUST_VERIFIED ||
	    NOW < first.since || NOW >= first.until)
		abort();
	trust_check(checker, &request, &second);
	if (second.reason != first.reason || strcmp(second.message, first.message) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_buffer card = {0};
	if (checker == NULL)
		start();
	check((struct json_text){(const char *)data, size});
	json_puts(&card, "{\"signatures\":[{\"protected\":\"");
	trust_base64url_put(&card, data, size);
	json_puts(&card, "\",\"signature\":\"AAAA\"}]}");
	check(json_buffer_text(&card));
	card.len = 0;
	json_putf(&card, "{\"signatures\":[%s],\"x\":", signature);
	json_put(&card, (const char *)data, size);
	json_putc(&card, '}');
	check(json_buffer_text(&card));
	json_buffer_free(&card);
	return 0;
}
