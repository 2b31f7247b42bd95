#include "apply/orphans_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "apply/adopt_private.h"
#include "apply/files_private.h"
#include "apply/listed_private.h"
#include "base/memory.h"
#include "json/write.h"
#include "k8s/name.h"
#include "k8s/operator.h"
#include "k8s/workload.h"
#include "os/clock.h"
#include "os/log.h"

enum { PODS_NAMED = 5 };

struct orphan {
	SLIST_ENTRY(orphan) link;
	char *record; /* a DELETE of it, with its uid */
	struct kube_operation operation; /* borrows from `record` */
	char *version;
	char *query;     /* its podSelector as a label selector; NULL: it says more than one can */
	char *card_path; /* of its controller; NULL: it names none */
};

/* What is asked next. */
enum step {
	LISTING,  /* the operator's policies */
	PODS,     /* that the first orphan selects */
	CARD,     /* may it be pruned: its AgentCard names another workload, or is gone; */
	WORKLOAD, /* and there is no workload of its name */
	DELETING,
};

struct kube_orphans {
	struct kube_orphans_options options;
	struct kube_call *call;
	SLIST_HEAD(orphan_list, orphan) found;
	char *token; /* of the next page */
	enum step step;
	int workload, version; /* in k8s_workloads; in other_versions */
	char selects[400];     /* of the first: what it still selects, or why else it stays */
	struct kube_backoff backoff;
	int64_t due; /* to ask, when no call is in flight */
};

static void on_answer(void *user, const struct kube_result *result);

static void orphan_free(struct orphan *orphan)
{
	free(orphan->record);
	free(orphan->version);
	free(orphan->query);
	free(orphan->card_path);
	free(orphan);
}

static void end(struct kube_orphans *orphans, bool whole)
{
	struct kube_orphans_options options = orphans->options;
	kube_orphans_free(orphans);
	options.ended(options.user, whole);
}

static void send(struct kube_orphans *orphans, const char *method, struct json_buffer *path,
                 struct json_text body, const char *accept)
{
	json_putc(path, '\0');
	orphans->call = kube_request_start(orphans->options.server->client,
	                                   &(struct kube_request){
	                                           .method = method,
	                                           .path = path->at,
	                                           .body = body,
	                                           .accept = accept,
	                                           .on_done = on_answer,
	                                           .user = orphans,
	                                   });
	json_buffer_free(path);
}

/* Of a kind that the server does not have in the version of our table, after that. */
static const char *const other_versions[] = {"", "v1", "v1beta1", "v1alpha1", NULL};

static const char *const metadata_alone =
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
static const char *const metadata_list =
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

static void ask_list(struct kube_orphans *orphans)
{
	struct json_buffer path = {0};
	json_putf(&path, "/apis/networking.k8s.io/v1/networkpolicies?labelSelector=%s&limit=500",
	          kube_operators_query);
	if (orphans->token != NULL)
		json_putf(&path, "&continue=%s", orphans->token);
	send(orphans, "GET", &path, (struct json_text){0}, NULL);
}

static void ask_pods(struct kube_orphans *orphans, const struct orphan *orphan)
{
	struct json_buffer path = {0};
	json_puts(&path, "/api/v1/namespaces/");
	json_puttext(&path, orphan->operation.id.namespace);
	json_putf(&path, "/pods?labelSelector=%s&limit=%d", orphan->query, PODS_NAMED + 1);
	send(orphans, "GET", &path, (struct json_text){0}, metadata_list);
}

static void ask_card(struct kube_orphans *orphans, const struct orphan *orphan)
{
	struct json_buffer path = {0};
	json_puts(&path, orphan->card_path);
	send(orphans, "GET", &path, (struct json_text){0}, NULL);
}

static void ask_workload(struct kube_orphans *orphans, const struct orphan *orphan)
{
	const struct k8s_kind *kind = &k8s_workloads[orphans->workload].kind;
	const char *version = orphans->version == 0 ? kind->version : other_versions[orphans->version];
	struct json_buffer path = {0};
	json_putf(&path, "/apis/%s/%s/namespaces/", kind->group, version);
	json_puttext(&path, orphan->operation.id.namespace);
	json_putf(&path, "/%s/", kind->plural);
	json_puttext(&path, policy_workload_of(orphan->operation.id.name));
	send(orphans, "GET", &path, (struct json_text){0}, metadata_alone);
}

