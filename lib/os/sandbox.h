/*
 * What a filter may still do once it runs: read and write the descriptors it holds, and
 * nothing else that its rules do not name. seccomp (libseccomp) refuses every other system call with EPERM; Landlock,
 * where the kernel has it, refuses every path but the listed ones.
 *
 * Enter after options are parsed and files are opened, before the first byte of input.
 */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

struct sandbox_rules {
	/* files that may be opened again for reading (their directories are opened to follow an
	 * atomic rename); may be empty */
	const char *const *read;
	size_t read_count;
	/* a file that may be replaced: NAME.tmp is created beside it and renamed (os/metrics.h), so
	 * its directory may be written, and nothing else; NULL: none */
	const char *write;
	/* sockets to any address, TCP and UDP, and waiting for many of them (epoll): to ask name
	 * servers. It cannot be said here which addresses; a firewall or the service manager can */
	bool network;
};

/* False when the sandbox could not be set up, reported: the program must not go on. Where a
 * sanitizer is compiled in, or AGENT_EGRESS_SANDBOX=off is in the environment, it is off and
 * a message says so. */
bool sandbox_enter(const struct sandbox_rules *rules);

#endif
