/* Policies of every kind: which are seen, asked for again, deleted, and in which order when the
 * target changes. The targets here are pretended; what renderers write is tested elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/inventory.h"
#include "targets/target.h"
#include "translate/translator.h"

/* An agent's object says the mode of its egress, and where `pair` is set, so does one more. */
static const struct k8s_kind *first, *pair;

static void put(const struct policy_inventory *inventory, struct policy_decision *decision,
                struct policy_manifests *manifests, const struct k8s_kind *kind,
                const char *name)
{
	struct json_buffer *out = policy_manifest_begin(manifests, kind, name);
	policy_metadata_put(inventory, decision, manifests);
	json_putf(out, ",\"spec\":{\"mode\":\"%s\"}}", policy_mode_words[decision->mode]);
	policy_manifest_end(manifests);
}

static void render(const struct policy_inventory *inventory, struct policy_decision *decision,
                   struct policy_manifests *manifests)
{
	put(inventory, decision, manifests, first, decision->workload->object->name);
	if (pair != NULL && decision->mode != POLICY_MODE_DENY_ALL)
		put(inventory, decision, manifests, pair, decision->workload->object->name);
}

static void render_namespace(const struct policy_inventory *inventory, const struct policy_namespace *namespace,
                         struct policy_decision *const decisions[], size_t count,
                         struct policy_problems *problems, struct policy_manifests *manifests)
{
	(void)decisions;
	(void)problems;
	if (count == 0)
		return;
	struct json_buffer *out =
		policy_manifest_begin(manifests, &policy_kind_egressfirewall, "default");
	policy_namespace_metadata_put(inventory, namespace, manifests);
	json_putf(out, ",\"spec\":{\"agents\":%zu}}", count);
	policy_manifest_end(manifests);
}

struct scene {
	struct policy_target target;
	struct policy_settings settings;
	struct policy_translator *translator;
	char said[2048];        /* "APPLY Kind ns/name;…" since it was last looked at */
	char line[8192];        /* the last operation */
	char object[16][4096];  /* of the APPLY operations since, in order */
	size_t objects;
};

static void on_line(void *context, struct json_text line)
{
	struct scene *s = context;
	struct json_text object = json_get(line, "object"), type = json_plain(json_get(line, "type"));
	struct json_text kind = json_plain(json_get(object, "kind"));
	struct json_text namespace = json_plain(json_get(object, "metadata", "namespace"));
	struct json_text name = json_plain(json_get(object, "metadata", "name"));
	if (json_equals(json_get(line, "type"), "BOOKMARK") ||
	    json_equals(json_get(line, "type"), "AGENT"))
		return;
	size_t at = strlen(s->said);
	snprintf(s->said + at, sizeof s->said - at, "%.*s %.*s %.*s%s%.*s;", (int)type.len, type.at,
	         (int)kind.len, kind.at, (int)namespace.len, namespace.at == NULL ? "" : namespace.at,
	         namespace.at == NULL ? "" : "/", (int)name.len, name.at);
	snprintf(s->line, sizeof s->line, "%.*s", (int)line.len, line.at);
	if (json_equals(json_get(line, "type"), "APPLY") && s->objects < 16)
		snprintf(s->object[s->objects++], sizeof s->object[0], "%.*s", (int)object.len,
		         object.at);
}

static void start(struct scene *s, const struct k8s_kind *kind, const struct k8s_kind *more,
                  bool namespace_wide)
{
	static const char *const none[] = {NULL};
	*s = (struct scene){0};
	first = kind;
	pair = more;
	s->target = (struct policy_target){.word = kind->target, .kind = kind, .render = render};
	if (namespace_wide)
		s->target.render_namespace = render_namespace;
	s->settings = (struct policy_settings){.names = policy_names(POLICY_NAMES_KAGENTI),
	                                       .ingress_namespaces = none,
	                                       .api_server = none,
	                                       .api_server_port = POLICY_PORT_DEFAULT};
	s->translator = policy_translator_new(&s->settings, &s->target, (struct policy_output){on_line, s});
}

