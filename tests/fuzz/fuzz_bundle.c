/* Any bytes as a trust bundle, of whatever format they look like. */
#include <stdlib.h>
#include <string.h>

#include "trust/anchors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_text bundle = {(const char *)data, size};
	static const char *const domains[] = {NULL, "example.org"};
	for (int i = 0; i < 2; i++) {
		char reason[TRUST_BUNDLE_REASON_SIZE] = "";
		struct trust_anchors *anchors = trust_anchors_read(bundle, domains[i], reason);
		if (anchors == NULL ? reason[0] == '\0' : trust_anchors_leave_out(anchors, "00") > 0)
			abort();
		trust_anchors_free(anchors);
	}
	trust_bundle_domains(bundle);
	return 0;
}
