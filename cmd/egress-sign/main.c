/* egress-sign: signs an agent card with its workload's SVID. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/options.h"
#include "trust/checker.h"
#include "trust/sign.h"

struct sign_options {
	const char *key, *chain, *algorithm, *key_id, *configmap;
	struct option_choice form;
	bool replace;
	struct option_list operands;
	char namespace[256];
	const char *workload; /* of --configmap */
};

static enum options_verdict parse(int argc, char **argv, struct sign_options *o)
{
	const struct option_spec table[] = {
		{OPTION_STRING, "key", 0, "FILE", "the private key, in PEM (svid_key.pem)", &o->key},
		{OPTION_STRING, "chain", 0, "FILE",
		 "the X.509-SVID and its intermediates, in PEM (svid.pem)", &o->chain},
		{OPTION_CHOICE, "canonical", 0, "FORM",
		 "sign the card in this form: jcs, a2a, a2a-sdk, kagenti, a2a-spec,\n"
		 "a2a-python-1, a2a-python-0.3 (default kagenti)", &o->form},
		{OPTION_STRING, "algorithm", 0, "NAME",
		 "sign with this one (default RS256, or the one of the key's curve)", &o->algorithm},
		{OPTION_STRING, "key-id", 0, "ID",
		 "the header's kid (default the SHA-256 of the public key)", &o->key_id},
		{OPTION_FLAG, "replace", 0, NULL, "drop the signatures that the card has", &o->replace},
		{OPTION_STRING, "configmap", 0, "NAMESPACE/WORKLOAD",
		 "print the ConfigMap WORKLOAD-card-signed, not the card", &o->configmap},
		{OPTION_VERBOSE, "verbose", 'v', NULL, "say more on stderr", NULL},
		{OPTION_HELP, "help", 'h', NULL, "show this help and exit", NULL},
		{OPTION_VERSION, "version", 0, NULL, "show the version and exit", NULL},
		{.kind = OPTION_END},
	};
	return options_parse(argc, argv, "--key FILE --chain FILE [OPTION]... [CARD]",
	                     "Signs an agent card, from a file or from standard input.", table,
	                     &o->operands);
}

static bool check_options(struct sign_options *o)
{
	if (o->key == NULL || o->chain == NULL) {
		log_error("what shall it be signed with? Give --key FILE and --chain FILE; see --help");
		return false;
	}
	if (o->operands.count > 1) {
		log_error("one card at a time, not also %s", o->operands.values[1]);
		return false;
	}
	if (o->configmap == NULL)
		return true;
	const char *slash = strchr(o->configmap, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - o->configmap);
	if (len == 0 || len >= sizeof o->namespace) {
		log_error("--configmap %s: not NAMESPACE/WORKLOAD", o->configmap);
		return false;
	}
	memcpy(o->namespace, o->configmap, len);
	o->workload = slash + 1;
	return true;
}

/* Reads at most one byte more than `max`, so that whoever parses it can tell that it is too
 * large. */
