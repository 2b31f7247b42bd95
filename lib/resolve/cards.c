#include "resolve/cards.h"

#include <stdlib.h>
#include <string.h>

#include "resolve/rewrite_private.h"
#include "base/packed.h"
#include "rules/normal.h"

struct dns_card {
	UT_hash_handle hh;
	unsigned list;            /* the list that named it last */
	bool verified;            /* by its last event that was emitted */
	struct dns_use *uses;     /* NULL: it has no names */
	size_t use_count;
	struct json_packed line;  /* with names: its last event */
	struct policy_digest sent; /* the rules that were emitted last */
	bool waits, before_mark;
	int64_t deadline;
	struct dns_card *wait_prev, *wait_next;
	bool changed;
	struct dns_card *prev, *next; /* changed */
	char key[];
};

struct dns_cards {
	struct dns_cards_settings settings;
	struct dns_names *names;
	struct dns_card *table;
	struct dns_card *waiting; /* in order of their deadlines */
	struct dns_card *changed; /* a queue */
	size_t before_mark;       /* of those that wait */
	char *mark;               /* the end mark that waits; NULL */
	size_t mark_len;
	unsigned list;
	bool listing;
	size_t with_names;
	struct json_packer *packer;
	struct json_buffer unpacked, policy, resolution, line;
};

struct dns_cards *dns_cards_new(const struct dns_cards_settings *settings)
{
	struct dns_cards *cards = calloc(1, sizeof *cards);
	if (cards == NULL)
		abort();
	cards->settings = *settings;
	cards->names = dns_names_new(&settings->names);
	cards->packer = json_packer_new();
	return cards;
}

static void stop_waiting(struct dns_cards *cards, struct dns_card *card)
{
	if (!card->waits)
		return;
	card->waits = false;
	cards->before_mark -= card->before_mark;
	card->before_mark = false;
	DL_DELETE2(cards->waiting, card, wait_prev, wait_next);
}

static void start_waiting(struct dns_cards *cards, struct dns_card *card, int64_t at)
{
	if (card->waits)
		return;
	card->waits = true;
	card->deadline = at + cards->settings.first_wait;
	DL_APPEND2(cards->waiting, card, wait_prev, wait_next);
}

static void drop_uses(struct dns_cards *cards, struct dns_use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		dns_names_drop(cards->names, &uses[i]);
	free(uses);
}

static void forget_names(struct dns_cards *cards, struct dns_card *card)
{
	if (card->uses == NULL)
		return;
	drop_uses(cards, card->uses, card->use_count);
	card->uses = NULL;
	card->use_count = 0;
	cards->with_names--;
	json_packed_free(&card->line);
	if (card->changed)
		DL_DELETE(cards->changed, card);
	card->changed = false;
}

static void remove_card(struct dns_cards *cards, struct dns_card *card)
{
	stop_waiting(cards, card);
	forget_names(cards, card);
	HASH_DEL(cards->table, card);
	free(card);
}

void dns_cards_free(struct dns_cards *cards)
{
	struct dns_card *card, *next;
	if (cards == NULL)
		return;
	HASH_ITER(hh, cards->table, card, next)
	{
		remove_card(cards, card);
	}
	dns_names_free(cards->names);
	json_packer_free(cards->packer);
	json_buffer_free(&cards->unpacked);
	json_buffer_free(&cards->policy);
	json_buffer_free(&cards->resolution);
	json_buffer_free(&cards->line);
	free(cards->mark);
	free(cards);
}

static struct dns_card *find(const struct dns_cards *cards, const char *key)
{
	struct dns_card *card;
	HASH_FIND_STR(cards->table, key, card);
	return card;
}

static struct dns_card *add(struct dns_cards *cards, const char *key)
{
	size_t len = strlen(key);
	struct dns_card *card = calloc(1, sizeof *card + len + 1);
	if (card == NULL)
		abort();
	memcpy(card->key, key, len + 1);
	HASH_ADD_KEYPTR(hh, cards->table, card->key, (unsigned)len, card);
	return card;
}

