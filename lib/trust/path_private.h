/* Inside lib/trust: the SPIFFE ID path that a workload must have, from a template such as
 * /ns/{namespace}/sa/{serviceAccountName}. */
#ifndef TRUST_PATH_PRIVATE_H
#define TRUST_PATH_PRIVATE_H

#include "trust/verdict.h"

/* NULL when each pair of names gives a path of its own, else what is wrong: "lacks {namespace}".
 * Both placeholders must stand in it, in different segments: else a-b with c could be a with b-c. */
const char *trust_template_check(const char *path_template);

/* Writes the path; "" (which no leaf has) when a name cannot stand in one segment of a path, or
 * it would be too long. */
void trust_template_expand(const char *path_template, const char *namespace,
                           const char *service_account, char path[TRUST_SPIFFE_ID_SIZE]);

#endif