static bool read_all(int fd, size_t max, struct json_buffer *text)
{
	json_buffer_reserve(text, max + 1);
	while (text->len <= max) {
		ssize_t got = read(fd, text->at + text->len, max + 1 - text->len);
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR)
			return false;
		text->len += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static bool read_file(const char *path, size_t max, bool secret, struct json_buffer *text)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && fstat(fd, &status) == 0 && read_all(fd, max, text);
	if (!good)
		log_error("cannot read %s: %s", path, strerror(errno));
	else if (secret && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
		log_warning("%s: everyone on this machine may read or change the key (mode %03o)",
		            path, (unsigned)status.st_mode & 0777U);
	if (fd >= 0)
		close(fd);
	return good;
}

static struct trust_signer *open_signer(const struct sign_options *o)
{
	struct json_buffer key = {0}, chain = {0};
	struct trust_signer *signer = NULL;
	char reason[TRUST_SIGN_REASON_SIZE];
	if (read_file(o->key, TRUST_PEM_MAX, true, &key) &&
	    read_file(o->chain, TRUST_PEM_MAX, false, &chain)) {
		signer = trust_signer_new(json_buffer_text(&key), json_buffer_text(&chain),
		                          o->algorithm, o->key_id, reason);
		if (signer == NULL)
			log_error("cannot sign with %s and %s: %s", o->key, o->chain, reason);
	}
	OPENSSL_cleanse(key.at, key.len);
	json_buffer_free(&key);
	json_buffer_free(&chain);
	return signer;
}

static bool read_card(const struct sign_options *o, struct json_buffer *card)
{
	if (o->operands.count == 1 && strcmp(o->operands.values[0], "-") != 0)
		return read_file(o->operands.values[0], TRUST_CARD_MAX, false, card);
	if (read_all(STDIN_FILENO, TRUST_CARD_MAX, card))
		return true;
	log_error("cannot read standard input: %s", strerror(errno));
	return false;
}

static int print(const struct json_buffer *out)
{
	if (fwrite(out->at, 1, out->len, stdout) == out->len && fputc('\n', stdout) == '\n' &&
	    fflush(stdout) == 0)
		return EXIT_OK;
	log_error("cannot write output: %s", strerror(errno));
	return EXIT_CANNOT;
}

static void warn(const char *sentence)
{
	log_warning("%s", sentence);
}

/* Verifiers that ask for it, --require-unexpired among them, refuse such a card at once. */
static void warn_of_validity(const struct sign_options *o, const struct trust_signer *signer)
{
	char when[CLOCK_TEXT_SIZE];
	int64_t not_before, not_after, now = (int64_t)time(NULL);
	trust_signer_validity(signer, &not_before, &not_after);
	if (now >= not_before && now <= not_after)
		return;
	clock_format(now > not_after ? not_after : not_before, when);
	log_warning("%s: the SVID %s %s; fetch the current one and sign again", o->chain,
	            now > not_after ? "expired at" : "is valid only from", when);
}

static int sign(const struct sign_options *o, const struct trust_signer *signer,
                struct json_text card)
{
	struct json_buffer signed_card = {0}, configmap = {0};
	const struct json_buffer *out = &signed_card;
	enum trust_form form = (enum trust_form)o->form.value;
	char reason[TRUST_SIGN_REASON_SIZE];
	const char *wrong = NULL;
	int status = EXIT_SOME;
	bool good = trust_sign(signer, card, form, o->replace, &signed_card, reason);
	if (!good)
		log_error("the card cannot be signed: %s", reason);
	if (good && o->configmap != NULL) {
		out = &configmap;
		wrong = trust_signed_configmap(json_buffer_text(&signed_card), o->namespace,
		                               o->workload, &configmap);
		if (wrong != NULL)
			log_error("--configmap %s: %s", o->configmap, wrong);
	}
	if (good && wrong == NULL) {
		warn_of_validity(o, signer);
		trust_sign_advise(card, form, warn);
		status = print(out);
	}
	json_buffer_free(&signed_card);
	json_buffer_free(&configmap);
	return status;
}

int main(int argc, char **argv)
{
	struct sign_options options = {.form = {trust_form_names, TRUST_FORM_KAGENTI}};
	struct json_buffer card = {0};
	int status = EXIT_USAGE;
	log_open("egress-sign");
	enum options_verdict verdict = parse(argc, argv, &options);
	if (verdict == OPTIONS_DONE) {
		status = EXIT_OK;
	} else if (verdict == OPTIONS_GO && check_options(&options)) {
		struct trust_signer *signer = open_signer(&options);
		status = signer != NULL && read_card(&options, &card)
		                 ? sign(&options, signer, json_buffer_text(&card))
		                 : EXIT_CANNOT;
		trust_signer_free(signer);
	}
	json_buffer_free(&card);
	options_free_list(&options.operands);
	return status;
}
