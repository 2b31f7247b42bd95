/* What each target writes of an agent's rules, word for word: the smallest rules that show each form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json/json.h"
#include "targets/target.h"
#include "translate/translator.h"

struct written {
	const char *name;
	const struct policy_target *target;
	const char *policy; /* spec.networkPolicy; NULL: the agent is not verified */
	bool whole;         /* what is said is "KIND SPEC" of each manifest, a line each; */
	const char *says;   /* else the first one's spec.egress; with ' for " */
};

#define PODS(selector) "{'egress':[{'to':[{'podSelector':" selector "}]}]}"
#define EXPRESSION(operator, values)                                                               \
	PODS("{'matchExpressions':[{'key':'app','operator':'" operator "'" values "}]}")
#define NAMESPACES "{'egress':[{'to':[{'namespaceSelector':{'matchLabels':{'env':'prod'}},"          \
	"'podSelector':{'matchLabels':{'app':'db'}}}],'ports':[{'port':5432}]}]}"
#define ALL_NAMESPACES "{'egress':[{'to':[{'namespaceSelector':{}}],'ports':[{'port':'http'},"       \
	"{'port':53,'protocol':'UDP'}]}]}"
#define NAMED_NAMESPACE "{'egress':[{'to':[{'namespaceSelector':{'matchLabels':{"                    \
	"'kubernetes.io/metadata.name':'shop'}}}],'ports':[{'port':8000,'endPort':8001}]}]}"
#define BLOCKS "{'egress':[{'to':[{'ipBlock':{'cidr':'192.0.2.0/24','except':['192.0.2.8/29']}},"    \
	"{'ipBlock':{'cidr':'2001:db8::/64'}}],'ports':[{'port':443},{'port':7,'protocol':'SCTP'}]}]}"
#define PORTS "{'egress':[{'ports':[{'port':443},{'port':8080,'endPort':8090,'protocol':'TCP'}]}]}"
#define MIXED "{'egress':[{'to':[{'ipBlock':{'cidr':'192.0.2.1/32'}},{'podSelector':{'matchLabels':{" \
	"'app':'db'}}}],'ports':[{'port':5432}]},{'to':[{'ipBlock':{'cidr':'198.51.100.0/24'}}]}]}"
#define DOMAINS "{'egress':[{'to':[{'ipBlock':{'cidr':'192.0.2.1/32'}}]}],'domains':[{'names':["      \
	"'api.example.com','*.example.org'],'ports':[{'port':443}]}]}"

