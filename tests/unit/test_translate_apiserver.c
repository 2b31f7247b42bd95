/* Which addresses an agent that is not verified may reach: what counts as the API server's, and
 * what others who write such objects cannot add. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "translating.h"

#define SLICE_API "discovery.k8s.io/v1"
#define POLICY "agent-signature-policy"
#define RULE(port, cidr) \
	"{'ports':[{'port':" port ",'protocol':'TCP'}],'to':[{'ipBlock':{'cidr':'" cidr "'}}]}"
#define NOTHING "APPLY NotVerified []"
#define ONLY(port, cidr) "APPLY NotVerified [" RULE(port, cidr) "]"

/* A slice of default whose service is kubernetes. */
static void tell_slice(struct translating *world, const char *name, const char *endpoints,
                       const char *ports)
{
	tell(world,
	     "{'type':'ADDED','object':{'apiVersion':'" SLICE_API "','kind':'EndpointSlice',"
	     "'metadata':{'name':'%s','namespace':'default','labels':{"
	     "'kubernetes.io/service-name':'kubernetes'}},'endpoints':[%s],'ports':[%s]}}",
	     name, endpoints, ports);
}

static void tell_endpoints(struct translating *world, const char *ip)
{
	tell(world,
	     "{'type':'ADDED','object':{'apiVersion':'v1','kind':'Endpoints','metadata':{"
	     "'name':'kubernetes','namespace':'default'},'subsets':[{'addresses':[{'ip':'%s'}],"
	     "'ports':[{'port':443,'protocol':'TCP'}]}]}}",
	     ip);
}

/* An agent that is not verified, in a world that is known. */
static void start(struct translating *world)
{
	translating_start(world);
	tell_workload(world, "agent");
	tell_card(world, "ADDED", "agent", false, NULL);
	tell_end_cards(world);
	assert_string_equal(asked(world, POLICY), NOTHING);
}

static void assert_endpoint(const char *endpoints, const char *ports, const char *wanted)
{
	struct translating world;
	start(&world);
	tell_slice(&world, "kubernetes", endpoints, ports);
	assert_string_equal(asked(&world, POLICY), wanted);
	translating_free(&world);
}

/* The object instead of the slice of the API server. */
static void assert_opens_nothing(const char *api_version, const char *kind, const char *metadata)
{
	struct translating world;
	start(&world);
	tell(&world,
	     "{'type':'ADDED','object':{'apiVersion':'%s','kind':'%s','metadata':{%s},"
	     "'endpoints':[{'addresses':['203.0.113.9']}],'ports':[{'port':443}],"
	     "'subsets':[{'addresses':[{'ip':'203.0.113.9'}],'ports':[{'port':443}]}]}}",
	     api_version, kind, metadata);
	assert_string_equal(asked(&world, POLICY), NOTHING);
	assert_int_equal(operations(&world), 3); /* its policy, its state, and the mark */
	translating_free(&world);
}

static void test_its_slice_and_its_endpoints_count(void **state)
{
	(void)state;
	struct translating world;
	assert_endpoint("{'addresses':['192.0.2.1']}", "{'port':443,'protocol':'TCP'}",
	                ONLY("443", "192.0.2.1/32"));
	start(&world);
	tell_endpoints(&world, "192.0.2.2");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.2/32"));
	translating_free(&world);
}

