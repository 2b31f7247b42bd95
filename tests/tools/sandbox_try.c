/* Enters the sandbox and tries one thing: sandbox_try THING [FILE [READABLE [WRITABLE [network]]]]; prints the error's
 * name, or "allowed". READABLE is a file that the sandbox lets be read, WRITABLE one that it lets
 * be replaced. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/log.h"
#include "os/sandbox.h"

static int try_read(const char *file)
{
	return open(file, O_RDONLY | O_CLOEXEC);
}

/* Says that it is inside, and reads the file once stdin has ended. */
static int try_reread(const char *file)
{
	char byte;
	if (write(STDOUT_FILENO, "inside\n", 7) != 7)
		return -1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int try_write(const char *file)
{
	return open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

/* As an atomic replacement does. */
static int try_create(const char *file)
{
	return open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int try_replace(const char *file)
{
	char next[4096];
	snprintf(next, sizeof next, "%s.tmp", file);
	return try_create(next) < 0 ? -1 : renameat(AT_FDCWD, next, AT_FDCWD, file);
}

static int try_unlink(const char *file)
{
	return unlink(file);
}

static int try_stat(const char *file)
{
	struct stat found;
	return stat(file, &found);
}

static int try_socket(const char *file)
{
	(void)file;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int try_udp(const char *file)
{
	(void)file;
	return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int try_raw(const char *file)
{
	(void)file;
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1);
}

static int try_local(const char *file)
{
	(void)file;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int try_bind(const char *file)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)file;
	return fd < 0 ? fd : bind(fd, (struct sockaddr *)&at, sizeof at);
}

static int sockets[2]; /* connected before the sandbox was entered */

static int try_send(const char *file)
{
	(void)file;
	return (int)send(sockets[0], "READY=1", 7, MSG_NOSIGNAL);
}

static int try_send_elsewhere(const char *file)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	(void)file;
	return (int)sendto(sockets[0], "", 0, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
}

static int try_exec(const char *file)
{
	return execl("/bin/true", "true", file, (char *)NULL);
}

static int try_fork(const char *file)
{
	(void)file;
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	return child;
}

static int try_kill(const char *file)
{
	(void)file;
	return kill(1, 0);
}

static int try_trace(const char *file)
{
	(void)file;
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int try_code(const char *file)
{
	(void)file;
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	                -1, 0);
	return at == MAP_FAILED ? -1 : 0;
}

static int try_work(const char *file)
{
	const size_t size = 10000000;
	char *memory = malloc(size);
	if (memory == NULL)
		return -1;
	memset(memory, 1, size);
	free(memory);
	log_detail("%s", file == NULL ? "" : file);
	return write(STDOUT_FILENO, "", 0) == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	int (*try)(const char *file);
} things[] = {
	{"read", try_read},     {"reread", try_reread}, {"write", try_write},
	{"unlink", try_unlink}, {"stat", try_stat},     {"socket", try_socket},
	{"send", try_send},     {"exec", try_exec},     {"send-elsewhere", try_send_elsewhere},
	{"fork", try_fork},     {"kill", try_kill},     {"trace", try_trace},
	{"code", try_code},     {"work", try_work},     {"create", try_create},
	{"replace", try_replace}, {"udp", try_udp},     {"raw", try_raw},
	{"local", try_local},   {"bind", try_bind},
};

int main(int argc, char **argv)
{
	const char *readable = argc > 3 && argv[3][0] != '\0' ? argv[3] : NULL;
	const struct sandbox_rules rules = {
		.read = &readable,
		.read_count = readable != NULL,
		.write = argc > 4 && argv[4][0] != '\0' ? argv[4] : NULL,
		.network = argc > 5,
	};
	log_open("sandbox_try");
	log_verbose(true);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets) != 0)
		return 3;
	if (argc < 2 || !sandbox_enter(&rules))
		return 3;
	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
		if (strcmp(things[i].name, argv[1]) != 0)
			continue;
		int got = things[i].try(argc > 2 ? argv[2] : NULL);
		const char *outcome = got >= 0 ? "allowed" : strerrorname_np(errno);
		return puts(outcome) < 0 ? 3 : 0;
	}
	return 2;
}
