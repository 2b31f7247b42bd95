/*
 * An HTTP/1.1 server that answers what a test wants: kubestub PORTFILE LOG HANDLER [ADDRESS]
 *
 * Listens on a free port of ADDRESS (127.0.0.1) and writes its number to PORTFILE. Each connection
 * carries one request: a line "METHOD TARGET ACCEPT AUTHORIZATION" goes to LOG ("-" for a header
 * that is not there, spaces as "_"), then HANDLER runs with METHOD, TARGET, HOST, ACCEPT,
 * AUTHORIZATION, IMPERSONATE (a user) and BODY_LENGTH in its environment, the request's body as its input and the
 * connection as its output: every byte of the response is its own, well-formed or not.
 *
 * SIGTERM ends it and every handler.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 64 * 1024 };

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Reads byte by byte up to the empty line, so that the body stays for the handler. */
static int read_head(int fd, char head[HEAD_MAX])
{
	size_t len = 0;
	while (len < HEAD_MAX - 1 && read(fd, head + len, 1) == 1) {
		head[++len] = '\0';
		if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0)
			return 0;
	}
	return -1;
}

static void export_header(const char *name, const char *variable, char *line)
{
	size_t len = strlen(name);
	if (strncasecmp(line, name, len) == 0 && line[len] == ':')
		setenv(variable, line + len + 1 + strspn(line + len + 1, " "), 1);
}

static void export_head(char *head)
{
	char *rest = head, *line = strsep(&rest, "\n");
	setenv("METHOD", strsep(&line, " "), 1);
	setenv("TARGET", strsep(&line, " "), 1);
	setenv("HOST", "-", 1);
	setenv("ACCEPT", "-", 1);
	setenv("AUTHORIZATION", "-", 1);
	setenv("IMPERSONATE", "-", 1);
	setenv("BODY_LENGTH", "0", 1);
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		export_header("Host", "HOST", line);
		export_header("Accept", "ACCEPT", line);
		export_header("Authorization", "AUTHORIZATION", line);
		export_header("Impersonate-User", "IMPERSONATE", line);
		export_header("Content-Length", "BODY_LENGTH", line);
	}
}

static void put_word(char *line, size_t size, const char *variable)
{
	size_t len = strlen(line);
	snprintf(line + len, size - len, "%s%s", len == 0 ? "" : " ", getenv(variable));
	for (char *at = line + len + 1; *at != '\0'; at++)
		if (*at == ' ')
			*at = '_';
}

static void write_log(const char *path)
{
	char line[HEAD_MAX] = "";
	put_word(line, sizeof line, "METHOD");
	put_word(line, sizeof line, "TARGET");
	put_word(line, sizeof line, "ACCEPT");
	put_word(line, sizeof line, "AUTHORIZATION");
	size_t len = strlen(line);
	line[len] = '\n';
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, len + 1) < 0)
		die(path);
	close(fd);
}

static _Noreturn void serve(int fd, const char *log, const char *handler)
{
	static char head[HEAD_MAX];
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGCHLD, SIG_DFL);
	if (read_head(fd, head) != 0)
		_exit(0);
	export_head(head);
	write_log(log);
	dup2(fd, 0);
	dup2(fd, 1);
	execl(handler, handler, (char *)NULL);
	die(handler);
}

static int listen_somewhere(const char *portfile, const char *on)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	if (inet_pton(AF_INET, on, &address.sin_addr) != 1)
		die(on);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		die("listen");
	FILE *file = fopen(portfile, "w");
	if (file == NULL || fprintf(file, "%d\n", ntohs(address.sin_port)) < 0 || fclose(file) != 0)
		die(portfile);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 4 && argc != 5) {
		fputs("usage: kubestub PORTFILE LOG HANDLER [ADDRESS]\n", stderr);
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int listening = listen_somewhere(argv[1], argc == 5 ? argv[4] : "127.0.0.1");
	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (fork() == 0)
			serve(fd, argv[2], argv[3]);
		close(fd);
	}
}