static void test_objects_of_others_open_nothing(void **state)
{
	(void)state;
	static const char label[] = "'labels':{'kubernetes.io/service-name':'kubernetes'}";
	char metadata[256];
	snprintf(metadata, sizeof metadata, "'name':'kubernetes','namespace':'n',%s", label);
	assert_opens_nothing(SLICE_API, "EndpointSlice", metadata);
	assert_opens_nothing("v1", "Endpoints", metadata);
	snprintf(metadata, sizeof metadata, "'name':'kubernetes','namespace':'defaults',%s", label);
	assert_opens_nothing(SLICE_API, "EndpointSlice", metadata);
	snprintf(metadata, sizeof metadata, "'name':'kubernetes',%s", label);
	assert_opens_nothing(SLICE_API, "EndpointSlice", metadata);
	snprintf(metadata, sizeof metadata, "'name':'kubernetes','namespace':'default',%s", label);
	assert_opens_nothing("example.com/v1", "EndpointSlice", metadata);
	assert_opens_nothing("example.com/v1", "Endpoints", metadata);
	assert_opens_nothing("v1", "Service", metadata);
}

static void test_slices_and_endpoints_of_other_services_open_nothing(void **state)
{
	(void)state;
	assert_opens_nothing(SLICE_API, "EndpointSlice",
	                     "'name':'kubernetes','namespace':'default'");
	assert_opens_nothing(SLICE_API, "EndpointSlice",
	                     "'name':'kubernetes','namespace':'default',"
	                     "'labels':{'kubernetes.io/service-name':'kubernetes2'}");
	assert_opens_nothing(SLICE_API, "EndpointSlice",
	                     "'name':'kubernetes','namespace':'default',"
	                     "'labels':{'service-name':'kubernetes'}");
	assert_opens_nothing("v1", "Endpoints", "'name':'kubernete','namespace':'default'");
	assert_opens_nothing("v1", "Endpoints",
	                     "'name':'other','namespace':'default',"
	                     "'labels':{'kubernetes.io/service-name':'kubernetes'}");
}

static void test_only_ready_endpoints_count(void **state)
{
	(void)state;
	static const char *const counts[] = {"{'ready':true}", "{'ready':null}", "{}", "null"};
	char endpoint[128];
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		snprintf(endpoint, sizeof endpoint, "{'addresses':['192.0.2.1'],'conditions':%s}",
		         counts[i]);
		assert_endpoint(endpoint, "{'port':443}", ONLY("443", "192.0.2.1/32"));
	}
	assert_endpoint("{'addresses':['192.0.2.1'],'conditions':{'ready':false}}", "{'port':443}",
	                NOTHING);
	assert_endpoint("{'addresses':['192.0.2.1'],'conditions':{'ready':false}},"
	                "{'addresses':['192.0.2.2']}",
	                "{'port':443}", ONLY("443", "192.0.2.2/32"));
}

static void test_only_tcp_ports_that_exist_count(void **state)
{
	(void)state;
	static const char *const no[] = {"'port':443,'protocol':'UDP'", "'port':443,'protocol':'SCTP'",
	                                 "'port':443,'protocol':6",     "'port':0",
	                                 "'port':65536",                "'port':-1",
	                                 "'port':'443'",                "'protocol':'TCP'"};
	char ports[128];
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		snprintf(ports, sizeof ports, "{%s}", no[i]);
		assert_endpoint("{'addresses':['192.0.2.1']}", ports, NOTHING);
		snprintf(ports, sizeof ports, "{%s},{'port':444,'protocol':'TCP'}", no[i]);
		assert_endpoint("{'addresses':['192.0.2.1']}", ports, ONLY("444", "192.0.2.1/32"));
	}
	assert_endpoint("{'addresses':['192.0.2.1']}", "{'port':1}", ONLY("1", "192.0.2.1/32"));
	assert_endpoint("{'addresses':['192.0.2.1']}", "{'port':65535,'protocol':null}",
	                ONLY("65535", "192.0.2.1/32"));
	assert_endpoint("{'addresses':['192.0.2.1']}", "", ONLY("6443", "192.0.2.1/32"));
}

