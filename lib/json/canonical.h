/*
 * Canonical forms of a JSON text: the bytes that a signature covers.
 *
 *   jcs      RFC 8785 of the value as it is.
 *   a2a      RFC 8785 after removing null, "", [] and {} recursively (innermost first, so a
 *            container that becomes empty goes too); what A2A SDKs sign.
 *   kagenti  what the kagenti operator signs: the same removal, except that an array directly
 *            inside an array is kept as it is, with all in it; keys in order of their UTF-8
 *            bytes; numbers and strings as Go's encoding/json writes them (float64, so -0 stays
 *            -0; \b and \f as Go 1.22 and later; <, >, &, U+2028, U+2029 as \uXXXX).
 *
 * Array elements that are removed by `a2a` and `kagenti` are dropped, as members are. The
 * value itself is never removed: what becomes empty is written as {} or [].
 *
 * The cost grows with the length of the text times, at worst, its depth.
 */
#ifndef JSON_CANONICAL_H
#define JSON_CANONICAL_H

#include "base/buffer.h"

enum json_form { JSON_FORM_JCS, JSON_FORM_A2A, JSON_FORM_KAGENTI };
enum { JSON_FORMS = 3 };

extern const char *const json_form_names[JSON_FORMS + 1]; /* closed by NULL */

/* Appends the canonical form of `value` (which passed json_check) without its top-level
 * member `without` (NULL: keep all). False, with a static reason and nothing appended, when
 * the form does not exist: a number out of the range of a double. */
bool json_canonical(struct json_text value, enum json_form form, const char *without,
                    struct json_buffer *out, const char **reason);

/* A double as ECMAScript's Number::toString writes it (RFC 8785, section 3.2.2.3);
 * `size` of 32 is enough. `number` must be finite. */
void json_number_format(double number, char *text, size_t size);

#endif