static const struct written cases[] = {
	{"networkpolicy: an agent that is not verified", &policy_target_networkpolicy,
	 NULL, true,
	 "NetworkPolicy {'podSelector':{'matchLabels':{'app':'a'}},'policyTypes':['Ingress',"
	 "'Egress'],'ingress':[],'egress':[{'ports':[{'port':6443,'protocol':'TCP'}],"
	 "'to':[{'ipBlock':{'cidr':'10.0.0.1/32'}}]}]}"},
	{"networkpolicy: every rule", &policy_target_networkpolicy,
	 "{'egress':[{}]}", false,
	 "[{}]"},
	{"networkpolicy: blocks and an exception", &policy_target_networkpolicy,
	 BLOCKS, false,
	 "[{'ports':[{'port':443,'protocol':'TCP'},{'port':7,'protocol':'SCTP'}],"
	 "'to':[{'ipBlock':{'cidr':'192.0.2.0/24','except':['192.0.2.8/29']}},"
	 "{'ipBlock':{'cidr':'2001:db8::/64'}}]}]"},
	{"networkpolicy: names", &policy_target_networkpolicy,
	 DOMAINS, false,
	 "[{'to':[{'ipBlock':{'cidr':'192.0.2.1/32'}}]}]"},
	{"cilium: an agent that is not verified", &policy_target_cilium,
	 NULL, true,
	 "CiliumNetworkPolicy {'endpointSelector':{'matchLabels':{'k8s:app':'a'}},"
	 "'ingress':[{}],'egress':[{'toEntities':['kube-apiserver'],"
	 "'toPorts':[{'ports':[{'port':'6443','protocol':'TCP'}]}]},"
	 "{'toCIDRSet':[{'cidr':'10.0.0.1/32'}],'toPorts':[{'ports':[{'port':'6443',"
	 "'protocol':'TCP'}]}]}]}"},
	{"cilium: no rules", &policy_target_cilium,
	 "{'egress':[]}", true,
	 "CiliumNetworkPolicy {'endpointSelector':{'matchLabels':{'k8s:app':'a'}},"
	 "'ingress':[{'fromEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agen"
	 "ts','k8s:agent.kagenti.dev/signature-verified':'true'}}]}],'egress':[{}]}"},
	{"cilium: every rule", &policy_target_cilium,
	 "{'egress':[{}]}", false,
	 "[{'toEntities':['all']}]"},
	{"cilium: pods by a label", &policy_target_cilium,
	 PODS("{'matchLabels':{'app':'db'}}"), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents',"
	 "'k8s:app':'db'}}]}]"},
	{"cilium: all pods of the namespace", &policy_target_cilium,
	 PODS("{}"), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents'}}]}]"},
	{"cilium: one of two values", &policy_target_cilium,
	 EXPRESSION("In", ",'values':['a','b']"), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents'},"
	 "'matchExpressions':[{'key':'k8s:app','operator':'In','values':['a','b']}]}]}]"},
	{"cilium: none of two values", &policy_target_cilium,
	 EXPRESSION("NotIn", ",'values':['a','b']"), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents'},"
	 "'matchExpressions':[{'key':'k8s:app','operator':'NotIn','values':['a','b']}]}]}]"},
	{"cilium: a label that is there", &policy_target_cilium,
	 EXPRESSION("Exists", ""), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents'},"
	 "'matchExpressions':[{'key':'k8s:app','operator':'Exists'}]}]}]"},
	{"cilium: a label that is not", &policy_target_cilium,
	 EXPRESSION("DoesNotExist", ""), false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'agents'},"
	 "'matchExpressions':[{'key':'k8s:app','operator':'DoesNotExist'}]}]}]"},
	{"cilium: pods of namespaces", &policy_target_cilium,
	 NAMESPACES, false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.cilium.k8s.namespace.labels.env':'prod',"
	 "'k8s:app':'db'},'matchExpressions':[{'key':'k8s:io.kubernetes.pod.namespace',"
	 "'operator':'Exists'}]}],'toPorts':[{'ports':[{'port':'5432','protocol':'TCP'}]}]}]"},
	{"cilium: all namespaces and a named port", &policy_target_cilium,
	 ALL_NAMESPACES, false,
	 "[{'toEndpoints':[{'matchExpressions':[{'key':'k8s:io.kubernetes.pod.namespace',"
	 "'operator':'Exists'}]}],'toPorts':[{'ports':[{'port':'http','protocol':'TCP'},"
	 "{'port':'53','protocol':'UDP'}]}]}]"},
	{"cilium: a namespace by its name", &policy_target_cilium,
	 NAMED_NAMESPACE, false,
	 "[{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'shop'}}],"
	 "'toPorts':[{'ports':[{'port':'8000','protocol':'TCP','endPort':8001}]}]}]"},
	{"cilium: blocks and an exception", &policy_target_cilium,
	 BLOCKS, false,
	 "[{'toCIDRSet':[{'cidr':'192.0.2.0/24','except':['192.0.2.8/29']},"
	 "{'cidr':'2001:db8::/64'}],'toPorts':[{'ports':[{'port':'443','protocol':'TCP'},"
	 "{'port':'7','protocol':'SCTP'}]}]}]"},
	{"cilium: ports of anywhere", &policy_target_cilium,
	 PORTS, false,
	 "[{'toEntities':['all'],'toPorts':[{'ports':[{'port':'443','protocol':'TCP'},"
	 "{'port':'8080','protocol':'TCP','endPort':8090}]}]}]"},
	{"cilium: a block beside pods", &policy_target_cilium,
	 MIXED, false,
	 "[{'toCIDRSet':[{'cidr':'192.0.2.1/32'}],'toPorts':[{'ports':[{'port':'5432',"
	 "'protocol':'TCP'}]}]},{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespa"
	 "ce':'agents','k8s:app':'db'}}],'toPorts':[{'ports':[{'port':'5432',"
	 "'protocol':'TCP'}]}]},{'toCIDRSet':[{'cidr':'198.51.100.0/24'}]}]"},
	{"cilium: names", &policy_target_cilium,
	 DOMAINS, false,
	 "[{'toCIDRSet':[{'cidr':'192.0.2.1/32'}]},"
	 "{'toFQDNs':[{'matchName':'api.example.com'},{'matchPattern':'**.example.org'}],"
	 "'toPorts':[{'ports':[{'port':'443','protocol':'TCP'}]}]},"
	 "{'toEndpoints':[{'matchLabels':{'k8s:io.kubernetes.pod.namespace':'kube-system',"
	 "'k8s:k8s-app':'kube-dns'}}],'toPorts':[{'ports':[{'port':'53','protocol':'UDP'},"
	 "{'port':'53','protocol':'TCP'}],'rules':{'dns':[{'matchName':'api.example.com'},"
	 "{'matchPattern':'**.example.org'},{'matchName':'api.example.com.agents.svc.cluster.l"
	 "ocal'},{'matchPattern':'**.example.org.agents.svc.cluster.local'},"
	 "{'matchName':'api.example.com.svc.cluster.local'},"
	 "{'matchPattern':'**.example.org.svc.cluster.local'},"
	 "{'matchName':'api.example.com.cluster.local'},"
	 "{'matchPattern':'**.example.org.cluster.local'}]}}]}]"},
	{"calico: an agent that is not verified", &policy_target_calico,
	 NULL, true,
	 "GlobalNetworkPolicy {'tier':'default','order':1000,"
	 "'namespaceSelector':'projectcalico.org/name == 'agents'',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s' && app == 'a'',"
	 "'types':['Ingress','Egress'],'ingress':[],'egress':[{'action':'Allow',"
	 "'protocol':'TCP','destination':{'nets':['10.0.0.1/32'],'ports':[6443]}}]}"},
	{"calico: no rules", &policy_target_calico,
	 "{'egress':[]}", true,
	 "GlobalNetworkPolicy {'tier':'default','order':1000,"
	 "'namespaceSelector':'projectcalico.org/name == 'agents'',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s' && app == 'a'',"
	 "'types':['Ingress','Egress'],'ingress':[{'action':'Allow',"
	 "'source':{'namespaceSelector':'projectcalico.org/name == 'agents'',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s' && "
	 "agent.kagenti.dev/signature-verified == 'true''}}],'egress':[]}"},
	{"calico: every rule", &policy_target_calico,
	 "{'egress':[{}]}", false,
	 "[{'action':'Allow'}]"},
	{"calico: pods by a label", &policy_target_calico,
	 PODS("{'matchLabels':{'app':'db'}}"), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s' && app == 'db''}}]"},
	{"calico: all pods of the namespace", &policy_target_calico,
	 PODS("{}"), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s''}}]"},
	{"calico: one of two values", &policy_target_calico,
	 EXPRESSION("In", ",'values':['a','b']"), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s' && app in {'a', "
	 "'b'}'}}]"},
	{"calico: none of two values", &policy_target_calico,
	 EXPRESSION("NotIn", ",'values':['a','b']"), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s' && app not in {'a', "
	 "'b'}'}}]"},
	{"calico: a label that is there", &policy_target_calico,
	 EXPRESSION("Exists", ""), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s' && has(app)'}}]"},
	{"calico: a label that is not", &policy_target_calico,
	 EXPRESSION("DoesNotExist", ""), false,
	 "[{'action':'Allow','destination':{'namespaceSelector':'projectcalico.org/name == "
	 "'agents'','selector':'projectcalico.org/orchestrator == 'k8s' && !has(app)'}}]"},
	{"calico: pods of namespaces", &policy_target_calico,
	 NAMESPACES, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'namespaceSelector':'env == "
	 "'prod'','selector':'projectcalico.org/orchestrator == 'k8s' && app == 'db'',"
	 "'ports':[5432]}}]"},
	{"calico: all namespaces and a named port", &policy_target_calico,
	 ALL_NAMESPACES, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'namespaceSelector':'all()',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s'','ports':['http']}},"
	 "{'action':'Allow','protocol':'UDP','destination':{'namespaceSelector':'all()',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s'','ports':[53]}}]"},
	{"calico: a namespace by its name", &policy_target_calico,
	 NAMED_NAMESPACE, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'namespaceSelector':'kubernetes.i"
	 "o/metadata.name == 'shop'','selector':'projectcalico.org/orchestrator == 'k8s'',"
	 "'ports':['8000:8001']}}]"},
	{"calico: blocks and an exception", &policy_target_calico,
	 BLOCKS, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'nets':['2001:db8::/64'],"
	 "'ports':[443]}},{'action':'Allow','protocol':'SCTP',"
	 "'destination':{'nets':['2001:db8::/64'],'ports':[7]}},{'action':'Allow',"
	 "'protocol':'TCP','destination':{'nets':['192.0.2.0/24'],'notNets':['192.0.2.8/29'],"
	 "'ports':[443]}},{'action':'Allow','protocol':'SCTP',"
	 "'destination':{'nets':['192.0.2.0/24'],'notNets':['192.0.2.8/29'],'ports':[7]}}]"},
	{"calico: ports of anywhere", &policy_target_calico,
	 PORTS, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'ports':[443,'8080:8090']}}]"},
	{"calico: a block beside pods", &policy_target_calico,
	 MIXED, false,
	 "[{'action':'Allow','protocol':'TCP','destination':{'nets':['192.0.2.1/32'],"
	 "'ports':[5432]}},{'action':'Allow','protocol':'TCP',"
	 "'destination':{'namespaceSelector':'projectcalico.org/name == 'agents'',"
	 "'selector':'projectcalico.org/orchestrator == 'k8s' && app == 'db'',"
	 "'ports':[5432]}},{'action':'Allow','destination':{'nets':['198.51.100.0/24']}}]"},
	{"calico: names", &policy_target_calico,
	 DOMAINS, false,
	 "[{'action':'Allow','destination':{'nets':['192.0.2.1/32']}}]"},
	{"ovn: an agent that is not verified", &policy_target_ovn,
	 NULL, true,
	 "NetworkPolicy {'podSelector':{'matchLabels':{'app':'a'}},'policyTypes':['Ingress',"
	 "'Egress'],'ingress':[],'egress':[{'ports':[{'port':6443,'protocol':'TCP'}],"
	 "'to':[{'ipBlock':{'cidr':'10.0.0.1/32'}}]}]}"},
	{"ovn: all namespaces and a named port", &policy_target_ovn,
	 ALL_NAMESPACES, false,
	 "[{'ports':[{'port':53,'protocol':'UDP'}],'to':[{'namespaceSelector':{}}]}]"},
	{"istio: an agent that is not verified", &policy_target_istio,
	 NULL, true,
	 "Sidecar {'egress':[{'hosts':['./d95a75822dff50129185ade29d2603f7.egress.invalid',"
	 "'default/kubernetes.default.svc.cluster.local']}],"
	 "'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}\nServiceEntry {'exportTo':['.'],"
	 "'hosts':['d95a75822dff50129185ade29d2603f7.egress.invalid'],"
	 "'location':'MESH_EXTERNAL','ports':[{'name':'tcp-6443','number':6443,"
	 "'protocol':'TCP'}],'resolution':'NONE','addresses':['10.0.0.1/32']}"},
	{"istio: no rules", &policy_target_istio,
	 "{'egress':[]}", true,
	 "Sidecar {'egress':[{'hosts':['~/*']}],'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY"
	 "'},'workloadSelector':{'labels':{'app':'a'}}}"},
	{"istio: every rule", &policy_target_istio,
	 "{'egress':[{}]}", true,
	 "Sidecar {'egress':[{'hosts':['*/*']}],'outboundTrafficPolicy':{'mode':'ALLOW_ANY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}"},
	{"istio: pods by a label", &policy_target_istio,
	 PODS("{'matchLabels':{'app':'db'}}"), true,
	 "Sidecar {'egress':[{'hosts':['~/*']}],'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY"
	 "'},'workloadSelector':{'labels':{'app':'a'}}}"},
	{"istio: blocks and an exception", &policy_target_istio,
	 BLOCKS, true,
	 "Sidecar {'egress':[{'hosts':['./03bfc3397daa4ca49c1a8aac55bc06ca.egress.invalid']}],"
	 "'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}\nServiceEntry {'exportTo':['.'],"
	 "'hosts':['03bfc3397daa4ca49c1a8aac55bc06ca.egress.invalid'],"
	 "'location':'MESH_EXTERNAL','ports':[{'name':'tcp-443','number':443,"
	 "'protocol':'TCP'}],'resolution':'NONE','addresses':['192.0.2.0/29','192.0.2.16/28',"
	 "'192.0.2.32/27','192.0.2.64/26','192.0.2.128/25','2001:db8::/64']}"},
	{"istio: ports of anywhere", &policy_target_istio,
	 PORTS, true,
	 "Sidecar {'egress':[{'hosts':['./32221ea6f24a1efd4589b2e946e9008a.egress.invalid']}],"
	 "'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}\nServiceEntry {'exportTo':['.'],"
	 "'hosts':['32221ea6f24a1efd4589b2e946e9008a.egress.invalid'],"
	 "'location':'MESH_EXTERNAL','ports':[{'name':'tcp-443','number':443,"
	 "'protocol':'TCP'},{'name':'tcp-8080','number':8080,'protocol':'TCP'},"
	 "{'name':'tcp-8081','number':8081,'protocol':'TCP'},{'name':'tcp-8082','number':8082,"
	 "'protocol':'TCP'},{'name':'tcp-8083','number':8083,'protocol':'TCP'},"
	 "{'name':'tcp-8084','number':8084,'protocol':'TCP'},{'name':'tcp-8085','number':8085,"
	 "'protocol':'TCP'},{'name':'tcp-8086','number':8086,'protocol':'TCP'},"
	 "{'name':'tcp-8087','number':8087,'protocol':'TCP'},{'name':'tcp-8088','number':8088,"
	 "'protocol':'TCP'},{'name':'tcp-8089','number':8089,'protocol':'TCP'},"
	 "{'name':'tcp-8090','number':8090,'protocol':'TCP'}],'resolution':'NONE',"
	 "'addresses':['0.0.0.0/0','::/0']}"},
	{"istio: a block beside pods", &policy_target_istio,
	 MIXED, true,
	 "Sidecar {'egress':[{'hosts':['./023459517c7da1a656fff82432ea2f8f.egress.invalid']}],"
	 "'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}\nServiceEntry {'exportTo':['.'],"
	 "'hosts':['023459517c7da1a656fff82432ea2f8f.egress.invalid'],"
	 "'location':'MESH_EXTERNAL','ports':[{'name':'tcp-5432','number':5432,"
	 "'protocol':'TCP'}],'resolution':'NONE','addresses':['192.0.2.1/32']}"},
	{"istio: names", &policy_target_istio,
	 DOMAINS, true,
	 "Sidecar {'egress':[{'hosts':['./api.example.com']}],"
	 "'outboundTrafficPolicy':{'mode':'REGISTRY_ONLY'},"
	 "'workloadSelector':{'labels':{'app':'a'}}}\nServiceEntry {'exportTo':['.'],"
	 "'hosts':['api.example.com'],'location':'MESH_EXTERNAL','ports':[{'name':'tls-443',"
	 "'number':443,'protocol':'TLS'}],'resolution':'DNS'}"},
};

