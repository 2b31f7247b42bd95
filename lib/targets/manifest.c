#include "targets/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/write.h"

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

struct json_buffer *policy_manifest_begin(struct policy_manifests *manifests,
                                          const struct k8s_kind *kind, const char *name)
{
	if (manifests->count == manifests->size) {
		manifests->size = manifests->size == 0 ? 4 : manifests->size * 2;
		manifests->items =
		        realloc(manifests->items, manifests->size * sizeof *manifests->items);
		if (manifests->items == NULL)
			abort();
	}
	struct policy_manifest *manifest = &manifests->items[manifests->count++];
	*manifest = (struct policy_manifest){.kind = kind, .at = manifests->text.len};
	snprintf(manifest->name, sizeof manifest->name, "%s", name);
	json_putc(&manifests->text, '{');
	json_put_key(&manifests->text, "apiVersion");
	policy_kind_put_version(kind, &manifests->text);
	put_member(&manifests->text, "kind", kind->kind);
	json_putc(&manifests->text, ',');
	return &manifests->text;
}

void policy_manifest_end(struct policy_manifests *manifests)
{
	struct policy_manifest *manifest = &manifests->items[manifests->count - 1];
	manifest->len = manifests->text.len - manifest->at;
}

struct json_text policy_manifest_text(const struct policy_manifests *manifests, size_t index)
{
	const struct policy_manifest *manifest = &manifests->items[index];
	return (struct json_text){manifests->text.at + manifest->at, manifest->len};
}

void policy_manifests_clear(struct policy_manifests *manifests)
{
	manifests->text.len = 0;
	manifests->count = 0;
}

void policy_manifests_free(struct policy_manifests *manifests)
{
	json_buffer_free(&manifests->text);
	free(manifests->items);
	*manifests = (struct policy_manifests){0};
}

static void put_owner(const struct policy_card *card, struct json_buffer *out)
{
	json_puts(out, ",\"ownerReferences\":[{");
	put_member(out, "apiVersion", card->api_version);
	put_member(out, "kind", "AgentCard");
	put_member(out, "name", card->name);
	put_member(out, "uid", card->uid);
	json_puts(out, ",\"controller\":true,\"blockOwnerDeletion\":true}]");
}

/* Up to the labels that every object of ours has. */
static void put_identity(const struct policy_namespace *namespace, struct policy_manifests *manifests)
{
	const struct policy_manifest *manifest = &manifests->items[manifests->count - 1];
	struct json_buffer *out = &manifests->text;
	json_puts(out, "\"metadata\":{");
	put_member(out, "name", manifest->name);
	if (!manifest->kind->cluster_scoped)
		put_member(out, "namespace", namespace->name);
	json_puts(out, ",\"labels\":{");
	put_member(out, "app.kubernetes.io/managed-by", POLICY_MANAGER);
	put_member(out, "managed-by", POLICY_MANAGER);
}

void policy_metadata_put(const struct policy_inventory *inventory,
                         const struct policy_decision *decision, struct policy_manifests *manifests)
{
	const struct policy_names *names = inventory->settings->names;
	const struct policy_card *card = decision->owner;
	struct json_buffer *out = &manifests->text;
	char label[POLICY_LABEL_SIZE];
	bool cut = policy_label_value(label, card->name);
	put_identity(decision->workload->namespace, manifests);
	put_member(out, names->agentcard_label, label);
	if (manifests->items[manifests->count - 1].kind->cluster_scoped)
		put_member(out, names->namespace_label, card->namespace->name);
	put_member(out, names->policy_type_label, names->policy_type);
	json_putc(out, '}');
	if (cut || card->rules_digest[0] != '\0') {
		json_puts(out, ",\"annotations\":{");
		if (cut)
			put_member(out, names->agentcard_label, card->name);
		if (card->rules_digest[0] != '\0')
			put_member(out, POLICY_DIGEST_ANNOTATION, card->rules_digest);
		json_putc(out, '}');
	}
	if (card->uid[0] != '\0' && !manifests->items[manifests->count - 1].kind->cluster_scoped)
		put_owner(card, out);
	json_putc(out, '}');
}

void policy_namespace_metadata_put(const struct policy_inventory *inventory,
                               const struct policy_namespace *namespace, struct policy_manifests *manifests)
{
	struct json_buffer *out = &manifests->text;
	put_identity(namespace, manifests);
	put_member(out, inventory->settings->names->policy_type_label,
	           inventory->settings->names->policy_type);
	json_puts(out, "}}");
}
