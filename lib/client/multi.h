/* Many transfers of libcurl at once, together with whatever else a program waits for: signals,
 * other descriptors, the time. Nothing blocks but kube_multi_wait(). */
#ifndef CLIENT_MULTI_H
#define CLIENT_MULTI_H

#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

/* Sets an option of a transfer: one that is left out, a header or an authority, would send the
 * transfer elsewhere, or with other rights. */
#define CURL_MUST_SET(easy, option, value)                                                         \
	must(curl_easy_setopt(easy, option, value) == CURLE_OK, #option)

struct kube_multi {
	CURLM *curl;
	struct pollfd *sockets; /* that curl wants watched */
	size_t socket_count, socket_size;
	int64_t timer_ms; /* when curl wants to be called, monotonic; -1: never */
};

/* The object must stay where it is until kube_multi_close(). */
void kube_multi_open(struct kube_multi *multi);
void kube_multi_close(struct kube_multi *multi);

/* Waits for the transfers, `fds` (may be NULL; revents are set), a signal or the time (negative:
 * no limit), whichever is first, and lets curl do what is due. 0, or -1 with errno EINTR when a
 * signal came. */
int kube_multi_wait(struct kube_multi *multi, int timeout_ms, struct pollfd *fds, nfds_t count);

#endif