__attribute__((format(printf, 2, 3))) static void take(struct scene *s, const char *format, ...)
{
	char line[8192];
	va_list list;
	va_start(list, format);
	vsnprintf(line, sizeof line, format, list);
	va_end(list);
	assert_true(json_check(json_of(line), &json_record_limits, NULL));
	assert_null(policy_translator_take(s->translator, json_of(line), json_of(line)));
}

#define SAYS(scene, words) \
	do { \
		assert_string_equal((scene)->said, words); \
		(scene)->said[0] = '\0'; \
		(scene)->objects = 0; \
	} while (0)

static void card(struct scene *s, const char *type, const char *namespace, const char *name,
                 const char *policy)
{
	take(s, "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"agent.kagenti.dev/v1alpha1\","
	        "\"kind\":\"AgentCard\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\","
	        "\"uid\":\"u-%s\"},\"spec\":{\"targetRef\":{\"kind\":\"Deployment\",\"name\":\"%s\"},"
	        "\"networkPolicy\":%s}},\"verification\":{\"verified\":true,\"reason\":\"Verified\"}}",
	     type, name, namespace, name, name, policy);
}

static void workload(struct scene *s, const char *namespace, const char *name)
{
	take(s, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	        "\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},"
	        "\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"%s\"}}}}}",
	     name, namespace, name);
}

static void mark(struct scene *s, const char *which, const char *api_version, const char *kind)
{
	take(s, "{\"type\":\"BOOKMARK\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\","
	        "\"metadata\":{\"annotations\":{\"%s\":\"true\"}}}}",
	     api_version, kind,
	     which[0] == 'b' ? "agent-egress.dev/initial-events-begin"
	                     : "k8s.io/initial-events-end");
}

static void known(struct scene *s)
{
	mark(s, "end", "agent.kagenti.dev/v1alpha1", "AgentCard");
}

/* An object as the server shows it, once its first `from` reads `to`. */
static void seen(struct scene *s, const char *type, const char *object, const char *from,
                 const char *to)
{
	const char *at = strstr(object, from);
	assert_non_null(at);
	take(s, "{\"type\":\"%s\",\"object\":%.*s%s%s}", type, (int)(at - object), object, to,
	     at + strlen(from));
}

/* What an earlier run asked of the server. */
static void earlier(char object[4096], const struct k8s_kind *kind, const char *policy)
{
	static struct scene s;
	start(&s, kind, NULL, false);
	workload(&s, "a", "w");
	card(&s, "ADDED", "a", "w", policy);
	known(&s);
	memcpy(object, s.object[0], 4096);
	policy_translator_free(s.translator);
}

/* One that is a NetworkPolicy tells which pods it selects. */
static void earlier_networkpolicy(char object[4096])
{
	char plain[4096];
	earlier(plain, &policy_kind_networkpolicy, "{}");
	char *at = strstr(plain, "\"spec\":{");
	assert_non_null(at);
	snprintf(object, 4096, "%.*s\"spec\":{\"podSelector\":{\"matchLabels\":{\"app\":\"w\"}},%s",
	         (int)(at - plain), plain, at + strlen("\"spec\":{"));
}

static struct scene scene;

static void test_drift_is_repaired(void **state)
{
	(void)state;
	char object[4096];
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	mark(&scene, "begin", "cilium.io/v2", "CiliumNetworkPolicy");
	mark(&scene, "end", "cilium.io/v2", "CiliumNetworkPolicy");
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(object, scene.object[0], sizeof object);
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	seen(&scene, "ADDED", object, "{", "{");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "allow-all", "wider");
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	seen(&scene, "MODIFIED", object, "{", "{");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "agent-egress", "somebody");
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	seen(&scene, "DELETED", object, "{", "{");
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	policy_translator_free(scene.translator);
}

static void test_rules_beside_spec_are_drift(void **state)
{
	(void)state;
	char object[4096];
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(object, scene.object[0], sizeof object);
	scene.said[0] = '\0';
	seen(&scene, "ADDED", object, "\"spec\"", "\"specs\":[{\"egress\":[{}]}],\"spec\"");
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	policy_translator_free(scene.translator);
}

/* A server that sets a field which is not asked for is asked once for each change, not for
 * ever; and the tier that Calico sets is none. */
