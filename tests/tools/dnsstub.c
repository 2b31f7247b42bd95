/* A name server for tests, on loopback: dnsstub ZONE [PORT]; prints its port, then a line for each
 * question: "udp NAME TYPE". ZONE is read again for each, one line a record:
 *
 *   NAME A|AAAA TTL ADDRESS
 *   NAME CNAME TTL NAME
 *   NAME MANY TTL COUNT             COUNT A records, 5.0.0.1 and up
 *   NAME SERVFAIL|REFUSED|SILENT|GARBAGE|TRUNCATED
 *
 * TRUNCATED cuts what is said over UDP, beside the name's other lines. A name without a line does
 * not exist; one without a record of the type has no data. */
#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UDP_MAX = 1232, REPLY_MAX = 65535, A = 1, CNAME = 5, AAAA = 28, HEADER = 12 };
enum { NOERROR, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

struct reply {
	unsigned char at[REPLY_MAX];
	size_t len;
	int count; /* of answers */
	int code;
	bool cut, silent;
};

struct question {
	const unsigned char *at; /* the whole message */
	size_t end;              /* behind the question */
	char name[256];
	int type;
};

static void put(struct reply *reply, const void *bytes, size_t len)
{
	if (reply->len + len > REPLY_MAX)
		return;
	memcpy(reply->at + reply->len, bytes, len);
	reply->len += len;
}

static void put16(struct reply *reply, unsigned value)
{
	unsigned char bytes[2] = {(unsigned char)(value >> 8), (unsigned char)value};
	put(reply, bytes, 2);
}

static void put_name(struct reply *reply, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");
		unsigned char byte = (unsigned char)len;
		put(reply, &byte, 1);
		put(reply, name, len);
		name += len + (name[len] == '.');
	}
	put(reply, "", 1);
}

static void put_record(struct reply *reply, const char *owner, int type, unsigned long ttl,
                       const void *value, size_t len)
{
	put_name(reply, owner);
	put16(reply, (unsigned)type);
	put16(reply, 1);
	put16(reply, (unsigned)(ttl >> 16));
	put16(reply, (unsigned)(ttl & 0xffff));
	put16(reply, (unsigned)len);
	put(reply, value, len);
	reply->count++;
}

static void put_cname(struct reply *reply, const char *owner, unsigned long ttl, const char *to)
{
	static struct reply name;
	name.len = 0;
	put_name(&name, to);
	put_record(reply, owner, CNAME, ttl, name.at, name.len);
}

static void put_many(struct reply *reply, const char *owner, unsigned long ttl, long count)
{
	for (long i = count; i > 0; i--) {
		uint32_t ip = htonl(0x05000000u + (uint32_t)i);
		put_record(reply, owner, A, ttl, &ip, 4);
	}
}

/* What one line says, if it is about this name. True when that is a CNAME, put into `name`. */
static bool take_line(struct reply *reply, const char *line, char *name, int type)
{
	char owner[256], word[16], seconds[16] = "", value[256] = "";
	unsigned char ip[16];
	if (sscanf(line, "%255s %15s %15s %255s", owner, word, seconds, value) < 2 ||
	    strcasecmp(owner, name) != 0)
		return false;
	unsigned long ttl = strtoul(seconds, NULL, 10);
	if (reply->code == NXDOMAIN)
		reply->code = NOERROR;
	if (strcmp(word, "SERVFAIL") == 0)
		reply->code = SERVFAIL;
	else if (strcmp(word, "REFUSED") == 0)
		reply->code = REFUSED;
	else if (strcmp(word, "SILENT") == 0)
		reply->silent = true;
	else if (strcmp(word, "TRUNCATED") == 0)
		reply->cut = true;
	else if (strcmp(word, "GARBAGE") == 0)
		put_record(reply, owner, type, 60, "x", 1), reply->len -= 2, reply->count = 99;
	else if (strcmp(word, "MANY") == 0 && type == A)
		put_many(reply, owner, ttl, strtol(value, NULL, 10));
	else if (strcmp(word, "A") == 0 && type == A && inet_pton(AF_INET, value, ip) == 1)
		put_record(reply, owner, A, ttl, ip, 4);
	else if (strcmp(word, "AAAA") == 0 && type == AAAA && inet_pton(AF_INET6, value, ip) == 1)
		put_record(reply, owner, AAAA, ttl, ip, 16);
	else if (strcmp(word, "CNAME") == 0) {
		put_cname(reply, owner, ttl, value);
		snprintf(name, 256, "%s", value);
		return true;
	}
	return false;
}

/* True when it went on to another name. */
static bool read_zone(struct reply *reply, const char *zone, char *name, int type)
{
	char line[1024];
	bool on = false;
	FILE *file = fopen(zone, "r");
	while (!on && file != NULL && fgets(line, sizeof line, file) != NULL)
		on = take_line(reply, line, name, type);
	if (file != NULL)
		fclose(file);
	return on;
}

