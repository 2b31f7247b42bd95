#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What a filter needs, whatever its arguments. What is not here gives EPERM, so that a library
 * that tries something new fails softly. */
static const int allowed[] = {
	SCMP_SYS(read),           SCMP_SYS(readv),         SCMP_SYS(write),
	SCMP_SYS(writev),         SCMP_SYS(close),         SCMP_SYS(fstat),
	SCMP_SYS(lseek),          SCMP_SYS(poll),          SCMP_SYS(ppoll),
	SCMP_SYS(munmap),         SCMP_SYS(mremap),        SCMP_SYS(brk),
	SCMP_SYS(madvise),        SCMP_SYS(futex),         SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigaction),
	SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday),  SCMP_SYS(time),
	SCMP_SYS(getrandom),      SCMP_SYS(getpid),        SCMP_SYS(gettid),
	SCMP_SYS(exit),           SCMP_SYS(exit_group),    SCMP_SYS(restart_syscall),
};

/* A call allowed while (argument & mask) is value. */
struct condition {
	int call;
	unsigned argument;
	scmp_datum_t mask, value;
};

static bool allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return false;
	return true;
}

static bool allow_if(scmp_filter_ctx filter, const struct condition *when, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct scmp_arg_cmp holds = {.arg = when[i].argument,
		                             .op = SCMP_CMP_MASKED_EQ,
		                             .datum_a = when[i].mask,
		                             .datum_b = when[i].value};
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, when[i].call, 1, &holds) != 0)
			return false;
	}
	return true;
}

/* Sockets of these two families and types: none that is raw, local or of the kernel. A port that
 * is listened on takes a bind() or listen(), which are not here. */
static bool allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_DGRAM, SOCK_STREAM};
	const scmp_datum_t flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	for (int i = 0; i < 4; i++) {
		struct scmp_arg_cmp is[] = {
			{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i / 2]},
			{.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = ~flags & UINT32_MAX,
			 .datum_b = (scmp_datum_t)types[i % 2]},
		};
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, is) != 0)
			return false;
	}
	return true;
}

static bool allow_network(scmp_filter_ctx filter)
{
	static const int calls[] = {
		SCMP_SYS(connect),    SCMP_SYS(recvfrom),   SCMP_SYS(setsockopt),
		SCMP_SYS(getsockopt), SCMP_SYS(epoll_ctl),  SCMP_SYS(epoll_wait),
		SCMP_SYS(epoll_pwait), SCMP_SYS(timerfd_settime),
	};
	const struct condition conditions[] = {
		{SCMP_SYS(fcntl), 1, ~(scmp_datum_t)0, F_GETFL},
		{SCMP_SYS(fcntl), 1, ~(scmp_datum_t)0, F_SETFL},
		{SCMP_SYS(fcntl), 1, ~(scmp_datum_t)0, F_SETFD},
	};
	return allow(filter, calls, sizeof calls / sizeof calls[0]) &&
	       allow_if(filter, conditions, sizeof conditions / sizeof conditions[0]) &&
	       allow_sockets(filter);
}

static bool allow_all(scmp_filter_ctx filter, const struct sandbox_rules *rules)
{
	const scmp_datum_t all = ~(scmp_datum_t)0;
	const scmp_datum_t changes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	const struct condition conditions[] = {
		/* memory, but none that runs */
		{SCMP_SYS(mmap), 2, PROT_EXEC, 0},
		{SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
		/* signals to ourselves: how abort() ends */
		{SCMP_SYS(tgkill), 0, all, (scmp_datum_t)getpid()},
		/* the service manager, on a socket that is connected already: to no other address */
		{SCMP_SYS(sendto), 4, all, 0},
	};
	/* Landlock says which files */
	const struct condition reading = {SCMP_SYS(openat), 2, changes, O_RDONLY};
	const struct condition replacing[] = {
		{SCMP_SYS(openat), 2, all, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW},
		{SCMP_SYS(renameat2), 4, all, 0},
	};
	static const int renaming[] = {SCMP_SYS(renameat)};
	if (!allow(filter, allowed, sizeof allowed / sizeof allowed[0]) ||
	    !allow_if(filter, conditions, sizeof conditions / sizeof conditions[0]))
		return false;
	if (rules->read_count > 0 && !allow_if(filter, &reading, 1))
		return false;
	if (rules->network && !allow_network(filter))
		return false;
	return rules->write == NULL || (allow(filter, renaming, 1) && allow_if(filter, replacing, 2));
}

static bool refuse_calls(const struct sandbox_rules *rules)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL) {
		errno = ENOMEM;
		return false;
	}
	int wrong = allow_all(filter, rules) ? seccomp_load(filter) : -EINVAL;
	seccomp_release(filter);
	errno = -wrong;
	return wrong == 0;
}

/* The directory, because an atomic rename puts another file below the same name. */
static bool allow_directory_of(int ruleset, const char *file, uint64_t access)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s", file);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = access,
		.parent_fd = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (rule.parent_fd < 0)
		return false;
	long added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	int why = errno;
	close(rule.parent_fd);
	errno = why;
	return added == 0;
}

/* Both where the name is and where it leads: Landlock looks at where a file really is. */
static bool allow_file(int ruleset, const char *file)
{
	char real[PATH_MAX];
	const uint64_t access = LANDLOCK_ACCESS_FS_READ_FILE;
	return allow_directory_of(ruleset, file, access) &&
	       (realpath(file, real) == NULL || allow_directory_of(ruleset, real, access));
}

/* True also where the kernel has no Landlock, or a container's own filter keeps it from us:
 * then seccomp alone must do. */
static bool refuse_paths(const struct sandbox_rules *rules)
{
	const uint64_t first_abi = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	struct landlock_ruleset_attr attr = {.handled_access_fs = first_abi};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (ruleset < 0) {
		log_detail("Landlock cannot be had here: %s", strerror(errno));
		if (rules->write != NULL)
			log_warning("without Landlock, the sandbox keeps writing to %s apart from other "
			            "files only by their permissions", rules->write);
		return true;
	}
	bool entered = true;
	for (size_t i = 0; i < rules->read_count && entered; i++)
		entered = allow_file(ruleset, rules->read[i]);
	if (entered && rules->write != NULL)
		entered = allow_directory_of(ruleset, rules->write,
		                             LANDLOCK_ACCESS_FS_WRITE_FILE |
		                                     LANDLOCK_ACCESS_FS_MAKE_REG |
		                                     LANDLOCK_ACCESS_FS_REMOVE_FILE);
	entered = entered && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	int why = errno;
	close(ruleset);
	errno = why;
	return entered;
}

bool sandbox_enter(const struct sandbox_rules *rules)
{
	const char *wish = getenv("AGENT_EGRESS_SANDBOX");
	if (wish != NULL && strcmp(wish, "off") == 0) {
		log_warning("runs without its sandbox, as AGENT_EGRESS_SANDBOX=off asks");
		return true;
	}
	if (SANITIZED) {
		log_detail("runs without its sandbox, under a sanitizer");
		return true;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && refuse_paths(rules) &&
	    refuse_calls(rules))
		return true;
	log_error("cannot enter the sandbox: %s; AGENT_EGRESS_SANDBOX=off runs without it",
	          strerror(errno));
	return false;
}
