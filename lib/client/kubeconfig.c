#include "client/kubeconfig.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/kubeconfig_file_private.h"
#include "base/memory.h"
#include "base/must.h"

enum { FILES_MAX = 32 };

/* What is being read: the files in order of precedence, and the choice among them. */
struct reading {
	struct kubeconfig_file files[FILES_MAX];
	size_t count;
	char *error;
	struct kube_config *config;
};

__attribute__((format(printf, 2, 3)))
static bool refuse(struct reading *r, const char *format, ...)
{
	va_list list;
	size_t len = 0;
	if (r->config != NULL && r->config->origin != NULL) {
		int put = snprintf(r->error, KUBE_ERROR_SIZE, "%s: ", r->config->origin);
		len = put < 0 || put >= KUBE_ERROR_SIZE ? 0 : (size_t)put;
	}
	va_start(list, format);
	vsnprintf(r->error + len, KUBE_ERROR_SIZE - len, format, list);
	va_end(list);
	return false;
}

/* Relative paths are relative to the file that holds them. */
static char *resolve(const struct kubeconfig_file *file, const char *path)
{
	const char *slash = strrchr(file->path, '/');
	if (path == NULL || path[0] == '/' || slash == NULL)
		return kube_copy(path);
	return kube_format("%.*s/%s", (int)(slash - file->path), file->path, path);
}

static bool take_base64(struct reading *r, const char *text, const char *field, char **into)
{
	if (text == NULL)
		return true;
	size_t len = strlen(text);
	int body = 0, last = 0;
	char *bytes = kube_alloc(len + 3, 1);
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	must(context != NULL, "EVP_ENCODE_CTX_new");
	EVP_DecodeInit(context);
	bool good = EVP_DecodeUpdate(context, (unsigned char *)bytes, &body,
	                             (const unsigned char *)text, (int)len) >= 0 &&
	            EVP_DecodeFinal(context, (unsigned char *)bytes + body, &last) == 1;
	EVP_ENCODE_CTX_free(context);
	size_t got = (size_t)body + (size_t)last;
	bytes[got] = '\0';
	if (good && memchr(bytes, '\0', got) == NULL) {
		*into = bytes;
		return true;
	}
	explicit_bzero(bytes, len);
	free(bytes);
	return refuse(r, "%s is not base64 of PEM", field);
}

