#include "print.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "json/json.h"
#include "json/nodes.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "trust/checker.h"

static bool read_card(struct json_buffer *card)
{
	while (card->len <= TRUST_CARD_MAX) {
		json_buffer_reserve(card, 65536);
		ssize_t got = read(STDIN_FILENO, card->at + card->len, card->size - card->len);
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0)
			card->len += (size_t)got;
	}
	return true;
}

static bool write_out(const struct json_buffer *out)
{
	for (size_t done = 0; done < out->len;) {
		ssize_t wrote = write(STDOUT_FILENO, out->at + done, out->len - done);
		if (wrote < 0 && errno != EINTR)
			return false;
		if (wrote > 0)
			done += (size_t)wrote;
	}
	return true;
}

/* jcs and a2a are forms of any JSON value, so any is read here, with the limits of a card. */
static int print(struct json_text card, enum trust_form form, struct json_buffer *out)
{
	static const struct json_limits limits = {TRUST_CARD_MAX, TRUST_CARD_DEPTH};
	struct json_error error;
	char reason[TRUST_FORM_REASON_SIZE];
	struct json_nodes nodes = {0};
	if (!json_check(card, &limits, &error)) {
		log_error("not a card: %s (byte %zu)", error.reason, error.offset + 1);
		return EXIT_SOME;
	}
	json_nodes_read(&nodes, card);
	bool exists = trust_form_put(&nodes, form, out, reason);
	json_nodes_free(&nodes);
	if (!exists) {
		log_error("no canonical form %s: %s", trust_form_names[form], reason);
		return EXIT_SOME;
	}
	if (write_out(out))
		return EXIT_OK;
	log_error("cannot write output: %s", strerror(errno));
	return EXIT_CANNOT;
}

int print_canonical(enum trust_form form)
{
	struct json_buffer card = {0}, out = {0};
	int status = EXIT_CANNOT;
	if (!sandbox_enter(&(struct sandbox_rules){0}))
		return EXIT_CANNOT;
	if (read_card(&card))
		status = print(json_buffer_text(&card), form, &out);
	else
		log_error("cannot read input: %s", strerror(errno));
	json_buffer_free(&card);
	json_buffer_free(&out);
	return status;
}
