/*
 * Inside lib/trust: what the signatures of one card cover, each form made when it is first asked
 * for, from one reading of the card. Initialise with the mask of allowed forms, else {0}, and
 * start each card (which json_check() accepted) with trust_payloads_reset().
 *
 * Cost: a form is written once for each card, and trust_payload_encoded() gives out at most
 * TRUST_PAYLOADS_MAX bytes for it in all, since each is digested for each signature.
 */
#ifndef TRUST_PAYLOAD_PRIVATE_H
#define TRUST_PAYLOAD_PRIVATE_H

#include "json/nodes.h"
#include "trust/forms.h"

enum { TRUST_PAYLOADS_MAX = 48 * 1024 * 1024 };

struct trust_payloads {
	struct json_text card;
	unsigned forms;
	char reason[TRUST_FORM_REASON_SIZE + 32]; /* why the first form that does not exist does not */
	bool read;                              /* into `nodes` */
	bool made[TRUST_FORMS];
	size_t given;                           /* bytes given out for this card */
	bool spent;                             /* more was asked for */
	struct json_nodes nodes;
	struct json_buffer canonical;
	struct json_buffer encoded[TRUST_FORMS]; /* base64url */
};

void trust_payloads_reset(struct trust_payloads *payloads, struct json_text card);
void trust_payloads_free(struct trust_payloads *payloads);

/* The payload of a form in base64url, as the signing input has it. Absent when the form is not
 * allowed, does not exist, gives the same bytes as an allowed form before it, or is more than may
 * be given out for one card. */
struct json_text trust_payload_encoded(struct trust_payloads *payloads, enum trust_form form);

#endif
