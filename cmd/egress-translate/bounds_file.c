#include "bounds_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "os/log.h"
#include "yaml/strict.h"

struct source {
	const char *path;
	struct yaml_strict document;
};

static bool read_all(const char *path, struct json_buffer *text)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t got;
	if (file == NULL)
		return false;
	/* One byte more than may be there is enough to refuse it. */
	while (text->len <= YAML_STRICT_BYTES && (got = fread(bytes, 1, sizeof bytes, file)) > 0)
		json_put(text, bytes, got);
	bool good = ferror(file) == 0;
	int why = errno;
	fclose(file);
	errno = why;
	return good;
}

static void say(void *context, struct json_text at, const char *path, const char *message)
{
	const struct source *source = context;
	size_t offset = (size_t)(at.at - source->document.json.at);
	log_error("%s: line %zu: %s: %s", source->path, yaml_strict_line(&source->document, offset), path,
	          message);
}

struct bounds *bounds_file_read(const char *path)
{
	struct json_buffer text = {0};
	struct source source = {.path = path};
	struct bounds *bounds = NULL;
	if (!read_all(path, &text))
		log_error("can't read the bounds in %s: %s", path, strerror(errno));
	else if (!yaml_strict_read(&source.document, json_buffer_text(&text)))
		log_error("%s: line %zu: %s", path, source.document.fault_line, source.document.fault);
	else
		bounds = bounds_read(json_buffer_text(&source.document.json),
		                     &(struct document_faults){say, &source});
	yaml_strict_free(&source.document);
	json_buffer_free(&text);
	return bounds;
}

bool bounds_file_print(const char *path, const struct bounds *bounds)
{
	bool written = printf("%s: good: %zu entries, %zu groups, %zu grants, %zu in quarantine, %s\n",
	                      path, bounds_count(bounds), bounds_groups(bounds),
	                      bounds_grants(bounds), bounds_quarantines(bounds),
	                      bounds_has_default(bounds) ? "a default for all other agents"
	                                                 : "no bounds for all other agents") > 0 &&
	               fflush(stdout) == 0;
	if (!written)
		log_error("can't write what the bounds hold: %s", strerror(errno));
	return written;
}
