/* Any bytes as a protected header: what is accepted names an algorithm, the one that cJSON
 * reads there too, and asks for no extension. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "trust/jws_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust_jws jws = {0};
	struct trust_failure failure = {.message = ""};
	struct json_text header = {(const char *)data, size};
	if (!trust_jws_read_header(header, &jws, &failure)) {
		if (failure.reason == TRUST_VERIFIED || failure.message[0] == '\0')
			abort();
		return 0;
	}
	cJSON *tree = cJSON_ParseWithLength(header.at, header.len);
	const char *alg = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "alg"));
	if (tree != NULL && (alg == NULL || strcmp(alg, jws.algorithm->name) != 0 ||
	                     cJSON_GetObjectItemCaseSensitive(tree, "crit") != NULL))
		abort();
	cJSON_Delete(tree);
	return 0;
}
