#include "verify/status_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/peer.h"
#include "trust/spiffe.h"

/* What the operator wrote. */
struct conclusion {
	struct json_text conditions, generation, target, key_id;
	struct json_text signed_by, attested, attested_in_card; /* SPIFFE IDs */
};

static struct conclusion read_status(struct json_text status)
{
	enum { CONDITIONS, GENERATION, TARGET, KEY_ID, SIGNED_BY, ATTESTED, CARD, PARTS };
	static const char *const keys[PARTS] = {
		[CONDITIONS] = "conditions",
		[GENERATION] = "observedGeneration",
		[TARGET] = "targetRef",
		[KEY_ID] = "signatureKeyId",
		[SIGNED_BY] = "signatureSpiffeId",
		[ATTESTED] = "attestedAgentSpiffeId",
		[CARD] = "card",
	};
	struct json_text found[PARTS];
	json_pick(status, PARTS, keys, found);
	return (struct conclusion){found[CONDITIONS], found[GENERATION], found[TARGET],
	                           found[KEY_ID],     found[SIGNED_BY],  found[ATTESTED],
	                           json_get(found[CARD], "attestedAgentSpiffeID")};
}

/* An observedGeneration that is not an integer cannot be of this generation. */
static bool is_stale(struct json_text observed, int64_t generation)
{
	int64_t number;
	if (json_type(observed) == JSON_ABSENT || json_type(observed) == JSON_NULL)
		return false;
	return !json_integer(observed, &number) || number < generation;
}

enum reason { REASON_NONE, REASON_SIGNATURE, REASON_MTLS };

/* NULL when the condition Verified holds for this generation, else why not. All conditions of the
 * type must be true and of one reason, should somebody have written several. */
static const char *read_verified(struct json_text conditions, int64_t generation,
                                 enum reason *reason)
{
	enum { TYPE, STATUS, REASON, OBSERVED, COUNT };
	static const char *const keys[COUNT] = {"type", "status", "reason", "observedGeneration"};
	*reason = REASON_NONE;
	if (json_type(conditions) != JSON_ARRAY)
		return "the status has no condition Verified";
	for (struct json_member m = json_first(conditions); m.value.at; m = json_next(m)) {
		struct json_text found[COUNT];
		if (json_type(m.value) != JSON_OBJECT)
			continue;
		json_pick(m.value, COUNT, keys, found);
		if (!json_equals(found[TYPE], "Verified"))
			continue;
		enum reason its = json_equals(found[REASON], "SignatureVerified") ? REASON_SIGNATURE
		                  : json_equals(found[REASON], "mTLSVerified")    ? REASON_MTLS
		                                                                  : REASON_NONE;
		if (!json_equals(found[STATUS], "True"))
			return "the condition Verified of the status is not true";
		if (is_stale(found[OBSERVED], generation))
			return "the condition Verified of the status speaks of an earlier "
			       "generation of the card";
		if (its == REASON_NONE || (*reason != REASON_NONE && *reason != its))
			return "the condition Verified of the status has another reason than "
			       "SignatureVerified or mTLSVerified";
		*reason = its;
	}
	return *reason == REASON_NONE ? "the status has no condition Verified" : NULL;
}

static struct json_text group_of(struct json_text api_version)
{
	struct json_text text = json_plain(api_version);
	const char *slash = text.at == NULL ? NULL : memchr(text.at, '/', text.len);
	text.len = slash == NULL ? 0 : (size_t)(slash - text.at);
	return slash == NULL ? json_of(NULL) : text;
}

/* Both name one workload, whatever the version. */
static bool same_target(struct json_text a, struct json_text b)
{
	enum { API_VERSION, KIND, NAME, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "name"};
	struct json_text of_a[COUNT], of_b[COUNT];
	json_pick(a, COUNT, keys, of_a);
	json_pick(b, COUNT, keys, of_b);
	return of_a[KIND].at != NULL && of_a[NAME].at != NULL && json_same(of_a[KIND], of_b[KIND]) &&
	       json_same(of_a[NAME], of_b[NAME]) &&
	       json_same(group_of(of_a[API_VERSION]), group_of(of_b[API_VERSION]));
}

static bool is_among(struct json_text allowed, struct json_text id)
{
	unsigned looked_at = 0;
	if (json_type(allowed) != JSON_ARRAY)
		return false;
	for (struct json_member m = json_first(allowed);
	     m.value.at != NULL && looked_at++ < TRUST_ALLOWED_MAX; m = json_next(m)) {
		struct json_text each = json_plain(m.value);
		if (each.at != NULL && json_same(each, id))
			return true;
	}
	return false;
}

