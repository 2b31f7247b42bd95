#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/descriptors.h"

enum { MESSAGE_MAX = 4096 };

static const char *program = "agent-egress";
static bool verbose;
static bool to_journal;

/* sd-daemon(3): JOURNAL_STREAM is "device:inode" of the journal's socket. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	unsigned long long device, inode;
	char *end;
	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	device = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	inode = strtoull(end + 1, &end, 10);
	return *end == '\0' && device == st.st_dev && inode == st.st_ino;
}

void log_open(const char *name)
{
	descriptors_open();
	program = name;
	to_journal = stderr_is_journal();
}

void log_verbose(bool on)
{
	verbose = on;
}

const char *log_program(void)
{
	return program;
}

/* Copies a message so that it is one line of harmless characters. */
static size_t sanitize(const char *text, size_t len, char *out, size_t size)
{
	const char *p = text, *end = text + len;
	size_t used = 0;
	while (p < end && used + 8 < size) {
		unsigned char c = (unsigned char)*p;
		unsigned length = json_utf8_length(p, end);
		bool c1 = length == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0;
		if (length == 0 || c < 0x20 || c == 0x7f || c1) {
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
			p++;
			continue;
		}
		memcpy(out + used, p, length);
		used += length;
		p += length;
	}
	return used;
}

__attribute__((format(printf, 2, 0))) static void emit(int priority, const char *format,
                                                       va_list list)
{
	int saved = errno;
	char text[MESSAGE_MAX], line[MESSAGE_MAX];
	int len = vsnprintf(text, sizeof text, format, list);
	if (len < 0)
		return;
	size_t text_len = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
	int head = to_journal ? snprintf(line, sizeof line, "<%d>%s: ", priority, program)
	                      : snprintf(line, sizeof line, "%s: ", program);
	size_t used = head > 0 && (size_t)head < sizeof line / 2 ? (size_t)head : 0;
	used += sanitize(text, text_len, line + used, sizeof line - used - 1);
	line[used++] = '\n';
	/* One write, so that the messages of a pipeline's stages do not mix. */
	if (write(STDERR_FILENO, line, used) < 0)
		verbose = false;
	errno = saved;
}

#define LOG_FUNCTION(name, priority, condition)                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list list;                                                                      \
		if (!(condition))                                                                  \
			return;                                                                    \
		va_start(list, format);                                                            \
		emit(priority, format, list);                                                      \
		va_end(list);                                                                      \
	}

LOG_FUNCTION(log_error, 3, true)
LOG_FUNCTION(log_warning, 4, true)
LOG_FUNCTION(log_notice, 5, true)
LOG_FUNCTION(log_detail, 6, verbose)