static void ignore(void *context, struct json_text line)
{
	(void)context;
	(void)line;
}

static void feed(struct policy_translator *translator, const char *format, const char *part)
{
	struct json_buffer line = {0};
	for (const char *at = format; *at != '\0'; at++)
		if (*at == '@')
			json_puts(&line, part);
		else
			json_putc(&line, *at);
	for (size_t i = 0; i < line.len; i++)
		if (line.at[i] == '\'')
			line.at[i] = '"';
	struct json_text json = json_buffer_text(&line);
	assert_true(json_check(json, &json_record_limits, NULL));
	assert_null(policy_translator_take(translator, json, json));
	json_buffer_free(&line);
}

static struct policy_translator *agent_of(const struct written *written)
{
	static const char *const none[] = {NULL};
	const struct policy_settings settings = {
		.names = policy_names(POLICY_NAMES_KAGENTI),
		.ingress_namespaces = none,
		.api_server = none,
		.api_server_port = POLICY_PORT_ENDPOINTS,
		.no_wait = true,
	};
	struct policy_translator *translator = policy_translator_new(
		&settings, written->target, (struct policy_output){ignore, NULL});
	feed(translator,
	     "{'type':'ADDED','object':{'apiVersion':'v1','kind':'Endpoints','metadata':{'namespace':"
	     "'default','name':'kubernetes'},'subsets':[{'addresses':[{'ip':'10.0.0.1'}],'ports':[{"
	     "'name':'https','port':6443}]}]}}",
	     NULL);
	feed(translator,
	     "{'type':'ADDED','object':{'apiVersion':'apps/v1','kind':'Deployment','metadata':{"
	     "'namespace':'agents','name':'a'},'spec':{'selector':{'matchLabels':{'app':'a'}}}}}",
	     NULL);
	feed(translator,
	     "{'type':'ADDED','object':{'apiVersion':'agent.kagenti.dev/v1alpha1','kind':'AgentCard',"
	     "'metadata':{'namespace':'agents','name':'a','uid':'u'},'spec':{'targetRef':{'kind':"
	     "'Deployment','name':'a'},'networkPolicy':@}},'verification':{'verified':true}}",
	     written->policy == NULL ? "null" : written->policy);
	if (written->policy == NULL)
		feed(translator,
		     "{'type':'MODIFIED','object':{'apiVersion':'agent.kagenti.dev/v1alpha1','kind':"
		     "'AgentCard','metadata':{'namespace':'agents','name':'a','uid':'u'},'spec':{"
		     "'targetRef':{'kind':'Deployment','name':'a'}}},'verification':{'verified':false}}",
		     NULL);
	return translator;
}