static bool is_own_path(const struct status_question *question, struct json_text path)
{
	char own[TRUST_SPIFFE_ID_SIZE], namespace[TRUST_SPIFFE_ID_SIZE];
	snprintf(namespace, sizeof namespace, "%.*s", (int)strcspn(question->target, "/"),
	         question->target);
	trust_peer_path(question->path_template, namespace, question->service_account, own);
	return own[0] != '\0' && json_same(path, json_of(own));
}

/* NULL when the attested ID is one that the card and its workload may have, else why not. */
static const char *check_id(const struct status_question *question, struct json_text binding,
                            struct json_text text)
{
	struct trust_spiffe_id id;
	struct json_text domain = json_get(binding, "trustDomain");
	struct json_text allowed = json_get(binding, "allowedSpiffeIDs");
	bool bound = json_type(binding) > JSON_NULL;
	if (text.at == NULL || text.len == 0)
		return question->bind == TRUST_BIND_WORKLOAD || bound
		               ? "the status does not say which SPIFFE ID was attested"
		               : NULL;
	if (trust_spiffe_read(text, &id) != NULL || id.path.len == 0)
		return "what the status says was attested is no workload's SPIFFE ID";
	if (json_type(domain) > JSON_NULL ? !json_same(json_plain(domain), id.domain)
	                                  : question->trust_domain != NULL &&
	                                            !json_same(id.domain, json_of(question->trust_domain)))
		return "the attested SPIFFE ID is of another trust domain than the card's";
	if (question->bind == TRUST_BIND_WORKLOAD && !is_own_path(question, id.path))
		return "the attested SPIFFE ID is not the workload's own";
	if (json_type(allowed) > JSON_NULL && !is_among(allowed, text))
		return "the attested SPIFFE ID is not among spec.identityBinding.allowedSpiffeIDs";
	return NULL;
}

static void copy_text(struct json_text text, char *into, size_t size)
{
	if (text.at == NULL || text.len >= size)
		return;
	memcpy(into, text.at, text.len);
	into[text.len] = '\0';
}

static struct json_text attested_id(const struct conclusion *conclusion, enum reason reason)
{
	if (reason == REASON_SIGNATURE)
		return json_plain(conclusion->signed_by);
	return json_plain(conclusion->attested.at != NULL ? conclusion->attested
	                                                  : conclusion->attested_in_card);
}

void trust_status_check(const struct status_question *question, struct trust_verdict *verdict)
{
	enum { SPEC, STATUS, METADATA, COUNT };
	static const char *const keys[COUNT] = {"spec", "status", "metadata"};
	struct json_text found[COUNT];
	enum reason reason;
	int64_t generation = 0;
	json_pick(question->agentcard, COUNT, keys, found);
	json_integer(json_get(found[METADATA], "generation"), &generation);
	struct conclusion conclusion = read_status(found[STATUS]);
	const char *why = read_verified(conclusion.conditions, generation, &reason);
	if (why == NULL && is_stale(conclusion.generation, generation))
		why = "observedGeneration of the status speaks of an earlier generation of the card";
	if (why == NULL && question->mtls_only && reason != REASON_MTLS)
		why = "the condition Verified of the status does not speak of mTLS";
	if (why != NULL) {
		trust_verdict_set(verdict, TRUST_NOT_ACCEPTED, "%s", why);
		return;
	}
	if (question->service_account == NULL) {
		trust_verdict_set(verdict, TRUST_WORKLOAD_MISSING, "the workload is not known");
		return;
	}
	struct json_text id = attested_id(&conclusion, reason);
	if (!same_target(json_get(found[SPEC], "targetRef"), conclusion.target))
		why = "status.targetRef does not name the workload that spec.targetRef names";
	else
		why = check_id(question, json_get(found[SPEC], "identityBinding"), id);
	if (why != NULL) {
		trust_verdict_set(verdict, TRUST_STATUS_UNBOUND, "%s", why);
		return;
	}
	trust_verdict_set(verdict, TRUST_VERIFIED, "the operator says so: its condition Verified is true (%s)",
	                  reason == REASON_MTLS ? "mTLSVerified" : "SignatureVerified");
	copy_text(id, verdict->spiffe_id, sizeof verdict->spiffe_id);
	copy_text(json_plain(conclusion.key_id), verdict->key_id, sizeof verdict->key_id);
}
