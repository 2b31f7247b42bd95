/*
 * How much of a fresh verification is public-key work that nobody can avoid.
 *
 *   trust_bench [CARDS]
 *
 * Signs CARDS (2000) distinct cards, each with a leaf of its own below one intermediate, and checks
 * each once (nothing of a card or leaf is remembered; the intermediate is). Then does, with keys
 * ready, the very public-key operations of that: the leaf's signature and the card's. Prints
 * both rates and their share, for P-256 and RSA-2048. Each is the best of several rounds in turn.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/authority.h"
#include "trust/checker.h"

enum { ROUNDS = 5 };

static const char *const domains[] = {"example.org"};

struct run {
	const char *alg;
	struct party root, middle;
	size_t count;
	struct party *leaves;
	char **cards;
};

/* One operation as OpenSSL is asked for it. */
struct operation {
	EVP_PKEY *key;
	unsigned char signature[512];
	size_t len;
};

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static EVP_PKEY *new_key(const char *alg)
{
	return alg[0] == 'R' ? rsa_key(2048) : ec_key("P-256");
}

static void prepare(struct run *run)
{
	run->root = make_ca(NULL, "root");
	run->middle = issue(&run->root, new_key(run->alg),
	                    &(struct wishes){.extensions = WISHES(CA_EXTENSIONS), .subject = "middle"});
	run->leaves = calloc(run->count, sizeof *run->leaves);
	run->cards = calloc(run->count, sizeof *run->cards);
	if (run->leaves == NULL || run->cards == NULL)
		abort();
	/* making RSA keys is dear: some leaves share one, which the checker cannot know */
	size_t keys = run->alg[0] == 'R' ? 20 : run->count;
	for (size_t i = 0; i < run->count; i++) {
		EVP_PKEY *key = i < keys ? new_key(run->alg) : run->leaves[i % keys].key;
		if (i >= keys)
			EVP_PKEY_up_ref(key);
		run->leaves[i] = issue(&run->middle, key,
		                       &(struct wishes){.extensions = WISHES(
							LEAF_EXTENSIONS, "subjectAltName",
							"URI:spiffe://example.org/ns/team-a/sa/billing")});
		const struct party *chain[] = {&run->leaves[i], &run->middle};
		run->cards[i] = make_card(run->alg, 2, chain);
	}
}

static double check_all(const struct run *run)
{
	char reason[TRUST_BUNDLE_REASON_SIZE];
	struct trust_settings settings = {.trust_domains = domains, .trust_domain_count = 1};
	struct trust_checker *checker = trust_checker_new(&settings, reason);
	const struct party *roots[] = {&run->root};
	char *bundle = make_bundle(1, roots);
	static struct trust_verdict verdict;
	trust_checker_anchors(checker, "example.org", trust_anchors_read(json_of(bundle), NULL, reason));
	double start = seconds();
	for (size_t i = 0; i < run->count; i++) {
		trust_check(checker,
		            &(struct trust_request){.card = json_of(run->cards[i]), .namespace = "team-a",
		                                    .service_account = "billing", .at = NOW},
		            &verdict);
		if (!verdict.verified) {
			fprintf(stderr, "trust_bench: %s\n", verdict.message);
			exit(3);
		}
	}
	double took = seconds() - start;
	if (trust_checker_counts(checker).signatures != run->count)
		exit(3);
	trust_checker_free(checker);
	free(bundle);
	return took;
}

static void sign_digest(struct operation *operation, EVP_PKEY *key, const unsigned char *digest)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	operation->key = key;
	operation->len = sizeof operation->signature;
	if (EVP_PKEY_sign_init(context) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(context, operation->signature, &operation->len, digest, 32) != 1)
		exit(3);
	EVP_PKEY_CTX_free(context);
}

static double verify_all(const struct run *run)
{
	static const unsigned char digest[32] = {1, 2, 3};
	struct operation *operations = calloc(2 * run->count, sizeof *operations);
	if (operations == NULL)
		abort();
	for (size_t i = 0; i < run->count; i++) {
		sign_digest(&operations[2 * i], run->middle.key, digest);
		sign_digest(&operations[2 * i + 1], run->leaves[i].key, digest);
	}
	double start = seconds();
	for (size_t i = 0; i < 2 * run->count; i++) {
		EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(operations[i].key, NULL);
		if (EVP_PKEY_verify_init(context) != 1 ||
		    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1 ||
		    EVP_PKEY_verify(context, operations[i].signature, operations[i].len, digest, 32) != 1)
			exit(3);
		EVP_PKEY_CTX_free(context);
	}
	double took = seconds() - start;
	free(operations);
	return took;
}

static void measure(const char *alg, size_t count)
{
	struct run run = {.alg = alg, .count = count};
	double ours = 1e9, openssl = 1e9;
	prepare(&run);
	for (int round = 0; round < ROUNDS; round++) {
		double took = check_all(&run);
		ours = took < ours ? took : ours;
		took = verify_all(&run);
		openssl = took < openssl ? took : openssl;
	}
	printf("%s: %.0f verifications/s; the two public-key operations alone %.0f/s; share %.1f %%\n", alg,
	       (double)count / ours, (double)count / openssl, 100 * openssl / ours);
	for (size_t i = 0; i < count; i++) {
		party_free(&run.leaves[i]);
		free(run.cards[i]);
	}
	free(run.leaves);
	free(run.cards);
	party_free(&run.middle);
	party_free(&run.root);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
	measure("ES256", count);
	measure("RS256", count);
	return 0;
}
