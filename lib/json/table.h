/* uthash and utlist, with running out of memory as in json/buffer.h: the program is aborted. */
#ifndef JSON_TABLE_H
#define JSON_TABLE_H

#include <stdlib.h>

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
