#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *at)
{
	if (at == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return at;
}

void *kube_alloc(size_t count, size_t size)
{
	return checked(calloc(count, size));
}

void *kube_resize(void *at, size_t count, size_t size)
{
	return checked(reallocarray(at, count, size));
}

char *kube_copy(const char *string)
{
	return string == NULL ? NULL : checked(strdup(string));
}

char *kube_copy_n(const char *bytes, size_t len)
{
	char *copy = kube_alloc(len + 1, 1);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *kube_format(const char *format, ...)
{
	char *text = NULL;
	va_list list;
	va_start(list, format);
	int len = vasprintf(&text, format, list);
	va_end(list);
	return checked(len < 0 ? NULL : text);
}

void kube_wipe(char *secret)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

char **kube_list_add(char **list, char *string)
{
	size_t count = 0;
	while (list != NULL && list[count] != NULL)
		count++;
	list = kube_resize(list, count + 2, sizeof *list);
	list[count] = string;
	list[count + 1] = NULL;
	return list;
}

void kube_list_free(char **list)
{
	for (char **at = list; at != NULL && *at != NULL; at++)
		kube_wipe(*at);
	free(list);
}