/* As YAML 1.1 spells it, which kubectl reads. */
static bool is_true(const char *text)
{
	static const char *const words[] = {"true", "yes", "on", "y"};
	for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool take_cluster(struct reading *r, struct kubeconfig_file *f,
                         const struct yaml_node_s *node)
{
	struct kube_config *c = r->config;
	const char *server = kubeconfig_text(f, node, "server");
	if (server == NULL)
		return refuse(r, "the cluster has no server");
	if (strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0)
		return refuse(r, "the server must begin with https://");
	if (strpbrk(server, "@?# \t\r\n") != NULL)
		return refuse(r, "the server's URL may not hold credentials, a query or spaces");
	c->server = kube_copy(server);
	for (size_t len = strlen(server); len > 0 && c->server[len - 1] == '/'; len--)
		c->server[len - 1] = '\0';
	c->tls_server_name = kube_copy(kubeconfig_text(f, node, "tls-server-name"));
	c->proxy_url = kube_copy(kubeconfig_text(f, node, "proxy-url"));
	c->insecure = is_true(kubeconfig_text(f, node, "insecure-skip-tls-verify"));
	c->ca_file = resolve(f, kubeconfig_text(f, node, "certificate-authority"));
	if (!take_base64(r, kubeconfig_text(f, node, "certificate-authority-data"),
	                 "certificate-authority-data", &c->ca_data))
		return false;
	if (c->insecure && (c->ca_file != NULL || c->ca_data != NULL))
		return refuse(r, "insecure-skip-tls-verify and a certificate-authority exclude "
		                 "each other");
	return true;
}

static bool take_header(struct reading *r, const char *name, const char *value)
{
	if (value == NULL)
		return true;
	if (strpbrk(value, "\r\n") != NULL)
		return refuse(r, "the user's %s holds a line break", name);
	r->config->headers = kube_list_add(r->config->headers, kube_format("%s: %s", name, value));
	return true;
}

/* Never left out: without it we would act with our own, wider rights. */
static bool take_impersonation(struct reading *r, struct kubeconfig_file *f,
                               const struct yaml_node_s *node)
{
	const struct yaml_node_s *groups = kube_yaml_get(f->document, node, "as-groups"), *group;
	bool good = take_header(r, "Impersonate-User", kubeconfig_text(f, node, "as")) &&
	            take_header(r, "Impersonate-Uid", kubeconfig_text(f, node, "as-uid"));
	for (size_t i = 0; good && (group = kube_yaml_item(f->document, groups, i)) != NULL; i++)
		good = take_header(r, "Impersonate-Group", kube_yaml_scalar(group));
	return good;
}

static bool take_exec(struct reading *r, struct kubeconfig_file *f, const struct yaml_node_s *node)
{
	const char *command = kubeconfig_text(f, node, "command");
	const char *version = kubeconfig_text(f, node, "apiVersion");
	const char *mode = kubeconfig_text(f, node, "interactiveMode");
	if (command == NULL)
		return refuse(r, "the user's exec has no command");
	if (version == NULL || (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
	                        strcmp(version, "client.authentication.k8s.io/v1beta1") != 0))
		return refuse(r, "the user's exec needs apiVersion "
		                 "client.authentication.k8s.io/v1 or v1beta1");
	if (mode != NULL && strcmp(mode, "Always") == 0)
		return refuse(r, "the user's exec wants a terminal (interactiveMode: Always), "
		                 "and this program has none");
	struct kube_exec *exec = kube_alloc(1, sizeof *exec);
	r->config->exec = exec;
	exec->command = strchr(command, '/') == NULL ? kube_copy(command) : resolve(f, command);
	exec->api_version = kube_copy(version);
	exec->install_hint = kube_copy(kubeconfig_text(f, node, "installHint"));
	exec->provide_cluster_info = is_true(kubeconfig_text(f, node, "provideClusterInfo"));
	const struct yaml_node_s *args = kube_yaml_get(f->document, node, "args");
	const struct yaml_node_s *env = kube_yaml_get(f->document, node, "env");
	const struct yaml_node_s *item;
	for (size_t i = 0; (item = kube_yaml_item(f->document, args, i)) != NULL; i++) {
		const char *text = kube_yaml_scalar(item);
		exec->args = kube_list_add(exec->args, kube_copy(text == NULL ? "" : text));
	}
	for (size_t i = 0; (item = kube_yaml_item(f->document, env, i)) != NULL; i++) {
		const char *name = kubeconfig_text(f, item, "name");
		const char *value = kubeconfig_text(f, item, "value");
		if (name == NULL || strchr(name, '=') != NULL)
			return refuse(r, "the user's exec has an env without a name");
		exec->env = kube_list_add(exec->env,
		                          kube_format("%s=%s", name, value == NULL ? "" : value));
	}
	return true;
}

static bool take_user(struct reading *r, struct kubeconfig_file *f, const struct yaml_node_s *node)
{
	struct kube_config *c = r->config;
	const struct yaml_node_s *provider = kube_yaml_get(f->document, node, "auth-provider");
	if (kube_yaml_is_mapping(provider))
		return refuse(r, "the user's auth-provider is not supported; use an exec plugin");
	if (kubeconfig_text(f, node, "username") != NULL)
		return refuse(r, "the user's username and password are not supported; use a token "
		                 "or a client certificate");
	c->token = kube_copy(kubeconfig_text(f, node, "token"));
	c->token_file = resolve(f, kubeconfig_text(f, node, "tokenFile"));
	if (c->token != NULL && strpbrk(c->token, "\r\n") != NULL)
		return refuse(r, "the user's token holds a line break");
	c->cert_file = resolve(f, kubeconfig_text(f, node, "client-certificate"));
	c->key_file = resolve(f, kubeconfig_text(f, node, "client-key"));
	if (!take_base64(r, kubeconfig_text(f, node, "client-certificate-data"),
	                 "client-certificate-data", &c->cert_data) ||
	    !take_base64(r, kubeconfig_text(f, node, "client-key-data"), "client-key-data",
	                 &c->key_data))
		return false;
	bool cert = c->cert_file != NULL || c->cert_data != NULL;
	bool key = c->key_file != NULL || c->key_data != NULL;
	if (cert != key)
		return refuse(r, "the user has a client %s but no client %s",
		              cert ? "certificate" : "key", cert ? "key" : "certificate");
	if (!take_impersonation(r, f, node))
		return false;
	const struct yaml_node_s *exec = kube_yaml_get(f->document, node, "exec");
	return !kube_yaml_is_mapping(exec) || take_exec(r, f, exec);
}

/* The first file that names it wins; one that names it twice does not say which is meant. */
static const struct yaml_node_s *find(struct reading *r, const char *what, const char *name,
                         struct kubeconfig_file **in)
{
	char section[16];
	snprintf(section, sizeof section, "%ss", what);
	for (size_t i = 0; i < r->count; i++) {
		size_t count = 0;
		*in = &r->files[i];
		const struct yaml_node_s *item = kubeconfig_named(*in, section, name, &count);
		const struct yaml_node_s *node = kube_yaml_get((*in)->document, item, what);
		if (count > 1) {
			refuse(r, "%s \"%s\" is defined twice in %s", what, name, (*in)->name);
			return NULL;
		}
		if (kube_yaml_is_mapping(node))
			return node;
	}
	refuse(r, "%s \"%s\" is not defined", what, name);
	return NULL;
}

static char *file_names(struct reading *r)
{
	char *names = kube_copy("");
	for (size_t i = 0; i < r->count; i++) {
		char *more = kube_format("%s%s%s", names, i == 0 ? "" : ":", r->files[i].name);
		free(names);
		names = more;
	}
	return names;
}

static const char *current_context(struct reading *r)
{
	const char *context = NULL;
	for (size_t i = 0; i < r->count && context == NULL; i++) {
		const struct yaml_node_s *root = kube_yaml_root(r->files[i].document);
		context = kubeconfig_text(&r->files[i], root, "current-context");
	}
	return context;
}

static bool choose(struct reading *r, const char *context)
{
	struct kubeconfig_file *f = NULL, *in = NULL;
	bool given = context != NULL;
	char *names = file_names(r);
	if (!given)
		context = current_context(r);
	r->config->origin = context == NULL ? kube_copy(names)
	                                    : kube_format("context \"%s\" of %s", context, names);
	free(names);
	if (context == NULL)
		return refuse(r, "no current-context is set; choose one with --context");
	const struct yaml_node_s *chosen = find(r, "context", context, &f);
	if (chosen == NULL)
		return false;
	const char *cluster = kubeconfig_text(f, chosen, "cluster");
	const char *user = kubeconfig_text(f, chosen, "user");
	const char *namespace = kubeconfig_text(f, chosen, "namespace");
	r->config->namespace = kube_copy(namespace == NULL ? "default" : namespace);
	if (cluster == NULL)
		return refuse(r, "the context has no cluster");
	const struct yaml_node_s *node = find(r, "cluster", cluster, &in);
	if (node == NULL || !take_cluster(r, in, node))
		return false;
	if (user == NULL)
		return true;
	node = find(r, "user", user, &in);
	return node != NULL && take_user(r, in, node);
}

static struct kube_config *finish(struct reading *r, const char *context, bool good)
{
	r->config = kube_alloc(1, sizeof *r->config);
	good = good && choose(r, context);
	for (size_t i = 0; i < r->count; i++)
		kubeconfig_file_free(&r->files[i]);
	if (good)
		return r->config;
	kube_config_free(r->config);
	return NULL;
}

/* systemd copies a credential to where no admin looks: the unit says which file was copied. */
static const char *admins_name(const char *path)
{
	const char *name = getenv("EGRESS_KUBECONFIG_NAME"), *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t len = credentials == NULL ? 0 : strlen(credentials);
	bool copied = len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/';
	return copied && name != NULL && name[0] != '\0' ? name : path;
}

/* `required` is false for the files of a KUBECONFIG list. */
static bool add_file(struct reading *r, const char *path, bool required)
{
	size_t len = 0;
	const char *name = admins_name(path);
	char *text = kube_read_file(path, KUBE_CONFIG_MAX, &len);
	if (text == NULL && errno == ENOENT && !required)
		return true;
	if (text == NULL)
		return refuse(r, "cannot read %s: %s", name, strerror(errno));
	if (r->count == FILES_MAX) {
		kube_wipe(text);
		return refuse(r, "KUBECONFIG names more than %d files", FILES_MAX);
	}
	bool good = kubeconfig_file_read(&r->files[r->count++], text, len, path, name, r->error);
	explicit_bzero(text, len);
	free(text);
	return good;
}

static bool add_listed(struct reading *r, const char *list)
{
	bool good = true;
	char *copy = kube_copy(list), *rest = copy, *path;
	while (good && (path = strsep(&rest, ":")) != NULL)
		good = path[0] == '\0' || add_file(r, path, false);
	free(copy);
	return good;
}

static bool add_home(struct reading *r)
{
	const char *home = getenv("HOME");
	char *path = kube_format("%s/.kube/config", home == NULL ? "" : home);
	bool good = add_file(r, path, false);
	free(path);
	return good;
}

struct kube_config *kube_config_load(const char *path, const char *context,
                                     char error[KUBE_ERROR_SIZE])
{
	struct reading r = {.error = error};
	const char *list = getenv("KUBECONFIG");
	bool listed = list != NULL && list[0] != '\0', good;
	if (path != NULL)
		good = add_file(&r, path, true);
	else
		good = listed ? add_listed(&r, list) : add_home(&r);
	if (!good || r.count > 0)
		return finish(&r, context, good);
	if (listed)
		refuse(&r, "none of the files of KUBECONFIG exists: %s", list);
	else if (getenv("KUBERNETES_SERVICE_HOST") != NULL && context == NULL)
		return kube_config_in_cluster(NULL, error);
	else
		refuse(&r, "no kubeconfig: KUBECONFIG is not set, ~/.kube/config does not exist, "
		           "and this is not a pod; give --kubeconfig FILE");
	return NULL;
}

struct kube_config *kube_config_parse(const char *text, size_t len, const char *name,
                                      const char *context, char error[KUBE_ERROR_SIZE])
{
	struct reading r = {.error = error, .count = 1};
	bool good = kubeconfig_file_read(&r.files[0], text, len, name, name, error);
	return finish(&r, context, good);
}
