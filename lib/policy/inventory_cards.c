#include <stdio.h>
#include <string.h>

#include "policy/inventory_private.h"
#include "rules/card.h"
#include "rules/resolution.h"
#include "rules/rules.h"

enum { SPIFFE_ID_MAX = 2048 };

/* The strings of a card, in the order in which they are packed. */
enum part {
	API_VERSION,
	UID,
	CREATED,
	GENERATION,
	TARGET_KIND,
	TARGET_NAME,
	TARGET_API_VERSION,
	REASON,
	MESSAGE,
	SPIFFE_ID,
	NETWORK_POLICY,
	RULES_FAULTS,
	RULES_DIGEST,
	REMOVED,
	RESOLUTION,
	PARTS
};

static void pack(struct json_buffer *packed, struct json_text text)
{
	if (text.at != NULL)
		json_puttext(packed, text);
	json_putc(packed, '\0');
}

/* Cuts at a character's start, so that what is kept is UTF-8. */
static size_t cut(const char *text, size_t room)
{
	size_t len = strlen(text);
	if (len <= room)
		return len;
	while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

static void pack_words(struct json_buffer *packed, struct json_text string)
{
	char *decoded = json_cstring(string);
	if (decoded != NULL)
		pack(packed, (struct json_text){decoded, cut(decoded, POLICY_MESSAGE_BYTES)});
	else
		json_putc(packed, '\0');
	free(decoded);
}

/* One that is longer than any may be (SPIFFE-ID, section 2.3) is none. */
static void pack_spiffe_id(struct json_buffer *packed, struct json_text string)
{
	struct json_text id = json_plain(string);
	pack(packed, id.len <= SPIFFE_ID_MAX ? id : (struct json_text){0});
}

/* A kind that no row has is told from one of another group by its whole name. */
static void pack_kind(struct json_buffer *packed, struct json_text kind, struct json_text api)
{
	const char *slash = api.at == NULL ? NULL : memchr(api.at, '/', api.len);
	json_puttext(packed, kind);
	if (slash != NULL && k8s_workload_named(api, kind) == K8S_WORKLOADS) {
		json_putc(packed, '.');
		json_put(packed, api.at, (size_t)(slash - api.at));
	}
	json_putc(packed, '\0');
}

static void pack_version(struct json_buffer *packed, struct json_text kind, struct json_text api)
{
	enum k8s_workload_kind row = k8s_workload_named(api, kind);
	if (api.at == NULL && row < K8S_WORKLOADS)
		json_putf(packed, "%s/%s", k8s_workloads[row].kind.group,
		          k8s_workloads[row].kind.version);
	pack(packed, api);
}

/* An apiVersion: a group that is a subdomain, and a version that is a word, or that alone. */
static bool is_api_version(struct json_text api)
{
	const char *slash = api.at == NULL ? NULL : memchr(api.at, '/', api.len);
	if (slash == NULL)
		return policy_is_word(api);
	struct json_text group = {api.at, (size_t)(slash - api.at)};
	return policy_is_subdomain(group) &&
	       policy_is_word((struct json_text){slash + 1, api.len - group.len - 1});
}

static void pack_target(struct json_buffer *packed, struct json_text target)
{
	struct json_text said = json_get(target, "apiVersion"), api = json_plain(said);
	struct json_text kind = json_plain(json_get(target, "kind"));
	struct json_text name = json_plain(json_get(target, "name"));
	bool versioned = json_type(said) > JSON_NULL && !json_equals(said, "");
	if (!policy_is_word(kind) || !policy_is_subdomain(name) ||
	    (versioned && !is_api_version(api))) {
		json_put(packed, "\0\0", 3);
		return;
	}
	if (!versioned)
		api = (struct json_text){0};
	pack_kind(packed, kind, api);
	pack(packed, name);
	pack_version(packed, kind, api);
}

/* What is known of the rules that a card of this name had. */
struct memory {
	const char *rules, *digest;
	bool annotated, known;
};

static bool had_rules(const struct policy_card *card)
{
	return card->erased || card->rules_digest[0] != '\0';
}

static struct memory remember(const struct policy_inventory *inventory,
                              const struct policy_card *before, const char *key)
{
	const struct policy_remembered *kept = NULL;
	if (before != NULL)
		return (struct memory){before->network_policy, before->rules_digest,
		                       before->annotated, had_rules(before)};
	HASH_FIND_STR(inventory->remembered, key, kept);
	if (kept == NULL)
		return (struct memory){"", "", false, false};
	return (struct memory){kept->rules, kept->digest, kept->annotated, true};
}

static struct json_text digest_in(struct json_text value)
{
	struct json_text digest = json_plain(value);
	return digest.len == POLICY_RULES_DIGEST_SIZE - 1 ? digest : (struct json_text){0};
}

/* Of a card without rules: those that a card of its name had, where nobody says that they were
 * removed on purpose. After a restart its own status may be all that tells of them. */
static bool pack_erased(struct json_buffer *packed, const struct event *event,
                        const struct memory *memory, bool forgotten, bool *annotated)
{
	struct json_text removed = json_plain(
	        json_get(event->metadata, "annotations", POLICY_REMOVED_ANNOTATION));
	struct json_text told = digest_in(
	        json_get(event->object, "status", "networkPolicy", "rulesDigest"));
	struct json_text digest = memory->digest[0] != '\0' ? json_of(memory->digest) : told;
	bool erased = memory->known || told.at != NULL || forgotten;
	if (erased && removed.at != NULL && json_same(removed, digest))
		erased = false;
	*annotated = erased && memory->annotated;
	pack(packed, erased ? json_of(memory->rules) : (struct json_text){0});
	pack(packed, (struct json_text){0}); /* no faults */
	pack(packed, erased ? digest : (struct json_text){0});
	return erased;
}

struct packed_rules {
	bool annotated, oversized, conflict, absent, erased;
};

/* The text, what is wrong beside it, and its digest: rules that cannot be read have that of none, so
 * that they, too, are missed when they vanish. */
static struct packed_rules pack_rules(struct json_buffer *packed, const struct event *event,
                                      const struct memory *memory, bool forgotten)
{
	struct policy_problems problems = {0};
	struct policy_card_rules rules = policy_card_rules_find(event->object, &problems);
	struct packed_rules flags = {.annotated = rules.annotated,
	                             .oversized = rules.oversized,
	                             .conflict = rules.conflict,
	                             .absent = rules.text.at == NULL && !rules.oversized &&
	                                       problems.errors == 0};
	char digest[POLICY_RULES_DIGEST_SIZE];
	if (flags.absent) {
		flags.erased = pack_erased(packed, event, memory, forgotten, &flags.annotated);
	} else {
		policy_rules_digest(rules.text, digest);
		pack(packed, rules.text);
		if (problems.errors > 0)
			policy_problems_put(&problems, packed);
		json_putc(packed, '\0');
		pack(packed, json_of(digest));
	}
	policy_problems_free(&problems);
	policy_card_rules_free(&rules);
	return flags;
}

static void pack_card(const struct policy_inventory *inventory, struct json_buffer *packed,
                      const struct event *event, const struct memory *memory, bool forgotten)
{
	struct json_text spec = json_get(event->object, "spec");
	struct json_text generation = json_get(event->metadata, "generation");
	int64_t number;
	packed->len = 0;
	pack(packed, event->api_version);
	pack(packed, event->uid);
	pack(packed, json_plain(json_get(event->metadata, "creationTimestamp")));
	pack(packed, json_integer(generation, &number) ? generation : (struct json_text){0});
	pack_target(packed, json_get(spec, "targetRef"));
	pack_words(packed, json_get(event->verification, "reason"));
	pack_words(packed, json_get(event->verification, "message"));
	pack_spiffe_id(packed, json_get(event->verification, "spiffeID"));
	struct packed_rules rules = pack_rules(packed, event, memory, forgotten);
	pack(packed, digest_in(json_get(event->metadata, "annotations", POLICY_REMOVED_ANNOTATION)));
	policy_resolution_put(event->resolution, packed);
	json_putc(packed, '\0');
	json_putc(packed, json_is_true(json_get(event->verification, "verified")) ? 'v' : '-');
	json_putc(packed, rules.annotated ? 'a' : '-');
	json_putc(packed, rules.oversized ? 'o' : '-');
	json_putc(packed, rules.conflict ? 'c' : '-');
	json_putc(packed, rules.erased ? 'e' : '-');
	json_putc(packed, rules.absent && inventory->schema_missing ? 'p' : '-');
}

static void unpack(struct policy_card *card)
{
	const char **const strings[PARTS] = {
	        [API_VERSION] = &card->api_version,
	        [UID] = &card->uid,
	        [CREATED] = &card->created,
	        [GENERATION] = &card->generation,
	        [TARGET_KIND] = &card->target_kind,
	        [TARGET_NAME] = &card->target_name,
	        [TARGET_API_VERSION] = &card->target_api_version,
	        [REASON] = &card->reason,
	        [MESSAGE] = &card->message,
	        [SPIFFE_ID] = &card->spiffe_id,
	        [NETWORK_POLICY] = &card->network_policy,
	        [RULES_FAULTS] = &card->rules_faults,
	        [RULES_DIGEST] = &card->rules_digest,
	        [REMOVED] = &card->removed,
	        [RESOLUTION] = &card->resolution,
	};
	const char *at = card->packed;
	for (int i = 0; i < PARTS; i++) {
		*strings[i] = at;
		at += strlen(at) + 1;
	}
	card->unusable = false;
	card->verified = at[0] == 'v';
	card->annotated = at[1] == 'a';
	card->oversized = at[2] == 'o';
	card->conflict = at[3] == 'c';
	card->erased = at[4] == 'e';
	card->pruned = at[5] == 'p';
}

static void detach(struct policy_inventory *inventory, struct policy_card *card)
{
	struct policy_workload *workload = card->workload;
	if (workload == NULL)
		return;
	DL_DELETE(workload->cards, card);
	card->workload = NULL;
	card->prev = card->next = NULL;
	policy_workload_changed(inventory, workload);
}

/* Without a status, what its policy says is all that tells of rules that a card had before this
 * stream began. */
static const char *digest_of_policy(const struct policy_card *card)
{
	const struct policy_object *object = card->workload->object;
	bool its = object != NULL && object->seen && object->card != NULL &&
	           strcmp(object->card, card->name) == 0;
	bool missed = !had_rules(card) && its && strcmp(object->seen_rules, card->removed) != 0;
	return missed ? object->seen_rules : "";
}

void policy_cards_find_erased(struct policy_workload *workload)
{
	for (struct policy_card *card = workload->cards; card != NULL; card = card->next) {
		const char *digest = digest_of_policy(card);
		if (digest[0] == '\0')
			continue;
		snprintf(card->policy_digest, sizeof card->policy_digest, "%s", digest);
		card->rules_digest = card->policy_digest;
		card->erased = true;
	}
}

static int oldest_first(const struct policy_card *a, const struct policy_card *b)
{
	int order = strcmp(a->created, b->created);
	if (order == 0)
		order = strcmp(a->uid, b->uid);
	return order != 0 ? order : strcmp(a->name, b->name);
}

static void attach(struct policy_inventory *inventory, struct policy_card *card)
{
	if (card->target_name[0] == '\0')
		return;
	struct policy_workload *workload = policy_workload_at(
	        inventory, card->namespace, json_of(card->target_kind), json_of(card->target_name));
	card->workload = workload;
	DL_INSERT_INORDER(workload->cards, card, oldest_first);
	policy_workload_default(inventory, workload);
	policy_workload_changed(inventory, workload);
}

static struct policy_card *card_new(struct policy_inventory *inventory, const struct event *event,
                                    const char *key)
{
	struct policy_card *card = calloc(1, sizeof *card);
	char *copy = strdup(key);
	if (card == NULL || copy == NULL)
		abort();
	card->key = copy;
	card->name = strchr(copy, '/') + 1;
	card->namespace = policy_namespace_at(inventory, event->namespace);
	HASH_ADD_KEYPTR(hh, inventory->cards, copy, strlen(copy), card);
	return card;
}

/* Whoever was told of the card is told that it is gone. */
static void add_gone(struct policy_inventory *inventory, struct policy_card *card)
{
	struct policy_gone *gone = calloc(1, sizeof *gone);
	if (gone == NULL)
		abort();
	gone->namespace = policy_copy(json_of(card->namespace->name));
	gone->name = policy_copy(json_of(card->name));
	gone->uid = policy_copy(json_of(card->uid));
	DL_APPEND(inventory->gone, gone);
	card->told_any = false;
	card->told = (struct policy_digest){0};
}

static void keep_rules(struct policy_inventory *inventory, const struct policy_card *card)
{
	struct policy_remembered *kept = NULL;
	if (!had_rules(card))
		return;
	HASH_FIND_STR(inventory->remembered, card->key, kept);
	if (kept == NULL && card->namespace->remembered == POLICY_REMEMBERED_MAX) {
		card->namespace->forgotten = true;
		return;
	}
	if (kept == NULL) {
		kept = calloc(1, sizeof *kept);
		if (kept == NULL)
			abort();
		kept->key = policy_copy(json_of(card->key));
		HASH_ADD_KEYPTR(hh, inventory->remembered, kept->key, strlen(kept->key), kept);
		card->namespace->remembered++;
	}
	bool small = strlen(card->network_policy) <= POLICY_REMEMBERED_BYTES;
	free(kept->rules);
	kept->rules = policy_copy(json_of(small ? card->network_policy : ""));
	kept->annotated = card->annotated;
	snprintf(kept->digest, sizeof kept->digest, "%s", card->rules_digest);
}

void policy_card_remove(struct policy_inventory *inventory, struct policy_card *card)
{
	struct policy_workload *workload = card->workload;
	keep_rules(inventory, card);
	if (card->told_any)
		add_gone(inventory, card);
	if (card->report_queued)
		DL_DELETE2(inventory->reports, card, report_prev, report_next);
	detach(inventory, card);
	if (workload != NULL)
		policy_workload_sweep(inventory, workload);
	HASH_DEL(inventory->cards, card);
	free(card->packed);
	free(card->key);
	free(card);
}

/* What was remembered is in the card now, or it was removed on purpose. */
static void forget(struct policy_inventory *inventory, const struct policy_card *card)
{
	struct policy_remembered *kept = NULL;
	HASH_FIND_STR(inventory->remembered, card->key, kept);
	if (kept == NULL)
		return;
	HASH_DEL(inventory->remembered, kept);
	card->namespace->remembered--;
	policy_remembered_free(kept);
}

const char *policy_take_card(struct policy_inventory *inventory, const struct event *event)
{
	char key[EVENT_KEY_SIZE];
	struct policy_card *card = NULL;
	if (!policy_is_label(event->namespace) || !policy_is_subdomain(event->name))
		return "the AgentCard's namespace or name is not one that Kubernetes allows";
	event_key(event, key);
	HASH_FIND_STR(inventory->cards, key, card);
	if (event->type == EVENT_DELETED) {
		if (card != NULL)
			policy_card_remove(inventory, card);
		return NULL;
	}
	struct json_buffer *packed = &inventory->scratch;
	struct memory memory = remember(inventory, card, key);
	pack_card(inventory, packed, event, &memory,
	          card == NULL && policy_namespace_at(inventory, event->namespace)->forgotten);
	if (card == NULL) {
		card = card_new(inventory, event, key);
		forget(inventory, card);
	}
	card->listed = true;
	if (card->packed != NULL && card->packed_len == packed->len &&
	    memcmp(card->packed, packed->at, packed->len) == 0)
		return NULL;
	char *copy = malloc(packed->len);
	if (copy == NULL)
		abort();
	memcpy(copy, packed->at, packed->len);
	struct policy_workload *before = card->workload;
	if (card->told_any && !text_is(event->uid, card->uid) &&
	    (event->uid.at != NULL || card->uid[0] != '\0'))
		add_gone(inventory, card);
	detach(inventory, card);
	free(card->packed);
	card->packed = copy;
	card->packed_len = packed->len;
	unpack(card);
	attach(inventory, card);
	if (card->workload == NULL)
		policy_report(inventory, card);
	if (before != NULL)
		policy_workload_sweep(inventory, before);
	return card->workload != NULL ? NULL
	                             : "the AgentCard's spec.targetRef names no workload, and no "
	                               "policy can be made for it";
}

bool policy_card_unusable(struct policy_inventory *inventory, const struct event *named)
{
	char key[EVENT_KEY_SIZE];
	struct policy_card *card = NULL;
	if (!policy_is_label(named->namespace) || !policy_is_subdomain(named->name))
		return true; /* there is no such card */
	event_key(named, key);
	HASH_FIND_STR(inventory->cards, key, card);
	if (card == NULL) {
		policy_namespace_at(inventory, named->namespace)->unread = true;
		return false;
	}
	card->listed = true;
	if (card->unusable)
		return true;
	detach(inventory, card);
	card->packed_len = 0; /* the next event counts, even if it says what the last did */
	card->unusable = true;
	card->verified = false;
	card->reason = "RecordUnusable";
	card->message = "the last record of the AgentCard cannot be used";
	attach(inventory, card);
	if (card->workload == NULL)
		policy_report(inventory, card);
	return true;
}
