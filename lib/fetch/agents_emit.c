#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/address.h"
#include "fetch/agents_private.h"
#include "base/memory.h"
#include "json/write.h"
#include "os/clock.h"

#define SIGNED_KEY "agent-card.json"
#define FETCHED_FROM "agent-egress.dev/fetched-from"

enum { SENTENCE_SIZE = 1024 };

/* The event up to where the object's data, or its end, follows. */
static struct json_buffer *begin(struct agents *agents, const struct agent *agent,
                                 enum event_type type)
{
	struct json_buffer *out = &agents->line;
	const char *slash = strchr(agent->key, '/');
	out->len = 0;
	/* the names were checked before anybody was asked: they need no escapes */
	json_putf(out,
	          "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
	          "\"metadata\":{\"name\":\"%s" K8S_SIGNED_SUFFIX "\",\"namespace\":\"%.*s\"",
	          event_type_names[type], slash + 1, (int)(slash - agent->key), agent->key);
	return out;
}

static void emit(struct agents *agents)
{
	agents->settings.emit(agents->settings.context, json_buffer_text(&agents->line));
}

static void emit_card(struct agents *agents, const struct agent *agent, enum event_type type,
                      struct json_text card)
{
	struct json_buffer *out = begin(agents, agent, type);
	json_putf(out, ",\"annotations\":{\"" FETCHED_FROM "\":\"%s\"}},\"data\":{\"" SIGNED_KEY "\":",
	          agent->card_legacy ? AGENT_PATH_LEGACY : AGENT_PATH);
	json_put_string_n(out, card.at, card.len);
	json_puts(out, "}}");
	if (agent->attestation != NULL)
		json_putf(out, ",\"attestation\":%s", agent->attestation);
	json_putc(out, '}');
	emit(agents);
}

static void forget_peer(struct agent *agent)
{
	free(agent->chain);
	free(agent->attestation);
	agent->chain = agent->attestation = NULL;
}

/* True when it is another chain. The time is that at which the chain was seen first: an event for each
 * answer would say nothing more. */
static bool keep_peer(struct agent *agent, const struct agents_peer *peer)
{
	char time[CLOCK_TEXT_SIZE];
	struct json_buffer made = {0};
	if (json_same(json_of(agent->chain), peer->chain))
		return false;
	forget_peer(agent);
	if (peer->chain.at == NULL)
		return true;
	clock_format(peer->at, time);
	/* a SPIFFE ID needs no escapes */
	json_putf(&made, "{\"spiffeID\":\"spiffe://%s%s\",\"chain\":%.*s,\"time\":\"%s\"}",
	          peer->trust_domain, peer->path, (int)peer->chain.len, peer->chain.at, time);
	json_putc(&made, '\0');
	agent->attestation = made.at;
	agent->chain = kube_format("%.*s", (int)peer->chain.len, peer->chain.at);
	return true;
}

bool agents_keep(struct agents *agents, struct agent *agent, struct json_text card,
                 const struct agents_peer *peer)
{
	bool other = keep_peer(agent, peer);
	bool had = agent->card.at != NULL;
	if (agents->packer == NULL)
		agents->packer = json_packer_new();
	if (had && !other && agent->card_legacy == agent->legacy &&
	    json_same(json_unpack(agents->packer, &agent->card, &agents->unpacked), card))
		return false;
	agent->card_legacy = agent->legacy;
	json_pack(agents->packer, &agent->card, card);
	emit_card(agents, agent, had ? EVENT_MODIFIED : EVENT_ADDED, card);
	return true;
}

void agents_emit_again(struct agents *agents, const struct agent *agent)
{
	if (agent->card.at != NULL)
		emit_card(agents, agent, EVENT_ADDED,
		          json_unpack(agents->packer, &agent->card, &agents->unpacked));
}

void agents_withdraw(struct agents *agents, struct agent *agent)
{
	if (agent->card.at == NULL)
		return;
	json_packed_free(&agent->card);
	forget_peer(agent);
	if (agent->real)
		return;
	json_puts(begin(agents, agent, EVENT_DELETED), "}}}");
	emit(agents);
}

void agents_warn(struct agents *agents, const struct agent *agent, const char *format, ...)
{
	char text[SENTENCE_SIZE];
	int len = snprintf(text, sizeof text, "%s: ", agent->key);
	va_list list;
	va_start(list, format);
	vsnprintf(text + len, sizeof text - (size_t)len, format, list);
	va_end(list);
	agents->settings.warn(agents->settings.context, text);
}