/* Bound to what was listed: one that the operator wrote meanwhile is spared. */
static void ask_delete(struct kube_orphans *orphans, const struct orphan *orphan)
{
	struct json_buffer path = {0}, body = {0};
	kube_kind_path(&policy_kind_networkpolicy, &orphan->operation.id, &path);
	json_puts(&body,
	          "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":");
	json_put_string_n(&body, orphan->operation.id.uid.at, orphan->operation.id.uid.len);
	json_puts(&body, ",\"resourceVersion\":");
	json_put_string(&body, orphan->version);
	json_puts(&body, "}");
	if (orphans->options.dry_run == KUBE_DRY_RUN_SERVER)
		json_puts(&body, ",\"dryRun\":[\"All\"]");
	json_putc(&body, '}');
	send(orphans, "DELETE", &path, json_buffer_text(&body), NULL);
	json_buffer_free(&body);
}

static void tell(struct kube_orphans *orphans, enum kube_verdict verdict, long code, const char *head,
                 const char *what)
{
	struct orphan *orphan = SLIST_FIRST(&orphans->found);
	struct kube_outcome outcome = {.verdict = verdict, .code = code, .reason = "Orphaned"};
	char title[KUBE_TITLE_SIZE];
	snprintf(outcome.message, sizeof outcome.message, "%s%s", head, what);
	kube_identity_title(&orphan->operation.id, title);
	if (verdict == KUBE_UNCHANGED)
		log_warning("%s: orphaned: %s", title, outcome.message);
	SLIST_REMOVE_HEAD(&orphans->found, link);
	orphans->options.told(orphans->options.user, &orphan->operation, &outcome);
	orphan_free(orphan);
	orphans->step = PODS;
}

static const char left[] = "the operator's, and no AgentCard asks for it here: left as it is; ";

/* Goes on with the first orphan: asks, or tells of it and goes on with the next. */
static void go_on(struct kube_orphans *orphans)
{
	struct orphan *orphan;
	if (orphans->step == LISTING) {
		ask_list(orphans);
		return;
	}
	while ((orphan = SLIST_FIRST(&orphans->found)) != NULL && orphan->query == NULL)
		tell(orphans, KUBE_UNCHANGED, 200, left,
		     "which pods it selects cannot be asked for");
	if (orphan == NULL)
		end(orphans, true);
	else if (orphans->step == PODS)
		ask_pods(orphans, orphan);
	else if (orphans->step == CARD)
		ask_card(orphans, orphan);
	else if (orphans->step == WORKLOAD)
		ask_workload(orphans, orphan);
	else
		ask_delete(orphans, orphan);
}

/* A label selector's text for a query; false when a requirement is not one that it can have. The
 * parts came from the server, which lets only such into a policy; what is not is not asked for. */
static bool put_requirement(struct json_buffer *query, struct json_text key, const char *sign,
                            struct json_text value)
{
	if (!policy_is_label_key(key) || !policy_is_label_value(value))
		return false;
	if (query->len > 0)
		json_puts(query, "%2C");
	for (size_t i = 0; i < key.len; i++) {
		if (key.at[i] == '/')
			json_puts(query, "%2F");
		else
			json_putc(query, key.at[i]);
	}
	json_puts(query, sign);
	json_puttext(query, value);
	return true;
}

/* The operator writes matchLabels alone. */
static char *query_of(struct json_text selector)
{
	struct json_buffer query = {0};
	bool known = json_type(selector) == JSON_OBJECT &&
	             json_is_empty(json_get(selector, "matchExpressions"));
	struct json_text labels = json_get(selector, "matchLabels");
	for (struct json_member m = json_first(labels); known && m.value.at; m = json_next(m))
		known = put_requirement(&query, json_plain(m.key), "%3D", json_plain(m.value));
	json_putc(&query, '\0');
	if (known)
		return query.at;
	json_buffer_free(&query);
	return NULL;
}

static char *card_path_of(struct json_text metadata, struct json_text namespace)
{
	struct json_text controller = k8s_controller_of(metadata);
	struct json_text name = json_plain(json_get(controller, "name"));
	struct json_buffer path = {0};
	if (!json_equals(json_get(controller, "kind"), "AgentCard") || !policy_is_subdomain(name))
		return NULL;
	for (int i = 0; policy_names_words[i] != NULL; i++) {
		char version[128];
		snprintf(version, sizeof version, "%s/v1alpha1", policy_names(i)->agentcard_group);
		if (!json_equals(json_get(controller, "apiVersion"), version))
			continue;
		json_putf(&path, "/apis/%s/namespaces/", version);
		json_puttext(&path, namespace);
		json_puts(&path, "/agentcards/");
		json_puttext(&path, name);
		json_putc(&path, '\0');
		return path.at;
	}
	return NULL;
}

static void take_policy(struct kube_orphans *orphans, struct json_text policy)
{
	struct json_text metadata = json_get(policy, "metadata");
	struct json_buffer record = {0};
	struct kube_operation operation;
	kube_listed_put_delete(&record, &policy_kind_networkpolicy, metadata, NULL);
	char *version = json_cstring(json_get(metadata, "resourceVersion"));
	bool usable = version != NULL && kube_operation_read(json_buffer_text(&record), &operation) == NULL &&
	              kube_kind_of(&operation.id) != NULL && operation.id.uid.len > 0;
	if (!usable || kube_operator_of(policy) == NULL ||
	    kube_queue_wants(orphans->options.queue, &operation.id) ||
	    kube_wanted_has_namespace(orphans->options.unread, &operation.id)) {
		free(version);
		json_buffer_free(&record);
		return;
	}
	struct orphan *orphan = kube_alloc(1, sizeof *orphan);
	*orphan = (struct orphan){
	        .record = record.at,
	        .operation = operation,
	        .version = version,
	        .query = query_of(json_get(policy, "spec", "podSelector")),
	        .card_path = card_path_of(metadata, operation.id.namespace),
	};
	SLIST_INSERT_HEAD(&orphans->found, orphan, link);
}

static void take_page(struct kube_orphans *orphans, struct json_text page)
{
	struct json_text items = json_get(page, "items");
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m))
		take_policy(orphans, m.value);
	free(orphans->token);
	orphans->token = kube_listed_next(page);
	if (orphans->token == NULL)
		orphans->step = PODS;
}

