/*
 * Texts held in little memory, for a stage that must remember many that are alike: each is
 * compressed (LZ4) against the first text of some size that was seen, which costs about as much
 * time as reading the text once, and far less to undo.
 *
 * Ownership: a json_packed owns its bytes, {0} is an absent one, json_packed_free() releases it
 * and leaves an absent one. It can be unpacked only with the packer that packed it. When memory
 * runs out the program is aborted.
 */
#ifndef BASE_PACKED_H
#define BASE_PACKED_H

#include "base/buffer.h"

struct json_packer;

struct json_packed {
	char *at;           /* NULL: absent */
	uint32_t held, len; /* bytes at `at`, and of the text; the same: it is not compressed */
};

struct json_packer *json_packer_new(void);
void json_packer_free(struct json_packer *packer);

/* Replaces what is held. The text has at most JSON_RECORD_MAX bytes. False when it was held
 * already; true when it was not, or when that cannot be told cheaply. */
bool json_pack(struct json_packer *packer, struct json_packed *packed, struct json_text text);
void json_packed_free(struct json_packed *packed);

/* The text, valid until `into` is used again; absent when none is held. */
struct json_text json_unpack(const struct json_packer *packer, const struct json_packed *packed,
                             struct json_buffer *into);

#endif
