#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/client_private.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/options.h"

enum {
	BODY_MAX = JSON_RECORD_MAX,
	ERROR_BODY_MAX = 64 * 1024, /* of a streamed request's error response */
	TIMEOUT_MS = 60 * 1000,
	KEEPALIVE_S = 20,
	UNACKNOWLEDGED_MS = 60 * 1000,
	RETRY_AFTER_MAX_S = 3600,
};

static bool is_success(const struct kube_call *call)
{
	long code = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &code);
	return code >= 200 && code < 300;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
	struct kube_call *call = user;
	(void)bytes;
	call->client->last_heard_from_ms = clock_monotonic_ms();
	return size * count;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *user)
{
	struct kube_call *call = user;
	size_t len = size * count;
	call->client->last_heard_from_ms = clock_monotonic_ms();
	bool streamed = call->request.on_body != NULL;
	if (call->state == CALL_CANCELLED)
		return 0;
	if (streamed && is_success(call)) {
		enum kube_taken taken = call->request.on_body(call->request.user, bytes, len);
		call->paused = taken == KUBE_LATER;
		if (call->paused)
			return CURL_WRITEFUNC_PAUSE;
		call->stopped = taken == KUBE_STOP;
		return call->stopped ? 0 : len;
	}
	size_t most = streamed                     ? ERROR_BODY_MAX
	              : call->request.max_body != 0 ? call->request.max_body
	                                            : BODY_MAX;
	if (len > most - call->got.len) {
		call->too_large = true;
		return 0;
	}
	json_put(&call->got, bytes, len);
	return len;
}

/* A peer that vanished is noticed within a minute or so, idle or not (RFC 5482). */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	(void)user;
	(void)purpose;
	unsigned timeout = UNACKNOWLEDGED_MS;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
	return CURL_SOCKOPT_OK;
}

static struct curl_blob copied(const char *pem)
{
	return (struct curl_blob){(void *)pem, strlen(pem), CURL_BLOB_COPY};
}

static void set_tls(struct kube_call *call)
{
	const struct kube_config *config = call->client->config;
	const struct kube_credentials *c = &call->client->credentials;
	CURL *easy = call->easy;
	CURL_MUST_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (config->insecure) {
		CURL_MUST_SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		CURL_MUST_SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (c->ca != NULL) {
		/* This authority and no other: not the system's beside it. */
		CURL_MUST_SET(easy, CURLOPT_CAPATH, NULL);
		struct curl_blob ca = copied(c->ca);
		CURL_MUST_SET(easy, CURLOPT_CAINFO_BLOB, &ca);
	}
	if (c->cert != NULL) {
		struct curl_blob cert = copied(c->cert), key = copied(c->key);
		CURL_MUST_SET(easy, CURLOPT_SSLCERT_BLOB, &cert);
		CURL_MUST_SET(easy, CURLOPT_SSLKEY_BLOB, &key);
		/* An encrypted key is an error, not a question on the terminal. */
		CURL_MUST_SET(easy, CURLOPT_KEYPASSWD, "");
	}
	if (config->proxy_url != NULL)
		CURL_MUST_SET(easy, CURLOPT_PROXY, config->proxy_url);
	else if (call->client->loopback) /* HTTPS_PROXY is not for this machine: kubectl agrees */
		CURL_MUST_SET(easy, CURLOPT_PROXY, "");
}

static void add_line(struct kube_call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);
	must(list != NULL, "a header");
	call->headers = list;
}

static void add_header(struct kube_call *call, const char *name, const char *value)
{
	char *line = kube_format("%s: %s", name, value);
	add_line(call, line);
	kube_wipe(line);
}

