#include "apply/group_private.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "k8s/name.h"

enum { KEY_SIZE = 512 };

static struct kube_group *find_or_make(struct kube_group **groups, const char *key)
{
	struct kube_group *group;
	HASH_FIND_STR(*groups, key, group);
	if (group == NULL) {
		size_t len = strlen(key);
		group = kube_alloc(1, sizeof *group + len + 1);
		memcpy(group->key, key, len + 1);
		TAILQ_INIT(&group->blocked);
		HASH_ADD_STR(*groups, key, group);
	}
	group->jobs++;
	return group;
}

static void put_card_key(const struct kube_operation *operation, char key[KEY_SIZE])
{
	struct json_text namespace = json_plain(json_get(operation->agent_card, "namespace"));
	struct json_text name = json_plain(json_get(operation->agent_card, "name"));
	key[0] = '\0';
	if (namespace.at != NULL && namespace.len < 64 && name.at != NULL && name.len < 254)
		snprintf(key, KEY_SIZE, "%.*s/%.*s", (int)namespace.len, namespace.at,
		         (int)name.len, name.at);
}

void kube_group_join(struct kube_group **groups, struct kube_job *job)
{
	const struct kube_operation *operation = &job->now.operation;
	char key[KEY_SIZE];
	if (operation->status)
		return;
	put_card_key(operation, key);
	if (key[0] != '\0')
		job->card = find_or_make(groups, key);
	if (operation->id.namespace.at == NULL)
		return;
	snprintf(key, sizeof key, "%.*s", (int)operation->id.namespace.len,
	         operation->id.namespace.at);
	job->namespace = find_or_make(groups, key);
}

void kube_group_leave(struct kube_group **groups, struct kube_group *group)
{
	if (group == NULL || --group->jobs > 0)
		return;
	HASH_DEL(*groups, group);
	free(group);
}

static bool is_default_deny(const struct kube_operation *operation)
{
	return operation->type == KUBE_APPLY && json_equals(operation->reason, "DefaultDeny");
}

static void add(size_t *count, int by)
{
	*count = by < 0 ? *count - 1 : *count + 1;
}

void kube_group_count(struct kube_job *job, enum kube_job_state state, int by)
{
	if (job->now.text == NULL || job->now.operation.type != KUBE_APPLY)
		return;
	bool pending = state == KUBE_JOB_READY || state == KUBE_JOB_RUNNING ||
	               state == KUBE_JOB_WAITING;
	if (job->card != NULL && pending)
		add(&job->card->pending, by);
	if (job->card != NULL && state == KUBE_JOB_REFUSED)
		add(&job->card->refused, by);
	if (job->namespace != NULL && pending && !is_default_deny(&job->now.operation))
		add(&job->namespace->pending, by);
}

struct kube_group *kube_group_to_wait_for(const struct kube_job *job)
{
	const struct kube_operation *operation = &job->now.operation;
	if (operation->type == KUBE_DELETE && job->card != NULL &&
	    job->card->pending + job->card->refused > 0)
		return job->card;
	if (is_default_deny(operation) && job->namespace != NULL && job->namespace->pending > 0)
		return job->namespace;
	return NULL;
}
