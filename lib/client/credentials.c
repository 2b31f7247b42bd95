#include "client/credentials_private.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exec_plugin_private.h"
#include "client/kubeconfig_file_private.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/signals.h"

static const char BLANK[] = " \t\r\n";

enum {
	FILES_AGE_MS = 10 * 1000,
	EXPIRY_MARGIN_S = 10, /* an exec credential is renewed this long before its end */
	EXEC_PAUSE_MS = 10 * 1000, /* between two runs that bring nothing new */
};

/* Replaces `*held` by `fresh` (which is taken) and counts it when it differs. */
static void replace(struct kube_credentials *c, char **held, char *fresh)
{
	bool same = *held != NULL && fresh != NULL && strcmp(*held, fresh) == 0;
	if (same || (*held == NULL && fresh == NULL)) {
		kube_wipe(fresh);
		return;
	}
	kube_wipe(*held);
	*held = fresh;
	c->generation++;
}

static char *read_secret(struct kube_credentials *c, const char *path, const char *what,
                         char error[KUBE_ERROR_SIZE])
{
	char *text = kube_read_file(path, KUBE_CONFIG_MAX, NULL);
	if (text == NULL)
		snprintf(error, KUBE_ERROR_SIZE, "%s: cannot read the %s %s: %s", c->config->origin,
		         what, path, strerror(errno));
	return text;
}

static bool read_token(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	char *token = read_secret(c, c->config->token_file, "token file", error);
	if (token == NULL)
		return false;
	const char *start = token + strspn(token, BLANK);
	size_t len = strcspn(start, BLANK);
	memmove(token, start, len);
	explicit_bzero(token + len, strlen(token + len));
	if (len == 0) {
		free(token);
		snprintf(error, KUBE_ERROR_SIZE, "%s: the token file %s is empty",
		         c->config->origin, c->config->token_file);
		return false;
	}
	replace(c, &c->token, token);
	return true;
}

static bool is_certificate(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *first = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	X509_free(first);
	BIO_free(bio);
	return first != NULL;
}

static bool read_ca(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	const struct kube_config *config = c->config;
	if (config->ca_data == NULL && config->ca_file == NULL)
		return true;
	char *pem = config->ca_data != NULL
	                    ? kube_copy(config->ca_data)
	                    : read_secret(c, config->ca_file, "certificate authority", error);
	if (pem == NULL)
		return false;
	if (is_certificate(pem)) {
		replace(c, &c->ca, pem);
		return true;
	}
	free(pem);
	snprintf(error, KUBE_ERROR_SIZE, "%s: the certificate authority%s%s holds no certificate",
	         config->origin, config->ca_data != NULL ? "" : " ",
	         config->ca_data != NULL ? "" : config->ca_file);
	return false;
}

static bool read_certificate(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	const struct kube_config *config = c->config;
	if (config->cert_data == NULL && config->cert_file == NULL)
		return true;
	char *cert = config->cert_data != NULL
	                     ? kube_copy(config->cert_data)
	                     : read_secret(c, config->cert_file, "client certificate", error);
	char *key = cert == NULL              ? NULL
	            : config->key_data != NULL ? kube_copy(config->key_data)
	                                       : read_secret(c, config->key_file, "client key", error);
	if (key != NULL && is_certificate(cert)) {
		replace(c, &c->cert, cert);
		replace(c, &c->key, key);
		return true;
	}
	if (key != NULL)
		snprintf(error, KUBE_ERROR_SIZE, "%s: the client certificate%s%s is not PEM",
		         config->origin, config->cert_data != NULL ? "" : " ",
		         config->cert_data != NULL ? "" : config->cert_file);
	kube_wipe(cert);
	kube_wipe(key);
	return false;
}

static bool read_files(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	bool token = c->config->token_file == NULL || read_token(c, error);
	if (!token || !read_certificate(c, error) || !read_ca(c, error))
		return false;
	c->read_ms = clock_monotonic_ms();
	return true;
}

static bool take_exec(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	struct kube_exec_credential fresh;
	if (!kube_exec_run(c->config, KUBE_EXEC_MS, &fresh, error))
		return false;
	if (fresh.cert != NULL && !is_certificate(fresh.cert)) {
		snprintf(error, KUBE_ERROR_SIZE, "%s: exec plugin %s: its certificate is not PEM",
		         c->config->origin, c->config->exec->command);
		kube_wipe(fresh.token);
		kube_wipe(fresh.cert);
		kube_wipe(fresh.key);
		return false;
	}
	replace(c, &c->token, fresh.token);
	if (fresh.cert != NULL) {
		replace(c, &c->cert, fresh.cert);
		replace(c, &c->key, fresh.key);
	}
	c->expires = fresh.expires;
	c->exec_done = true;
	return true;
}

static bool run_exec(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	bool good = take_exec(c, error);
	c->exec_ms = clock_monotonic_ms();
	snprintf(c->exec_error, sizeof c->exec_error, "%s", good ? "" : error);
	return good;
}

/* All requests wait while the plugin runs, for up to a minute: it is not run for each of them. */
static bool exec_ran_just_now(const struct kube_credentials *c)
{
	return c->exec_ms != 0 && clock_monotonic_ms() - c->exec_ms < EXEC_PAUSE_MS;
}

/* kubectl does the same: a token or certificate that is written down wins over the plugin. */
static bool needs_exec(const struct kube_credentials *c)
{
	const struct kube_config *config = c->config;
	return config->exec != NULL && config->token == NULL && config->token_file == NULL;
}

static bool exec_expired(const struct kube_credentials *c)
{
	return !c->exec_done || (c->expires != 0 && clock_now() >= c->expires - EXPIRY_MARGIN_S);
}

static bool exec_current(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	if (!exec_expired(c))
		return true;
	if (!exec_ran_just_now(c))
		return run_exec(c, error);
	/* Its credentials are always too old, or it failed. */
	snprintf(error, KUBE_ERROR_SIZE, "%s", c->exec_error);
	return c->exec_error[0] == '\0';
}

bool kube_credentials_current(struct kube_credentials *c, char error[KUBE_ERROR_SIZE])
{
	bool first = c->read_ms == 0;
	if (first && c->config->token != NULL && c->config->token_file == NULL)
		replace(c, &c->token, kube_copy(c->config->token));
	bool asked = signals_reload();
	if (asked)
		log_notice("asked to: token and certificate files are read again");
	if (first || asked || clock_monotonic_ms() - c->read_ms >= FILES_AGE_MS) {
		/* What was good a moment ago may still be, while its file is being replaced. */
		if (!read_files(c, error) && first)
			return false;
		if (c->read_ms != 0)
			c->read_ms = clock_monotonic_ms();
	}
	return !needs_exec(c) || exec_current(c, error);
}

bool kube_credentials_refresh(struct kube_credentials *c, unsigned generation,
                              char error[KUBE_ERROR_SIZE])
{
	if (c->generation != generation)
		return true;
	if (!read_files(c, error))
		return false;
	/* The first 401 of many asks the plugin; what it gave just then is all that there is. */
	bool asked = c->refreshed == generation && exec_ran_just_now(c);
	c->refreshed = generation;
	if (needs_exec(c) && !asked && !run_exec(c, error))
		return false;
	return c->generation != generation;
}

void kube_credentials_clear(struct kube_credentials *c)
{
	kube_wipe(c->token);
	kube_wipe(c->cert);
	kube_wipe(c->key);
	free(c->ca);
	*c = (struct kube_credentials){.config = c->config};
}