static void pass(struct dns_cards *cards, struct json_text line)
{
	cards->settings.emit(cards->settings.context, line);
}

/* The new uses come before the old ones go, so that a name in both keeps its addresses. */
static void take_names(struct dns_cards *cards, struct dns_card *card, struct json_text domains)
{
	size_t count = dns_rewrite_count(domains);
	struct dns_use *old = card->uses, *uses = calloc(count, sizeof *uses);
	if (uses == NULL)
		abort();
	dns_rewrite_use(domains, cards->names, card, uses);
	if (old == NULL)
		cards->with_names++;
	else
		drop_uses(cards, old, card->use_count);
	card->uses = uses;
	card->use_count = count;
}

static bool all_told(const struct dns_card *card)
{
	for (size_t i = 0; i < card->use_count; i++)
		if (card->uses[i].name != NULL && !dns_name_told(card->uses[i].name))
			return false;
	return true;
}

/* With a type: again, and only if the rules are not those that were emitted last. */
static void emit_card(struct dns_cards *cards, struct dns_card *card, const char *type)
{
	struct event event;
	struct dns_rules found;
	struct json_text line = json_unpack(cards->packer, &card->line, &cards->unpacked);
	struct dns_rewriting how = {
		.dns = cards->settings.dns,
		.unknown = cards->settings.names.recorded
	                           ? "no answer was recorded"
	                           : "there are too many names: it is not asked for",
		.uses = card->uses,
	};
	if (event_read(json_trim(line), &event) != NULL || !dns_rewrite_concerns(&event, &found))
		return; /* it was and did when it was taken */
	dns_rewrite_policy(&how, &found.rules, &cards->policy, &cards->resolution);
	dns_rules_free(&found);
	struct policy_digest digest = policy_digest(json_buffer_text(&cards->policy));
	if (type != NULL && policy_digest_same(digest, card->sent))
		return;
	card->sent = digest;
	card->verified = true;
	dns_rewrite_line(line, &event, type, json_buffer_text(&cards->policy),
	                 json_buffer_text(&cards->resolution), &cards->line);
	pass(cards, json_buffer_text(&cards->line));
}

static void pass_mark(struct dns_cards *cards)
{
	if (cards->mark == NULL || cards->before_mark > 0)
		return;
	pass(cards, (struct json_text){cards->mark, cards->mark_len});
	free(cards->mark);
	cards->mark = NULL;
}

static void take_named(struct dns_cards *cards, struct dns_card *card, struct json_text line,
                       struct json_text domains, int64_t at)
{
	take_names(cards, card, domains);
	json_pack(cards->packer, &card->line, line);
	if (!card->verified && cards->settings.first_wait > 0 && !all_told(card)) {
		start_waiting(cards, card, at);
		return;
	}
	stop_waiting(cards, card);
	emit_card(cards, card, NULL);
}

static void take_plain(struct dns_cards *cards, struct dns_card *card, struct json_text line,
                       const struct event *event)
{
	stop_waiting(cards, card);
	forget_names(cards, card);
	card->verified = json_is_true(json_get(event->verification, "verified"));
	pass(cards, line);
	if (event->type == EVENT_DELETED)
		remove_card(cards, card);
}

static void take_card(struct dns_cards *cards, struct json_text line, const struct event *event,
                      int64_t at)
{
	char key[EVENT_KEY_SIZE];
	struct dns_rules found;
	event_key(event, key);
	struct dns_card *card = find(cards, key);
	if (card == NULL)
		card = add(cards, key);
	card->list = cards->list;
	if (event->type != EVENT_DELETED && line.len <= DNS_LINE_MAX &&
	    dns_rewrite_concerns(event, &found)) {
		take_named(cards, card, line, found.rules.domains, at);
		dns_rules_free(&found);
	} else {
		take_plain(cards, card, line, event);
	}
	pass_mark(cards);
}

/* A mark that still waits is not true any more when a new list begins. */
static void begin_list(struct dns_cards *cards)
{
	cards->list++;
	cards->listing = true;
	free(cards->mark);
	cards->mark = NULL;
	for (struct dns_card *card = cards->waiting; card != NULL; card = card->wait_next)
		card->before_mark = false;
	cards->before_mark = 0;
}

