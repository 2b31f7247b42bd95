/*
 * Inside lib/trust: what the members of an agent card are, in three tables: the protobuf
 * definition of A2A 1.0 (a2a.proto, package lf.a2a.v1), the struct that the operator reads cards
 * into (AgentCardData of agent.kagenti.dev/v1alpha1), and the model of A2A 0.3 (a2a.json).
 *
 * Fields stand in the order of their names, which is the order in which all forms write them.
 */
#ifndef TRUST_CARD_FIELDS_PRIVATE_H
#define TRUST_CARD_FIELDS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

enum trust_field_kind {
	TRUST_FIELD_STRING,
	TRUST_FIELD_BOOL,
	TRUST_FIELD_MESSAGE, /* an object with fields of its own */
	TRUST_FIELD_STRUCT,  /* any object (google.protobuf.Struct) */
	TRUST_FIELD_ANY,     /* any value */
	TRUST_FIELD_OMITTED, /* known, and never a part of what is signed */
};

enum trust_field_shape { TRUST_FIELD_ONE, TRUST_FIELD_LIST, TRUST_FIELD_MAP };

/* What tells an unset field from one with its type's default value: google.api.field_behavior
 * REQUIRED, `optional` of proto3 (or a pointer in Go), or nothing does. */
enum trust_field_label { TRUST_FIELD_REQUIRED, TRUST_FIELD_OPTIONAL, TRUST_FIELD_DEFAULTED };

struct trust_message;

struct trust_field {
	const char *name;        /* in JSON */
	const char *other_name;  /* in the definition, where that is another; else NULL */
	enum trust_field_kind kind;
	enum trust_field_shape shape;
	enum trust_field_label label;
	bool oneof;              /* at most one of the message's fields with this mark may be set */
	const struct trust_message *message; /* of TRUST_FIELD_MESSAGE */
	const char *left_out;    /* the value that counts as unset in A2A 0.3; else NULL */
};

enum { TRUST_FIELDS_MAX = 18 };

struct trust_message {
	const char *name;
	const struct trust_field *fields;
	unsigned count;
	/* A2A 0.3: the value of `type` decides which of these it is (names are those values); else
	 * NULL */
	const struct trust_message *const *variants;
};

extern const struct trust_message trust_card_a2a, trust_card_operator, trust_card_a2a_03;

#endif