static void test_what_the_server_adds(void **state)
{
	(void)state;
	char object[4096];
	start(&scene, &policy_kind_globalnetworkpolicy, NULL, false);
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(object, scene.object[0], sizeof object);
	scene.said[0] = '\0';
	seen(&scene, "ADDED", object, "\"spec\":{", "\"spec\":{\"tier\":\"default\",");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "\"spec\":{", "\"status\":{\"x\":1},\"spec\":{");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "\"spec\":{", "\"spec\":{\"tier\":\"other\",");
	assert_non_null(strstr(scene.said, "APPLY"));
	for (int i = 0; i < 3; i++) {
		scene.said[0] = '\0';
		seen(&scene, "MODIFIED", object, "\"spec\":{", "\"spec\":{\"more\":1,");
		char *once = strstr(scene.said, "APPLY");
		assert_non_null(once);
		assert_null(strstr(once + 1, "APPLY"));
	}
	policy_translator_free(scene.translator);
}

static void test_unwanted_is_deleted(void **state)
{
	(void)state;
	start(&scene, &policy_kind_networkpolicy, NULL, false);
	mark(&scene, "begin", "cilium.io/v2", "CiliumNetworkPolicy");
	take(&scene, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"cilium.io/v2\",\"kind\":"
	             "\"CiliumNetworkPolicy\",\"metadata\":{\"name\":\"old\",\"namespace\":\"a\","
	             "\"labels\":{\"app.kubernetes.io/managed-by\":\"agent-egress\"}}}}");
	take(&scene, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"cilium.io/v2\",\"kind\":"
	             "\"CiliumNetworkPolicy\",\"metadata\":{\"name\":\"theirs\",\"namespace\":\"a\"}}}");
	take(&scene, "{\"type\":\"ADDED\",\"object\":{\"apiVersion\":\"projectcalico.org/v3\",\"kind\":"
	             "\"GlobalNetworkPolicy\",\"metadata\":{\"name\":\"old\","
	             "\"labels\":{\"app.kubernetes.io/managed-by\":\"agent-egress\"}}}}");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	SAYS(&scene, ""); /* a list is not complete */
	mark(&scene, "end", "cilium.io/v2", "CiliumNetworkPolicy");
	assert_non_null(strstr(scene.said, "DELETE CiliumNetworkPolicy a/old;"));
	assert_non_null(strstr(scene.said, "DELETE GlobalNetworkPolicy old;"));
	assert_null(strstr(scene.said, "theirs"));
	policy_translator_free(scene.translator);
}

static void test_cluster_scoped(void **state)
{
	(void)state;
	char object[4096], name[POLICY_NAME_SIZE], wanted[600];
	start(&scene, &policy_kind_globalnetworkpolicy, NULL, false);
	mark(&scene, "begin", "projectcalico.org/v3", "GlobalNetworkPolicy");
	mark(&scene, "end", "projectcalico.org/v3", "GlobalNetworkPolicy");
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	policy_cluster_name(name, "a", "w-signature-policy");
	assert_null(strchr(name, '.'));
	assert_memory_equal(name, "a-w-", 4);
	snprintf(wanted, sizeof wanted, "APPLY GlobalNetworkPolicy %s;", name);
	memcpy(object, scene.object[0], sizeof object);
	assert_null(strstr(object, "ownerReferences"));
	SAYS(&scene, wanted);
	seen(&scene, "ADDED", object, "{", "{");
	seen(&scene, "MODIFIED", object, "agentcard-namespace\":\"a\"", "agentcard-namespace\":\"b\"");
	SAYS(&scene, wanted);
	seen(&scene, "DELETED", object, "{", "{");
	SAYS(&scene, wanted);
	card(&scene, "DELETED", "a", "w", "{}");
	snprintf(wanted, sizeof wanted, "DELETE GlobalNetworkPolicy %s;", name);
	SAYS(&scene, wanted);
	assert_true(json_equals(json_get(json_of(scene.line), "agentCard", "namespace"), "a"));
	policy_translator_free(scene.translator);
	/* one from before, of a card that has gone meanwhile */
	start(&scene, &policy_kind_globalnetworkpolicy, NULL, false);
	seen(&scene, "ADDED", object, "{", "{");
	workload(&scene, "b", "w");
	card(&scene, "ADDED", "b", "w", "{}");
	known(&scene);
	assert_non_null(strstr(scene.said, wanted));
	policy_translator_free(scene.translator);
}

