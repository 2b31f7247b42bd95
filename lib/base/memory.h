/* Inside lib/kube: memory that is there or ends the program, and secrets that are wiped. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *kube_alloc(size_t count, size_t size); /* zeroed */
void *kube_resize(void *at, size_t count, size_t size);
char *kube_copy(const char *string);         /* NULL stays NULL */
char *kube_copy_n(const char *bytes, size_t len);
char *kube_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites a secret string and frees it. */
void kube_wipe(char *secret);

/* A NULL-terminated list of strings that grows by one. */
char **kube_list_add(char **list, char *string);
void kube_list_free(char **list);

#endif
