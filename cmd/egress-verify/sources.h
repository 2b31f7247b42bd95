/*
 * Where the trust bundle of each trust domain comes from: --trust-bundle [DOMAIN=]FILE,
 * --trust-bundle-configmap [DOMAIN=]NS/NAME[:KEY] and --trust-bundle-clustertrustbundle
 * [DOMAIN=]NAME. Without DOMAIN= it is for the first trust domain. The first trust domain's default
 * is SOURCES_CONFIGMAP. Without KEY it is bundle.spiffe, or where that is not there bundle.crt.
 *
 * Ownership: borrows the options' strings, owns the rest; sources_free() releases it.
 */
#ifndef EGRESS_VERIFY_SOURCES_H
#define EGRESS_VERIFY_SOURCES_H

#include "os/options.h"
#include "verify/cards.h"

#define SOURCES_CONFIGMAP "spire-system/spire-bundle"

struct bundle_source {
	const char *trust_domain, *path;
};

struct sources {
	struct trust_cards_bundle *bundles; /* one a trust domain, in their order */
	size_t bundle_count;
	struct bundle_source *files;
	size_t file_count;
	char **strings;                     /* what `bundles` points into */
	size_t string_count;
};

/* False, reported, when an option is malformed, names a trust domain that is not configured,
 * or when a trust domain has no bundle, or two. */
bool sources_read(struct sources *sources, const struct option_list *trust_domains,
                  const struct option_list *files, const struct option_list *configmaps,
                  const struct option_list *clustertrustbundles);
void sources_free(struct sources *sources);

#endif