static void free_headers(struct kube_call *call)
{
	for (struct curl_slist *at = call->headers; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}

static void set_headers(struct kube_call *call)
{
	const struct kube_client *client = call->client;
	free_headers(call);
	add_header(call, "Accept", call->accept);
	add_header(call, "Expect", "");
	if (call->sent.at != NULL)
		add_header(call, "Content-Type", call->content_type);
	if (client->plain)
		return;
	if (client->credentials.token != NULL) {
		char *bearer = kube_format("Bearer %s", client->credentials.token);
		add_header(call, "Authorization", bearer);
		kube_wipe(bearer);
	}
	for (char **at = client->config->headers; at != NULL && *at != NULL; at++)
		add_line(call, *at);
}

/* curl takes the name to verify from the URL, so the URL names it and the connection goes to the
 * real host. False when the name cannot stand in a URL. */
static bool set_named_server(struct kube_call *call, const char *url)
{
	const char *name = call->client->config->tls_server_name;
	char *port = NULL, *host = NULL, *changed = NULL;
	CURLU *parts = curl_url();
	must(parts != NULL, "curl_url");
	bool good = curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
	            curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	            curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	            curl_url_set(parts, CURLUPART_HOST, name, 0) == CURLUE_OK &&
	            curl_url_get(parts, CURLUPART_URL, &changed, 0) == CURLUE_OK;
	if (good) {
		char *to = kube_format("%s:%s:%s:%s", name, port, host, port);
		call->connect_to = curl_slist_append(NULL, to);
		must(call->connect_to != NULL, "CURLOPT_CONNECT_TO");
		CURL_MUST_SET(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
		CURL_MUST_SET(call->easy, CURLOPT_URL, changed);
		free(to);
	}
	curl_free(changed);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return good;
}

static bool set_server(struct kube_call *call, char error[KUBE_ERROR_SIZE])
{
	const struct kube_config *config = call->client->config;
	char *url = kube_format("%s%s", config->server, call->path);
	bool good = true;
	if (config->tls_server_name != NULL)
		good = set_named_server(call, url);
	else
		CURL_MUST_SET(call->easy, CURLOPT_URL, url);
	free(url);
	if (!good)
		snprintf(error, KUBE_ERROR_SIZE,
		         "%s: the server %s cannot be asked by its tls-server-name %s",
		         config->origin, config->server, config->tls_server_name);
	return good;
}

static void set_times(struct kube_call *call)
{
	const struct kube_request *r = &call->request;
	long total = r->timeout_ms == 0 ? TIMEOUT_MS : r->timeout_ms < 0 ? 0 : r->timeout_ms;
	CURL_MUST_SET(call->easy, CURLOPT_TIMEOUT_MS, total);
	CURL_MUST_SET(call->easy, CURLOPT_CONNECTTIMEOUT_MS, call->client->connect_ms);
	CURL_MUST_SET(call->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	CURL_MUST_SET(call->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	CURL_MUST_SET(call->easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	CURL_MUST_SET(call->easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	if (r->idle_ms > 0) {
		CURL_MUST_SET(call->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		CURL_MUST_SET(call->easy, CURLOPT_LOW_SPEED_TIME, (r->idle_ms + 999) / 1000);
	}
}

static void set_request(struct kube_call *call)
{
	CURL *easy = call->easy;
	char agent[96];
	snprintf(agent, sizeof agent, "%s/%s", log_program(), egress_version);
	CURL_MUST_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	CURL_MUST_SET(easy, CURLOPT_PATH_AS_IS, 1L);
	CURL_MUST_SET(easy, CURLOPT_NOSIGNAL, 1L);
	CURL_MUST_SET(easy, CURLOPT_USERAGENT, agent);
	CURL_MUST_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* Wait for ALPN to tell whether one connection carries all. Without TLS nothing tells, and
	 * curl would wait for a watch to end. */
	bool tls = strncmp(call->client->config->server, "https://", 8) == 0;
	CURL_MUST_SET(easy, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
	CURL_MUST_SET(easy, CURLOPT_ERRORBUFFER, call->error);
	CURL_MUST_SET(easy, CURLOPT_PRIVATE, call);
	CURL_MUST_SET(easy, CURLOPT_HEADERFUNCTION, on_header);
	CURL_MUST_SET(easy, CURLOPT_HEADERDATA, call);
	CURL_MUST_SET(easy, CURLOPT_WRITEFUNCTION, on_write);
	CURL_MUST_SET(easy, CURLOPT_WRITEDATA, call);
	if (call->sent.at != NULL) {
		CURL_MUST_SET(easy, CURLOPT_POSTFIELDS, call->sent.at);
		CURL_MUST_SET(easy, CURLOPT_POSTFIELDSIZE, (long)call->sent.len);
	}
	CURL_MUST_SET(easy, CURLOPT_CUSTOMREQUEST, call->method);
	/* The server compresses what is large, which costs it more than loopback gives back. */
	if (call->request.compressed && !call->client->loopback)
		CURL_MUST_SET(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	set_times(call);
}

bool kube_call_send(struct kube_call *call, char error[KUBE_ERROR_SIZE])
{
	struct kube_client *client = call->client;
	if (!kube_credentials_current(&client->credentials, error))
		return false;
	call->generation = client->credentials.generation;
	call->easy = curl_easy_init();
	must(call->easy != NULL, "curl_easy_init");
	call->got.len = 0;
	call->error[0] = '\0';
	call->paused = false;
	if (!set_server(call, error))
		return false;
	set_request(call);
	set_tls(call);
	set_headers(call);
	CURL_MUST_SET(call->easy, CURLOPT_HTTPHEADER, call->headers);
	call->state = CALL_FLYING;
	call->sent_ms = clock_monotonic_ms();
	must(curl_multi_add_handle(client->multi.curl, call->easy) == CURLM_OK,
	     "curl_multi_add_handle");
	return true;
}

void kube_call_withdraw(struct kube_call *call)
{
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->client->multi.curl, call->easy);
		curl_easy_cleanup(call->easy);
	}
	call->easy = NULL;
	free_headers(call);
	curl_slist_free_all(call->connect_to);
	call->connect_to = NULL;
}

void kube_call_free(struct kube_call *call)
{
	kube_call_withdraw(call);
	free(call->method);
	free(call->path);
	free(call->content_type);
	free(call->accept);
	json_buffer_free(&call->sent);
	json_buffer_free(&call->got);
	free(call);
}

static enum kube_failure classify(const struct kube_call *call, CURLcode code)
{
	if (call->stopped)
		return KUBE_STOPPED;
	if (call->too_large)
		return KUBE_TOO_LARGE;
	switch ((int)code) {
	case CURLE_OK:
		return KUBE_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return KUBE_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return KUBE_TLS;
	default:
		return KUBE_UNREACHABLE;
	}
}

static void word_failure(const struct kube_call *call, CURLcode code,
                         enum kube_failure failure, char text[KUBE_ERROR_SIZE])
{
	const struct kube_config *config = call->client->config;
	const char *why = call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
	switch (failure) {
	case KUBE_STOPPED:
		snprintf(text, KUBE_ERROR_SIZE, "the rest of the response was not wanted");
		break;
	case KUBE_TOO_LARGE:
		snprintf(text, KUBE_ERROR_SIZE, "the response of %s is too large", config->server);
		break;
	case KUBE_TLS:
		snprintf(text, KUBE_ERROR_SIZE, "no trusted connection to %s: %s (%s)",
		         config->server, why, config->origin);
		break;
	default:
		snprintf(text, KUBE_ERROR_SIZE, "cannot talk to %s: %s", config->server, why);
	}
}

void kube_call_result(struct kube_call *call, CURLcode code, struct kube_result *result,
                      char text[KUBE_ERROR_SIZE])
{
	curl_off_t after = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &result->code);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > RETRY_AFTER_MAX_S)
		after = RETRY_AFTER_MAX_S;
	result->retry_after_ms = after > 0 ? (long)after * 1000 : -1;
	result->failure = classify(call, code);
	result->body = json_buffer_text(&call->got);
	result->error = NULL;
	if (result->failure == KUBE_OK)
		return;
	word_failure(call, code, result->failure, text);
	result->error = text;
}
