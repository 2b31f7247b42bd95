#include "fetch/answer.h"

#include <stdio.h>
#include <stdlib.h>

static enum agent_answer judge_card(struct json_text body, size_t max_bytes, char *why)
{
	const struct json_limits limits = {max_bytes, AGENT_CARD_DEPTH};
	struct json_error error = {0};
	if (body.at == NULL || body.len == 0) {
		snprintf(why, AGENT_WHY_SIZE, "its answer is empty");
		return AGENT_FAILED;
	}
	if (!json_check(body, &limits, &error)) {
		snprintf(why, AGENT_WHY_SIZE, "its answer is not JSON that can be used: byte %zu: %s",
		         error.offset, error.reason);
		return AGENT_FAILED;
	}
	if (json_type(json_trim(body)) == JSON_OBJECT)
		return AGENT_CARD;
	snprintf(why, AGENT_WHY_SIZE, "its answer is not a JSON object");
	return AGENT_FAILED;
}

/* The API server's own words: a Status (api-conventions, "Response Status Kind"). */
static struct json_text server_status(struct json_text body)
{
	struct json_text none = {0};
	if (body.at == NULL || !json_check(body, &json_record_limits, NULL))
		return none;
	body = json_trim(body);
	return json_equals(json_get(body, "kind"), "Status") ? body : none;
}

static void describe(long code, struct json_text status, char *why)
{
	char *message = json_cstring(json_get(status, "message"));
	if (code >= 300 && code < 400)
		snprintf(why, AGENT_WHY_SIZE, "it redirects elsewhere (HTTP %ld), which is not followed",
		         code);
	else if (message != NULL)
		snprintf(why, AGENT_WHY_SIZE, "HTTP %ld: %.200s", code, message);
	else
		snprintf(why, AGENT_WHY_SIZE, "HTTP %ld", code);
	free(message);
}

enum agent_answer agent_judge(long code, struct json_text body, size_t max_bytes, bool proxied,
                              char why[AGENT_WHY_SIZE])
{
	why[0] = '\0';
	if (code == 200)
		return judge_card(body, max_bytes, why);
	struct json_text status = {0};
	if (proxied)
		status = server_status(body);
	if (status.at == NULL && code == 404)
		return AGENT_NO_SUCH;
	if (status.at == NULL && code == 410)
		return AGENT_GONE;
	describe(code, status, why);
	return AGENT_FAILED;
}
