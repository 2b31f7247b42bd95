#include "verify/cards_held_private.h"

#include <stdlib.h>
#include <string.h>

const struct held_kind_name held_kind_names[HELD_KINDS] = {
	[HELD_CONFIGMAP] = {"", "ConfigMap"},
	[HELD_CLUSTERTRUSTBUNDLE] = {"certificates.k8s.io", "ClusterTrustBundle"},
	[HELD_AGENTCARD] = {NULL, "AgentCard"},
};

enum held_kind held_kind_of(const struct event *event, const char *agentcard_group)
{
	if (event_is(event, agentcard_group, held_kind_names[HELD_AGENTCARD].kind))
		return HELD_AGENTCARD;
	enum k8s_workload_kind workload = k8s_workload_of(event->api_version, event->kind);
	if (workload < K8S_WORKLOADS)
		return (enum held_kind)workload;
	for (int i = HELD_WORKLOADS; i < HELD_AGENTCARD; i++)
		if (event_is(event, held_kind_names[i].group, held_kind_names[i].kind))
			return (enum held_kind)i;
	return HELD_NONE;
}

void *held_memory(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL)
		abort();
	return memory;
}

char *held_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

static struct held_namespace *enter(struct held *held, const char *key)
{
	struct held_namespace *ns;
	size_t len = strcspn(key, "/");
	HASH_FIND(hh, held->namespaces, key, len, ns);
	if (ns == NULL) {
		ns = held_memory(sizeof *ns + len + 1);
		memcpy(ns->key, key, len);
		HASH_ADD_KEYPTR(hh, held->namespaces, ns->key, (unsigned)len, ns);
	}
	ns->items++;
	return ns;
}

static void drop_if_empty(struct held *held, struct held_namespace *ns)
{
	if (ns->items > 0 || ns->left_out)
		return;
	HASH_DEL(held->namespaces, ns);
	free(ns);
}

static void leave(struct held *held, struct held_namespace *ns, size_t bytes)
{
	ns->bytes -= bytes;
	ns->items--;
	drop_if_empty(held, ns);
}

/* What an item of the namespace costs from now on. */
static void count(struct held_namespace *ns, size_t *item, size_t bytes)
{
	ns->bytes += bytes - *item;
	*item = bytes;
}

static bool is_over(const struct held *held, const struct held_namespace *ns)
{
	return ns->bytes > held->namespace_bytes;
}

/* A text that packs well costs little memory, but is read and written whole whenever what it depends
 * on changes: so it counts at least for a quarter of its length. */
static size_t cost_of(const struct json_packed *packed)
{
	size_t quarter = packed->len / 4;
	return packed->held > quarter ? packed->held : quarter;
}

static void count_card(struct held_card *card)
{
	count(card->namespace, &card->bytes,
	      sizeof *card + 2 * strlen(card->key) + cost_of(&card->object) + card->verification_len);
}

static void count_target(struct held_target *target)
{
	count(target->namespace, &target->bytes,
	      sizeof *target + 2 * strlen(target->key) + cost_of(&target->signed_card) +
	              (target->unusable == NULL ? 0 : strlen(target->unusable)) +
	              (target->attestation == NULL ? 0 : strlen(target->attestation)));
}

/* Whether anything of its ConfigMap is held that no AgentCard asks for. */
static void find_unasked(struct held_target *target)
{
	bool unasked = target->cards == NULL &&
	               (target->signed_card.at != NULL || target->unusable != NULL);
	if (target->unasked == unasked)
		return;
	target->unasked = unasked;
	if (unasked)
		DL_APPEND(target->namespace->unasked, target);
	else
		DL_DELETE(target->namespace->unasked, target);
}

/* What was known of its bytes is not known of others. */
static void forget_bytes(struct held *held, struct held_target *target)
{
	target->digested = false;
	if (held->unpacked == target)
		held->unpacked = NULL;
}

static void drop_signed(struct held *held, struct held_target *target)
{
	forget_bytes(held, target);
	json_packed_free(&target->signed_card);
	free(target->attestation);
	target->attestation = NULL;
	find_unasked(target);
	count_target(target);
}

/* Forgets signed cards that nobody asks for until there is room, the oldest first. */
static void make_room(struct held *held, struct held_namespace *ns)
{
	while (is_over(held, ns) && ns->unasked != NULL) {
		struct held_target *target = ns->unasked;
		ns->left_out = true;
		free(target->unusable);
		target->unusable = NULL;
		drop_signed(held, target);
		held_target_drop(held, target);
	}
}