static void take_pods(struct kube_orphans *orphans, struct json_text list)
{
	struct json_text items = json_get(list, "items");
	char names[sizeof orphans->selects - 64] = "";
	size_t count = 0, len = 0;
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m)) {
		struct json_text name = json_plain(json_get(m.value, "metadata", "name"));
		if (++count > PODS_NAMED || !policy_is_subdomain(name) ||
		    len + name.len + 3 > sizeof names)
			continue;
		len += (size_t)snprintf(names + len, sizeof names - len, "%s%.*s",
		                        len > 0 ? ", " : "", (int)name.len, name.at);
	}
	snprintf(orphans->selects, sizeof orphans->selects, "it selects the pods %s%s", names,
	         count > PODS_NAMED ? " and more" : "");
	if (count > 0)
		tell(orphans, KUBE_UNCHANGED, 200, left, orphans->selects);
	else if (orphans->options.adopt != KUBE_ADOPT_PRUNE)
		tell(orphans, KUBE_UNCHANGED, 200, left,
		     "it selects no pod, and --adopt=prune removes it where its workload is gone, too");
	else
		orphans->step = SLIST_FIRST(&orphans->found)->card_path != NULL ? CARD : WORKLOAD;
	orphans->workload = orphans->version = 0;
}

static void take_card(struct kube_orphans *orphans, const struct kube_result *result)
{
	const struct orphan *orphan = SLIST_FIRST(&orphans->found);
	struct json_text name = json_plain(json_get(result->body, "spec", "targetRef", "name"));
	bool same = result->code == 200 && json_same(name, policy_workload_of(orphan->operation.id.name));
	if (same)
		tell(orphans, KUBE_UNCHANGED, 200, left,
		     "it selects no pod, but its AgentCard still names its workload");
	else
		orphans->step = WORKLOAD;
}

static void take_workload(struct kube_orphans *orphans, const struct kube_result *result)
{
	if (result->code == 200) {
		snprintf(orphans->selects, sizeof orphans->selects,
		         "it selects no pod, but the %s of its name is still there",
		         k8s_workloads[orphans->workload].kind.kind);
		tell(orphans, KUBE_UNCHANGED, 200, left, orphans->selects);
		return;
	}
	bool served = json_check(result->body, &json_record_limits, NULL);
	if (!served && other_versions[++orphans->version] != NULL)
		return;
	orphans->version = 0;
	if (++orphans->workload < K8S_WORKLOADS)
		return;
	if (orphans->options.dry_run == KUBE_DRY_RUN_CLIENT)
		tell(orphans, KUBE_DELETED, 200, "nothing is left that it confines", "; dry run");
	else
		orphans->step = DELETING;
}