static void test_only_unicast_addresses_count(void **state)
{
	(void)state;
	static const char *const no[] = {
		"0.0.0.0", "0.1.2.3",       "224.0.0.1", "239.255.255.255",  "255.255.255.255", "::",
		"ff02::1", "ffff::1",       "::ffff:0.0.0.1", "::ffff:224.0.0.1", "192.0.2",    "192.0.2.1/32",
		"",        "192.0.2.1 ",    "example.com",    "2001:db8::1%lo"};
	static const struct {
		const char *ip, *wanted;
	} yes[] = {{"1.0.0.0", ONLY("443", "1.0.0.0/32")},
	           {"223.255.255.255", ONLY("443", "223.255.255.255/32")},
	           {"::ffff:192.0.2.1", ONLY("443", "192.0.2.1/32")},
	           {"2001:db8::1", ONLY("443", "2001:db8::1/128")},
	           {"feff::1", ONLY("443", "feff::1/128")},
	           {"::1:0:0:0", ONLY("443", "::1:0:0:0/128")}};
	char endpoint[128];
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		snprintf(endpoint, sizeof endpoint, "{'addresses':['%s']}", no[i]);
		assert_endpoint(endpoint, "{'port':443}", NOTHING);
	}
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		snprintf(endpoint, sizeof endpoint, "{'addresses':['%s']}", yes[i].ip);
		assert_endpoint(endpoint, "{'port':443}", yes[i].wanted);
	}
	assert_endpoint("{'addresses':[16843009]}", "{'port':443}", NOTHING);
}

static void test_while_there_is_a_slice_the_endpoints_do_not_count(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_endpoints(&world, "192.0.2.9");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.9/32"));
	tell_slice(&world, "kubernetes", "{'addresses':['192.0.2.1']}", "{'port':443}");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.1/32"));
	tell_slice(&world, "kubernetes", "", "{'port':443}");
	assert_string_equal(asked(&world, POLICY), NOTHING);
	tell(&world, "{'type':'DELETED','object':{'apiVersion':'" SLICE_API "',"
	             "'kind':'EndpointSlice','metadata':{'name':'kubernetes','namespace':'default',"
	             "'labels':{'kubernetes.io/service-name':'kubernetes'}}}}");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.9/32"));
	translating_free(&world);
}

static void test_a_slice_that_loses_its_label_counts_no_more(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_slice(&world, "kubernetes", "{'addresses':['192.0.2.1']}", "{'port':443}");
	tell(&world, "{'type':'MODIFIED','object':{'apiVersion':'" SLICE_API "',"
	             "'kind':'EndpointSlice','metadata':{'name':'kubernetes','namespace':'default'},"
	             "'endpoints':[{'addresses':['192.0.2.1']}],'ports':[{'port':443}]}}");
	assert_string_equal(asked(&world, POLICY), NOTHING);
	translating_free(&world);
}

static void test_what_a_new_list_does_not_name_counts_no_more(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_endpoints(&world, "192.0.2.9");
	tell_slice(&world, "one", "{'addresses':['192.0.2.1']}", "{'port':443}");
	tell_slice(&world, "two", "{'addresses':['192.0.2.2']}", "{'port':444}");
	assert_string_equal(asked(&world, POLICY), "APPLY NotVerified [" RULE("443", "192.0.2.1/32") "," RULE(
	                            "444", "192.0.2.2/32") "]");
	tell_begin(&world, SLICE_API, "EndpointSlice");
	tell_slice(&world, "two", "{'addresses':['192.0.2.2']}", "{'port':444}");
	tell_end(&world, SLICE_API, "EndpointSlice");
	assert_string_equal(asked(&world, POLICY), ONLY("444", "192.0.2.2/32"));
	tell_begin(&world, SLICE_API, "EndpointSlice");
	tell_end(&world, SLICE_API, "EndpointSlice");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.9/32"));
	tell_begin(&world, "v1", "Endpoints");
	tell_end(&world, "v1", "Endpoints");
	assert_string_equal(asked(&world, POLICY), NOTHING);
	translating_free(&world);
}