static void put_written(struct json_buffer *out, const struct policy_manifests *manifests, bool whole)
{
	for (size_t i = 0; i < manifests->count; i++) {
		struct json_text manifest = policy_manifest_text(manifests, i);
		struct json_text spec = json_get(manifest, "spec");
		assert_true(json_check(manifest, &json_record_limits, NULL));
		if (!whole) {
			assert_int_equal(manifests->count, 1);
			json_puttext(out, json_get(spec, "egress"));
			break;
		}
		json_putf(out, "%s%s %.*s", i == 0 ? "" : "\n", manifests->items[i].kind->kind,
		          (int)spec.len, spec.at);
	}
	json_putc(out, '\0');
	for (char *at = out->at; *at != '\0'; at++)
		if (*at == '"')
			*at = '\'';
}

static void check(void **state)
{
	const struct written *written = *state;
	struct policy_translator *translator = agent_of(written);
	struct policy_inventory *inventory = policy_translator_inventory(translator);
	struct policy_workload *workload = NULL;
	struct policy_decision decision = {0};
	struct policy_manifests manifests = {0};
	struct json_buffer said = {0};
	HASH_FIND_STR(inventory->workloads, "agents/Deployment/a", workload);
	assert_non_null(workload);
	policy_decide(inventory, workload, &decision);
	policy_render(written->target, inventory, &decision, &manifests);
	put_written(&said, &manifests, written->whole);
	assert_string_equal(said.at, written->says);
	json_buffer_free(&said);
	policy_manifests_free(&manifests);
	policy_decision_free(&decision);
	policy_translator_free(translator);
}

int main(void)
{
	enum { CASES = sizeof cases / sizeof *cases };
	struct CMUnitTest tests[CASES];
	for (size_t i = 0; i < CASES; i++)
		tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = check,
		                               .initial_state = (void *)&cases[i]};
	return _cmocka_run_group_tests("targets", tests, CASES, NULL, NULL);
}
