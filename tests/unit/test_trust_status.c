/* The operator's own conclusion on a card: when it counts, and whose it must be. Each case is a card that
 * counts, or that with one thing other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "verify/status_private.h"

#define ID "spiffe://example.org/ns/team-a/sa/billing"
#define TARGET "'apiVersion':'apps/v1','kind':'Deployment','name':'billing'"
#define CONDITION(reason) "{'type':'Verified','status':'True','reason':'" reason "','observedGeneration':2}"

struct asked {
	const char *name;
	const char *spec, *target, *conditions, *more; /* of the card; NULL: as in the card that counts */
	bool mtls_only, any_id;                        /* any_id: TRUST_BIND_TRUST_DOMAIN */
	enum trust_reason reason;
	const char *says; /* in the message; NULL: anything */
};

static const struct asked cases[] = {
	{"a signature that the operator verified", NULL, NULL, NULL, NULL, false, false, TRUST_VERIFIED, "SignatureVerified"},
	{"mTLS that the operator verified", NULL, NULL, "[" CONDITION("mTLSVerified") "]",
	 ",'attestedAgentSpiffeId':'" ID "'", false, false, TRUST_VERIFIED, "mTLSVerified"},
	{"mTLS, with the ID in the card", NULL, NULL, "[" CONDITION("mTLSVerified") "]",
	 ",'card':{'attestedAgentSpiffeID':'" ID "'}", true, false, TRUST_VERIFIED, "mTLSVerified"},
	{"mTLS, with the ID of a signature", NULL, NULL, "[" CONDITION("mTLSVerified") "]",
	 ",'signatureSpiffeId':'" ID "'", false, false, TRUST_STATUS_UNBOUND, "which SPIFFE ID"},
	{"a signature where mTLS is asked for", NULL, NULL, NULL, NULL, true, false, TRUST_NOT_ACCEPTED, "mTLS"},
	{"no condition", NULL, NULL, "[]", NULL, false, false, TRUST_NOT_ACCEPTED, "no condition Verified"},
	{"conditions that are no list", NULL, NULL, "{}", NULL, false, false, TRUST_NOT_ACCEPTED, "no condition Verified"},
	{"a condition of another type", NULL, NULL, "[7,{'type':'Ready','status':'True','reason':'SignatureVerified'}]", NULL,
	 false, false, TRUST_NOT_ACCEPTED, "no condition Verified"},
	{"others beside it", NULL, NULL, "[7,{'type':'Ready','status':'False'}," CONDITION("SignatureVerified") "]", NULL,
	 false, false, TRUST_VERIFIED, NULL},
	{"a condition that is false", NULL, NULL, "[{'type':'Verified','status':'False','reason':'SignatureVerified'}]", NULL,
	 false, false, TRUST_NOT_ACCEPTED, "not true"},
	{"a second one that is false", NULL, NULL, "[" CONDITION("SignatureVerified") ",{'type':'Verified','status':'False'}]",
	 NULL, false, false, TRUST_NOT_ACCEPTED, "not true"},
	{"a second one of the same reason", NULL, NULL, "[" CONDITION("SignatureVerified") "," CONDITION("SignatureVerified") "]",
	 NULL, false, false, TRUST_VERIFIED, NULL},
	{"a second one of another reason", NULL, NULL, "[" CONDITION("SignatureVerified") "," CONDITION("mTLSVerified") "]",
	 NULL, false, false, TRUST_NOT_ACCEPTED, "another reason"},
	{"a reason that is not known", NULL, NULL, "[" CONDITION("Verified") "]", NULL, false, false, TRUST_NOT_ACCEPTED,
	 "another reason"},
	{"a condition of an earlier generation", NULL, NULL,
	 "[{'type':'Verified','status':'True','reason':'SignatureVerified','observedGeneration':1}]", NULL, false, false,
	 TRUST_NOT_ACCEPTED, "earlier generation"},
	{"a condition whose generation is no number", NULL, NULL,
	 "[{'type':'Verified','status':'True','reason':'SignatureVerified','observedGeneration':'2'}]", NULL, false, false,
	 TRUST_NOT_ACCEPTED, "earlier generation"},
	{"a condition without a generation", NULL, NULL, "[{'type':'Verified','status':'True','reason':'SignatureVerified'}]",
	 NULL, false, false, TRUST_VERIFIED, NULL},
	{"a condition whose generation is null", NULL, NULL,
	 "[{'type':'Verified','status':'True','reason':'SignatureVerified','observedGeneration':null}]", NULL, false, false,
	 TRUST_VERIFIED, NULL},
	{"a status of an earlier generation", NULL, NULL, NULL, ",'signatureSpiffeId':'" ID "','observedGeneration':1", false,
	 false, TRUST_NOT_ACCEPTED, "observedGeneration of the status"},
	{"a status of this generation", NULL, NULL, NULL, ",'signatureSpiffeId':'" ID "','observedGeneration':2", false, false,
	 TRUST_VERIFIED, NULL},
	{"the same workload of another version", NULL, "'apiVersion':'apps/v1beta1','kind':'Deployment','name':'billing'", NULL,
	 NULL, false, false, TRUST_VERIFIED, NULL},
	{"a workload of another group", NULL, "'apiVersion':'other/v1','kind':'Deployment','name':'billing'", NULL, NULL, false,
	 false, TRUST_STATUS_UNBOUND, "targetRef"},
	{"a workload of another kind", NULL, "'apiVersion':'apps/v1','kind':'StatefulSet','name':'billing'", NULL, NULL, false,
	 false, TRUST_STATUS_UNBOUND, "targetRef"},
	{"a workload of another name", NULL, "'apiVersion':'apps/v1','kind':'Deployment','name':'other'", NULL, NULL, false,
	 false, TRUST_STATUS_UNBOUND, "targetRef"},
	{"no workload", NULL, "", NULL, NULL, false, false, TRUST_STATUS_UNBOUND, "targetRef"},
	{"no ID", NULL, NULL, NULL, "", false, false, TRUST_STATUS_UNBOUND, "which SPIFFE ID"},
	{"no ID, where any of the trust domain will do", NULL, NULL, NULL, "", false, true, TRUST_VERIFIED, NULL},
	{"an empty ID", NULL, NULL, NULL, ",'signatureSpiffeId':''", false, false, TRUST_STATUS_UNBOUND, "which SPIFFE ID"},
	{"what is no SPIFFE ID", NULL, NULL, NULL, ",'signatureSpiffeId':'billing'", false, false, TRUST_STATUS_UNBOUND,
	 "no workload's"},
	{"the ID of a trust domain", NULL, NULL, NULL, ",'signatureSpiffeId':'spiffe://example.org'", false, true,
	 TRUST_STATUS_UNBOUND, "no workload's"},
	{"another workload's ID", NULL, NULL, NULL, ",'signatureSpiffeId':'spiffe://example.org/ns/team-a/sa/other'", false, false,
	 TRUST_STATUS_UNBOUND, "not the workload's own"},
	{"another workload's ID, where any of the trust domain will do", NULL, NULL, NULL,
	 ",'signatureSpiffeId':'spiffe://example.org/ns/team-a/sa/other'", false, true, TRUST_VERIFIED, NULL},
	{"another trust domain's ID", NULL, NULL, NULL, ",'signatureSpiffeId':'spiffe://other.org/ns/team-a/sa/billing'", false,
	 false, TRUST_STATUS_UNBOUND, "another trust domain"},
	{"an ID of the domain that the card is bound to", ",'identityBinding':{'trustDomain':'other.org'}", NULL, NULL,
	 ",'signatureSpiffeId':'spiffe://other.org/ns/team-a/sa/billing'", false, false, TRUST_VERIFIED, NULL},
	{"an ID of another domain than the card is bound to", ",'identityBinding':{'trustDomain':'other.org'}", NULL, NULL, NULL,
	 false, false, TRUST_STATUS_UNBOUND, "another trust domain"},
	{"no ID of a card that is bound", ",'identityBinding':{'trustDomain':'example.org'}", NULL, NULL, "", false, true,
	 TRUST_STATUS_UNBOUND, "which SPIFFE ID"},
	{"an ID among those that are allowed", ",'identityBinding':{'allowedSpiffeIDs':[7,'spiffe://x/y','" ID "']}", NULL, NULL,
	 NULL, false, false, TRUST_VERIFIED, NULL},
	{"an ID that is not among them", ",'identityBinding':{'allowedSpiffeIDs':['spiffe://example.org/x']}", NULL, NULL, NULL,
	 false, false, TRUST_STATUS_UNBOUND, "allowedSpiffeIDs"},
	{"allowed IDs that are no list", ",'identityBinding':{'allowedSpiffeIDs':'" ID "'}", NULL, NULL, NULL, false, false,
	 TRUST_STATUS_UNBOUND, "allowedSpiffeIDs"},
};

