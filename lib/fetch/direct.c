#include "fetch/direct.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch/address.h"
#include "base/table.h"
#include "client/multi.h"
#include "os/clock.h"
#include "os/options.h"

enum { HEADERS_MAX = 64 * 1024, REDIRECTS_MAX = 3 };

struct agent_call {
	struct agent_call *prev, *next;
	struct agent_direct *direct;
	char *origin;
	struct agent_expected expected;
	void (*on_done)(void *user, const struct kube_result *result);
	void *user;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct json_buffer body;
	size_t header_bytes;
	int64_t end_ms;      /* of the time that it has, redirects and all */
	unsigned redirects;
	bool too_large, inner, cancelled;
	char error[CURL_ERROR_SIZE];
};

struct agent_direct {
	struct agent_direct_settings settings;
	struct kube_multi multi;
	struct agent_call *calls;
};

struct agent_direct *agent_direct_new(const struct agent_direct_settings *settings)
{
	struct agent_direct *direct = calloc(1, sizeof *direct);
	if (direct == NULL)
		abort();
	direct->settings = *settings;
	kube_multi_open(&direct->multi);
	return direct;
}

static void drop(struct agent_call *call)
{
	DL_DELETE(call->direct->calls, call);
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->direct->multi.curl, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	json_buffer_free(&call->body);
	json_buffer_free(&call->expected.chain);
	free(call->origin);
	free(call);
}

void agent_direct_free(struct agent_direct *direct)
{
	if (direct == NULL)
		return;
	while (direct->calls != NULL)
		drop(direct->calls);
	kube_multi_close(&direct->multi);
	free(direct);
}

static bool is_inner_v4(uint32_t address)
{
	return address >> 24 == 127 || address >> 24 == 0 || address >> 16 == 0xa9fe ||
	       address >> 28 >= 0xe;
}

bool agent_address_is_inner(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_inner_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
	if (address->sa_family != AF_INET6)
		return true;
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
	const uint8_t *b = v6->s6_addr;
	uint32_t last = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
	/* an IPv4 address in another coat: mapped, compatible (also :: and ::1), NAT64 */
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	if (IN6_IS_ADDR_V4MAPPED(v6) || memcmp(b, nat64, sizeof nat64) == 0)
		return is_inner_v4(last);
	return IN6_IS_ADDR_V4COMPAT(v6) || IN6_IS_ADDR_UNSPECIFIED(v6) ||
	       IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_MULTICAST(v6);
}