static void test_a_list_of_one_kind_takes_nothing_from_another_that_is_open(void **state)
{
	(void)state;
	struct translating world;
	start(&world);
	tell_slice(&world, "kubernetes", "{'addresses':['192.0.2.1']}", "{'port':443}");
	tell_begin(&world, SLICE_API, "EndpointSlice");
	tell_begin(&world, "v1", "Endpoints");
	tell_end(&world, "v1", "Endpoints");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.1/32"));
	tell_slice(&world, "kubernetes", "{'addresses':['192.0.2.1']}", "{'port':443}");
	tell_begin(&world, "v1", "Endpoints");
	tell_end(&world, SLICE_API, "EndpointSlice");
	assert_string_equal(asked(&world, POLICY), ONLY("443", "192.0.2.1/32"));
	translating_free(&world);
}

/* `count` slices, each with an address of its own. */
static void tell_many(struct translating *world, int count)
{
	char name[32], endpoint[64];
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(endpoint, sizeof endpoint, "{'addresses':['198.51.%d.%d']}", i / 256, i % 256);
		tell_slice(world, name, endpoint, "{'port':443}");
	}
}

static void test_more_than_256_addresses_are_none(void **state)
{
	(void)state;
	struct translating world;
	struct json_buffer endpoint = {0};
	start(&world);
	tell_many(&world, 256);
	assert_non_null(strstr(asked(&world, POLICY), "198.51.0.255/32"));
	tell_slice(&world, "more", "{'addresses':['192.0.2.1']}", "{'port':443}");
	assert_string_equal(asked(&world, POLICY), NOTHING);
	translating_free(&world);

	json_puts(&endpoint, "{'addresses':['198.51.0.0'");
	for (int i = 1; i < 256; i++)
		json_putf(&endpoint, ",'198.51.0.%d'", i);
	json_puts(&endpoint, "]}");
	json_putc(&endpoint, '\0');
	start(&world);
	tell_slice(&world, "kubernetes", endpoint.at, "{'port':443}");
	assert_non_null(strstr(asked(&world, POLICY), "198.51.0.255/32"));
	endpoint.len -= 3;
	json_puts(&endpoint, ",'192.0.2.1']}");
	json_putc(&endpoint, '\0');
	tell_slice(&world, "kubernetes", endpoint.at, "{'port':443}");
	assert_string_equal(asked(&world, POLICY), NOTHING);
	json_buffer_free(&endpoint);
	translating_free(&world);
}

static void test_each_address_stands_once_in_order(void **state)
{
	(void)state;
	assert_endpoint("{'addresses':['2001:db8::1','192.0.2.20','192.0.2.3']},{'addresses':['192.0.2.3']}",
	                "{'port':443}",
	                "APPLY NotVerified [{'ports':[{'port':443,'protocol':'TCP'}],'to':["
	                "{'ipBlock':{'cidr':'192.0.2.3/32'}},{'ipBlock':{'cidr':'192.0.2.20/32'}},"
	                "{'ipBlock':{'cidr':'2001:db8::1/128'}}]}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_its_slice_and_its_endpoints_count),
		cmocka_unit_test(test_objects_of_others_open_nothing),
		cmocka_unit_test(test_slices_and_endpoints_of_other_services_open_nothing),
		cmocka_unit_test(test_only_ready_endpoints_count),
		cmocka_unit_test(test_only_tcp_ports_that_exist_count),
		cmocka_unit_test(test_only_unicast_addresses_count),
		cmocka_unit_test(test_while_there_is_a_slice_the_endpoints_do_not_count),
		cmocka_unit_test(test_a_slice_that_loses_its_label_counts_no_more),
		cmocka_unit_test(test_what_a_new_list_does_not_name_counts_no_more),
		cmocka_unit_test(test_a_list_of_one_kind_takes_nothing_from_another_that_is_open),
		cmocka_unit_test(test_more_than_256_addresses_are_none),
		cmocka_unit_test(test_each_address_stands_once_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
