/* What the readers of all kinds share: memory, lists that grow, strings, CIDRs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "policy/evidence_private.h"

struct evidence_block {
	struct evidence_block *next;
	max_align_t bytes[];
};

void *evidence_alloc(struct evidence_arena *arena, size_t size)
{
	struct evidence_block *block = kube_alloc(1, sizeof *block + size);
	block->next = arena->blocks;
	arena->blocks = block;
	return block->bytes;
}

void evidence_arena_free(struct evidence_arena *arena)
{
	while (arena->blocks != NULL) {
		struct evidence_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
}

struct json_text evidence_string(struct evidence_arena *arena, struct json_text value)
{
	struct json_text plain = json_plain(value);
	if (plain.at != NULL)
		return plain;
	size_t len = 0;
	char *decoded = json_string(value, &len);
	if (decoded == NULL)
		return (struct json_text){0};
	char *kept = evidence_alloc(arena, len + 1);
	memcpy(kept, decoded, len);
	free(decoded);
	return (struct json_text){kept, len};
}

/* Room for one more of a list: twice as much, when it is full. */
static void *grown(struct evidence_arena *arena, void *at, size_t count, size_t *size, size_t each)
{
	if (count < *size)
		return at;
	*size = *size == 0 ? 4 : *size * 2;
	void *wider = evidence_alloc(arena, *size * each);
	if (count > 0)
		memcpy(wider, at, count * each);
	return wider;
}

struct evidence_peer *evidence_add_peer(struct evidence_arena *arena, struct evidence_rule *rule,
                                        enum evidence_peer_kind kind)
{
	rule->peers = grown(arena, rule->peers, rule->peer_count, &rule->peer_size,
	                    sizeof *rule->peers);
	struct evidence_peer *peer = &rule->peers[rule->peer_count++];
	*peer = (struct evidence_peer){.kind = kind};
	return peer;
}

struct evidence_port *evidence_add_port(struct evidence_arena *arena, struct evidence_rule *rule,
                                        enum evidence_protocol protocol)
{
	rule->ports = grown(arena, rule->ports, rule->port_count, &rule->port_size,
	                    sizeof *rule->ports);
	struct evidence_port *port = &rule->ports[rule->port_count++];
	*port = (struct evidence_port){.protocol = protocol};
	return port;
}

void evidence_require(struct evidence_arena *arena, struct evidence_selector *selector,
                      struct evidence_requirement requirement)
{
	selector->at = grown(arena, selector->at, selector->count, &selector->size,
	                     sizeof *selector->at);
	selector->at[selector->count++] = requirement;
}

static bool parse_cidr(struct json_text text, bool bare, struct policy_cidr *cidr)
{
	char whole[64];
	if (policy_cidr_parse(text, cidr) == NULL)
		return true;
	if (!bare || text.at == NULL || text.len >= sizeof whole - 4 ||
	    memchr(text.at, '/', text.len) != NULL)
		return false;
	bool six = memchr(text.at, ':', text.len) != NULL;
	snprintf(whole, sizeof whole, "%.*s/%s", (int)text.len, text.at, six ? "128" : "32");
	return policy_cidr_parse(json_of(whole), cidr) == NULL;
}

void evidence_add_cidr(struct evidence_arena *arena, struct evidence_rule *rule,
                       struct json_text cidr, struct json_text except, bool bare)
{
	struct evidence_peer *peer = evidence_add_peer(arena, rule, EVIDENCE_UNREAD);
	size_t count = json_count(except), held = 0;
	if (!parse_cidr(json_plain(cidr), bare, &peer->cidr))
		return;
	if (evidence_is_set(except) && json_type(except) != JSON_ARRAY)
		return;
	struct policy_cidr *list = evidence_alloc(arena, (count + 1) * sizeof *list);
	/* an exception that is not understood excepts nothing: wider, never narrower */
	for (struct json_member m = json_first(except); m.value.at; m = json_next(m))
		if (parse_cidr(json_plain(m.value), bare, &list[held]))
			held++;
	peer->kind = EVIDENCE_CIDR;
	peer->except = list;
	peer->except_count = held;
}

void evidence_emit_everything(struct evidence_reading *reading, const char *path, int index)
{
	struct evidence_rule rule = {.path = path, .index = index};
	evidence_add_peer(&reading->arena, &rule, EVIDENCE_ANYWHERE);
	evidence_add_port(&reading->arena, &rule, EVIDENCE_EVERY_PROTOCOL);
	reading->rule(reading, &rule);
}

bool evidence_only(struct json_text object, const char *const members[])
{
	if (json_type(object) != JSON_OBJECT)
		return false;
	for (struct json_member m = json_first(object); m.value.at; m = json_next(m)) {
		bool known = false;
		for (size_t i = 0; members[i] != NULL && !known; i++)
			known = json_equals(m.key, members[i]);
		if (!known)
			return false;
	}
	return true;
}

bool evidence_protocol_read(struct json_text word, enum evidence_protocol *protocol)
{
	static const char *const words[] = {"TCP", "UDP", "SCTP"};
	*protocol = EVIDENCE_TCP;
	if (!evidence_is_set(word))
		return true;
	for (int i = 0; i < 3; i++) {
		if (json_equals(word, words[i])) {
			*protocol = (enum evidence_protocol)i;
			return true;
		}
	}
	return false;
}