static void put_card(struct json_buffer *out, const struct asked *asked)
{
	json_putf(out,
	          "{'metadata':{'generation':2},'spec':{'targetRef':{" TARGET "}%s},'status':{"
	          "'targetRef':{%s},'conditions':%s,'signatureKeyId':'key-1'%s}}",
	          asked->spec == NULL ? "" : asked->spec, asked->target == NULL ? TARGET : asked->target,
	          asked->conditions == NULL ? "[" CONDITION("SignatureVerified") "]" : asked->conditions,
	          asked->more == NULL ? ",'signatureSpiffeId':'" ID "'" : asked->more);
	for (size_t i = 0; i < out->len; i++)
		if (out->at[i] == '\'')
			out->at[i] = '"';
}

static struct trust_verdict ask(const struct asked *asked, const char *service_account)
{
	struct json_buffer card = {0};
	struct trust_verdict verdict = {0};
	put_card(&card, asked);
	assert_true(json_check(json_buffer_text(&card), &json_record_limits, NULL));
	trust_status_check(&(struct status_question){
		.agentcard = json_buffer_text(&card),
		.mtls_only = asked->mtls_only,
		.bind = asked->any_id ? TRUST_BIND_TRUST_DOMAIN : TRUST_BIND_WORKLOAD,
		.trust_domain = "example.org",
		.target = "team-a/billing",
		.service_account = service_account,
	}, &verdict);
	json_buffer_free(&card);
	return verdict;
}

