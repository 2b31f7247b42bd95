/*
 * Requests to one API server, many at a time, over libcurl: HTTP/2 with all of them on one
 * connection where the server speaks it, else HTTP/1.1. TLS 1.2 or later; the server's
 * certificate is verified; redirects are never followed, because a token must not travel.
 *
 * Nothing blocks except an exec credential plugin, and everything runs inside
 * kube_client_poll(): callbacks are called from there only, one at a time.
 *
 * When a request gets no answer in its time and nothing else came meanwhile, all connections are closed
 * and whoever waits on one gets KUBE_UNREACHABLE: one that is dead must not take the next request.
 *
 * Credentials: tokens and certificates in files are read again as they rotate (at most every
 * ten seconds), an exec plugin runs again before its credentials expire. A 401 refreshes them
 * once and the request is sent once more; only the second 401 reaches its caller. Tokens go
 * over TLS, or to a loopback address, and nowhere else.
 *
 * Ownership: the client borrows its configuration until kube_client_free(). A kube_call is
 * valid until its on_done returns or kube_call_cancel(). kube_request_start() copies path,
 * body and header values; `user` is the caller's.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "json/json.h"
#include "client/kubeconfig.h"

struct kube_client;
struct kube_call;

enum kube_failure {
	KUBE_OK,          /* a response came, whatever its code */
	KUBE_UNREACHABLE, /* no connection, lost connection, malformed response: try again */
	KUBE_TIMEOUT,     /* too slow: try again */
	KUBE_TLS,         /* the server's certificate or our own is not accepted */
	KUBE_CREDENTIALS, /* our credentials could not be obtained: `error` says why */
	KUBE_TOO_LARGE,   /* the response is over max_body */
	KUBE_STOPPED,     /* on_body said so */
};

struct kube_result {
	enum kube_failure failure;
	long code;             /* HTTP status; 0: none came */
	long retry_after_ms;   /* from Retry-After (seconds or a date); -1: none; at most an hour */
	struct json_text body; /* borrowed; with on_body: only of a response that is not 2xx */
	const char *error;     /* for a person; NULL with KUBE_OK */
};

enum kube_taken {
	KUBE_TAKEN,
	KUBE_LATER, /* nothing was taken: offer the same bytes after kube_call_resume() */
	KUBE_STOP,  /* end this request */
};

struct kube_request {
	const char *method;       /* "GET", "PATCH", … */
	const char *path;         /* with its query, e.g. "/api/v1/pods?limit=500" */
	struct json_text body;    /* absent: none */
	const char *content_type; /* of the body; NULL: application/json */
	const char *accept;       /* NULL: application/json */
	/* Bytes of a 2xx response as they come; NULL: they are collected into the result. */
	enum kube_taken (*on_body)(void *user, const char *bytes, size_t len);
	/* The end, always called once, except after kube_call_cancel(). */
	void (*on_done)(void *user, const struct kube_result *result);
	void *user;
	size_t max_body;  /* bytes that may be collected; 0: 16 MiB */
	bool compressed;  /* the response may be, where it comes over a network */
	long timeout_ms;  /* for the whole request; 0: 60 s; negative: none */
	long idle_ms;     /* without a byte after the first; 0: none */
};

/* NULL when the configuration cannot work: `error` says why. */
struct kube_client *kube_client_new(const struct kube_config *config,
                                    char error[KUBE_ERROR_SIZE]);

/* Cancels what is in flight. */
void kube_client_free(struct kube_client *client);

/* How long a watch or any request waits for the connection itself; default 15 s. */
void kube_client_connect_timeout(struct kube_client *client, long ms);

/* Failures show in on_done, later. Never NULL. */
struct kube_call *kube_request_start(struct kube_client *client,
                                     const struct kube_request *request);
void kube_call_cancel(struct kube_call *call);
void kube_call_resume(struct kube_call *call);

/* Waits for the network, `fds` (may be NULL; revents are set), a signal or the time (negative:
 * no limit), whichever is first, and calls what is due. 0, or -1 with errno EINTR when a
 * signal came. */
int kube_client_poll(struct kube_client *client, int timeout_ms, struct pollfd *fds,
                     nfds_t count);

/* Requests started and not done. */
size_t kube_client_in_flight(const struct kube_client *client);

/* True once any response came: an error before that is more likely a misconfiguration. */
bool kube_client_connected(const struct kube_client *client);

/* True when trying again may help: transport failures, 429, 408, 5xx but
 * not the 500 of servers that do not know a field. */
bool kube_result_retryable(const struct kube_result *result);

/* One line on what went wrong: the transport error, else the Status object's message, else
 * the code. */
void kube_result_describe(const struct kube_result *result, char text[KUBE_ERROR_SIZE]);

#endif
