#include "apply/listed_private.h"

#include <stdlib.h>
#include <string.h>

#include "json/write.h"

enum { FAILURES = 10 }; /* more than two minutes */

static bool is_token(const char *token)
{
	return token[strspn(token,
	                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=")] ==
	       '\0';
}

char *kube_listed_next(struct json_text page)
{
	char *token = json_cstring(json_get(page, "metadata", "continue"));
	if (token != NULL && token[0] != '\0' && is_token(token))
		return token;
	free(token);
	return NULL;
}

static void put_string(struct json_buffer *out, const char *key, struct json_text value)
{
	if (json_type(value) != JSON_STRING)
		return;
	json_put_key(out, key);
	json_puttext(out, value);
}

void kube_listed_put_delete(struct json_buffer *out, const struct k8s_kind *kind,
                            struct json_text metadata, const char *reason)
{
	json_putf(out,
	          "{\"type\":\"DELETE\",\"object\":{\"apiVersion\":\"%s/%s\",\"kind\":\"%s\","
	          "\"metadata\":{",
	          kind->group, kind->version, kind->kind);
	put_string(out, "namespace", json_get(metadata, "namespace"));
	put_string(out, "name", json_get(metadata, "name"));
	put_string(out, "uid", json_get(metadata, "uid"));
	json_puts(out, "}}");
	if (reason != NULL) {
		json_put_key(out, "reason");
		json_put_string(out, reason);
	}
	json_putc(out, '}');
}

bool kube_listed_may_wait(const struct kube_server *server, const struct kube_backoff *backoff)
{
	return !server->stopped && !server->lost && !kube_server_is_late(server) &&
	       backoff->tries < FAILURES;
}