struct held_card *held_card_find(const struct held *held, const char *key)
{
	struct held_card *card;
	HASH_FIND_STR(held->cards, key, card);
	return card;
}

struct held_card *held_card_add(struct held *held, const char *key)
{
	size_t len = strlen(key);
	struct held_card *card = held_memory(sizeof *card + len + 1);
	memcpy(card->key, key, len + 1);
	card->workload = HELD_NONE;
	card->namespace = enter(held, key);
	count_card(card);
	HASH_ADD_KEYPTR(hh, held->cards, card->key, (unsigned)len, card);
	return card;
}

static void free_card(struct held_card *card)
{
	json_packed_free(&card->object);
	free(card->verification);
	free(card->unusable);
	free(card);
}

void held_card_remove(struct held *held, struct held_card *card)
{
	held_card_aim(held, card, NULL);
	HASH_DEL(held->cards, card);
	leave(held, card->namespace, card->bytes);
	free_card(card);
}

/* Its last card may be gone. */
static void stop_asking(struct held_target *target)
{
	if (target->cards != NULL)
		return;
	target->over = false;
	find_unasked(target);
}

void held_card_aim(struct held *held, struct held_card *card, const char *target_key)
{
	struct held_target *old = card->target;
	if (old != NULL && target_key != NULL && strcmp(old->key, target_key) == 0)
		return;
	card->target = NULL;
	if (old != NULL) {
		DL_DELETE(old->cards, card);
		stop_asking(old);
		held_target_drop(held, old);
	}
	if (target_key == NULL)
		return;
	card->target = held_target_add(held, target_key);
	DL_APPEND(card->target->cards, card);
	find_unasked(card->target);
}

static bool pack(struct json_packer **packer, struct json_packed *packed, struct json_text text)
{
	if (*packer == NULL)
		*packer = json_packer_new();
	return json_pack(*packer, packed, text);
}

void held_card_object(struct held *held, struct held_card *card, struct json_text object)
{
	pack(&held->objects, &card->object, object);
	count_card(card);
	make_room(held, card->namespace);
	card->over = is_over(held, card->namespace);
	if (card->over)
		json_packed_free(&card->object);
	count_card(card);
}

struct json_text held_card_text(struct held *held, const struct held_card *card)
{
	return json_unpack(held->objects, &card->object, &held->object);
}

struct json_text held_card_part(struct held *held, const struct held_card *card,
                                struct held_span part)
{
	if (part.len == 0)
		return (struct json_text){0};
	return (struct json_text){held_card_text(held, card).at + part.at, part.len};
}

char *held_copy_part(struct held *held, const struct held_card *card, struct held_span part)
{
	struct json_text text = held_card_part(held, card, part);
	return text.at == NULL ? NULL : held_copy(text.at, text.len);
}

void held_card_verification(struct held_card *card, struct json_text verification)
{
	free(card->verification);
	card->verification = held_copy(verification.at, verification.len);
	card->verification_len = (uint32_t)verification.len;
	count_card(card);
}

struct held_target *held_target_find(const struct held *held, const char *key)
{
	struct held_target *target;
	HASH_FIND_STR(held->targets, key, target);
	return target;
}

struct held_target *held_target_add(struct held *held, const char *key)
{
	struct held_target *target = held_target_find(held, key);
	if (target != NULL)
		return target;
	size_t len = strlen(key);
	target = held_memory(sizeof *target + len + 1);
	memcpy(target->key, key, len + 1);
	target->namespace = enter(held, key);
	count_target(target);
	HASH_ADD_KEYPTR(hh, held->targets, target->key, (unsigned)len, target);
	return target;
}

static void free_target(struct held_target *target)
{
	json_packed_free(&target->signed_card);
	free(target->attestation);
	free(target->unusable);
	for (int i = 0; i < HELD_WORKLOADS; i++)
		free(target->service_accounts[i]);
	free(target);
}

void held_target_drop(struct held *held, struct held_target *target)
{
	if (target->cards != NULL || target->signed_card.at != NULL || target->unusable != NULL)
		return;
	for (int i = 0; i < HELD_WORKLOADS; i++)
		if (target->service_accounts[i] != NULL)
			return;
	HASH_DEL(held->targets, target);
	leave(held, target->namespace, target->bytes);
	forget_bytes(held, target);
	free_target(target);
}

