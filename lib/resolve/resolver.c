#include "resolve/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "resolve/reply_private.h"
#include "os/log.h"

/* 1232 bytes pass unfragmented nearly everywhere: fragments can be forged (DNS flag day 2020). */
enum { TIMEOUT_MS = 2000, TRIES = 2, EDNS_SIZE = 1232, EVENTS = 64, PORT = 53 };

struct dns_resolver {
	struct dns_resolver_settings settings;
	ares_channel channel;
	bool library, open; /* what is to be undone */
	int timer, wake;
	size_t asked;
};

struct question {
	struct dns_resolver *resolver;
	struct dns_answer answer;
};

static bool is_number(const char *text, long most)
{
	return *text != '\0' && strlen(text) <= 5 && strspn(text, "0123456789") == strlen(text) &&
	       strtol(text, NULL, 10) > 0 && strtol(text, NULL, 10) <= most;
}

/* Cuts the word into an address and its port, if it has one. */
static char *cut_port(char *word, char **ip)
{
	char *end = word[0] == '[' ? strchr(word, ']') : strchr(word, ':');
	*ip = word;
	if (word[0] != '[') /* an IPv6 address without brackets has no port */
		return end == NULL || strchr(end + 1, ':') != NULL ? NULL : end;
	if (end == NULL) /* the bracket makes it no address */
		return NULL;
	*ip = word + 1;
	*end = '\0';
	return end[1] == '\0' ? NULL : end + 1;
}

static bool put_server(char *word, struct json_buffer *out)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char *ip, *port = cut_port(word, &ip);
	if (port != NULL && *port != ':')
		return false;
	if (port != NULL)
		*port++ = '\0';
	if (port != NULL && !is_number(port, 65535))
		return false;
	bool v6 = inet_pton(AF_INET6, ip, bytes) == 1;
	if (!v6 && (inet_pton(AF_INET, ip, bytes) != 1 || ip != word))
		return false;
	long number = port == NULL ? PORT : strtol(port, NULL, 10);
	json_putf(out, v6 ? "[%s]:%ld" : "%s:%ld", ip, number);
	return true;
}

bool dns_resolver_server(const char *word, struct json_buffer *out)
{
	char *copy = strdup(word);
	if (copy == NULL)
		abort();
	bool good = put_server(copy, out);
	free(copy);
	return good;
}

/* c-ares tells which sockets it wants to hear of. */
static void watch(void *context, ares_socket_t fd, int readable, int writable)
{
	const struct dns_resolver *resolver = context;
	struct epoll_event event = {.data.fd = fd};
	event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
	if (event.events == 0)
		epoll_ctl(resolver->wake, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(resolver->wake, EPOLL_CTL_MOD, fd, &event) != 0)
		epoll_ctl(resolver->wake, EPOLL_CTL_ADD, fd, &event);
}

static bool open_wake(struct dns_resolver *resolver)
{
	resolver->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	resolver->wake = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event in = {.events = EPOLLIN, .data.fd = resolver->timer};
	if (resolver->timer >= 0 && resolver->wake >= 0 &&
	    epoll_ctl(resolver->wake, EPOLL_CTL_ADD, resolver->timer, &in) == 0)
		return true;
	log_error("cannot wait for name servers: %s", strerror(errno));
	return false;
}

static int set_servers(struct dns_resolver *resolver)
{
	const struct dns_resolver_settings *settings = &resolver->settings;
	struct json_buffer list = {0};
	int status = ARES_SUCCESS;
	for (size_t i = 0; i < settings->server_count; i++) {
		json_puts(&list, i == 0 ? "" : ",");
		if (!dns_resolver_server(settings->servers[i], &list))
			status = ARES_EBADSTR;
	}
	json_putc(&list, '\0');
	if (status == ARES_SUCCESS)
		status = ares_set_servers_ports_csv(resolver->channel, list.at);
	json_buffer_free(&list);
	return status;
}

