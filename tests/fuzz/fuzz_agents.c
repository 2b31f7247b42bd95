/* Any lines as a stream, and any bytes as answers: what comes out is JSON; the lines of the stream
 * come out as they were and in their order; what is added are ConfigMaps that say who answered, each
 * holding exactly the answer.
 *
 * A line that begins with `>` is an answer to whoever is due: three digits, then the body. */
#include <stdlib.h>
#include <string.h>

#include "fetch/address.h"
#include "fetch/agents.h"
#include "fetch/schedule_private.h"
#include "base/buffer.h"
#include "k8s/event.h"

enum { MAX_BYTES = 4096 };

struct stage {
	struct agents *agents;
	struct json_buffer given, passed; /* lines of the stream, in and out */
	struct json_text body;            /* that was answered with */
	int64_t now;
};

static void check_added(struct stage *stage, struct json_text line, const struct event *event)
{
	size_t len = 0;
	char *card = json_string(json_get(event->object, "data", "agent-card.json"), &len);
	if (card != NULL && stage->body.at != NULL && len == stage->body.len &&
	    memcmp(card, stage->body.at, len) != 0)
		abort();
	if (!event_is(event, "", "ConfigMap") || line.len > MAX_BYTES * 6 + 4096)
		abort();
	if ((event->type == EVENT_DELETED) != (card == NULL))
		abort();
	free(card);
}

static void emit(void *context, struct json_text line)
{
	struct stage *stage = context;
	struct event event;
	if (!json_check(line, &json_record_limits, NULL) || event_read(json_trim(line), &event) != NULL)
		abort();
	size_t left = stage->given.len - stage->passed.len;
	if (line.len < left && memcmp(stage->given.at + stage->passed.len, line.at, line.len) == 0 &&
	    stage->given.at[stage->passed.len + line.len] == '\n') {
		json_puttext(&stage->passed, line);
		json_putc(&stage->passed, '\n');
	} else {
		check_added(stage, line, &event);
	}
}

static void warn(void *context, const char *sentence)
{
	(void)context;
	if (sentence[0] == '\0')
		abort();
}

static void cancel(void *context, void *request)
{
	if (request != context)
		abort();
}

static void answer(struct stage *stage, struct json_text text)
{
	struct agents_question asked;
	char why[AGENT_WHY_SIZE];
	long code = text.len > 3 ? strtol((char[]){text.at[1], text.at[2], text.at[3], 0}, NULL, 10) : 0;
	struct json_text none = {0}, body = text.len > 4 ? (struct json_text){text.at + 4, text.len - 4} : none;
	int64_t due = agents_due(stage->agents, true);
	stage->now = due > stage->now ? due : stage->now;
	agents_time(stage->agents, stage->now);
	if (!agents_next(stage->agents, stage->now, &asked))
		return;
	struct json_text namespace = json_of(asked.namespace), name = json_of(asked.name);
	if (agent_name_unfit(namespace, name) != NULL)
		abort();
	agents_asked(stage->agents, asked.agent, stage);
	enum agent_answer got = agent_judge(code, body, MAX_BYTES, code % 2 == 0, why);
	stage->body = body;
	agents_answered(stage->agents, asked.agent, got, body, &(struct agents_peer){0}, why, stage->now);
	stage->body = none;
}

static void take(struct stage *stage, struct json_text line)
{
	int64_t ms;
	agent_duration(line, &ms);
	if (line.len > 0 && line.at[0] == '>') {
		answer(stage, line);
		return;
	}
	struct json_text json = json_trim(line);
	if (!json_check(line, &json_record_limits, NULL) || json_type(json) != JSON_OBJECT)
		return;
	if (agents_waits(stage->agents))
		agents_time(stage->agents, stage->now += 100000);
	size_t before = stage->given.len;
	json_puttext(&stage->given, line);
	json_putc(&stage->given, '\n');
	if (agents_take(stage->agents, line, json, stage->now) != NULL)
		stage->given.len = before;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage stage = {.now = 1000};
	stage.agents = agents_new(&(struct agents_settings){
		.agentcard_group = "agent.kagenti.dev", .period_ms = 30000, .least_ms = 10000,
		.stale_ms = 60000, .first_wait_ms = 30000, .accounts = size % 2 == 1,
		.emit = emit, .warn = warn, .cancel = cancel, .context = &stage});
	for (const char *at = (const char *)data, *end = at + size; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline == NULL ? end : newline) - at);
		take(&stage, (struct json_text){at, len});
		at += len + 1;
	}
	agents_time(stage.agents, stage.now + 1000000);
	if (stage.given.len != stage.passed.len)
		abort();
	agents_free(stage.agents);
	json_buffer_free(&stage.given);
	json_buffer_free(&stage.passed);
	return 0;
}
