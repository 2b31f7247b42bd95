/*
 * uthash and utlist, with running out of memory as in base/buffer.h: the program is aborted.
 *
 * Whoever may create objects chooses the keys, and could choose many that uthash's own function
 * puts side by side, so that looking one up takes a walk past all. So keys are hashed with
 * SipHash-1-3 and a secret that is drawn once a run. Nothing may depend on a table's order.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdint.h>
#include <stdlib.h>

unsigned json_table_hash(const void *key, size_t len);
/* What that is made of, for its test. */
uint64_t json_table_sip(const uint64_t secret[2], const void *key, size_t len);

#define HASH_FUNCTION(key, len, hash) ((hash) = json_table_hash((key), (len)))
#define uthash_fatal(message) abort()
#include <uthash.h>
#include <utlist.h>

/* Static analysis cannot follow a table's links; it sees the change, not how it is made. */
#ifdef __clang_analyzer__
void json_table_change(void *head, void *element);
#undef HASH_DELETE
#define HASH_DELETE(hh, head, element) json_table_change(&(head), element)
#undef HASH_DEL
#define HASH_DEL(head, element) json_table_change(&(head), element)
#endif

#endif
