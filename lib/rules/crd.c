#include "rules/crd.h"

#include <string.h>

#include "rules/schema_private.h"
#include "json/write.h"

/* Whether the definition that is being written has CEL rules. */
struct writing {
	struct json_buffer *out;
	bool cel;
};

static void put_schema(const struct writing *w, const struct policy_schema *schema, int depth);

/* A line `key: value` at a depth; without a value, what follows is below it. */
static void put_line(struct json_buffer *out, int depth, const char *key, const char *value)
{
	json_putf(out, "%*s%s:%s%s\n", depth * 2, "", key, value == NULL ? "" : " ",
	          value == NULL ? "" : value);
}

/* A YAML double-quoted scalar is what JSON calls a string. */
static void put_text(struct json_buffer *out, int depth, const char *key, const char *text)
{
	json_putf(out, "%*s%s: ", depth * 2, "", key);
	json_put_string(out, text);
	json_putc(out, '\n');
}

static void put_number(struct json_buffer *out, int depth, const char *key, size_t number)
{
	json_putf(out, "%*s%s: %zu\n", depth * 2, "", key, number);
}

static void put_rules(const struct writing *w, const struct policy_cel *rules, int depth)
{
	if (rules == NULL || !w->cel)
		return;
	put_line(w->out, depth, "x-kubernetes-validations", NULL);
	for (; rules->rule != NULL; rules++) {
		put_text(w->out, depth, "- rule", rules->rule);
		put_text(w->out, depth, "  message", rules->message);
	}
}

static void put_required(struct json_buffer *out, const struct policy_field *fields, int depth)
{
	bool any = false;
	for (const struct policy_field *field = fields; field->name != NULL; field++) {
		if (!field->required)
			continue;
		if (!any)
			put_line(out, depth, "required", NULL);
		any = true;
		json_putf(out, "%*s- %s\n", depth * 2, "", field->name);
	}
}

/* What is unknown is kept, so that it can be refused: pruned, a rule with `too` would be one for
 * everywhere. */
static void put_object(const struct writing *w, const struct policy_schema *schema, int depth)
{
	struct json_buffer *out = w->out;
	put_line(out, depth, "type", "object");
	put_line(out, depth, "x-kubernetes-preserve-unknown-fields", "true");
	put_required(out, schema->fields, depth);
	put_rules(w, schema->rules, depth);
	put_line(out, depth, "properties", NULL);
	for (const struct policy_field *field = schema->fields; field->name != NULL; field++) {
		put_line(out, depth + 1, field->name, NULL);
		put_text(out, depth + 2, "description", field->description);
		put_schema(w, field->schema, depth + 2);
	}
}

static void put_list(const struct writing *w, const struct policy_schema *schema, int depth)
{
	struct json_buffer *out = w->out;
	put_line(out, depth, "type", "array");
	if (schema->min > 0)
		put_number(out, depth, "minItems", schema->min);
	put_number(out, depth, "maxItems", schema->max);
	put_line(out, depth, "x-kubernetes-list-type", "atomic");
	put_line(out, depth, "items", NULL);
	put_schema(w, schema->items, depth + 1);
}

static void put_map(const struct writing *w, const struct policy_schema *schema, int depth)
{
	struct json_buffer *out = w->out;
	put_line(out, depth, "type", "object");
	put_number(out, depth, "maxProperties", schema->max);
	put_line(out, depth, "additionalProperties", NULL);
	put_schema(w, schema->items, depth + 1);
}

static void put_spelling(struct json_buffer *out, const struct policy_schema *schema, int depth)
{
	if (schema->min > 0)
		put_number(out, depth, "minLength", schema->min);
	put_number(out, depth, "maxLength", schema->max);
	if (schema->format != NULL)
		put_line(out, depth, "format", schema->format);
	if (schema->pattern != NULL)
		put_text(out, depth, "pattern", schema->pattern);
}

static void put_string(const struct writing *w, const struct policy_schema *schema, int depth)
{
	struct json_buffer *out = w->out;
	put_line(out, depth, "type", "string");
	put_rules(w, schema->rules, depth);
	if (schema->words == NULL) {
		put_spelling(out, schema, depth);
		return;
	}
	put_line(out, depth, "enum", NULL);
	for (size_t i = 0; schema->words[i] != NULL; i++)
		json_putf(out, "%*s- %s\n", depth * 2, "", schema->words[i]);
}

