#include "os/signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t stop, reload;
static sigset_t waiting; /* the mask inside signals_wait() */

static void on_signal(int number)
{
	if (number == SIGHUP)
		reload = 1;
	else
		stop = 1;
}

void signals_catch(void)
{
	static const int caught[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t block;
	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
		sigaddset(&block, caught[i]);
		sigaction(caught[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &block, &waiting);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		sigdelset(&waiting, caught[i]);
}

/* ppoll(2) delivers nothing when a descriptor is ready at once, so under steady input only the
 * pending set tells. */
bool signals_stop(void)
{
	sigset_t pending;
	if (stop == 0 && sigpending(&pending) == 0 &&
	    (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1))
		stop = 1;
	return stop != 0;
}

/* A wait for nothing lets in what is pending. */
bool signals_reload(void)
{
	signals_wait(NULL, 0, 0);
	bool was = reload != 0;
	reload = 0;
	return was;
}

int signals_wait(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec limit = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
	return ppoll(fds, count, timeout_ms < 0 ? NULL : &limit, &waiting);
}
