/*
 * Inside lib/trust: what the signatures of one card cover, each form made when it is first asked
 * for. Initialise with the card (checked) and the mask of allowed forms, else {0}; the buffers
 * may be used again for the next card after trust_payloads_reset().
 */
#ifndef TRUST_PAYLOAD_PRIVATE_H
#define TRUST_PAYLOAD_PRIVATE_H

#include "json/canonical.h"

struct trust_payloads {
	struct json_text card;
	unsigned forms;
	const char *reason;                      /* why a form does not exist; else NULL */
	bool made[JSON_FORMS];
	struct json_buffer canonical;
	struct json_buffer encoded[JSON_FORMS]; /* base64url */
};

void trust_payloads_reset(struct trust_payloads *payloads, struct json_text card);
void trust_payloads_free(struct trust_payloads *payloads);

/* The payload of a form in base64url, as the signing input has it. Absent when the form is not
 * allowed, does not exist, or gives the same bytes as an allowed form before it. */
struct json_text trust_payload_encoded(struct trust_payloads *payloads, enum json_form form);

#endif
