/* Listens as a service manager does: notify_listen SOCKET; prints each message's lines. Ends with a
 * signal. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char message[4096];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (argc != 2 || fd < 0 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
		return 3;
	for (;;) {
		ssize_t got = recv(fd, message, sizeof message, 0);
		if (got < 0 || printf("%.*s\n", (int)got, message) < 0 || fflush(stdout) != 0)
			return 3;
	}
}