/* What it did not name is gone. */
static void end_list(struct dns_cards *cards)
{
	struct dns_card *card, *next;
	if (!cards->listing)
		return;
	cards->listing = false;
	HASH_ITER(hh, cards->table, card, next)
	{
		if (card->list != cards->list)
			remove_card(cards, card);
	}
}

static void keep_mark(struct dns_cards *cards, struct json_text line)
{
	free(cards->mark);
	cards->mark = malloc(line.len + 1);
	if (cards->mark == NULL)
		abort();
	memcpy(cards->mark, line.at, line.len);
	cards->mark_len = line.len;
	for (struct dns_card *card = cards->waiting; card != NULL; card = card->wait_next) {
		cards->before_mark += !card->before_mark;
		card->before_mark = true;
	}
}

static void take_mark(struct dns_cards *cards, struct json_text line, enum event_mark mark)
{
	if (mark == EVENT_MARK_BEGIN)
		begin_list(cards);
	if (mark == EVENT_MARK_END)
		end_list(cards);
	if (mark == EVENT_MARK_END && cards->waiting != NULL)
		keep_mark(cards, line);
	else
		pass(cards, line);
}

const char *dns_cards_take(struct dns_cards *cards, struct json_text line, struct json_text json,
                           int64_t at)
{
	struct event event;
	const char *wrong = event_read(json, &event);
	if (wrong != NULL)
		return wrong;
	if (!event_is(&event, cards->settings.agentcard_group, "AgentCard") ||
	    event.type == EVENT_ERROR)
		pass(cards, line);
	else if (event.type == EVENT_BOOKMARK)
		take_mark(cards, line, event.mark);
	else
		take_card(cards, line, &event, at);
	return NULL;
}

bool dns_cards_answer(struct dns_cards *cards, const struct dns_answer *answer, int64_t at)
{
	return dns_names_answer(cards->names, answer, at);
}

static void mark_changed(struct dns_cards *cards, const struct dns_name *name)
{
	for (const struct dns_use *use = name->uses; use != NULL; use = use->next) {
		struct dns_card *card = use->user;
		if (card->changed)
			continue;
		card->changed = true;
		DL_APPEND(cards->changed, card);
	}
}

static void emit_changed(struct dns_cards *cards, struct dns_card *card)
{
	DL_DELETE(cards->changed, card);
	card->changed = false;
	if (!card->waits) {
		emit_card(cards, card, "\"MODIFIED\"");
	} else if (all_told(card)) {
		stop_waiting(cards, card);
		emit_card(cards, card, NULL);
	}
}

void dns_cards_emit_changed(struct dns_cards *cards, int64_t at)
{
	const struct dns_name *name;
	dns_names_time(cards->names, at);
	while ((name = dns_names_changed(cards->names)) != NULL)
		mark_changed(cards, name);
	while (cards->changed != NULL)
		emit_changed(cards, cards->changed);
	while (cards->waiting != NULL && cards->waiting->deadline <= at) {
		struct dns_card *card = cards->waiting;
		stop_waiting(cards, card);
		emit_card(cards, card, NULL);
	}
	pass_mark(cards);
}

int64_t dns_cards_expiry(const struct dns_cards *cards)
{
	int64_t expiry = dns_names_expiry(cards->names);
	if (cards->waiting != NULL && cards->waiting->deadline < expiry)
		return cards->waiting->deadline;
	return expiry;
}

bool dns_cards_next(struct dns_cards *cards, int64_t at, struct dns_question *question)
{
	return dns_names_next(cards->names, at, question);
}

int64_t dns_cards_due(const struct dns_cards *cards)
{
	return dns_names_due(cards->names);
}

bool dns_cards_wait(const struct dns_cards *cards)
{
	return cards->waiting != NULL || cards->mark != NULL;
}

size_t dns_cards_count(const struct dns_cards *cards)
{
	return cards->with_names;
}

size_t dns_cards_names(const struct dns_cards *cards)
{
	return dns_names_count(cards->names);
}
