#include "json/write.h"
#include "policy/quarantine.h"
#include "targets/target.h"

static void put_label(struct json_buffer *out, const char *key, const char *value)
{
	json_put_key(out, key);
	json_put_string(out, value);
}

/* No card owns it, so that it outlives the card; and who prunes knows it by its label. */
void policy_quarantine_put(const struct policy_workload *workload,
                           struct policy_manifests *manifests)
{
	char name[POLICY_NAME_SIZE];
	policy_quarantine_name(name, workload->kind, workload->name);
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_networkpolicy, name);
	json_puts(out, "\"metadata\":{");
	put_label(out, "name", name);
	put_label(out, "namespace", workload->namespace->name);
	json_puts(out, ",\"labels\":{");
	put_label(out, "app.kubernetes.io/managed-by", POLICY_MANAGER);
	put_label(out, "managed-by", POLICY_MANAGER);
	put_label(out, POLICY_QUARANTINE_LABEL, "true");
	json_puts(out, "}},\"spec\":{\"podSelector\":");
	json_puts(out, workload->selector);
	json_puts(out, ",\"policyTypes\":[\"Ingress\",\"Egress\"],\"ingress\":[],\"egress\":[]}}");
	policy_manifest_end(manifests);
}
