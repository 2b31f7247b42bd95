#include "apply/dir.h"
#include "apply/files_private.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

enum { HEX = 32, SUFFIX = 5 };

/* 128 bits: a namespace's owner chooses names, and must not find two that share a file. */
static void put_digest(char *at, const char *bytes, size_t len)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)bytes, len, digest);
	for (int i = 0; i < HEX / 2; i++)
		snprintf(at + (size_t)i * 2, 3, "%02x", digest[i]);
}

bool kube_dir_name(const struct kube_identity *id, char name[KUBE_FILE_NAME_SIZE])
{
	static const char plain_group[] = "networking.k8s.io";
	char whole[1024];
	struct json_text group = id->group.at == NULL ? json_of("core") : id->group;
	bool bare =
	        group.len == strlen(plain_group) && memcmp(group.at, plain_group, group.len) == 0;
	int prefix = snprintf(whole, sizeof whole, "%.*s_%.*s%s%.*s_", (int)id->namespace.len,
	                      id->namespace.at == NULL ? "" : id->namespace.at, (int)id->kind.len,
	                      id->kind.at, bare ? "" : ".", bare ? 0 : (int)group.len, group.at);
	for (int i = 0; i < prefix; i++)
		whole[i] = (char)tolower((unsigned char)whole[i]);
	int len = prefix + snprintf(whole + prefix, sizeof whole - (size_t)prefix, "%.*s",
	                            (int)id->name.len, id->name.at);
	int room = KUBE_FILE_NAME_SIZE - 1 - SUFFIX;
	if (len > room) {
		char digest[HEX + 1];
		put_digest(digest, whole, (size_t)len);
		len = room - HEX - 1;
		if (len <= prefix)
			return false;
		whole[len++] = '~';
		memcpy(whole + len, digest, sizeof digest);
		len += HEX;
	}
	snprintf(name, KUBE_FILE_NAME_SIZE, "%.*s.yaml", len, whole);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

void kube_wanted_set(struct kube_wanted *wanted, const char *name, bool is_wanted)
{
	char **known = tfind(name, &wanted->names, by_name);
	if (known != NULL && !is_wanted) {
		char *gone = *known;
		tdelete(name, &wanted->names, by_name);
		free(gone);
	}
	if (known != NULL || !is_wanted)
		return;
	char *copy = strdup(name);
	if (copy == NULL || tsearch(copy, &wanted->names, by_name) == NULL) {
		/* a name that is forgotten here would be pruned */
		log_error("out of memory");
		abort();
	}
}

bool kube_wanted_has(const struct kube_wanted *wanted, const char *name)
{
	return tfind(name, &wanted->names, by_name) != NULL;
}

bool kube_wanted_any(const struct kube_wanted *wanted)
{
	return wanted->names != NULL;
}

static void copy_namespace(const struct kube_identity *id, char namespace[KUBE_KEY_SIZE])
{
	snprintf(namespace, KUBE_KEY_SIZE, "%.*s", (int)id->namespace.len, id->namespace.at);
}

void kube_wanted_set_namespace(struct kube_wanted *wanted, const struct kube_identity *id)
{
	char namespace[KUBE_KEY_SIZE];
	copy_namespace(id, namespace);
	kube_wanted_set(wanted, namespace, true);
}

bool kube_wanted_has_namespace(const struct kube_wanted *wanted, const struct kube_identity *id)
{
	char namespace[KUBE_KEY_SIZE];
	if (id->namespace.at == NULL)
		return kube_wanted_any(wanted);
	copy_namespace(id, namespace);
	return kube_wanted_has(wanted, namespace);
}

void kube_wanted_free(struct kube_wanted *wanted)
{
	tdestroy(wanted->names, free);
	wanted->names = NULL;
}
