#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "client/client_private.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/log.h"

enum { CONNECT_MS = 15 * 1000, STREAMS_MAX = 250, SILENCE_MS = 10 * 1000 };

static bool is_loopback(const char *server)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *host = strstr(server, "://") + 3;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		size_t len = strlen(hosts[i]);
		if (strncmp(host, hosts[i], len) == 0 && strchr(":/", host[len]) != NULL)
			return true;
	}
	return false;
}

static void warn_of_weakness(const struct kube_client *client)
{
	const struct kube_config *config = client->config;
	if (config->insecure)
		log_warning("%s: insecure-skip-tls-verify is set: whoever is between us and %s can "
		            "read and change everything",
		            config->origin, config->server);
	if (client->plain)
		log_warning("%s: %s is not https: no token is sent there", config->origin,
		            config->server);
}

static void open_multi(struct kube_client *client)
{
	kube_multi_open(&client->multi);
	curl_multi_setopt(client->multi.curl, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(client->multi.curl, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_MAX);
}

struct kube_client *kube_client_new(const struct kube_config *config,
                                    char error[KUBE_ERROR_SIZE])
{
	struct kube_client *client = kube_alloc(1, sizeof *client);
	client->config = config;
	client->credentials.config = config;
	client->connect_ms = CONNECT_MS;
	client->loopback = is_loopback(config->server);
	client->plain = strncmp(config->server, "http://", 7) == 0 &&
	                (!client->loopback || config->proxy_url != NULL);
	open_multi(client);
	if (kube_credentials_current(&client->credentials, error)) {
		warn_of_weakness(client);
		return client;
	}
	kube_client_free(client);
	return NULL;
}

void kube_client_connect_timeout(struct kube_client *client, long ms)
{
	client->connect_ms = ms;
}

static void drop(struct kube_call *call)
{
	struct kube_client *client = call->client;
	DL_DELETE(client->calls, call);
	if (call->state != CALL_CANCELLED)
		client->in_flight--;
	kube_call_free(call);
}

void kube_client_free(struct kube_client *client)
{
	if (client == NULL)
		return;
	while (client->calls != NULL)
		drop(client->calls);
	kube_multi_close(&client->multi);
	kube_credentials_clear(&client->credentials);
	free(client);
}

struct kube_call *kube_request_start(struct kube_client *client,
                                     const struct kube_request *request)
{
	struct kube_call *call = kube_alloc(1, sizeof *call);
	call->client = client;
	call->request = *request;
	call->method = kube_copy(request->method);
	call->path = kube_copy(request->path);
	call->content_type = kube_copy(request->content_type != NULL ? request->content_type
	                                                             : "application/json");
	call->accept = kube_copy(request->accept != NULL ? request->accept : "application/json");
	json_puttext(&call->sent, request->body);
	DL_APPEND(client->calls, call);
	client->in_flight++;
	return call;
}

void kube_call_cancel(struct kube_call *call)
{
	if (call->state != CALL_CANCELLED)
		call->client->in_flight--;
	call->state = CALL_CANCELLED;
}

void kube_call_resume(struct kube_call *call)
{
	call->resume = true;
}

size_t kube_client_in_flight(const struct kube_client *client)
{
	return client->in_flight;
}

bool kube_client_connected(const struct kube_client *client)
{
	return client->connected;
}

/* Tells the caller, unless its callbacks cancelled it meanwhile, and forgets the call. */
static void finish(struct kube_call *call, const struct kube_result *result)
{
	if (call->state != CALL_CANCELLED)
		call->request.on_done(call->request.user, result);
	drop(call);
}

static bool fail_credentials(struct kube_call *call, const char *error)
{
	struct kube_result result = {
		.failure = KUBE_CREDENTIALS, .retry_after_ms = -1, .error = error};
	finish(call, &result);
	return true;
}

/* Starts, resumes and forgets what callers asked for outside of curl's callbacks. True when a
 * callback was called. */
static bool start_and_resume(struct kube_client *client)
{
	struct kube_call *call, *next;
	bool called = false;
	char error[KUBE_ERROR_SIZE];
	DL_FOREACH_SAFE(client->calls, call, next) {
		if (call->state == CALL_CANCELLED) {
			drop(call);
		} else if (call->state == CALL_STARTING) {
			if (!kube_call_send(call, error))
				called = fail_credentials(call, error);
		} else if (call->resume) {
			call->resume = false;
			curl_easy_pause(call->easy, CURLPAUSE_CONT);
		}
	}
	return called;
}

/* A 401 is tried once more when newer credentials can be had. */
static bool try_again(struct kube_call *call, const struct kube_result *result)
{
	char error[KUBE_ERROR_SIZE];
	if (result->code != 401 || call->retried || call->state == CALL_CANCELLED ||
	    !kube_credentials_refresh(&call->client->credentials, call->generation, error))
		return false;
	call->retried = true;
	kube_call_withdraw(call);
	call->state = CALL_STARTING;
	return true;
}

/* The other end of a connection may have forgotten it and still acknowledge what is sent, as a
 * balancer does. Curl would send all that comes into that silence. */
static bool is_silent(const struct kube_call *call, CURLcode code)
{
	int64_t last = call->client->last_heard_from_ms;
	const struct kube_call *other;
	DL_FOREACH(call->client->calls, other) {
		if (other->paused) /* it is we who do not listen */
			return false;
	}
	return code == CURLE_OPERATION_TIMEDOUT &&
	       (last < call->sent_ms || clock_monotonic_ms() - last > SILENCE_MS);
}

/* Closes every connection; who waits for an answer on one of them is told that it is lost. */
static void start_anew(struct kube_client *client)
{
	struct kube_result lost = {.failure = KUBE_UNREACHABLE, .retry_after_ms = -1};
	struct kube_call *call, *next;
	char text[KUBE_ERROR_SIZE];
	DL_FOREACH(client->calls, call) {
		if (call->state == CALL_STARTING)
			continue;
		kube_call_withdraw(call);
		if (call->state == CALL_FLYING)
			call->state = CALL_LOST;
	}
	kube_multi_close(&client->multi);
	open_multi(client);
	snprintf(text, sizeof text, "the connection to %s fell silent", client->config->server);
	lost.error = text;
	DL_FOREACH_SAFE(client->calls, call, next) {
		if (call->state == CALL_LOST)
			finish(call, &lost);
	}
}

static bool deliver(struct kube_client *client)
{
	CURLMsg *message;
	int left = 0;
	bool called = false, silent = false;
	while ((message = curl_multi_info_read(client->multi.curl, &left)) != NULL) {
		struct kube_call *call = NULL;
		struct kube_result result;
		char text[KUBE_ERROR_SIZE];
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		kube_call_result(call, message->data.result, &result, text);
		client->connected = client->connected || result.code != 0;
		called = true;
		silent = silent || is_silent(call, message->data.result);
		if (!try_again(call, &result))
			finish(call, &result);
	}
	if (silent)
		start_anew(client);
	return called;
}

int kube_client_poll(struct kube_client *client, int timeout_ms, struct pollfd *fds,
                     nfds_t count)
{
	bool called = start_and_resume(client);
	called = deliver(client) || called;
	if (called)
		called = start_and_resume(client) || called;
	int got = kube_multi_wait(&client->multi, called ? 0 : timeout_ms, fds, count);
	int saved = errno;
	deliver(client);
	errno = saved;
	return got;
}

/* Server-side apply, before Kubernetes 1.26, answers a field that it does not know with HTTP 500. */
static bool is_unknown_field(const struct kube_result *result)
{
	if (result->code != 500 || !json_check(result->body, &json_record_limits, NULL))
		return false;
	char *message = json_cstring(json_get(json_trim(result->body), "message"));
	bool unknown = message != NULL && strstr(message, "field not declared in schema") != NULL;
	free(message);
	return unknown;
}

bool kube_result_retryable(const struct kube_result *result)
{
	if (result->failure == KUBE_UNREACHABLE || result->failure == KUBE_TIMEOUT)
		return true;
	return result->failure == KUBE_OK &&
	       (result->code == 429 || result->code == 408 || result->code >= 500) &&
	       !is_unknown_field(result);
}

void kube_result_describe(const struct kube_result *result, char text[KUBE_ERROR_SIZE])
{
	struct json_text body = result->body;
	char *message = NULL;
	if (result->error != NULL) {
		snprintf(text, KUBE_ERROR_SIZE, "%s", result->error);
		return;
	}
	if (json_check(body, &json_record_limits, NULL) &&
	    json_type(json_trim(body)) == JSON_OBJECT)
		message = json_cstring(json_get(json_trim(body), "message"));
	if (result->code >= 300 && result->code < 400)
		snprintf(text, KUBE_ERROR_SIZE,
		         "the server redirects elsewhere (HTTP %ld), which is never followed",
		         result->code);
	else if (message != NULL && message[0] != '\0')
		snprintf(text, KUBE_ERROR_SIZE, "HTTP %ld: %s", result->code, message);
	else
		snprintf(text, KUBE_ERROR_SIZE, "HTTP %ld", result->code);
	free(message);
}