static bool open_channel(struct dns_resolver *resolver)
{
	char lookups[] = "b"; /* name servers, and no hosts file */
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.ednspsz = EDNS_SIZE,
		.lookups = lookups,
		.sock_state_cb = watch,
		.sock_state_cb_data = resolver,
	};
	const int set = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
	                ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	resolver->library = status == ARES_SUCCESS;
	if (resolver->library)
		status = ares_init_options(&resolver->channel, &options, set);
	resolver->open = resolver->library && status == ARES_SUCCESS;
	if (resolver->open && resolver->settings.server_count > 0)
		status = set_servers(resolver);
	if (status == ARES_SUCCESS)
		return true;
	log_error("cannot ask name servers: %s", ares_strerror(status));
	return false;
}

struct dns_resolver *dns_resolver_new(const struct dns_resolver_settings *settings)
{
	struct dns_resolver *resolver = calloc(1, sizeof *resolver);
	if (resolver == NULL)
		abort();
	resolver->settings = *settings;
	resolver->timer = resolver->wake = -1;
	if (open_wake(resolver) && open_channel(resolver))
		return resolver;
	dns_resolver_free(resolver);
	return NULL;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
	if (resolver == NULL)
		return;
	if (resolver->open)
		ares_destroy(resolver->channel);
	if (resolver->library)
		ares_library_cleanup();
	if (resolver->wake >= 0)
		close(resolver->wake);
	if (resolver->timer >= 0)
		close(resolver->timer);
	free(resolver);
}

static void answered(void *context, int status, int timeouts, unsigned char *reply, int len)
{
	struct question *question = context;
	struct dns_resolver *resolver = question->resolver;
	(void)timeouts;
	resolver->asked--;
	if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED) {
		dns_reply_read(status, reply, len > 0 ? (size_t)len : 0, &question->answer);
		resolver->settings.take(resolver->settings.context, &question->answer);
	}
	dns_answer_free(&question->answer);
	free(question);
}

void dns_resolver_ask(struct dns_resolver *resolver, const char *name, enum dns_type type)
{
	struct question *question = calloc(1, sizeof *question);
	if (question == NULL)
		abort();
	question->resolver = resolver;
	question->answer.type = type;
	strncpy(question->answer.name, name, sizeof question->answer.name - 1);
	resolver->asked++;
	ares_query(resolver->channel, question->answer.name, ns_c_in,
	           type == DNS_A ? ns_t_a : ns_t_aaaa, answered, question);
}

size_t dns_resolver_asked(const struct dns_resolver *resolver)
{
	return resolver->asked;
}

int dns_resolver_wake(const struct dns_resolver *resolver)
{
	return resolver->wake;
}

void dns_resolver_sleep(struct dns_resolver *resolver, int64_t ms)
{
	struct timeval most = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}, room;
	const struct timeval *wait = ares_timeout(resolver->channel, ms < 0 ? NULL : &most, &room);
	struct itimerspec timer = {0};
	if (wait != NULL) {
		timer.it_value.tv_sec = wait->tv_sec;
		timer.it_value.tv_nsec = wait->tv_usec * 1000;
		/* zero would stop the timer */
		timer.it_value.tv_nsec += wait->tv_sec == 0 && wait->tv_usec == 0;
	}
	timerfd_settime(resolver->timer, 0, &timer, NULL);
}

void dns_resolver_process(struct dns_resolver *resolver)
{
	struct epoll_event events[EVENTS];
	uint64_t ticks;
	int count = epoll_wait(resolver->wake, events, EVENTS, 0);
	for (int i = 0; i < count; i++) {
		int fd = events[i].data.fd;
		if (fd == resolver->timer) {
			if (read(fd, &ticks, sizeof ticks) < 0)
				continue;
		} else {
			bool readable = (events[i].events & ~(uint32_t)EPOLLOUT) != 0;
			bool writable = (events[i].events & EPOLLOUT) != 0;
			ares_process_fd(resolver->channel, readable ? fd : ARES_SOCKET_BAD,
			                writable ? fd : ARES_SOCKET_BAD);
		}
	}
	/* what has run out of time */
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