static void test_cluster_names(void **state)
{
	(void)state;
	char a[POLICY_NAME_SIZE], b[POLICY_NAME_SIZE], namespace[64], plain[POLICY_NAME_SIZE];
	policy_cluster_name(a, "a-b", "c-signature-policy");
	policy_cluster_name(b, "a", "b-c-signature-policy");
	assert_string_not_equal(a, b);
	policy_cluster_name(b, "a-b", "c.d-signature-policy");
	policy_cluster_name(a, "a-b", "c-d-signature-policy");
	assert_string_not_equal(a, b);
	assert_null(strchr(b, '.'));
	memset(namespace, 's', 63);
	namespace[63] = '\0';
	memset(plain, 'p', 253);
	plain[253] = '\0';
	policy_cluster_name(a, namespace, plain);
	assert_true(strlen(a) == 253 && policy_is_subdomain(json_of(a)));
	plain[252] = 'q';
	policy_cluster_name(b, namespace, plain);
	assert_string_not_equal(a, b);
}

/* Nothing that limits an agent is deleted before what replaces it is there. */
static void test_change_of_target(void **state)
{
	(void)state;
	char old[4096], new[4096];
	earlier_networkpolicy(old);
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	mark(&scene, "begin", "cilium.io/v2", "CiliumNetworkPolicy");
	mark(&scene, "end", "cilium.io/v2", "CiliumNetworkPolicy");
	seen(&scene, "ADDED", old, "{", "{");
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(new, scene.object[0], sizeof new);
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	seen(&scene, "ADDED", new, "allow-all", "other"); /* not yet as asked */
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	seen(&scene, "MODIFIED", old, "{", "{");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", new, "{", "{");
	SAYS(&scene, "DELETE NetworkPolicy a/w-signature-policy;");
	seen(&scene, "DELETED", old, "{", "{");
	SAYS(&scene, "");
	policy_translator_free(scene.translator);
}

static void test_change_of_target_and_card_goes(void **state)
{
	(void)state;
	char old[4096];
	earlier_networkpolicy(old);
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	mark(&scene, "begin", "cilium.io/v2", "CiliumNetworkPolicy");
	mark(&scene, "end", "cilium.io/v2", "CiliumNetworkPolicy");
	seen(&scene, "ADDED", old, "{", "{");
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;");
	card(&scene, "DELETED", "a", "w", "{}");
	assert_non_null(strstr(scene.said, "DELETE NetworkPolicy a/w-signature-policy;"));
	assert_non_null(strstr(scene.said, "DELETE CiliumNetworkPolicy a/w-signature-policy;"));
	policy_translator_free(scene.translator);
}

/* A log that tells nothing of the new kind: what was asked for is taken for done. */
static void test_change_of_target_unwatched(void **state)
{
	(void)state;
	char old[4096];
	earlier_networkpolicy(old);
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	seen(&scene, "ADDED", old, "{", "{");
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;"
	             "DELETE NetworkPolicy a/w-signature-policy;");
	policy_translator_free(scene.translator);
}

/* The workload is not there, but its pods may be. */
static void test_change_of_target_without_workload(void **state)
{
	(void)state;
	char old[4096];
	earlier_networkpolicy(old);
	start(&scene, &policy_kind_ciliumnetworkpolicy, NULL, false);
	seen(&scene, "ADDED", old, "{", "{");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	SAYS(&scene, "APPLY CiliumNetworkPolicy a/w-signature-policy;"
	             "DELETE NetworkPolicy a/w-signature-policy;");
	policy_translator_free(scene.translator);

	earlier(old, &policy_kind_globalnetworkpolicy, "{}"); /* which tells no selector */
	start(&scene, &policy_kind_networkpolicy, NULL, false);
	seen(&scene, "ADDED", old, "{", "{");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	SAYS(&scene, "");
	workload(&scene, "a", "w");
	assert_non_null(strstr(scene.said, "APPLY NetworkPolicy a/w-signature-policy;DELETE Global"));
	policy_translator_free(scene.translator);
}

/* What a target needs beside the agent's first object. */
static void test_extra_objects(void **state)
{
	(void)state;
	char object[4096];
	start(&scene, &policy_kind_sidecar, &policy_kind_serviceentry, false);
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(object, scene.object[1], sizeof object);
	SAYS(&scene, "APPLY Sidecar a/w-signature-policy;APPLY ServiceEntry a/w-signature-policy;");
	seen(&scene, "ADDED", object, "{", "{");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "allow-all", "other");
	SAYS(&scene, "APPLY ServiceEntry a/w-signature-policy;");
	seen(&scene, "DELETED", object, "{", "{");
	SAYS(&scene, "APPLY ServiceEntry a/w-signature-policy;");
	card(&scene, "MODIFIED", "a", "w", "{\"egress\":[]}");
	SAYS(&scene, "APPLY Sidecar a/w-signature-policy;DELETE ServiceEntry a/w-signature-policy;");
	card(&scene, "DELETED", "a", "w", "{}");
	SAYS(&scene, "DELETE Sidecar a/w-signature-policy;");
	policy_translator_free(scene.translator);
}

