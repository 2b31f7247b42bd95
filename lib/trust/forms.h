/*
 * The bytes that a signature over an agent card covers: the card without its `signatures`, in one
 * of these forms. What each signer signs:
 *
 *   jcs             RFC 8785 of the card as it stands.
 *   a2a             the same, less null, "", [] and {} from inside out; without a schema.
 *   a2a-sdk         @a2a-js/sdk, and a2a-sdk for Python since 1.1.4: the members that A2A 1.0 has,
 *                   less what is empty or has its type's default value; RFC 8785.
 *   kagenti         the operator: what its struct reads of the card, less what is empty, as Go's
 *                   encoding/json writes it.
 *   a2a-spec        A2A 1.0, sections 5.7 and 8.4.1: the members that A2A 1.0 has, where required
 *                   or `optional` ones stay though empty; RFC 8785.
 *   a2a-python-1    a2a-sdk for Python 1.0 to 1.1.3: as a2a-sdk, written by json.dumps().
 *   a2a-python-0.3  a2a-sdk for Python 0.3: the members of that model that have not their default
 *                   value, written by json.dumps().
 *
 * A form does not exist where its signers refuse the card, disagree on it, or make something else
 * of a value than it is: a wrong type, both spellings of a name, two members of a oneof, a name
 * that differs in case alone (kagenti), nothing left.
 */
#ifndef TRUST_FORMS_H
#define TRUST_FORMS_H

#include "base/buffer.h"

struct json_nodes;

enum trust_form {
	TRUST_FORM_JCS,
	TRUST_FORM_A2A,
	TRUST_FORM_A2A_SDK,
	TRUST_FORM_KAGENTI,
	TRUST_FORM_A2A_SPEC,
	TRUST_FORM_A2A_PYTHON_1,
	TRUST_FORM_A2A_PYTHON_03,
};
enum {
	TRUST_FORMS = 7,
	TRUST_FORMS_DEFAULT = (1 << 5) - 1,      /* those before a2a-python-1, as a mask */
	TRUST_FORM_MAX = 2 * 1024 * 1024,        /* bytes; a longer form does not exist */
	TRUST_FORM_REASON_SIZE = 128,
};

extern const char *const trust_form_names[TRUST_FORMS + 1]; /* closed by NULL */

/* Appends the form of a card, read from text that json_check() accepted; its members are sorted as
 * the form wants them. False, with nothing appended, when there is none: `reason` says why. */
bool trust_form_put(struct json_nodes *card, enum trust_form form, struct json_buffer *out,
                    char reason[TRUST_FORM_REASON_SIZE]);

/* Appends the names of the card's members that the form leaves out though they are not empty,
 * with ", " between them and at most 16: anybody may change these. False when there is no such
 * form. The names are escaped as in JSON. */
bool trust_form_put_left_out(struct json_nodes *card, enum trust_form form,
                             struct json_buffer *out);

#endif