static bool read_question(struct question *question, const unsigned char *at, size_t len)
{
	size_t p = HEADER, n = 0;
	while (p < len && at[p] != 0 && p + at[p] + 1 < len && n + at[p] + 1 < sizeof question->name) {
		if (n > 0)
			question->name[n++] = '.';
		memcpy(question->name + n, at + p + 1, at[p]);
		n += at[p];
		p += at[p] + 1u;
	}
	if (p + 5 > len || at[p] != 0)
		return false;
	question->name[n] = '\0';
	question->type = at[p + 1] << 8 | at[p + 2];
	question->at = at;
	question->end = p + 5;
	return true;
}

static void answer(struct reply *reply, const struct question *question, const char *zone, bool tcp)
{
	char name[256];
	reply->len = question->end;
	reply->count = 0;
	reply->code = NXDOMAIN;
	reply->cut = reply->silent = false;
	memcpy(reply->at, question->at, question->end);
	snprintf(name, sizeof name, "%s", question->name);
	for (int steps = 0; steps < 8 && read_zone(reply, zone, name, question->type); steps++)
		reply->code = NXDOMAIN;
	bool cut = !tcp && (reply->cut || reply->len > UDP_MAX);
	if (cut || reply->code != NOERROR) {
		reply->len = question->end;
		reply->count = 0;
	}
	reply->at[2] = (unsigned char)(0x84 | (cut ? 2 : 0) | (question->at[2] & 1));
	reply->at[3] = (unsigned char)(0x80 | reply->code);
	reply->at[6] = (unsigned char)(reply->count >> 8);
	reply->at[7] = (unsigned char)reply->count;
	memset(reply->at + 8, 0, 4);
}

static bool serve(struct reply *reply, const unsigned char *at, size_t len, const char *zone, bool tcp)
{
	struct question question;
	if (len < HEADER || !read_question(&question, at, len))
		return false;
	answer(reply, &question, zone, tcp);
	printf("%s %s %s\n", tcp ? "tcp" : "udp", question.name,
	       question.type == A      ? "A"
	       : question.type == AAAA ? "AAAA"
	                               : "other");
	fflush(stdout);
	return !reply->silent;
}

static void serve_udp(int fd, struct reply *reply, const char *zone)
{
	unsigned char at[4096];
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	ssize_t len = recvfrom(fd, at, sizeof at, 0, (struct sockaddr *)&from, &size);
	if (len > 0 && serve(reply, at, (size_t)len, zone, false))
		sendto(fd, reply->at, reply->len, 0, (struct sockaddr *)&from, size);
}

/* One question a connection is enough: whoever has more connects again. */
static void serve_tcp(int listener, struct reply *reply, const char *zone)
{
	unsigned char at[4096] = {0};
	int fd = accept(listener, NULL, NULL);
	size_t len = 0;
	ssize_t got;
	if (fd < 0)
		return;
	while ((len < 2 || len < 2u + (at[0] << 8 | at[1])) &&
	       (got = read(fd, at + len, sizeof at - len)) > 0)
		len += (size_t)got;
	if (len > 2 && serve(reply, at + 2, len - 2, zone, true)) {
		unsigned char size[2] = {(unsigned char)(reply->len >> 8),
		                         (unsigned char)reply->len};
		if (write(fd, size, 2) == 2 &&
		    write(fd, reply->at, reply->len) == (ssize_t)reply->len)
			shutdown(fd, SHUT_WR);
	}
	close(fd);
}

static int bound(int type, in_port_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = *port};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) != 0)) {
		close(fd);
		return -1;
	}
	*port = at.sin_port;
	return fd;
}

/* The same port for both; the one that UDP got may be taken in TCP. */
static bool open_both(int fds[2], in_port_t wanted, in_port_t *port)
{
	for (int tries = 0; tries < 100; tries++) {
		*port = wanted;
		fds[0] = bound(SOCK_DGRAM, port);
		fds[1] = fds[0] < 0 ? -1 : bound(SOCK_STREAM, port);
		if (fds[1] >= 0)
			return true;
		if (fds[0] >= 0)
			close(fds[0]);
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct reply reply;
	int fds[2];
	in_port_t port;
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 ||
	    !open_both(fds, htons((uint16_t)(argc > 2 ? strtol(argv[2], NULL, 10) : 0)), &port))
		return 3;
	printf("%d\n", ntohs(port));
	fflush(stdout);
	struct pollfd wait[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
	while (poll(wait, 2, -1) >= 0) {
		if (wait[0].revents != 0)
			serve_udp(fds[0], &reply, argv[1]);
		if (wait[1].revents != 0)
			serve_tcp(fds[1], &reply, argv[1]);
	}
	return 3;
}