static void put_port_range(struct json_buffer *out, int depth)
{
	put_line(out, depth, "minimum", "1");
	put_line(out, depth, "maximum", "65535");
}

/* null is kept for the same reason: a server drops it where it is not nullable. */
static void put_schema(const struct writing *w, const struct policy_schema *schema, int depth)
{
	struct json_buffer *out = w->out;
	put_line(out, depth, "nullable", "true");
	switch (schema->type) {
	case POLICY_OBJECT:
		put_object(w, schema, depth);
		break;
	case POLICY_LIST:
		put_list(w, schema, depth);
		break;
	case POLICY_MAP:
		put_map(w, schema, depth);
		break;
	case POLICY_STRING:
		put_string(w, schema, depth);
		break;
	case POLICY_INTEGER:
		put_line(out, depth, "type", "integer");
		put_line(out, depth, "format", "int32");
		put_port_range(out, depth);
		break;
	case POLICY_INT_OR_STRING:
		put_line(out, depth, "anyOf", NULL);
		json_putf(out, "%*s- type: integer\n", depth * 2, "");
		json_putf(out, "%*s- type: string\n", depth * 2, "");
		put_line(out, depth, "x-kubernetes-int-or-string", "true");
		put_port_range(out, depth);
		put_spelling(out, schema, depth);
		break;
	}
}

/* What the operator defines, around what we do. */
static const char head[] =
        "  names:\n"
        "    kind: AgentCard\n"
        "    listKind: AgentCardList\n"
        "    plural: agentcards\n"
        "    shortNames:\n"
        "    - cards\n"
        "    singular: agentcard\n"
        "  scope: Namespaced\n"
        "  versions:\n"
        "  - name: v1alpha1\n"
        "    served: true\n"
        "    storage: true\n"
        "    subresources:\n"
        "      status: {}\n"
        "    additionalPrinterColumns:\n"
        "    - name: Protocol\n"
        "      type: string\n"
        "      description: Agent Protocol\n"
        "      jsonPath: .status.protocol\n"
        "    - name: Kind\n"
        "      type: string\n"
        "      description: Workload Kind\n"
        "      jsonPath: .spec.targetRef.kind\n"
        "    - name: Target\n"
        "      type: string\n"
        "      description: Target Workload\n"
        "      jsonPath: .spec.targetRef.name\n"
        "    - name: Agent\n"
        "      type: string\n"
        "      description: Agent Name\n"
        "      jsonPath: .status.card.name\n"
        "    - name: Verified\n"
        "      type: string\n"
        "      description: Identity Verified\n"
        "      jsonPath: .status.conditions[?(@.type=='Verified')].status\n"
        "    - name: Bound\n"
        "      type: boolean\n"
        "      description: Identity Bound\n"
        "      jsonPath: .status.bindingStatus.bound\n"
        "      priority: 1\n"
        "    - name: Synced\n"
        "      type: string\n"
        "      description: Sync Status\n"
        "      jsonPath: .status.conditions[?(@.type=='Synced')].status\n"
        "      priority: 1\n"
        "    - name: Egress\n"
        "      type: string\n"
        "      description: The egress that the agent gets\n"
        "      jsonPath: .status.networkPolicy.egress\n"
        "    - name: Reason\n"
        "      type: string\n"
        "      description: Why it gets this egress\n"
        "      jsonPath: .status.networkPolicy.reason\n"
        "      priority: 1\n"
        "    - name: Age\n"
        "      type: date\n"
        "      jsonPath: .metadata.creationTimestamp\n"
        "    schema:\n"
        "      openAPIV3Schema:\n"
        "        description: AgentCard binds an A2A agent card to the workload that serves it.\n"
        "        type: object\n"
        "        properties:\n"
        "          apiVersion:\n"
        "            type: string\n"
        "          kind:\n"
        "            type: string\n"
        "          metadata:\n"
        "            type: object\n"
        "          spec:\n"
        "            description: The desired state of the AgentCard.\n"
        "            type: object\n"
        "            x-kubernetes-preserve-unknown-fields: true\n"
        "            properties:\n"
        "              identityBinding:\n"
        "                description: How the SPIFFE identity is bound to the workload.\n"
        "                type: object\n"
        "                properties:\n"
        "                  strict:\n"
        "                    description: Whether a failed binding changes labels and policies.\n"
        "                    type: boolean\n"
        "                    default: false\n"
        "                  trustDomain:\n"
        "                    description: The trust domain that the agent's SPIFFE ID must have.\n"
        "                    type: string\n"
        "                    maxLength: 255\n"
        "                    pattern: ^[a-zA-Z0-9]([a-zA-Z0-9\\-\\.]*[a-zA-Z0-9])?$\n"
        "                x-kubernetes-preserve-unknown-fields: true\n"
        "              sigstoreVerification:\n"
        "                description: Constraints on Sigstore bundles, the operator's.\n"
        "                type: object\n"
        "                x-kubernetes-preserve-unknown-fields: true\n"
        "              syncPeriod:\n"
        "                description: How often the agent's card is fetched, such as 30s.\n"
        "                type: string\n"
        "                default: 30s\n"
        "              targetRef:\n"
        "                description: The workload that backs this agent.\n"
        "                type: object\n"
        "                required:\n"
        "                - apiVersion\n"
        "                - kind\n"
        "                - name\n"
        "                properties:\n"
        "                  apiVersion:\n"
        "                    type: string\n"
        "                    minLength: 1\n"
        "                  kind:\n"
        "                    type: string\n"
        "                    minLength: 1\n"
        "                  name:\n"
        "                    type: string\n"
        "                    minLength: 1\n"
        "              networkPolicy:\n"
        "                description: The egress that the agent may use once it is verified.\n";

