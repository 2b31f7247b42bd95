#include "verify/status_private.h"

#include <stdlib.h>

enum { STATUS_CARD, STATUS_CONDITIONS, STATUS_MATCH, STATUS_VALID, STATUS_GENERATION,
       STATUS_SPIFFE_ID, STATUS_KEY_ID, STATUS_PARTS };

static const char *const status_keys[STATUS_PARTS] = {
	[STATUS_CARD] = "card",
	[STATUS_CONDITIONS] = "conditions",
	[STATUS_MATCH] = "signatureIdentityMatch",
	[STATUS_VALID] = "validSignature",
	[STATUS_GENERATION] = "observedGeneration",
	[STATUS_SPIFFE_ID] = "signatureSpiffeId",
	[STATUS_KEY_ID] = "signatureKeyId",
};

struct conclusion {
	bool found, good, stale;
};

/* An observedGeneration that is not an integer cannot be of this generation. */
static bool is_stale(struct json_text observed, int64_t generation)
{
	int64_t number;
	if (json_type(observed) == JSON_ABSENT || json_type(observed) == JSON_NULL)
		return false;
	return !json_integer(observed, &number) || number < generation;
}

/* All conditions of the type must be true, should somebody have written several. */
static struct conclusion find_condition(struct json_text conditions, const char *type,
                                        int64_t generation)
{
	enum { TYPE, STATUS, OBSERVED, COUNT };
	static const char *const keys[COUNT] = {"type", "status", "observedGeneration"};
	struct conclusion all = {.good = true};
	if (json_type(conditions) != JSON_ARRAY)
		return all;
	for (struct json_member m = json_first(conditions); m.value.at; m = json_next(m)) {
		struct json_text found[COUNT];
		if (json_type(m.value) != JSON_OBJECT)
			continue;
		json_pick(m.value, COUNT, keys, found);
		if (!json_equals(found[TYPE], type))
			continue;
		all.found = true;
		all.good = all.good && json_equals(found[STATUS], "True");
		all.stale = all.stale || is_stale(found[OBSERVED], generation);
	}
	return all;
}

static void refuse(struct trust_verdict *verdict, const char *what, bool stale)
{
	if (stale)
		trust_verdict_set(verdict, TRUST_NOT_ACCEPTED,
		                  "%s of the status speaks of an earlier generation of the card",
		                  what);
	else
		trust_verdict_set(verdict, TRUST_NOT_ACCEPTED, "%s of the status is not true", what);
}

static void copy_text(struct json_text value, char *into, size_t size)
{
	struct json_text text = json_plain(value);
	if (text.at == NULL || text.len >= size)
		return;
	for (size_t i = 0; i < text.len; i++)
		into[i] = text.at[i];
	into[text.len] = '\0';
}

static void accept(struct trust_verdict *verdict, const char *what, const struct json_text status[])
{
	trust_verdict_set(verdict, TRUST_VERIFIED, "%s of the status is true", what);
	copy_text(status[STATUS_SPIFFE_ID], verdict->spiffe_id, sizeof verdict->spiffe_id);
	copy_text(status[STATUS_KEY_ID], verdict->key_id, sizeof verdict->key_id);
}

void trust_status_check(struct json_text agentcard, struct trust_verdict *verdict)
{
	struct json_text status[STATUS_PARTS];
	json_pick(json_get(agentcard, "status"), STATUS_PARTS, status_keys, status);
	int64_t generation = 0;
	json_integer(json_get(agentcard, "metadata", "generation"), &generation);
	bool bound = json_type(json_get(agentcard, "spec", "identityBinding")) > JSON_NULL;

	if (is_stale(status[STATUS_GENERATION], generation)) {
		refuse(verdict, "observedGeneration", true);
		return;
	}
	const char *what = "the condition Verified";
	struct conclusion found = find_condition(status[STATUS_CONDITIONS], "Verified", generation);
	bool decides = found.found;
	if (!found.found) {
		what = "the condition SignatureVerified";
		found = find_condition(status[STATUS_CONDITIONS], "SignatureVerified", generation);
	}
	if (!found.found) {
		what = "validSignature";
		found = (struct conclusion){.good = json_is_true(status[STATUS_VALID])};
	}
	if (!found.good || found.stale)
		refuse(verdict, what, found.good && found.stale);
	else if (!decides && bound && !json_is_true(status[STATUS_MATCH]))
		refuse(verdict, "signatureIdentityMatch", false);
	else
		accept(verdict, what, status);
}
