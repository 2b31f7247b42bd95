#include "client/multi.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "os/clock.h"
#include "os/signals.h"

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *ignored)
{
	struct kube_multi *multi = user;
	size_t i = 0;
	(void)easy;
	(void)ignored;
	while (i < multi->socket_count && multi->sockets[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < multi->socket_count)
			multi->sockets[i] = multi->sockets[--multi->socket_count];
		return 0;
	}
	if (i == multi->socket_size) {
		multi->socket_size = multi->socket_size * 2 + 8;
		multi->sockets = kube_resize(multi->sockets, multi->socket_size,
		                             sizeof *multi->sockets);
	}
	if (i == multi->socket_count)
		multi->socket_count++;
	short events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	                       (what & CURL_POLL_OUT ? POLLOUT : 0));
	multi->sockets[i] = (struct pollfd){.fd = fd, .events = events};
	return 0;
}

static int on_timer(CURLM *curl, long ms, void *user)
{
	struct kube_multi *multi = user;
	(void)curl;
	multi->timer_ms = ms < 0 ? -1 : clock_monotonic_ms() + ms;
	return 0;
}

static void open_curl(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
}

void kube_multi_open(struct kube_multi *multi)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, open_curl);
	*multi = (struct kube_multi){.curl = curl_multi_init(), .timer_ms = -1};
	must(multi->curl != NULL, "curl_multi_init");
	must(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK, "CURLMOPT_SOCKETFUNCTION");
	must(curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi) == CURLM_OK, "CURLMOPT_SOCKETDATA");
	must(curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK, "CURLMOPT_TIMERFUNCTION");
	must(curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi) == CURLM_OK, "CURLMOPT_TIMERDATA");
}

void kube_multi_close(struct kube_multi *multi)
{
	curl_multi_cleanup(multi->curl);
	free(multi->sockets);
}

static int wait_for(const struct kube_multi *multi, int timeout_ms)
{
	if (multi->timer_ms < 0)
		return timeout_ms;
	int64_t due = multi->timer_ms - clock_monotonic_ms();
	if (due < 0)
		due = 0;
	return timeout_ms >= 0 && timeout_ms < due ? timeout_ms : (int)due;
}

static void act(struct kube_multi *multi, const struct pollfd *fds, size_t count)
{
	int running = 0;
	for (size_t i = 0; i < count; i++) {
		int what = (fds[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
		           (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		           (fds[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
		if (what != 0)
			curl_multi_socket_action(multi->curl, fds[i].fd, what, &running);
	}
	if (multi->timer_ms >= 0 && clock_monotonic_ms() >= multi->timer_ms) {
		multi->timer_ms = -1;
		curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

int kube_multi_wait(struct kube_multi *multi, int timeout_ms, struct pollfd *fds, nfds_t count)
{
	size_t ours = multi->socket_count;
	struct pollfd *all = kube_alloc(ours + count + 1, sizeof *all);
	if (ours > 0)
		memcpy(all, multi->sockets, ours * sizeof *all);
	if (count > 0)
		memcpy(all + ours, fds, count * sizeof *all);
	int got = signals_wait(all, ours + count, wait_for(multi, timeout_ms));
	int saved = errno;
	for (nfds_t i = 0; i < count; i++)
		fds[i].revents = got > 0 ? all[ours + i].revents : 0;
	act(multi, all, got > 0 ? ours : 0);
	free(all);
	errno = saved;
	return got < 0 ? -1 : 0;
}
