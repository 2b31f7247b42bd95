/*
 * The one table of what may stand in spec.networkPolicy: the validator (rules/rules.h) walks a
 * card with it, and the CustomResourceDefinition (rules/crd.h) is written from it.
 *
 * Bounds are ours, not Kubernetes': they keep the cost of a hostile card small, and let the API
 * server estimate that of the CEL rules.
 */
#ifndef RULES_SCHEMA_PRIVATE_H
#define RULES_SCHEMA_PRIVATE_H

#include "rules/walk_private.h"

enum policy_type {
	POLICY_OBJECT,
	POLICY_LIST,
	POLICY_MAP, /* of strings */
	POLICY_STRING,
	POLICY_INTEGER,
	POLICY_INT_OR_STRING, /* a port, or its name */
};

/* A CEL rule (apiextensions.k8s.io/v1, x-kubernetes-validations) for what OpenAPI cannot say,
 * but `check` does. Its estimated cost, times the most items of every list around it, must stay
 * below 10 million, or the API server refuses the definition. */
struct policy_cel {
	const char *rule, *message;
};

struct policy_field;

struct policy_schema {
	enum policy_type type;
	const struct policy_field *fields; /* of an OBJECT; closed by a field without a name */
	bool null_is_absent;               /* of an OBJECT: a member that is null is not set */
	const struct policy_schema *items; /* of a LIST or MAP */
	size_t min, max;                   /* items of a LIST or MAP, bytes of a STRING */
	const char *const *words;          /* the only values of a STRING; NULL: any */
	const char *format, *pattern;      /* for the CRD; `check` has its own words */
	void (*check)(struct policy_walk *walk, struct json_text value);
	const struct policy_cel *rules; /* closed by one without a rule */
};

struct policy_field {
	const char *name;
	const struct policy_schema *schema;
	bool required;
	const char *description;
};

extern const struct policy_schema policy_network_policy_schema; /* spec.networkPolicy */

/* The checks that OpenAPI and CEL cannot do alone; values are of the schema's type. */
void policy_check_port(struct policy_walk *walk, struct json_text port);
void policy_check_peer(struct policy_walk *walk, struct json_text peer);
void policy_check_ip_block(struct policy_walk *walk, struct json_text block);
void policy_check_labels(struct policy_walk *walk, struct json_text labels);
void policy_check_requirement(struct policy_walk *walk, struct json_text requirement);
void policy_check_domain(struct policy_walk *walk, struct json_text name);
void policy_check_group(struct policy_walk *walk, struct json_text name);

#endif