static void take_deleted(struct kube_orphans *orphans, const struct kube_result *result)
{
	bool dry = orphans->options.dry_run != KUBE_DRY_RUN_NONE;
	if (result->code == 404)
		tell(orphans, KUBE_ABSENT, result->code, "", "");
	else
		tell(orphans, KUBE_DELETED, result->code, "nothing is left that it confines",
		     dry ? "; dry run" : "");
}

/* What is not there is an answer, but not for a list. */
static bool is_answer(const struct kube_orphans *orphans, const struct kube_result *result)
{
	if (result->failure != KUBE_OK)
		return false;
	if (result->code == 404)
		return orphans->step >= CARD;
	return result->code == 200 && json_check(result->body, &json_record_limits, NULL);
}

static void take(struct kube_orphans *orphans, const struct kube_result *result)
{
	switch (orphans->step) {
	case LISTING:
		take_page(orphans, result->body);
		break;
	case PODS:
		take_pods(orphans, result->body);
		break;
	case CARD:
		take_card(orphans, result);
		break;
	case WORKLOAD:
		take_workload(orphans, result);
		break;
	case DELETING:
		take_deleted(orphans, result);
		break;
	}
	go_on(orphans);
}

/* One that cannot be judged stays; where there is no list of them, nothing is known. */
static void give_up(struct kube_orphans *orphans, const struct kube_result *result, const char *why)
{
	static const char *const asked[] = {
	        [PODS] = "left as it is; which pods it selects cannot be told: ",
	        [CARD] = "left as it is; whether its AgentCard is there cannot be told: ",
	        [WORKLOAD] = "left as it is; whether its workload is there cannot be told: ",
	        [DELETING] = "it could not be deleted: ",
	};
	if (orphans->step == LISTING) {
		log_error("cannot list the operator's policies: %s; which of them no AgentCard asks for "
		          "is not known",
		          why);
		end(orphans, false);
		return;
	}
	tell(orphans, KUBE_FAILED, result->code, asked[orphans->step], why);
	go_on(orphans);
}

static void on_answer(void *user, const struct kube_result *result)
{
	struct kube_orphans *orphans = user;
	char why[KUBE_ERROR_SIZE];
	orphans->call = NULL;
	kube_server_answered(orphans->options.server, result);
	if (is_answer(orphans, result)) {
		kube_backoff_reset(&orphans->backoff);
		take(orphans, result);
		return;
	}
	kube_result_describe(result, why);
	if (kube_server_may_retry(orphans->options.server, result) &&
	    kube_listed_may_wait(orphans->options.server, &orphans->backoff)) {
		long wait = kube_backoff_next(&orphans->backoff, result->retry_after_ms);
		orphans->due = clock_monotonic_ms() + wait;
		log_warning("the operator's policies: %s; trying again in %ld ms", why, wait);
		return;
	}
	give_up(orphans, result, why);
}

int64_t kube_orphans_pump(struct kube_orphans *orphans, int64_t now)
{
	if (orphans->call != NULL)
		return -1;
	if (orphans->due > now)
		return orphans->due;
	go_on(orphans);
	return -1;
}

struct kube_orphans *kube_orphans_new(const struct kube_orphans_options *options)
{
	struct kube_orphans *orphans = kube_alloc(1, sizeof *orphans);
	orphans->options = *options;
	orphans->backoff = (struct kube_backoff){.first_ms = 200, .most_ms = 30000};
	SLIST_INIT(&orphans->found);
	return orphans;
}

void kube_orphans_free(struct kube_orphans *orphans)
{
	struct orphan *orphan;
	if (orphans == NULL)
		return;
	if (orphans->call != NULL)
		kube_call_cancel(orphans->call);
	while ((orphan = SLIST_FIRST(&orphans->found)) != NULL) {
		SLIST_REMOVE_HEAD(&orphans->found, link);
		orphan_free(orphan);
	}
	free(orphans->token);
	free(orphans);
}
