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
	free_card(card);
}

void held_card_aim(struct held *held, struct held_card *card, const char *target_key)
{
	struct held_target *old = card->target;
	if (old != NULL && target_key != NULL && strcmp(old->key, target_key) == 0)
		return;
	card->target = NULL;
	if (old != NULL) {
		DL_DELETE(old->cards, card);
		held_target_drop(held, old);
	}
	if (target_key == NULL)
		return;
	card->target = held_target_add(held, target_key);
	DL_APPEND(card->target->cards, card);
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
	HASH_ADD_KEYPTR(hh, held->targets, target->key, (unsigned)len, target);
	return target;
}

static void free_target(struct held_target *target)
{
	json_packed_free(&target->signed_card);
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
	free_target(target);
}

bool held_target_sign(struct held *held, struct held_target *target, const char *card, size_t len)
{
	if (card != NULL)
		return pack(&held->signed_cards, &target->signed_card, (struct json_text){card, len});
	bool was_signed = target->signed_card.at != NULL;
	json_packed_free(&target->signed_card);
	return was_signed;
}

struct json_text held_target_signed(struct held *held, const struct held_target *target)
{
	return json_unpack(held->signed_cards, &target->signed_card, &held->signed_card);
}

bool held_target_spoil(struct held_target *target, const char *why)
{
	bool was = target->unusable != NULL;
	if (!was && why == NULL)
		return false;
	bool same = was && why != NULL && strcmp(target->unusable, why) == 0;
	free(target->unusable);
	target->unusable = why == NULL ? NULL : held_copy(why, strnlen(why, HELD_WHY_MAX));
	return !same;
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
	json_packer_free(held->objects);
	json_packer_free(held->signed_cards);
	json_buffer_free(&held->object);
	json_buffer_free(&held->signed_card);
}
