#include "trust/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "trust/failure.h"
#include "json/write.h"

const char *const trust_reason_names[TRUST_REASONS] = {
	[TRUST_VERIFIED] = "Verified",
	[TRUST_CARD_MISSING] = "CardMissing",
	[TRUST_CARD_INVALID] = "CardInvalid",
	[TRUST_SIGNATURE_MISSING] = "SignatureMissing",
	[TRUST_ALGORITHM_NOT_ALLOWED] = "AlgorithmNotAllowed",
	[TRUST_SPIFFE_ID_INVALID] = "SpiffeIDInvalid",
	[TRUST_DOMAIN_MISMATCH] = "TrustDomainMismatch",
	[TRUST_BUNDLE_MISSING] = "TrustBundleMissing",
	[TRUST_CHAIN_INVALID] = "ChainInvalid",
	[TRUST_SIGNATURE_INVALID] = "SignatureInvalid",
	[TRUST_WORKLOAD_MISSING] = "WorkloadMissing",
	[TRUST_IDENTITY_MISMATCH] = "IdentityMismatch",
	[TRUST_EXPIRED] = "Expired",
	[TRUST_NOT_ACCEPTED] = "NotAccepted",
	[TRUST_STATUS_UNBOUND] = "StatusUnbound",
	[TRUST_RECORD_UNUSABLE] = "RecordUnusable",
	[TRUST_OVER_LIMIT] = "OverLimit",
};

bool trust_fail(struct trust_failure *failure, enum trust_reason reason, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	failure->reason = reason;
	vsnprintf(failure->message, sizeof failure->message, format, list);
	va_end(list);
	return false;
}

void trust_verdict_set(struct trust_verdict *verdict, enum trust_reason reason,
                       const char *format, ...)
{
	memset(verdict, 0, sizeof *verdict);
	verdict->verified = reason == TRUST_VERIFIED;
	verdict->reason = reason;
	verdict->not_after = TRUST_TIME_MAX;
	verdict->since = TRUST_TIME_MIN;
	verdict->until = TRUST_TIME_MAX;
	va_list list;
	va_start(list, format);
	int len = vsnprintf(verdict->message, sizeof verdict->message, format, list);
	va_end(list);
	if (len >= (int)sizeof verdict->message)
		memcpy(verdict->message + sizeof verdict->message - 4, "...", 4);
}

/* How many bytes of a character, in UTF-8, a terminal would act on: C0, DEL, C1, line separators,
 * and what turns the direction of text (U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
static unsigned control_length(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	if (u[0] < 0x20 || u[0] == 0x7f)
		return 1;
	if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0)
		return 2;
	if (u[0] != 0xe2 || (u[1] != 0x80 && u[1] != 0x81))
		return 0;
	if (u[1] == 0x80)
		return u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae) ? 3 : 0;
	return u[2] >= 0xa6 && u[2] <= 0xa9 ? 3 : 0;
}

/* What hostile cards and headers hold ends up in terminals: it stays text there. */
static void put_printable(struct json_buffer *out, const char *value)
{
	char text[TRUST_SPIFFE_ID_SIZE];
	size_t len = 0;
	for (const char *p = value; *p != '\0' && len < sizeof text - 1;) {
		unsigned control = control_length(p);
		text[len++] = control > 0 ? '?' : *p;
		p += control > 0 ? control : 1;
	}
	json_put_string_n(out, text, len);
}

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	json_put_key(out, key);
	put_printable(out, value);
}

void trust_verdict_put(struct json_buffer *out, const struct trust_verdict *verdict,
                       const char *source)
{
	char time_text[32] = "";
	struct tm parts;
	time_t not_after = (time_t)verdict->not_after;
	if (verdict->not_after != TRUST_TIME_MAX && gmtime_r(&not_after, &parts) != NULL)
		strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	json_putc(out, '{');
	json_put_key(out, "verified");
	json_puts(out, verdict->verified ? "true" : "false");
	put_member(out, "reason", trust_reason_names[verdict->reason]);
	put_member(out, "message", verdict->message);
	put_member(out, "spiffeID", verdict->spiffe_id);
	put_member(out, "keyID", verdict->key_id);
	put_member(out, "algorithm", verdict->algorithm);
	put_member(out, "canonicalForm",
	           verdict->algorithm == NULL ? NULL : trust_form_names[verdict->form]);
	put_member(out, "anchor", verdict->anchor);
	put_member(out, "notAfter", time_text);
	put_member(out, "source", source);
	json_putc(out, '}');
}
