#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "watch/watch_private.h"
#include "os/log.h"

enum { IDLE_MS = 30 * 1000 };

static const char *on_item(void *user, struct json_text item)
{
	struct reflector *r = user;
	struct kube_identity id;
	struct json_error error;
	reflector_shown(r);
	/* One object that cannot be read must not keep the others from being listed. */
	if (!json_check(item, &json_record_limits, &error))
		reflector_skip(r, item, error.reason);
	else if (!k8s_object_names(json_trim(item), &id))
		reflector_skip(r, item, "it has no name or resourceVersion");
	else
		objects_upsert(r, json_trim(item), &id);
	return NULL;
}

static enum kube_taken on_list_body(void *user, const char *bytes, size_t len)
{
	struct reflector *r = user;
	if (reflector_must_wait(r))
		return KUBE_LATER;
	r->answer.unusable = kube_split_feed(&r->split, bytes, len);
	return r->answer.unusable == NULL ? KUBE_TAKEN : KUBE_STOP;
}

static void begin_page(struct reflector *r)
{
	long limit = r->manner == MANNER_WHOLE ? 0 : r->watch->options->page_size;
	char *scope = watch_path(&r->asked, r->namespace);
	char *token = watch_encode(r->next_page == NULL ? "" : r->next_page);
	char *path = kube_format("%s?limit=%ld%s%s%s%s", scope, limit,
	                         token[0] == '\0' ? "" : "&continue=", token,
	                         r->query[0] == '\0' ? "" : "&", r->query);
	kube_split_free(&r->split);
	r->split = (struct kube_list_split){.on_item = on_item, .user = r};
	reflector_start(r, REFLECTOR_LISTING, path, on_list_body, -1, IDLE_MS);
	free(path);
	free(token);
	free(scope);
}

void reflector_list(struct reflector *r)
{
	free(r->next_page);
	r->next_page = NULL;
	reflector_new_generation(r);
	begin_page(r);
}

/* NULL, or why not. What is missing here would be taken for deleted objects. */
static const char *check_envelope(struct json_text envelope)
{
	if (!json_check(envelope, &json_record_limits, NULL))
		return "the list is not JSON or was cut off";
	struct json_text list = json_trim(envelope), items = json_get(list, "items");
	struct json_text version = json_plain(json_get(list, "metadata", "resourceVersion"));
	bool empty = json_type(items) == JSON_NULL ||
	             (json_type(items) == JSON_ARRAY && json_is_empty(items));
	if (!empty || version.len == 0 || version.len >= WATCH_RV_SIZE)
		return "the response is not a list";
	return NULL;
}

bool reflector_after_page(struct reflector *r, const struct kube_result *result)
{
	struct json_text envelope = json_buffer_text(&r->split.envelope);
	if (result->code == 410 && r->manner != MANNER_WHOLE) {
		log_detail("%s: the continue token expired; listing again, in one page",
		           r->marks->kind.plural);
		r->manner = MANNER_WHOLE;
		return true;
	}
	bool whole = result->failure == KUBE_OK && result->code == 200;
	if (whole)
		r->answer.unusable = check_envelope(envelope);
	if (!whole || r->answer.unusable != NULL) {
		reflector_fail(r, result);
		return false;
	}
	struct json_text list = json_trim(envelope);
	free(r->next_page);
	r->next_page = json_cstring(json_get(list, "metadata", "continue"));
	if (r->next_page != NULL && r->next_page[0] != '\0') {
		begin_page(r);
		return false;
	}
	reflector_set_rv(r, json_plain(json_get(list, "metadata", "resourceVersion")));
	reflector_finish_list(r);
	if (!r->watch->options->once)
		return true;
	r->state = REFLECTOR_DONE;
	return false;
}
