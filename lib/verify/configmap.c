/* What the keys of a ConfigMap hold. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "base/memory.h"
#include "k8s/workload.h"
#include "verify/cards_private.h"

bool cards_signed_for(const struct event *event, char key[EVENT_KEY_SIZE])
{
	struct json_text workload = k8s_signed_for(event->name);
	if (event->namespace.at == NULL || workload.at == NULL)
		return false;
	snprintf(key, EVENT_KEY_SIZE, "%.*s/%.*s", (int)event->namespace.len, event->namespace.at,
	         (int)workload.len, workload.at);
	return true;
}

bool cards_put_string(struct json_text value, struct json_buffer *out)
{
	size_t len;
	char *text = json_string(value, &len);
	if (text == NULL)
		return false;
	json_put(out, text, len);
	free(text);
	return true;
}

bool cards_configmap_value(struct json_text configmap, const char *key, struct json_buffer *out)
{
	struct json_text encoded = json_plain(json_get(configmap, "binaryData", key));
	if (cards_put_string(json_get(configmap, "data", key), out))
		return true;
	if (encoded.at == NULL)
		return false;
	size_t len;
	uint8_t *bytes = kube_alloc(TRUST_BASE64_DECODED(encoded.len) + 1, 1);
	bool good = trust_base64_decode(encoded, bytes, &len);
	if (good)
		json_put(out, (const char *)bytes, len);
	free(bytes);
	return good;
}
