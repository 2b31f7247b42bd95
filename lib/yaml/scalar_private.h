/* What both readers of YAML make of a scalar. */
#ifndef YAML_SCALAR_PRIVATE_H
#define YAML_SCALAR_PRIVATE_H

#include <stdbool.h>

#include "json/json.h"
#include "json/write.h"

/* Appends it as JSON. Plain words are read as YAML 1.2 has them; what 1.1 alone takes for a boolean or a
 * number stays a string, and so does all that is not plain. */
void yaml_put_scalar(struct json_buffer *out, struct json_text text, bool plain);

#endif