static size_t on_write(char *bytes, size_t size, size_t count, void *user)
{
	struct agent_call *call = user;
	size_t len = size * count;
	if (call->cancelled)
		return 0;
	if (len > call->direct->settings.max_bytes - call->body.len) {
		call->too_large = true;
		return 0;
	}
	json_put(&call->body, bytes, len);
	return len;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
	struct agent_call *call = user;
	size_t len = size * count;
	(void)bytes;
	call->header_bytes += len;
	if (call->header_bytes <= HEADERS_MAX)
		return len;
	call->too_large = true;
	return 0;
}

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct agent_call *call = user;
	(void)purpose;
	if (call->direct->settings.gateway == NULL && agent_address_is_inner(&address->addr)) {
		call->inner = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLcode on_context(CURL *easy, void *context, void *user)
{
	struct agent_call *call = user;
	(void)easy;
	return agent_identity_apply(context, &call->expected) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

static void set_tls(struct agent_call *call)
{
	CURL *easy = call->easy;
	if (call->direct->settings.identity == NULL) {
		CURL_MUST_SET(easy, CURLOPT_PROTOCOLS_STR, "http");
		return;
	}
	CURL_MUST_SET(easy, CURLOPT_PROTOCOLS_STR, "https");
	CURL_MUST_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	CURL_MUST_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	/* an SVID holds no host name: whose it is, on_context() has checked */
	CURL_MUST_SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	CURL_MUST_SET(easy, CURLOPT_CAINFO, NULL);
	CURL_MUST_SET(easy, CURLOPT_CAPATH, NULL);
	CURL_MUST_SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	CURL_MUST_SET(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
	CURL_MUST_SET(easy, CURLOPT_SSL_CTX_DATA, call);
}

static void set_connection(struct agent_call *call)
{
	CURL *easy = call->easy;
	char to[512];
	CURL_MUST_SET(easy, CURLOPT_PROXY, "");
	CURL_MUST_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	CURL_MUST_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	CURL_MUST_SET(easy, CURLOPT_FRESH_CONNECT, 1L);
	CURL_MUST_SET(easy, CURLOPT_FORBID_REUSE, 1L);
	CURL_MUST_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	CURL_MUST_SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	CURL_MUST_SET(easy, CURLOPT_OPENSOCKETDATA, call);
	if (call->direct->settings.gateway == NULL)
		return;
	snprintf(to, sizeof to, "::%s", call->direct->settings.gateway);
	call->connect_to = curl_slist_append(NULL, to);
	must(call->connect_to != NULL, "CURLOPT_CONNECT_TO");
	CURL_MUST_SET(easy, CURLOPT_CONNECT_TO, call->connect_to);
}

static void set_request(struct agent_call *call)
{
	CURL *easy = call->easy;
	call->headers = curl_slist_append(NULL, "Accept: application/json");
	must(call->headers != NULL, "a header");
	CURL_MUST_SET(easy, CURLOPT_HTTPHEADER, call->headers);
	char agent[96];
	snprintf(agent, sizeof agent, "egress-fetch/%s", egress_version);
	CURL_MUST_SET(easy, CURLOPT_USERAGENT, agent); /* libcurl copies it */
	CURL_MUST_SET(easy, CURLOPT_PATH_AS_IS, 1L);
	CURL_MUST_SET(easy, CURLOPT_NOSIGNAL, 1L);
	CURL_MUST_SET(easy, CURLOPT_ERRORBUFFER, call->error);
	CURL_MUST_SET(easy, CURLOPT_PRIVATE, call);
	CURL_MUST_SET(easy, CURLOPT_WRITEFUNCTION, on_write);
	CURL_MUST_SET(easy, CURLOPT_WRITEDATA, call);
	CURL_MUST_SET(easy, CURLOPT_HEADERFUNCTION, on_header);
	CURL_MUST_SET(easy, CURLOPT_HEADERDATA, call);
	set_connection(call);
	set_tls(call);
}

/* Gives it to curl; also again, for a redirect. */
static void send_to(struct agent_call *call, const char *path)
{
	struct json_buffer url = {0};
	int64_t left = call->end_ms - clock_monotonic_ms();
	json_putf(&url, "%s%s", call->origin, path);
	json_putc(&url, '\0');
	call->body.len = 0;
	call->expected.chain.len = 0;
	call->error[0] = '\0';
	CURL_MUST_SET(call->easy, CURLOPT_URL, url.at);
	CURL_MUST_SET(call->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
	json_buffer_free(&url);
	curl_multi_add_handle(call->direct->multi.curl, call->easy);
}

struct agent_call *agent_direct_get(struct agent_direct *direct, const char *origin,
                                    const char *path, const char *peer,
                                    void (*on_done)(void *user, const struct kube_result *result),
                                    void *user)
{
	struct agent_call *call = calloc(1, sizeof *call);
	if (call == NULL || (call->origin = strdup(origin)) == NULL ||
	    (call->easy = curl_easy_init()) == NULL)
		abort();
	call->direct = direct;
	call->on_done = on_done;
	call->user = user;
	call->end_ms = clock_monotonic_ms() + direct->settings.timeout_ms;
	call->expected.identity = direct->settings.identity;
	snprintf(call->expected.path, sizeof call->expected.path, "%s", peer != NULL ? peer : "");
	if (direct->settings.identity != NULL)
		agent_identity_refresh(direct->settings.identity, clock_monotonic_ms());
	DL_APPEND(direct->calls, call);
	set_request(call);
	send_to(call, path);
	return call;
}

struct agent_peer agent_direct_peer(const struct agent_call *call)
{
	const struct agent_expected *expected = &call->expected;
	if (expected->chain.len == 0)
		return (struct agent_peer){0};
	return (struct agent_peer){agent_identity_domain(expected->identity), expected->path,
	                           json_buffer_text(&expected->chain)};
}

void agent_direct_cancel(struct agent_call *call)
{
	call->cancelled = true;
}

/* Asks again where it was sent to, if that is within the agent itself. */
static bool follow(struct agent_call *call)
{
	struct json_buffer path = {0};
	char *location = NULL;
	curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
	bool stays = location != NULL && call->redirects < REDIRECTS_MAX &&
	             agent_put_redirect(&path, call->origin, location);
	if (stays) {
		call->redirects++;
		json_putc(&path, '\0');
		curl_multi_remove_handle(call->direct->multi.curl, call->easy);
		send_to(call, path.at);
	}
	json_buffer_free(&path);
	return stays;
}

static void explain(struct agent_call *call, CURLcode code, struct kube_result *result,
                    char text[KUBE_ERROR_SIZE])
{
	const char *why = call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
	result->error = text;
	result->failure = KUBE_UNREACHABLE;
	if (call->too_large) {
		result->failure = KUBE_TOO_LARGE;
		why = call->header_bytes > HEADERS_MAX ? "its answer's headers are too large"
		                                       : "its answer is too large";
	} else if (call->inner) {
		why = "its name leads to a loopback, link-local or multicast address, which is refused";
	} else if (call->expected.failure.message[0] != '\0') {
		result->failure = KUBE_TLS;
		snprintf(text, KUBE_ERROR_SIZE, "it is not who it should be: %s",
		         call->expected.failure.message);
		return;
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		result->failure = KUBE_TIMEOUT;
		why = "it did not answer in time";
	}
	snprintf(text, KUBE_ERROR_SIZE, "%s", why);
}

static void finish(struct agent_call *call, CURLcode code)
{
	char text[KUBE_ERROR_SIZE];
	struct kube_result result = {.failure = KUBE_OK, .retry_after_ms = -1};
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &result.code);
	bool redirect = code == CURLE_OK && result.code >= 300 && result.code < 400;
	if (!call->cancelled && redirect && follow(call))
		return;
	result.body = json_buffer_text(&call->body);
	if (code != CURLE_OK)
		explain(call, code, &result, text);
	if (!call->cancelled)
		call->on_done(call->user, &result);
	drop(call);
}

static void deliver(struct agent_direct *direct)
{
	struct agent_call *call, *next;
	CURLMsg *message;
	int left = 0;
	while ((message = curl_multi_info_read(direct->multi.curl, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, message->data.result);
	}
	DL_FOREACH_SAFE(direct->calls, call, next)
	{
		if (call->cancelled)
			drop(call);
	}
}

int agent_direct_poll(struct agent_direct *direct, int timeout_ms, struct pollfd *fds,
                      nfds_t count)
{
	int got = kube_multi_wait(&direct->multi, timeout_ms, fds, count);
	int saved = errno;
	deliver(direct);
	errno = saved;
	return got;
}
