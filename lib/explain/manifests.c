#include "explain/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "yaml/write.h"
#include "os/log.h"
#include "json/json.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static bool is_manifest(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] != '.' && dot != NULL &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

/* 0, or the errno that says why not. O_NONBLOCK: a FIFO must not stop us. */
static int read_file(const char *path, struct json_buffer *text)
{
	struct stat found = {0};
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int why = fd < 0 || fstat(fd, &found) != 0 ? errno : 0;
	if (why == 0 && !S_ISREG(found.st_mode))
		why = S_ISDIR(found.st_mode) ? EISDIR : ENODEV;
	while (why == 0 && got != 0) {
		json_buffer_reserve(text, 65536);
		got = read(fd, text->at + text->len, text->size - text->len);
		if (got < 0 && errno != EINTR)
			why = errno;
		if (got > 0)
			text->len += (size_t)got;
		if (text->len > FILE_MAX)
			why = EFBIG;
	}
	if (fd >= 0)
		close(fd);
	return why;
}

/* Takes the path over. */
static bool read_one(struct kube_manifests *manifests, char *path)
{
	struct kube_manifest *file;
	manifests->files = kube_resize(manifests->files, manifests->count + 1, sizeof *file);
	file = &manifests->files[manifests->count];
	*file = (struct kube_manifest){.path = path};
	manifests->count++;
	int why = read_file(file->path, &file->text);
	if (why != 0)
		log_error("cannot read %s: %s", file->path, strerror(why));
	return why == 0;
}

bool kube_manifests_open_file(struct kube_manifests *manifests, const char *file)
{
	return read_one(manifests, kube_copy(file));
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct kube_manifest *)a)->path,
	              ((const struct kube_manifest *)b)->path);
}

bool kube_manifests_open(struct kube_manifests *manifests, const char *dir)
{
	DIR *open = opendir(dir);
	struct dirent *entry;
	bool good = open != NULL;
	errno = good ? 0 : errno;
	while (good && (entry = readdir(open)) != NULL) {
		if (is_manifest(entry->d_name) && !read_one(manifests, kube_format("%s/%s", dir, entry->d_name))) {
			closedir(open);
			return false;
		}
		errno = 0;
	}
	if (errno != 0) {
		log_error("cannot read the directory %s: %s", dir, strerror(errno));
		good = false;
	}
	if (open != NULL)
		closedir(open);
	if (manifests->count > 0)
		qsort(manifests->files, manifests->count, sizeof *manifests->files, by_path);
	return good;
}

struct visit {
	const char *path;
	bool (*take)(void *context, const char *path, struct json_text object);
	void *context;
};

/* The items of a NetworkPolicyList say only what the list does not. */
static bool take_item(const struct visit *visit, struct json_text list, struct json_text item)
{
	struct json_text kind = json_plain(json_get(list, "kind"));
	struct json_buffer object = {0};
	if (json_get(item, "kind").at != NULL || json_type(item) != JSON_OBJECT || kind.len == 4)
		return visit->take(visit->context, visit->path, item);
	json_puts(&object, "{\"apiVersion\":");
	json_puttext(&object, json_get(list, "apiVersion"));
	json_putf(&object, ",\"kind\":\"%.*s\"", (int)kind.len - 4, kind.at);
	for (struct json_member m = json_first(item); m.value.at; m = json_next(m)) {
		if (json_equals(m.key, "apiVersion"))
			continue;
		json_putc(&object, ',');
		json_puttext(&object, m.key);
		json_putc(&object, ':');
		json_puttext(&object, m.value);
	}
	json_putc(&object, '}');
	bool good = visit->take(visit->context, visit->path, json_buffer_text(&object));
	json_buffer_free(&object);
	return good;
}

static bool visit_document(void *context, struct json_text document)
{
	const struct visit *visit = context;
	struct json_text kind = json_plain(json_get(document, "kind"));
	struct json_text items = json_get(document, "items");
	bool list = kind.len >= 4 && memcmp(kind.at + kind.len - 4, "List", 4) == 0 &&
	            json_type(items) == JSON_ARRAY && json_get(document, "apiVersion").at != NULL;
	if (!list)
		return visit->take(visit->context, visit->path, document);
	for (struct json_member m = json_first(items); m.value.at; m = json_next(m))
		if (!take_item(visit, document, m.value))
			return false;
	return true;
}

bool kube_manifests_each(const struct kube_manifests *manifests,
                         bool (*take)(void *context, const char *path, struct json_text object),
                         void *context)
{
	char error[KUBE_YAML_ERROR_SIZE];
	for (size_t i = 0; i < manifests->count; i++) {
		struct visit visit = {manifests->files[i].path, take, context};
		struct kube_yaml_visitor visitor = {visit_document, &visit};
		struct json_text text = json_buffer_text(&manifests->files[i].text);
		if (kube_yaml_read(text, &visitor, error))
			continue;
		if (error[0] != '\0')
			log_error("%s: %s", visit.path, error);
		return false;
	}
	return true;
}

void kube_manifests_free(struct kube_manifests *manifests)
{
	for (size_t i = 0; i < manifests->count; i++) {
		free(manifests->files[i].path);
		json_buffer_free(&manifests->files[i].text);
	}
	free(manifests->files);
	*manifests = (struct kube_manifests){0};
}
