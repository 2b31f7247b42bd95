/*
 * Base64 that has one spelling for each value (RFC 4648, sections 4 and 5, strict as its
 * section 3.5 allows): no white space, no stray bits behind the last byte, and
 *   base64url  `-` and `_`, never padded (RFC 7515, section 2);
 *   base64     `+` and `/`, always padded (RFC 7515, section 4.1.6: x5c).
 * Two spellings of one signature or certificate would defeat caches and comparisons.
 */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/buffer.h"

/* Bytes that a decoded text of `len` characters needs at most. */
#define TRUST_BASE64_DECODED(len) ((len) / 4 * 3 + 3)

/* Decodes into `out`, which has room for TRUST_BASE64_DECODED(text.len), and gives the number
 * of bytes; false when the text is not in its one spelling. */
bool trust_base64url_decode(struct json_text text, uint8_t *out, size_t *len);
bool trust_base64_decode(struct json_text text, uint8_t *out, size_t *len);

void trust_base64url_put(struct json_buffer *out, const void *bytes, size_t len);
void trust_base64_put(struct json_buffer *out, const void *bytes, size_t len);

#endif
