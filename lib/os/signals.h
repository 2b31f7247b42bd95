/*
 * SIGTERM and SIGINT end a program cleanly; SIGHUP asks it to re-read its files; SIGPIPE is
 * ignored (a closed downstream shows as EPIPE).
 *
 * signals_catch() blocks the three; they are delivered only inside signals_wait(), so no
 * signal is lost between a check and a wait.
 */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include <poll.h>
#include <stdbool.h>

void signals_catch(void);
bool signals_stop(void);   /* SIGTERM or SIGINT came */
bool signals_reload(void); /* SIGHUP came since the last call */

/* ppoll(2) with those signals let in. As poll(2): -1 with errno EINTR when one came. */
int signals_wait(struct pollfd *fds, nfds_t count, int timeout_ms);

#endif
