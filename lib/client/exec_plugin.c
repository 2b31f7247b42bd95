#include "client/exec_plugin_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json/write.h"
#include "client/kubeconfig_file_private.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/signals.h"
#include "json/json.h"

enum { OUTPUT_MAX = 1024 * 1024, LOOK_MS = 20 /* between two looks whether it has ended */ };

static const char TOO_LONG[] = "it did not end in its time";

static void put_member(struct json_buffer *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	json_put_key(out, key);
	json_put_string(out, value);
}

static void put_ca(struct json_buffer *out, const struct kube_config *config)
{
	size_t len = 0;
	char *pem = config->ca_data != NULL ? kube_copy(config->ca_data)
	            : config->ca_file == NULL
	                    ? NULL
	                    : kube_read_file(config->ca_file, KUBE_CONFIG_MAX, NULL);
	if (pem == NULL)
		return;
	len = strlen(pem);
	char *text = kube_alloc(len / 3 * 4 + 8, 1);
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)pem, (int)len);
	put_member(out, "certificate-authority-data", text);
	free(text);
	free(pem);
}

/* The value of KUBERNETES_EXEC_INFO. */
static char *exec_info(const struct kube_config *config)
{
	struct json_buffer out = {0};
	json_putc(&out, '{');
	put_member(&out, "kind", "ExecCredential");
	put_member(&out, "apiVersion", config->exec->api_version);
	json_puts(&out, ",\"spec\":{\"interactive\":false");
	if (config->exec->provide_cluster_info) {
		json_puts(&out, ",\"cluster\":{");
		put_member(&out, "server", config->server);
		put_member(&out, "tls-server-name", config->tls_server_name);
		put_member(&out, "proxy-url", config->proxy_url);
		if (config->insecure)
			json_puts(&out, ",\"insecure-skip-tls-verify\":true");
		put_ca(&out, config);
		json_putc(&out, '}');
	}
	json_puts(&out, "}}");
	char *text = kube_copy_n(out.at, out.len);
	json_buffer_free(&out);
	return text;
}

static bool overrides(char **env, const char *entry)
{
	size_t name = strcspn(entry, "=") + 1;
	for (char **at = env; at != NULL && *at != NULL; at++)
		if (strncmp(*at, entry, name) == 0)
			return true;
	return false;
}

static char **exec_environment(const struct kube_config *config)
{
	char *info = exec_info(config);
	char **env = kube_list_add(NULL, kube_format("KUBERNETES_EXEC_INFO=%s", info));
	free(info);
	for (char **at = config->exec->env; at != NULL && *at != NULL; at++)
		env = kube_list_add(env, kube_copy(*at));
	for (char **at = environ; *at != NULL; at++)
		if (!overrides(env, *at))
			env = kube_list_add(env, kube_copy(*at));
	return env;
}

static int spawn(const struct kube_config *config, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setpgroup(&attributes, 0); /* its own: what it starts is ended with it */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
	                                              POSIX_SPAWN_SETPGROUP);
	char **env = exec_environment(config);
	char **argv = kube_list_add(NULL, kube_copy(config->exec->command));
	for (char **at = config->exec->args; at != NULL && *at != NULL; at++)
		argv = kube_list_add(argv, kube_copy(*at));
	int failed = posix_spawnp(pid, config->exec->command, &files, &attributes, argv, env);
	kube_list_free(argv);
	kube_list_free(env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

/* Reads until end of file; NULL, or why not. */
static const char *collect(int fd, struct json_buffer *out, int64_t until)
{
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left = until - clock_monotonic_ms();
		if (signals_stop())
			return "interrupted";
		if (left <= 0)
			return TOO_LONG;
		if (signals_wait(&wait, 1, (int)left) <= 0)
			continue;
		json_buffer_reserve(out, 4096);
		ssize_t got = read(fd, out->at + out->len, 4096);
		if (got == 0)
			return NULL;
		if (got > 0)
			out->len += (size_t)got;
		if (out->len > OUTPUT_MAX)
			return "its output is over 1 MiB";
		if (got < 0 && errno != EINTR)
			return "its output cannot be read";
	}
}

/* One that has closed its output may live on. NULL when it has ended, else why it must. */
static const char *await_end(pid_t pid, int *status, int64_t until)
{
	while (waitpid(pid, status, WNOHANG) == 0) {
		if (signals_stop())
			return "interrupted";
		if (clock_monotonic_ms() >= until)
			return TOO_LONG;
		signals_wait(NULL, 0, LOOK_MS);
	}
	return NULL;
}

static void end_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static const char *word_status(int status, char reason[128])
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	if (WIFEXITED(status))
		snprintf(reason, 128, "it ended with status %d", WEXITSTATUS(status));
	else
		snprintf(reason, 128, "it was ended by signal %d", WTERMSIG(status));
	return reason;
}

static const char *run(const struct kube_config *config, long time_ms, struct json_buffer *out,
                       char reason[128])
{
	int64_t until = clock_monotonic_ms() + time_ms;
	int ends[2], status = 0;
	pid_t pid = 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return strerror(errno);
	int failed = spawn(config, ends[1], &pid);
	close(ends[1]);
	const char *why = failed != 0 ? strerror(failed) : collect(ends[0], out, until);
	close(ends[0]);
	if (failed != 0)
		return why;
	if (why == NULL)
		why = await_end(pid, &status, until);
	if (why == NULL)
		return word_status(status, reason);
	end_group(pid);
	return why;
}

static const char *parse(const struct kube_config *config, const struct json_buffer *out,
                         struct kube_exec_credential *credential)
{
	struct json_text text = json_buffer_text(out);
	if (!json_check(text, &json_record_limits, NULL))
		return "it did not print JSON";
	text = json_trim(text);
	if (!json_equals(json_get(text, "kind"), "ExecCredential") ||
	    !json_equals(json_get(text, "apiVersion"), config->exec->api_version))
		return "it did not print an ExecCredential of the apiVersion asked for";
	struct json_text status = json_get(text, "status");
	credential->token = json_cstring(json_get(status, "token"));
	credential->cert = json_cstring(json_get(status, "clientCertificateData"));
	credential->key = json_cstring(json_get(status, "clientKeyData"));
	char *until = json_cstring(json_get(status, "expirationTimestamp"));
	bool dated = until == NULL || clock_parse(until, &credential->expires);
	free(until);
	if (!dated)
		return "its expirationTimestamp is not a time";
	if ((credential->cert == NULL) != (credential->key == NULL))
		return "it gave a certificate or a key without the other";
	if (credential->token == NULL && credential->cert == NULL)
		return "it gave neither a token nor a certificate";
	if (credential->token != NULL && strpbrk(credential->token, "\r\n") != NULL)
		return "its token holds a line break";
	return NULL;
}

bool kube_exec_run(const struct kube_config *config, long time_ms,
                   struct kube_exec_credential *credential, char error[KUBE_ERROR_SIZE])
{
	struct json_buffer out = {0};
	char reason[128];
	*credential = (struct kube_exec_credential){0};
	const char *why = run(config, time_ms, &out, reason);
	if (why == NULL)
		why = parse(config, &out, credential);
	if (out.at != NULL)
		explicit_bzero(out.at, out.len);
	json_buffer_free(&out);
	if (why == NULL)
		return true;
	const char *hint = config->exec->install_hint;
	snprintf(error, KUBE_ERROR_SIZE, "%s: exec plugin %s: %s%s%s", config->origin,
	         config->exec->command, why, hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
	kube_wipe(credential->token);
	kube_wipe(credential->cert);
	kube_wipe(credential->key);
	*credential = (struct kube_exec_credential){0};
	return false;
}
