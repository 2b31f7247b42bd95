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
	if (!yaml_strict_load(path, &text))
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
