/* Any JSON in a canonical form (the first byte chooses): the result is JSON, its own canonical
 * form, and for jcs the same value as cJSON reads it. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "json/canonical.h"
#include "json/json.h"

static void need(bool good)
{
	if (!good)
		abort();
}

/* cJSON ends strings at an escaped NUL, and refuses what is nested deeper than it likes. */
static void expect_same_value(struct json_text a, struct json_text b)
{
	if (memmem(a.at, a.len, "u0000", 5) != NULL)
		return;
	cJSON *x = cJSON_ParseWithLength(a.at, a.len), *y = cJSON_ParseWithLength(b.at, b.len);
	need(x == NULL || cJSON_Compare(x, y, true));
	cJSON_Delete(x);
	cJSON_Delete(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_limits limits = {1 << 16, 64}, wider = {1 << 19, 64};
	struct json_buffer once = {0}, twice = {0};
	const char *reason = NULL;
	if (size < 1)
		return 0;
	enum json_form form = (enum json_form)(data[0] % JSON_FORMS);
	struct json_text text = {(const char *)data + 1, size - 1};
	if (!json_check(text, &limits, NULL))
		return 0;
	if (json_canonical(text, form, NULL, &once, &reason)) {
		need(json_check(json_buffer_text(&once), &wider, NULL));
		need(json_canonical(json_buffer_text(&once), form, NULL, &twice, NULL));
		need(json_same(json_buffer_text(&once), json_buffer_text(&twice)));
		if (form == JSON_FORM_JCS)
			expect_same_value(text, json_buffer_text(&once));
	} else {
		need(reason != NULL && once.len == 0);
	}
	json_buffer_free(&once);
	json_buffer_free(&twice);
	return 0;
}
