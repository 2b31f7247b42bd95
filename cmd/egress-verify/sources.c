#include "sources.h"

#include <stdlib.h>
#include <string.h>

#include "os/log.h"

static void *memory(size_t count, size_t size)
{
	void *made = calloc(count + 1, size);
	if (made == NULL)
		abort();
	return made;
}

/* Where the value of "DOMAIN=VALUE" starts; the whole option when it has no DOMAIN. A slash
 * before the '=' means that it is part of a path. */
static const char *value_of(const char *option)
{
	size_t len = strcspn(option, "=/");
	return option[len] == '=' ? option + len + 1 : option;
}

static struct trust_cards_bundle *find_domain(struct sources *sources, const char *flag,
                                              const char *option)
{
	const char *value = value_of(option);
	if (value == option)
		return &sources->bundles[0];
	size_t len = (size_t)(value - option) - 1;
	for (size_t i = 0; i < sources->bundle_count; i++) {
		const char *domain = sources->bundles[i].trust_domain;
		if (domain != NULL && strlen(domain) == len && memcmp(domain, option, len) == 0)
			return &sources->bundles[i];
	}
	log_error("%s %s: %.*s is not a --trust-domain (a file's name with '=' in it is written "
	          "./NAME)", flag, option, (int)len, option);
	return NULL;
}

static bool split_configmap(struct sources *sources, const char *value,
                            struct trust_cards_bundle *bundle)
{
	char *copy = strdup(value);
	if (copy == NULL)
		abort();
	sources->strings[sources->string_count++] = copy;
	char *name = strchr(copy, '/');
	if (name == NULL || name == copy)
		return false;
	*name++ = '\0';
	char *key = strchr(name, ':');
	if (key != NULL)
		*key++ = '\0';
	bundle->namespace = copy;
	bundle->name = name;
	bundle->key = key != NULL ? key : "bundle.spiffe";
	bundle->second_key = key != NULL ? NULL : "bundle.crt";
	return *name != '\0' && strchr(name, '/') == NULL && *bundle->key != '\0';
}

static bool has_file(const struct sources *sources, const char *trust_domain)
{
	for (size_t i = 0; i < sources->file_count; i++)
		if (sources->files[i].trust_domain == trust_domain)
			return true;
	return false;
}

static bool take_file(struct sources *sources, const char *option)
{
	struct trust_cards_bundle *bundle = find_domain(sources, "--trust-bundle", option);
	if (bundle == NULL)
		return false;
	if (has_file(sources, bundle->trust_domain)) {
		log_error("--trust-bundle %s: %s has a bundle already", option, bundle->trust_domain);
		return false;
	}
	sources->files[sources->file_count++] =
		(struct bundle_source){bundle->trust_domain, value_of(option)};
	return true;
}

static bool take_configmap(struct sources *sources, const char *option)
{
	const char *flag = "--trust-bundle-configmap";
	struct trust_cards_bundle *bundle = find_domain(sources, flag, option);
	if (bundle == NULL)
		return false;
	if (bundle->name != NULL || has_file(sources, bundle->trust_domain)) {
		log_error("%s %s: %s has a bundle already", flag, option, bundle->trust_domain);
		return false;
	}
	if (split_configmap(sources, value_of(option), bundle))
		return true;
	log_error("%s %s: [DOMAIN=]NAMESPACE/NAME[:KEY] is wanted", flag, option);
	return false;
}

static bool take_clustertrustbundle(struct sources *sources, const char *option)
{
	const char *flag = "--trust-bundle-clustertrustbundle";
	struct trust_cards_bundle *bundle = find_domain(sources, flag, option);
	if (bundle == NULL)
		return false;
	if (bundle->name != NULL || has_file(sources, bundle->trust_domain)) {
		log_error("%s %s: %s has a bundle already", flag, option, bundle->trust_domain);
		return false;
	}
	bundle->name = value_of(option);
	if (*bundle->name != '\0' && strchr(bundle->name, '/') == NULL)
		return true;
	log_error("%s %s: [DOMAIN=]NAME is wanted", flag, option);
	return false;
}

static bool check_complete(struct sources *sources)
{
	struct trust_cards_bundle *first = &sources->bundles[0];
	if (first->name == NULL && !has_file(sources, first->trust_domain))
		split_configmap(sources, SOURCES_CONFIGMAP, first);
	for (size_t i = 1; i < sources->bundle_count; i++) {
		struct trust_cards_bundle *bundle = &sources->bundles[i];
		if (bundle->name != NULL || has_file(sources, bundle->trust_domain))
			continue;
		log_error("--trust-domain %s has no bundle: give --trust-bundle %s=FILE, "
		          "--trust-bundle-configmap %s=NAMESPACE/NAME or "
		          "--trust-bundle-clustertrustbundle %s=NAME", bundle->trust_domain,
		          bundle->trust_domain, bundle->trust_domain, bundle->trust_domain);
		return false;
	}
	return true;
}

bool sources_read(struct sources *sources, const struct option_list *trust_domains,
                  const struct option_list *files, const struct option_list *configmaps,
                  const struct option_list *clustertrustbundles)
{
	*sources = (struct sources){.bundle_count = trust_domains->count};
	sources->bundles = memory(trust_domains->count, sizeof *sources->bundles);
	sources->files = memory(files->count, sizeof *sources->files);
	sources->strings = memory(configmaps->count + 1, sizeof *sources->strings);
	for (size_t i = 0; i < trust_domains->count; i++)
		sources->bundles[i].trust_domain = trust_domains->values[i];
	for (size_t i = 0; i < files->count; i++)
		if (!take_file(sources, files->values[i]))
			return false;
	for (size_t i = 0; i < configmaps->count; i++)
		if (!take_configmap(sources, configmaps->values[i]))
			return false;
	for (size_t i = 0; i < clustertrustbundles->count; i++)
		if (!take_clustertrustbundle(sources, clustertrustbundles->values[i]))
			return false;
	return check_complete(sources);
}

void sources_free(struct sources *sources)
{
	for (size_t i = 0; i < sources->string_count; i++)
		free(sources->strings[i]);
	free(sources->strings);
	free(sources->bundles);
	free(sources->files);
}
