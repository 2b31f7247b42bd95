#include "answers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"
#include "json/json.h"

/* 4096 addresses of the longest kind, and then some. */
static const struct json_limits limits = {.bytes = 512 * 1024, .depth = 8};

/* NULL, or why the line cannot be used. */
static const char *take_line(struct json_text line, int64_t limit, struct dns_cards *cards,
                             struct dns_answer *answer, int64_t *at)
{
	struct json_error error = {0};
	if (!json_check(line, &limits, &error))
		return error.reason;
	const char *wrong = dns_answer_read(json_trim(line), answer);
	if (wrong != NULL)
		return wrong;
	if (answer->time > limit)
		return NULL;
	if (answer->time < *at)
		return "its time is before that of a line above";
	*at = answer->time;
	return dns_cards_answer(cards, answer, answer->time)
	               ? NULL
	               : "there are more names than --max-names";
}

static void take_lines(FILE *file, const char *path, int64_t limit, struct dns_cards *cards,
                       struct answers_read *result)
{
	struct dns_answer answer = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	for (unsigned long number = 1; (len = getline(&line, &size, file)) >= 0; number++) {
		struct json_text text = json_trim((struct json_text){line, (size_t)len});
		if (text.len == 0)
			continue;
		const char *wrong = take_line(text, limit, cards, &answer, &result->at);
		if (wrong == NULL)
			continue;
		log_error("%s: line %lu: %s", path, number, wrong);
		result->faults++;
	}
	dns_answer_free(&answer);
	free(line);
}

bool answers_read(const char *path, int64_t limit, struct dns_cards *cards,
                  struct answers_read *result)
{
	FILE *file = fopen(path, "re");
	*result = (struct answers_read){.at = INT64_MIN};
	if (file == NULL) {
		log_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	take_lines(file, path, limit, cards, result);
	bool good = !ferror(file);
	if (!good)
		log_error("cannot read %s: %s", path, strerror(errno));
	fclose(file);
	if (limit != DNS_NEVER)
		result->at = limit;
	return good;
}

int answers_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		log_error("cannot write answers to %s: %s", path, strerror(errno));
	return fd;
}

bool answers_write(int fd, const struct dns_answer *answer, struct json_buffer *scratch)
{
	scratch->len = 0;
	dns_answer_put(answer, scratch);
	json_putc(scratch, '\n');
	for (size_t done = 0; done < scratch->len;) {
		ssize_t wrote = write(fd, scratch->at + done, scratch->len - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		done += (size_t)wrote;
	}
	return true;
}
