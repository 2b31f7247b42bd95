#include "trust/payload_private.h"

#include "base/base64url.h"
#include "trust/checker.h"

const char *trust_payload(struct json_text card, enum json_form form, struct json_buffer *out)
{
	static const struct json_limits limits = {TRUST_CARD_MAX, TRUST_CARD_DEPTH};
	struct json_error error;
	const char *reason = NULL;
	if (!json_check(card, &limits, &error))
		return error.reason;
	if (json_type(json_trim(card)) != JSON_OBJECT)
		return "it is not an object";
	json_canonical(card, form, "signatures", out, &reason);
	return reason;
}

void trust_payloads_reset(struct trust_payloads *payloads, struct json_text card)
{
	payloads->card = card;
	payloads->reason = NULL;
	for (int i = 0; i < JSON_FORMS; i++)
		payloads->made[i] = false;
}

void trust_payloads_free(struct trust_payloads *payloads)
{
	json_buffer_free(&payloads->canonical);
	for (int i = 0; i < JSON_FORMS; i++)
		json_buffer_free(&payloads->encoded[i]);
}

static bool is_same_as_before(const struct trust_payloads *payloads, enum json_form form)
{
	struct json_text text = json_buffer_text(&payloads->encoded[form]);
	for (int i = 0; i < (int)form; i++)
		if (payloads->made[i] && json_same(text, json_buffer_text(&payloads->encoded[i])))
			return true;
	return false;
}

static void make(struct trust_payloads *payloads, enum json_form form)
{
	struct json_buffer *encoded = &payloads->encoded[form];
	payloads->canonical.len = 0;
	encoded->len = 0;
	if (json_canonical(payloads->card, form, "signatures", &payloads->canonical,
	                   &payloads->reason))
		trust_base64url_put(encoded, payloads->canonical.at, payloads->canonical.len);
	if (is_same_as_before(payloads, form))
		encoded->len = 0;
	payloads->made[form] = true;
}

struct json_text trust_payload_encoded(struct trust_payloads *payloads, enum json_form form)
{
	if ((payloads->forms & 1U << form) == 0)
		return (struct json_text){0};
	if (!payloads->made[form])
		make(payloads, form);
	struct json_text none = {0};
	return payloads->encoded[form].len == 0 ? none : json_buffer_text(&payloads->encoded[form]);
}
