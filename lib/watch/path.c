#include <curl/curl.h>

#include "base/memory.h"
#include "base/must.h"
#include "watch/watch_private.h"

char *watch_path(const struct k8s_kind *kind, const char *namespace)
{
	return kube_format("/%s%s/%s%s%s/%s", kind->group[0] == '\0' ? "api" : "apis/",
	                   kind->group, kind->version, namespace == NULL ? "" : "/namespaces/",
	                   namespace == NULL ? "" : namespace, kind->plural);
}

char *watch_encode(const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0);
	must(encoded != NULL, "curl_easy_escape");
	char *copy = kube_copy(encoded);
	curl_free(encoded);
	return copy;
}
