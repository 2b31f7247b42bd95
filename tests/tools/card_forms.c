/* What a signature over each card on standard input covers in a form: cards one a line, as JSON
 * strings; answers one a line, in base64, or "- " and why there is no such form.
 * Usage: card_forms FORM */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"
#include "json/json.h"
#include "trust/checker.h"
#include "trust/forms.h"

static int find_form(const char *name)
{
	for (int i = 0; i < TRUST_FORMS; i++)
		if (strcmp(trust_form_names[i], name) == 0)
			return i;
	return -1;
}

static void answer(const char *line, size_t len, enum trust_form form)
{
	struct json_buffer payload = {0}, encoded = {0};
	char reason[TRUST_FORM_REASON_SIZE] = "";
	struct json_error error;
	struct json_text text = {line, len};
	size_t card_len;
	if (!json_check(text, &json_record_limits, &error)) {
		printf("- %s\n", error.reason);
		return;
	}
	char *card = json_string(json_trim(text), &card_len);
	if (card != NULL &&
	    trust_payload((struct json_text){card, card_len}, form, &payload, reason)) {
		trust_base64_put(&encoded, payload.at, payload.len);
		printf("%.*s\n", (int)encoded.len, encoded.at);
	} else {
		printf("- %s\n", reason);
	}
	json_buffer_free(&payload);
	json_buffer_free(&encoded);
	free(card);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int form = argc == 2 ? find_form(argv[1]) : -1;
	if (form < 0) {
		fputs("usage: card_forms FORM\n", stderr);
		return 2;
	}
	while ((len = getline(&line, &size, stdin)) > 0)
		answer(line, (size_t)len, (enum trust_form)form);
	free(line);
	return 0;
}