static void check(void **state)
{
	const struct asked *asked = *state;
	struct trust_verdict verdict = ask(asked, "billing");
	assert_int_equal(verdict.verified, asked->reason == TRUST_VERIFIED);
	assert_int_equal(verdict.reason, asked->reason);
	if (asked->says != NULL && strstr(verdict.message, asked->says) == NULL)
		fail_msg("\"%s\" is not in: %s", asked->says, verdict.message);
}

static void what_was_attested_is_told(void **state)
{
	(void)state;
	struct trust_verdict verdict = ask(&cases[0], "billing");
	assert_string_equal(verdict.spiffe_id, ID);
	assert_string_equal(verdict.key_id, "key-1");
}

static void a_workload_that_is_not_known_has_no_identity(void **state)
{
	(void)state;
	assert_int_equal(ask(&cases[0], NULL).reason, TRUST_WORKLOAD_MISSING);
}

int main(void)
{
	enum { CASES = sizeof cases / sizeof *cases };
	struct CMUnitTest tests[CASES + 2] = {
		cmocka_unit_test(what_was_attested_is_told),
		cmocka_unit_test(a_workload_that_is_not_known_has_no_identity),
	};
	for (size_t i = 0; i < CASES; i++)
		tests[i + 2] = (struct CMUnitTest){.name = cases[i].name,
		                                   .test_func = check,
		                                   .initial_state = (void *)&cases[i]};
	return _cmocka_run_group_tests("status", tests, CASES + 2, NULL, NULL);
}
