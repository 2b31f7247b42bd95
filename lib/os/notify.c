#include "os/notify.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/log.h"

static int notify_fd = -1;
static int64_t watchdog_ms, watchdog_due; /* 0: no watchdog; when it is told next */

/* sd_watchdog_enabled(3) */
static void read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return;
	long long half = strtoll(usec, NULL, 10) / 2000;
	watchdog_ms = half < 0 || half > INT_MAX ? 0 : half;
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	size_t len = strlen(path);
	if (len >= sizeof address.sun_path) {
		log_warning("NOTIFY_SOCKET is too long; the service manager is not notified");
		return;
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* an abstract socket: sd_notify(3) */
		address.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (notify_fd < 0 || connect(notify_fd, (struct sockaddr *)&address, size) != 0) {
		log_warning("cannot reach the service manager at %s: %s", path, strerror(errno));
		if (notify_fd >= 0)
			close(notify_fd);
		notify_fd = -1;
		return;
	}
	read_watchdog();
}

void notify_send(const char *state)
{
	if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_detail("cannot notify the service manager: %s", strerror(errno));
}

int notify_due_ms(void)
{
	if (watchdog_ms == 0)
		return -1;
	int64_t left = watchdog_due - clock_monotonic_ms();
	return left > 0 ? (int)left : 0;
}

void notify_tick(void)
{
	if (notify_due_ms() != 0)
		return;
	notify_send("WATCHDOG=1");
	watchdog_due = clock_monotonic_ms() + watchdog_ms;
}
