/*
 * A balancer in front of a server: relay PORTFILE PORT
 *
 * Listens on a free port of 127.0.0.1, writes its number to PORTFILE, and carries the bytes of each
 * connection to PORT of 127.0.0.1 and back, by a process of its own. A test stops such a process
 * (SIGSTOP): the connection stays open, what is sent into it is acknowledged, and nothing comes back.
 *
 * SIGTERM ends it and every connection.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in address(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons((uint16_t)port),
	                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* 0 at the end of either side. */
static int pass(int from, int to)
{
	char bytes[16384];
	ssize_t got = read(from, bytes, sizeof bytes);
	for (ssize_t at = 0, put; at < got; at += put) {
		put = write(to, bytes + at, (size_t)(got - at));
		if (put < 0)
			return 0;
	}
	return got > 0;
}

static _Noreturn void carry(int client, int port)
{
	struct sockaddr_in server = address(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), open = 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0)
		die("connect");
	while (open) {
		struct pollfd ends[] = {{.fd = client, .events = POLLIN},
		                        {.fd = fd, .events = POLLIN}};
		poll(ends, 2, -1);
		open = (ends[0].revents == 0 || pass(client, fd)) &&
		       (ends[1].revents == 0 || pass(fd, client));
	}
	exit(0);
}

static int listen_on_a_port(const char *file)
{
	struct sockaddr_in own = address(0);
	socklen_t len = sizeof own;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0)
		die("listen");
	FILE *port = fopen(file, "w");
	if (port == NULL || fprintf(port, "%d\n", ntohs(own.sin_port)) < 0 || fclose(port) != 0)
		die(file);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: relay PORTFILE PORT\n", stderr);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	int fd = listen_on_a_port(argv[1]);
	for (;;) {
		int client = accept(fd, NULL, NULL);
		if (client < 0)
			die("accept");
		if (fork() == 0)
			carry(client, (int)strtol(argv[2], NULL, 10));
		close(client);
	}
}
