/* A kind of object that policies are written as. */
#ifndef POLICY_KIND_H
#define POLICY_KIND_H

#include <stdbool.h>

struct policy_kind {
	const char *api_version, *kind;
	bool cluster_scoped; /* its name must tell the namespace, too */
};

extern const struct policy_kind policy_kind_networkpolicy;

#endif
