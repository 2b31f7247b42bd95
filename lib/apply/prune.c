#include "apply/cluster_private.h"

#include <stdlib.h>

#include "apply/files_private.h"
#include "apply/listed_private.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"
#include "k8s/operator.h"
#include "json/write.h"

/* One list after the other, in pages; the objects' metadata alone. */
struct kube_pruning {
	struct kube_prune_options options;
	struct kube_call *call;
	size_t list; /* in policy_kinds */
	char *token; /* of the next page */
	struct kube_backoff backoff;
	int64_t due; /* to ask, when no call is in flight */
};

static void on_page(void *user, const struct kube_result *result);

static void ask(struct kube_pruning *pruning)
{
	struct json_buffer path = {0};
	const struct k8s_kind *kind = policy_kinds[pruning->list];
	json_putf(&path, "/apis/%s/%s/%s", kind->group, kind->version, kind->plural);
	json_puts(&path,
	          "?labelSelector=app.kubernetes.io%2Fmanaged-by%3D" POLICY_MANAGER
	          "%2C%21agent-egress.dev%2Fquarantine&limit=500");
	if (pruning->token != NULL)
		json_putf(&path, "&continue=%s", pruning->token);
	json_putc(&path, '\0');
	pruning->call = kube_request_start(
	        pruning->options.server->client,
	        &(struct kube_request){
	                .method = "GET",
	                .path = path.at,
	                .accept =
	                        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
	                .on_done = on_page,
	                .user = pruning,
	        });
	json_buffer_free(&path);
}

static void end(struct kube_pruning *pruning, bool whole)
{
	struct kube_prune_options options = pruning->options;
	pruning->call = NULL;
	kube_prune_free(pruning);
	options.ended(options.user, whole);
}

/* A policy that could not be applied may be what replaces one of another kind, after a change of
 * target: that one must stay. */
static bool is_spared(const struct kube_pruning *pruning)
{
	const struct kube_prune_options *options = &pruning->options;
	const struct k8s_kind *kind = policy_kinds[pruning->list];
	bool spared = options->failed != NULL && (options->failed != kind || options->failed_others);
	if (spared)
		log_warning("no %s is pruned: a policy of another kind could not be applied, and "
		            "may be what replaces it",
		            kind->kind);
	return spared;
}

static void begin_list(struct kube_pruning *pruning)
{
	free(pruning->token);
	pruning->token = NULL;
	while (policy_kinds[pruning->list] != NULL && is_spared(pruning))
		pruning->list++;
	if (policy_kinds[pruning->list] != NULL)
		ask(pruning);
	else
		end(pruning, true);
}

static void next_list(struct kube_pruning *pruning)
{
	pruning->list++;
	begin_list(pruning);
}

static void judge(struct kube_pruning *pruning, struct json_text metadata)
{
	struct json_buffer record = {0};
	struct kube_operation operation;
	kube_listed_put_delete(&record, policy_kinds[pruning->list], metadata, "nothing wants it");
	if (kube_operation_read(json_buffer_text(&record), &operation) == NULL &&
	    kube_kind_of(&operation.id) != NULL &&
	    !kube_queue_wants(pruning->options.queue, &operation.id) &&
	    !kube_wanted_has_namespace(pruning->options.unread, &operation.id))
		kube_queue_add(pruning->options.queue, json_buffer_text(&record), &operation);
	json_buffer_free(&record);
}

static void use_page(struct kube_pruning *pruning, struct json_text page)
{
	struct json_text items = json_get(page, "items");
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m))
		judge(pruning, json_get(m.value, "metadata"));
	free(pruning->token);
	pruning->token = kube_listed_next(page);
	if (pruning->token != NULL)
		ask(pruning);
	else
		next_list(pruning);
}

int64_t kube_prune_pump(struct kube_pruning *pruning, int64_t now)
{
	if (pruning->call != NULL)
		return -1;
	if (pruning->due > now)
		return pruning->due;
	begin_list(pruning);
	return -1;
}

static void on_page(void *user, const struct kube_result *result)
{
	struct kube_pruning *pruning = user;
	char why[KUBE_ERROR_SIZE];
	pruning->call = NULL;
	kube_server_answered(pruning->options.server, result);
	if (result->failure == KUBE_OK && result->code == 200 &&
	    json_check(result->body, &json_record_limits, NULL)) {
		use_page(pruning, result->body);
		return;
	}
	bool absent = result->code == 404 || result->code == 403;
	if (absent && policy_kinds[pruning->list] != &policy_kind_networkpolicy) {
		next_list(pruning);
		return;
	}
	bool again = result->code == 410 || kube_server_may_retry(pruning->options.server, result);
	kube_result_describe(result, why);
	if (again && kube_listed_may_wait(pruning->options.server, &pruning->backoff)) {
		/* from the start of this list: what was queued already is queued once */
		free(pruning->token);
		pruning->token = NULL;
		long wait = kube_backoff_next(&pruning->backoff, result->retry_after_ms);
		pruning->due = clock_monotonic_ms() + wait;
		log_warning("cannot list %s to prune: %s; trying again in %ld ms",
		            policy_kinds[pruning->list]->kind, why, wait);
		return;
	}
	log_error("cannot list %s to prune: %s; nothing more is pruned",
	          policy_kinds[pruning->list]->kind, why);
	end(pruning, false);
}

struct kube_pruning *kube_prune_new(const struct kube_prune_options *options)
{
	struct kube_pruning *pruning = kube_alloc(1, sizeof *pruning);
	pruning->options = *options;
	pruning->backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
	return pruning;
}

void kube_prune_free(struct kube_pruning *pruning)
{
	if (pruning == NULL)
		return;
	if (pruning->call != NULL)
		kube_call_cancel(pruning->call);
	free(pruning->token);
	free(pruning);
}
