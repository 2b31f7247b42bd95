/* What readers of flow logs share: fields that count only when nothing in them could do harm. Each
 * returns false for a value that is there and is not such; an absent one is fine and stays absent,
 * unless it says otherwise. */
#ifndef FLOWS_FIELDS_PRIVATE_H
#define FLOWS_FIELDS_PRIVATE_H

#include "flows/flow.h"

/* A JSON string that is a word; null and "" are as absent. */
bool field_word(struct json_text value, struct json_text *word);
/* Plain text of an address; IPv4 in IPv6 becomes IPv4. */
bool field_address(struct json_text text, char ip[FLOW_ADDRESS_SIZE]);
/* A JSON number or plain digits; must be there. */
bool field_port(struct json_text value, uint16_t *port);
/* TCP, UDP, SCTP in any case, or their numbers (IANA protocol numbers); must be there. */
bool field_protocol(struct json_text text, enum flow_protocol *protocol);
bool field_are_labels(struct json_text object); /* an object of strings, plain */
bool field_are_words(struct json_text array);   /* an array of words */

/* "key=value" parts between separators, as an object in `out`; parts that are no label are left out. */
void field_put_labels(struct json_buffer *out, struct json_text text, const char *separators);
/* One of them. */
void field_put_label(struct json_buffer *out, struct json_text label);

/* The text between `before` and the first of the bytes `ends` (or the end); absent without `before`. */
struct json_text field_between(struct json_text text, const char *before, const char *ends);
/* Splits off what stands before the first `at`; absent when there is none. */
struct json_text field_split(struct json_text *text, char at);
bool field_holds(struct json_text text, const char *part);
bool field_is(struct json_text text, const char *word); /* in any case */

#endif
