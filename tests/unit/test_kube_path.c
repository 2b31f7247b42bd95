/* Which objects are applied, and where: no record reaches another API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/path.h"

/* "" when nothing of that kind is applied. */
static const char *path_of(const char *api_version, const char *kind, const char *namespace)
{
	static char text[512];
	struct json_buffer line = {0}, path = {0};
	struct kube_identity id;
	text[0] = '\0';
	json_putf(&line, "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"x\"", api_version, kind);
	if (namespace != NULL)
		json_putf(&line, ",\"namespace\":\"%s\"", namespace);
	json_puts(&line, "}}");
	assert_null(k8s_object_identify(json_buffer_text(&line), &id));
	const struct k8s_kind *found = kube_kind_of(&id);
	if (found != NULL) {
		kube_kind_path(found, &id, &path);
		snprintf(text, sizeof text, "%.*s", (int)path.len, path.at);
	}
	json_buffer_free(&path);
	json_buffer_free(&line);
	return text;
}

static void a_policy_and_the_agentcards_of_both_operators_are_applied(void **state)
{
	(void)state;
	assert_string_equal(path_of("networking.k8s.io/v1", "NetworkPolicy", "a"),
	                    "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/x");
	assert_string_equal(path_of("agent.kagenti.dev/v1alpha1", "AgentCard", "a"),
	                    "/apis/agent.kagenti.dev/v1alpha1/namespaces/a/agentcards/x");
	assert_string_equal(path_of("agent.rossoctl.dev/v1alpha1", "AgentCard", "a"),
	                    "/apis/agent.rossoctl.dev/v1alpha1/namespaces/a/agentcards/x");
	assert_string_equal(path_of("projectcalico.org/v3", "GlobalNetworkPolicy", NULL),
	                    "/apis/projectcalico.org/v3/globalnetworkpolicies/x");
}

static void nothing_else_is(void **state)
{
	(void)state;
	static const char *const others[][3] = {
		{"rbac.authorization.k8s.io/v1", "Role", "a"},
		{"v1", "Secret", "a"},
		{"v1", "NetworkPolicy", "a"},
		{"networking.k8s.io/v1", "Ingress", "a"},
		{"agent.kagenti.dev/v1alpha1", "AgentCards", "a"},
		{"agent.kagenti.dev/v1alpha1", "AgentCar", "a"},
		{"agent.kagenti.de/v1alpha1", "AgentCard", "a"},
		{"agent.kagenti.devs/v1alpha1", "AgentCard", "a"},
		{"apps/v1", "AgentCard", "a"},
		/* a namespace that is missing, and one too many */
		{"networking.k8s.io/v1", "NetworkPolicy", NULL},
		{"agent.kagenti.dev/v1alpha1", "AgentCard", NULL},
		{"projectcalico.org/v3", "GlobalNetworkPolicy", "a"},
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_string_equal(path_of(others[i][0], others[i][1], others[i][2]), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_and_the_agentcards_of_both_operators_are_applied),
		cmocka_unit_test(nothing_else_is),
	};
	return cmocka_run_group_tests_name("kube_path", tests, NULL, NULL);
}
