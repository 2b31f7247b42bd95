#include "explain/words.h"

#include <stdlib.h>

#include "json/json.h"

static void put_selector(struct json_buffer *out, struct json_text selector)
{
	bool any = false;
	struct json_text labels = json_get(selector, "matchLabels");
	struct json_text expressions = json_get(selector, "matchExpressions");
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m)) {
		json_puts(out, any ? "," : " ");
		json_puttext(out, json_plain(m.key));
		json_putc(out, '=');
		json_puttext(out, json_plain(m.value));
		any = true;
	}
	for (struct json_member m = json_first(expressions); m.value.at; m = json_next(m)) {
		json_puts(out, any ? "," : " ");
		json_puttext(out, m.value);
		any = true;
	}
}

void explain_put_peer_words(struct json_buffer *out, struct json_text peer, const char *namespace)
{
	struct json_text block = json_get(peer, "ipBlock"), except = json_get(block, "except");
	struct json_text namespaces = json_get(peer, "namespaceSelector");
	if (json_type(block) == JSON_OBJECT) {
		json_puttext(out, json_plain(json_get(block, "cidr")));
		for (struct json_member m = json_first(except); m.value.at; m = json_next(m)) {
			json_puts(out, " except ");
			json_puttext(out, json_plain(m.value));
		}
		return;
	}
	json_puts(out, "pods");
	put_selector(out, json_get(peer, "podSelector"));
	if (json_type(namespaces) == JSON_OBJECT) {
		json_puts(out, " of namespaces");
		put_selector(out, namespaces);
	} else {
		json_putf(out, " of namespace %s", namespace);
	}
}

void explain_put_ports_words(struct json_buffer *out, struct json_text ports)
{
	bool any = false;
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m)) {
		struct json_text port = json_get(m.value, "port"),
		                 end = json_get(m.value, "endPort");
		struct json_text protocol = json_plain(json_get(m.value, "protocol"));
		json_puts(out, any ? ", " : "");
		if (json_type(port) == JSON_STRING)
			port = json_plain(port);
		json_puttext(out, port.at != NULL ? port : json_of("any"));
		json_puts(out, end.at != NULL ? "-" : "");
		json_puttext(out, end);
		json_putc(out, '/');
		json_puttext(out, protocol.at != NULL ? protocol : json_of("TCP"));
		any = true;
	}
}

static void put_rule(struct json_buffer *out, struct json_text rule, const char *namespace)
{
	struct json_text to = json_get(rule, "to"), ports = json_get(rule, "ports");
	bool any = false;
	for (struct json_member m = json_first(to); m.value.at; m = json_next(m)) {
		json_puts(out, any ? "; " : "");
		explain_put_peer_words(out, m.value, namespace);
		any = true;
	}
	json_puts(out, any ? " on " : "anywhere on ");
	if (json_first(ports).value.at == NULL)
		json_puts(out, "any port");
	explain_put_ports_words(out, ports);
}

void explain_put_rule_words(struct json_buffer *out, struct json_text rule, const char *namespace)
{
	struct json_buffer words = {0};
	put_rule(&words, rule, namespace);
	json_put_plain(out, words.at, words.len);
	json_buffer_free(&words);
}

void explain_put_string(struct json_buffer *out, struct json_text string)
{
	size_t len;
	char *text = json_string(string, &len);
	if (text != NULL)
		json_put_plain(out, text, len);
	free(text);
}

void explain_put_name_words(struct json_buffer *out, struct json_text domain)
{
	struct json_buffer words = {0};
	bool any = false;
	for (struct json_member n = json_first(json_get(domain, "names")); n.value.at != NULL; n = json_next(n)) {
		json_puts(&words, any ? ", " : "");
		json_puttext(&words, json_plain(n.value));
		any = true;
	}
	json_puts(&words, json_is_empty(json_get(domain, "ports")) ? " on any port" : " on ");
	explain_put_ports_words(&words, json_get(domain, "ports"));
	json_put_plain(out, words.at, words.len);
	json_buffer_free(&words);
}

void explain_put_rule_path(struct json_buffer *out, const struct policy_match *match)
{
	json_putf(out, "spec.egress[%d]", match->rule);
	if (match->peer >= 0)
		json_putf(out, ".to[%d]", match->peer);
	if (match->port >= 0)
		json_putf(out, "%s[%d]", match->peer >= 0 ? ", ports" : ".ports", match->port);
}