static const char tail[] =
        "          status:\n"
        "            description: The observed state of the AgentCard.\n"
        "            type: object\n"
        "            x-kubernetes-preserve-unknown-fields: true\n"
        "            properties:\n"
        "              conditions:\n"
        "                description: Conditions of whoever judges the card, each by its type.\n"
        "                type: array\n"
        "                x-kubernetes-list-type: map\n"
        "                x-kubernetes-list-map-keys:\n"
        "                - type\n"
        "                items:\n"
        "                  type: object\n"
        "                  x-kubernetes-preserve-unknown-fields: true\n"
        "                  required:\n"
        "                  - type\n"
        "                  properties:\n"
        "                    type:\n"
        "                      type: string\n"
        "              networkPolicy:\n"
        "                description: The policy that agent-egress made of this card.\n"
        "                type: object\n"
        "                x-kubernetes-preserve-unknown-fields: true\n"
        "                properties:\n"
        "                  name:\n"
        "                    description: The policy's name, in this namespace.\n"
        "                    type: string\n"
        "                  mode:\n"
        "                    description: Whether the agent is verified, or a policy is made at "
        "all.\n"
        "                    type: string\n"
        "                    enum:\n"
        "                    - permissive\n"
        "                    - restrictive\n"
        "                    - none\n"
        "                  egress:\n"
        "                    description: The egress that the agent gets.\n"
        "                    type: string\n"
        "                    enum:\n"
        "                    - allow-all\n"
        "                    - scoped\n"
        "                    - deny-all\n"
        "                    - api-server\n"
        "                    - none\n"
        "                  reason:\n"
        "                    description: Why, in one word.\n"
        "                    type: string\n"
        "                  message:\n"
        "                    description: Why, in a sentence.\n"
        "                    type: string\n"
        "                  observedGeneration:\n"
        "                    description: The generation of the card that this is about.\n"
        "                    type: integer\n"
        "                    format: int64\n"
        "                  rulesDigest:\n"
        "                    description: The SHA-256 of the card's rules in normal form, in hexadecimal\n"
        "                      digits; absent when it has none.\n"
        "                    type: string\n"
        "                    maxLength: 64\n";

const char *const policy_crd_words[] = {"1.20", "1.31", NULL};

void policy_crd_put(struct json_buffer *out, const struct policy_names *names,
                    enum policy_crd_version version)
{
	enum { NETWORK_POLICY_DEPTH = 8 };
	const struct writing writing = {out, version >= POLICY_CRD_1_31};
	json_putf(out,
	          "# Written by `make manifests` from lib/rules/schema.c, for Kubernetes %s and "
	          "later.\n",
	          policy_crd_words[version]);
	json_puts(out, "apiVersion: apiextensions.k8s.io/v1\n"
	               "kind: CustomResourceDefinition\n"
	               "metadata:\n");
	json_putf(out, "  name: agentcards.%s\nspec:\n  group: %s\n", names->agentcard_group,
	          names->agentcard_group);
	json_puts(out, head);
	put_schema(&writing, &policy_network_policy_schema, NETWORK_POLICY_DEPTH);
	json_puts(out, tail);
}