static void test_objects_of_a_namespace(void **state)
{
	(void)state;
	char object[4096];
	start(&scene, &policy_kind_networkpolicy, NULL, true);
	workload(&scene, "a", "w");
	card(&scene, "ADDED", "a", "w", "{}");
	known(&scene);
	memcpy(object, scene.object[1], sizeof object);
	SAYS(&scene, "APPLY NetworkPolicy a/w-signature-policy;APPLY EgressFirewall a/default;");
	seen(&scene, "ADDED", object, "{", "{");
	seen(&scene, "MODIFIED", object, "\"spec\"", "\"status\":{},\"spec\"");
	SAYS(&scene, "");
	seen(&scene, "MODIFIED", object, "\"agents\":1", "\"agents\":2");
	SAYS(&scene, "APPLY EgressFirewall a/default;");
	seen(&scene, "DELETED", object, "{", "{");
	SAYS(&scene, "APPLY EgressFirewall a/default;");
	card(&scene, "DELETED", "a", "w", "{}");
	assert_non_null(strstr(scene.said, "DELETE EgressFirewall a/default;"));
	policy_translator_free(scene.translator);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; policy_targets[i] != NULL; i++) {
		bool found = false;
		for (size_t k = 0; policy_kinds[k] != NULL; k++)
			found = found || strcmp(policy_kinds[k]->target, policy_target_words[i]) == 0;
		assert_true(found);
		assert_string_equal(policy_targets[i]->word, policy_target_words[i]);
	}
	assert_ptr_equal(policy_kind_of(json_of("cilium.io/v2"), json_of("CiliumNetworkPolicy")),
	                 &policy_kind_ciliumnetworkpolicy);
	assert_ptr_equal(policy_kind_of(json_of("networking.istio.io/v1beta1"), json_of("Sidecar")),
	                 &policy_kind_sidecar);
	assert_null(policy_kind_of(json_of("cilium.io.evil/v2"), json_of("CiliumNetworkPolicy")));
	assert_null(policy_kind_of(json_of("projectcalico.org/v3"), json_of("NetworkPolicy")));
	assert_null(policy_kind_of(json_of("v1"), json_of("NetworkPolicy")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_drift_is_repaired),
		cmocka_unit_test(test_rules_beside_spec_are_drift),
		cmocka_unit_test(test_what_the_server_adds),
		cmocka_unit_test(test_unwanted_is_deleted),
		cmocka_unit_test(test_cluster_scoped),
		cmocka_unit_test(test_cluster_names),
		cmocka_unit_test(test_change_of_target),
		cmocka_unit_test(test_change_of_target_and_card_goes),
		cmocka_unit_test(test_change_of_target_unwatched),
		cmocka_unit_test(test_change_of_target_without_workload),
		cmocka_unit_test(test_extra_objects),
		cmocka_unit_test(test_objects_of_a_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
