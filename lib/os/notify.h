/* Telling the service manager how we are: sd_notify(3), without the library. */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

/* Opens the socket named by NOTIFY_SOCKET, if any, so that a sandboxed program can still
 * send. Later calls do nothing when there is none. */
void notify_open(void);
/* E.g. "READY=1", "STATUS=1000 agents held", "WATCHDOG=1". */
void notify_send(const char *state);

/* The watchdog, where WATCHDOG_USEC asks for it: it is told twice in its time that the loop still
 * turns. A loop waits no longer than notify_due_ms() (-1: no watchdog) and calls notify_tick(). */
int notify_due_ms(void);
void notify_tick(void);

#endif
