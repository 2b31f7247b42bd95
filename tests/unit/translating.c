#include "translating.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "targets/target.h"

#define CARD_API "agent.kagenti.dev/v1alpha1"

static void on_operation(void *context, struct json_text line)
{
	struct translating *translating = context;
	json_puttext(&translating->operations, line);
	json_putc(&translating->operations, '\n');
}

void translating_start(struct translating *translating)
{
	static const char *const none[] = {NULL};
	static struct policy_settings settings;
	settings = (struct policy_settings){
		.names = policy_names(POLICY_NAMES_KAGENTI),
		.ingress_namespaces = none,
		.api_server = none,
		.api_server_port = POLICY_PORT_ENDPOINTS,
	};
	translating_start_with(translating, &settings);
}

void translating_start_with(struct translating *translating, struct policy_settings *settings)
{
	*translating = (struct translating){0};
	translating->translator = policy_translator_new(
		settings, policy_targets[0], (struct policy_output){on_operation, translating});
}

void translating_free(struct translating *translating)
{
	policy_translator_free(translating->translator);
	json_buffer_free(&translating->line);
	json_buffer_free(&translating->operations);
	json_buffer_free(&translating->answer);
}

static void swap(char *text, size_t len, char from, char to)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == from)
			text[i] = to;
}

void tell(struct translating *translating, const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	int len = vasprintf(&text, format, arguments);
	va_end(arguments);
	assert_true(len > 0);
	swap(text, (size_t)len, '\'', '"');
	translating->line.len = 0;
	json_puts(&translating->line, text);
	free(text);
	struct json_text line = json_buffer_text(&translating->line);
	assert_true(json_check(line, &json_record_limits, NULL));
	assert_null(policy_translator_take(translating->translator, line, line));
}

void tell_workload(struct translating *translating, const char *name)
{
	tell(translating,
	     "{'type':'ADDED','object':{'apiVersion':'apps/v1','kind':'Deployment','metadata':{"
	     "'name':'%s','namespace':'n'},'spec':{'selector':{'matchLabels':{'app':'%s'}},"
	     "'template':{'metadata':{'labels':{'app':'%s'}}}}}}",
	     name, name, name);
}

void tell_card(struct translating *translating, const char *type, const char *name, bool verified,
               const char *network_policy)
{
	tell_card_for(translating, type, name, name, verified, network_policy);
}

void tell_card_for(struct translating *translating, const char *type, const char *name,
                   const char *workload, bool verified, const char *network_policy)
{
	tell(translating,
	     "{'type':'%s','object':{'apiVersion':'" CARD_API "','kind':'AgentCard','metadata':{"
	     "'name':'%s','namespace':'n','uid':'uid-%s'},'spec':{'targetRef':{"
	     "'apiVersion':'apps/v1','kind':'Deployment','name':'%s'}%s%s}},"
	     "'verification':{'verified':%s}}",
	     type, name, name, workload, network_policy != NULL ? ",'networkPolicy':" : "",
	     network_policy != NULL ? network_policy : "", verified ? "true" : "false");
}

static void tell_mark(struct translating *translating, const char *api_version, const char *kind,
                      const char *mark)
{
	tell(translating,
	     "{'type':'BOOKMARK','object':{'apiVersion':'%s','kind':'%s','metadata':{"
	     "'annotations':{'%s':'true'}}}}",
	     api_version, kind, mark);
}

void tell_begin(struct translating *translating, const char *api_version, const char *kind)
{
	tell_mark(translating, api_version, kind, "agent-egress.dev/initial-events-begin");
}

void tell_end(struct translating *translating, const char *api_version, const char *kind)
{
	tell_mark(translating, api_version, kind, "k8s.io/initial-events-end");
}

void tell_begin_cards(struct translating *translating)
{
	tell_begin(translating, CARD_API, "AgentCard");
}

void tell_end_cards(struct translating *translating)
{
	tell_end(translating, CARD_API, "AgentCard");
}

static bool is_of(struct json_text operation, const char *name)
{
	return json_equals(json_get(operation, "object", "metadata", "name"), name);
}

static void answer(struct json_buffer *out, struct json_text operation)
{
	struct json_text type = json_plain(json_get(operation, "type"));
	struct json_text reason = json_plain(json_get(operation, "reason"));
	struct json_text egress = json_get(operation, "object", "spec", "egress");
	out->len = 0;
	json_putf(out, "%.*s %.*s", (int)type.len, type.at, (int)reason.len, reason.at);
	if (egress.at != NULL)
		json_putf(out, " %.*s", (int)egress.len, egress.at);
	swap(out->at, out->len, '"', '\'');
}

const char *asked(struct translating *translating, const char *name)
{
	struct json_text all = json_buffer_text(&translating->operations);
	translating->answer.len = 0;
	json_puts(&translating->answer, "nothing");
	for (size_t at = 0, len; at < all.len; at += len + 1) {
		len = (size_t)((const char *)memchr(all.at + at, '\n', all.len - at) - all.at) - at;
		struct json_text line = {all.at + at, len};
		if (is_of(line, name))
			answer(&translating->answer, line);
	}
	json_putc(&translating->answer, '\0');
	return translating->answer.at;
}

size_t operations(const struct translating *translating)
{
	size_t count = 0;
	for (size_t i = 0; i < translating->operations.len; i++)
		count += translating->operations.at[i] == '\n';
	return count;
}
