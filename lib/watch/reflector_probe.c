#include <stdlib.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/log.h"

enum { ABSENT_MS = 60 * 1000 /* until we ask again whether the API exists */ };

void reflector_probe(struct reflector *r)
{
	char *path = kube_format("/apis/%s", r->marks->kind.group);
	reflector_start(r, REFLECTOR_PROBING, path, NULL, 0, 0);
	free(path);
}

void reflector_absent(struct reflector *r)
{
	struct marks *marks = r->marks;
	if (r->instead != NULL) {
		log_detail("%s: the server has none; %s instead", marks->kind.plural,
		           r->instead->plural);
		marks->kind = *r->instead;
		r->instead = NULL;
		free(r->query);
		r->query = kube_copy("fieldSelector=metadata.name%3Dkubernetes");
		r->no_stream = false;
		reflector_go(r);
		return;
	}
	log_detail("%s: the server does not have this API; skipped", marks->kind.plural);
	r->listed = true;
	watch_complete(r);
	r->listed = r->probed = false;
	reflector_wait(r, ABSENT_MS);
}

void reflector_after_probe(struct reflector *r, const struct kube_result *result)
{
	if (result->failure == KUBE_OK && result->code == 404) {
		reflector_absent(r);
		return;
	}
	if (result->code == 403) { /* Who may not ask may still list. */
		r->probed = true;
		reflector_go(r);
		return;
	}
	if (result->failure != KUBE_OK || result->code != 200 ||
	    !json_check(result->body, &json_record_limits, NULL)) {
		reflector_fail(r, result);
		return;
	}
	struct json_text group = json_trim(result->body);
	char *preferred = json_cstring(json_get(group, "preferredVersion", "version"));
	bool served = false;
	struct json_member m = json_first(json_get(group, "versions"));
	for (; m.value.at != NULL; m = json_next(m))
		served = served ||
		         json_equals(json_get(m.value, "version"), r->marks->kind.version);
	if (!served && preferred != NULL) {
		free(r->marks->preferred);
		r->marks->kind.version = r->marks->preferred = preferred;
	} else {
		free(preferred);
	}
	r->probed = true;
	reflector_go(r);
}
