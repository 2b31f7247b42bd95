#include "targets/target.h"

/* networking.k8s.io/v1, which every CNI that enforces policies understands. */

void policy_networkpolicy_put(const struct policy_inventory *inventory,
                              const struct policy_decision *decision,
                              struct policy_manifests *manifests)
{
	struct json_buffer *out = policy_manifest_begin(manifests, &policy_kind_networkpolicy,
	                                                decision->workload->object->name);
	policy_metadata_put(inventory, decision, manifests);
	json_puts(out, ",\"spec\":{\"podSelector\":");
	json_puttext(out, decision->selector);
	json_puts(out, ",\"policyTypes\":[\"Ingress\",\"Egress\"],\"ingress\":");
	json_puttext(out, json_buffer_text(&decision->ingress));
	json_puts(out, ",\"egress\":");
	json_puttext(out, json_buffer_text(&decision->egress));
	json_puts(out, "}}");
	policy_manifest_end(manifests);
}

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	policy_networkpolicy_put(inventory, decision, manifests);
	policy_warn_of_names(decision,
	                     "a NetworkPolicy cannot express DNS names: these stay denied");
}

const struct policy_target policy_target_networkpolicy = {
        .word = "networkpolicy",
        .kind = &policy_kind_networkpolicy,
        .is_plain = true,
        .render = render,
};
