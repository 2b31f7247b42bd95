/* Any bytes as YAML: what is read of them is JSON, and is written as YAML that reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "yaml/write.h"
#include "json/json.h"

static bool keep(void *context, struct json_text document)
{
	json_puttext(context, document);
	return true;
}

static bool read_again(void *context, struct json_text document)
{
	struct json_buffer written = {0}, read = {0};
	char error[KUBE_YAML_ERROR_SIZE];
	struct kube_yaml_visitor visitor = {keep, &read};
	(void)context;
	if (!json_check(document, &json_record_limits, NULL) || !kube_yaml_write(document, &written) ||
	    !kube_yaml_read(json_buffer_text(&written), &visitor, error) ||
	    !json_same(json_buffer_text(&read), document))
		abort();
	json_buffer_free(&written);
	json_buffer_free(&read);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[KUBE_YAML_ERROR_SIZE];
	struct kube_yaml_visitor visitor = {read_again, NULL};
	if (!kube_yaml_read((struct json_text){(const char *)data, size}, &visitor, error) &&
	    error[0] == '\0')
		abort();
	return 0;
}
