#include "trust/payload_private.h"

#include <stdio.h>

#include "base/base64url.h"
#include "json/json.h"
#include "trust/checker.h"

/* What a usual card needs stays allocated between cards. */
enum { HELD_BYTES_MAX = 256 * 1024 };

bool trust_payload(struct json_text card, enum trust_form form, struct json_buffer *out,
                   char reason[TRUST_FORM_REASON_SIZE])
{
	static const struct json_limits limits = {TRUST_CARD_MAX, TRUST_CARD_DEPTH};
	struct json_error error;
	struct json_nodes nodes = {0};
	if (!json_check(card, &limits, &error)) {
		snprintf(reason, TRUST_FORM_REASON_SIZE, "%s", error.reason);
		return false;
	}
	if (json_type(json_trim(card)) != JSON_OBJECT) {
		snprintf(reason, TRUST_FORM_REASON_SIZE, "it is not an object");
		return false;
	}
	json_nodes_read(&nodes, card);
	bool good = trust_form_put(&nodes, form, out, reason);
	json_nodes_free(&nodes);
	return good;
}

static void empty(struct json_buffer *buffer)
{
	if (buffer->size > HELD_BYTES_MAX)
		json_buffer_free(buffer);
	buffer->len = 0;
}

void trust_payloads_reset(struct trust_payloads *payloads, struct json_text card)
{
	payloads->card = card;
	payloads->reason[0] = '\0';
	payloads->read = false;
	payloads->spent = false;
	payloads->given = 0;
	if (payloads->nodes.size + payloads->nodes.open_size > HELD_BYTES_MAX / 16)
		json_nodes_free(&payloads->nodes);
	empty(&payloads->canonical);
	for (int i = 0; i < TRUST_FORMS; i++) {
		payloads->made[i] = false;
		empty(&payloads->encoded[i]);
	}
}

void trust_payloads_free(struct trust_payloads *payloads)
{
	json_nodes_free(&payloads->nodes);
	json_buffer_free(&payloads->canonical);
	for (int i = 0; i < TRUST_FORMS; i++)
		json_buffer_free(&payloads->encoded[i]);
}

static bool is_same_as_before(const struct trust_payloads *payloads, enum trust_form form)
{
	struct json_text text = json_buffer_text(&payloads->encoded[form]);
	for (int i = 0; i < (int)form; i++)
		if (payloads->made[i] && json_same(text, json_buffer_text(&payloads->encoded[i])))
			return true;
	return false;
}

static void make(struct trust_payloads *payloads, enum trust_form form)
{
	struct json_buffer *encoded = &payloads->encoded[form];
	char reason[TRUST_FORM_REASON_SIZE];
	if (!payloads->read)
		json_nodes_read(&payloads->nodes, payloads->card);
	payloads->read = true;
	payloads->canonical.len = 0;
	encoded->len = 0;
	if (trust_form_put(&payloads->nodes, form, &payloads->canonical, reason))
		trust_base64url_put(encoded, payloads->canonical.at, payloads->canonical.len);
	else if (payloads->reason[0] == '\0')
		snprintf(payloads->reason, sizeof payloads->reason, "it has no form %s: %s",
		         trust_form_names[form], reason);
	if (is_same_as_before(payloads, form))
		encoded->len = 0;
	payloads->made[form] = true;
}

struct json_text trust_payload_encoded(struct trust_payloads *payloads, enum trust_form form)
{
	const struct json_text none = {0};
	if ((payloads->forms & 1U << form) == 0)
		return none;
	if (!payloads->made[form])
		make(payloads, form);
	size_t len = payloads->encoded[form].len;
	if (len == 0)
		return none;
	if (len > TRUST_PAYLOADS_MAX - payloads->given) {
		payloads->spent = true;
		return none;
	}
	payloads->given += len;
	return json_buffer_text(&payloads->encoded[form]);
}