static bool forget_signed(struct held *held, struct held_target *target)
{
	bool was_signed = target->signed_card.at != NULL || target->over;
	target->over = false;
	drop_signed(held, target);
	return was_signed;
}

/* A card asks for it. */
static bool hold_signed(struct held *held, struct held_target *target, struct json_text card)
{
	bool was_over = target->over;
	bool changed = pack(&held->signed_cards, &target->signed_card, card);
	if (changed)
		forget_bytes(held, target);
	count_target(target);
	make_room(held, target->namespace);
	target->over = is_over(held, target->namespace);
	if (target->over)
		drop_signed(held, target);
	return target->over ? !was_over : changed || was_over;
}

/* No card does, and none may ever. */
static void hold_unasked(struct held *held, struct held_target *target, struct json_text card)
{
	struct held_namespace *ns = target->namespace;
	forget_signed(held, target);
	if (ns->bytes + card.len > held->namespace_bytes) {
		ns->left_out = true;
		return;
	}
	pack(&held->signed_cards, &target->signed_card, card);
	find_unasked(target);
	count_target(target);
}

bool held_target_sign(struct held *held, struct held_target *target, const char *card, size_t len)
{
	if (card == NULL)
		return forget_signed(held, target);
	if (target->cards != NULL)
		return hold_signed(held, target, (struct json_text){card, len});
	hold_unasked(held, target, (struct json_text){card, len});
	return false;
}

void held_forget_left_out(struct held *held)
{
	struct held_namespace *ns, *next;
	HASH_ITER(hh, held->namespaces, ns, next)
	{
		ns->left_out = false;
		drop_if_empty(held, ns);
	}
}

struct json_text held_target_signed(struct held *held, const struct held_target *target)
{
	if (held->unpacked == target)
		return json_buffer_text(&held->signed_card);
	struct json_text card = json_unpack(held->signed_cards, &target->signed_card, &held->signed_card);
	if (card.at == held->signed_card.at) /* and not where it is held */
		held->unpacked = target;
	return card;
}

bool held_target_spoil(struct held *held, struct held_target *target, const char *why)
{
	struct held_namespace *ns = target->namespace;
	bool was = target->unusable != NULL;
	if (!was && why == NULL)
		return false;
	bool same = was && why != NULL && strcmp(target->unusable, why) == 0;
	free(target->unusable);
	target->unusable = NULL;
	count_target(target);
	if (why != NULL && target->cards == NULL && ns->bytes + HELD_WHY_MAX > held->namespace_bytes)
		ns->left_out = true;
	else if (why != NULL)
		target->unusable = held_copy(why, strnlen(why, HELD_WHY_MAX));
	find_unasked(target);
	count_target(target);
	return !same;
}

bool held_target_attest(struct held_target *target, struct json_text certificates)
{
	if (target->signed_card.at == NULL)
		certificates = json_of(NULL);
	if (json_same(json_of(target->attestation), certificates))
		return false;
	free(target->attestation);
	target->attestation =
	        certificates.at == NULL ? NULL : held_copy(certificates.at, certificates.len);
	count_target(target);
	return true;
}

bool held_target_account(struct held_target *target, enum held_kind workload, const char *name)
{
	char **held = &target->service_accounts[workload];
	if (name == NULL ? *held == NULL : *held != NULL && strcmp(*held, name) == 0)
		return false;
	free(*held);
	*held = name == NULL ? NULL : held_copy(name, strlen(name));
	return true;
}

void held_free(struct held *held)
{
	struct held_card *card, *next_card;
	HASH_ITER(hh, held->cards, card, next_card)
	{
		HASH_DEL(held->cards, card);
		free_card(card);
	}
	struct held_target *target, *next_target;
	HASH_ITER(hh, held->targets, target, next_target)
	{
		HASH_DEL(held->targets, target);
		free_target(target);
	}
	struct held_namespace *ns, *next_ns;
	HASH_ITER(hh, held->namespaces, ns, next_ns)
	{
		HASH_DEL(held->namespaces, ns);
		free(ns);
	}
	json_packer_free(held->objects);
	json_packer_free(held->signed_cards);
	json_buffer_free(&held->object);
	json_buffer_free(&held->signed_card);
}
