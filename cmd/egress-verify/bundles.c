#include "bundles.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "os/log.h"
#include "os/signals.h"

enum { WHERE_SIZE = 4096 };

static bool read_all(int fd, struct json_buffer *text)
{
	for (;;) {
		json_buffer_reserve(text, 65536);
		ssize_t got = read(fd, text->at + text->len, text->size - text->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		text->len += (size_t)got;
		if (text->len > TRUST_BUNDLE_MAX)
			return true; /* too large, as whoever parses it will say */
	}
}

/* 0, or the errno that says why not. O_NONBLOCK: a FIFO in the file's place must not stop us. */
static int read_file(const char *path, struct json_buffer *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	int wrong = read_all(fd, text) ? 0 : errno;
	close(fd);
	return wrong;
}

static void keep(struct bundle_file *file, const struct json_buffer *text)
{
	free(file->text);
	file->text = NULL;
	file->len = 0;
	if (text == NULL)
		return;
	file->text = malloc(text->len + 1);
	if (file->text == NULL)
		abort();
	if (text->len > 0)
		memcpy(file->text, text->at, text->len);
	file->len = text->len;
}

static bool is_kept(const struct bundle_file *file, const struct json_buffer *text)
{
	return file->text != NULL && file->len == text->len &&
	       (text->len == 0 || memcmp(file->text, text->at, text->len) == 0);
}

/* True when the file's anchors are in force. */
static bool refresh(struct bundle_file *file, struct trust_cards *cards, int64_t at)
{
	char where[WHERE_SIZE];
	struct json_buffer text = {0};
	snprintf(where, sizeof where, "file %s", file->from.path);
	int wrong = read_file(file->from.path, &text);
	bool good = false;
	if (wrong == ENOENT || wrong == ENOTDIR) {
		keep(file, NULL);
		trust_cards_bundle(cards, file->from.trust_domain, (struct json_text){0}, where, at);
	} else if (wrong != 0) {
		char why[128];
		snprintf(why, sizeof why, "it cannot be read: %s", strerror(wrong));
		keep(file, NULL); /* what is there when it can be read again counts anew */
		trust_cards_bundle_unreadable(cards, file->from.trust_domain, where, why, at);
	} else if (is_kept(file, &text)) {
		good = true;
	} else {
		keep(file, &text);
		struct json_text content = {file->text, file->len};
		good = trust_cards_bundle(cards, file->from.trust_domain, content, where, at);
	}
	file->unreadable = wrong != 0 && wrong != ENOENT && wrong != ENOTDIR;
	json_buffer_free(&text);
	return good;
}

void bundles_refresh(struct bundles *bundles, struct trust_cards *cards, int64_t at)
{
	for (size_t i = 0; i < bundles->count; i++)
		refresh(&bundles->files[i], cards, at);
}

static void watch_directory_of(int notify, const char *path)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	inotify_add_watch(notify, dirname(copy),
	                  IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
	                          IN_ATTRIB);
}

/* Both where the name is and where it leads: a change in either may change the file. What
 * cannot be watched is found by the timer. */
static void watch(int notify, const char *path)
{
	char real[PATH_MAX];
	watch_directory_of(notify, path);
	if (realpath(path, real) != NULL)
		watch_directory_of(notify, real);
}

static bool open_wake(struct bundles *bundles)
{
	struct itimerspec every = {{BUNDLES_SECONDS, 0}, {BUNDLES_SECONDS, 0}};
	bundles->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	bundles->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	bundles->wake = epoll_create1(EPOLL_CLOEXEC);
	if (bundles->timer < 0 || bundles->wake < 0 ||
	    timerfd_settime(bundles->timer, 0, &every, NULL) != 0) {
		log_error("cannot set a timer: %s", strerror(errno));
		return false;
	}
	struct epoll_event in = {.events = EPOLLIN};
	if (bundles->notify >= 0)
		epoll_ctl(bundles->wake, EPOLL_CTL_ADD, bundles->notify, &in);
	if (epoll_ctl(bundles->wake, EPOLL_CTL_ADD, bundles->timer, &in) == 0)
		return true;
	log_error("cannot wait for a timer: %s", strerror(errno));
	return false;
}

static bool open_file(struct bundles *bundles, size_t i, const struct bundle_source *source,
                      struct trust_cards *cards, int64_t at)
{
	struct bundle_file *file = &bundles->files[i];
	file->from = *source;
	bundles->paths[i] = source->path;
	if (bundles->notify >= 0)
		watch(bundles->notify, source->path);
	if (refresh(file, cards, at))
		return true;
	if (file->text == NULL && !file->unreadable)
		log_error("cannot read the trust bundle of %s: %s: %s", source->trust_domain,
		          source->path, strerror(ENOENT));
	return false;
}

bool bundles_open(struct bundles *bundles, const struct bundle_source *sources, size_t count,
                  struct trust_cards *cards, int64_t at)
{
	*bundles = (struct bundles){.notify = -1, .timer = -1, .wake = -1, .count = count};
	bundles->files = calloc(count + 1, sizeof *bundles->files);
	bundles->paths = calloc(count + 1, sizeof *bundles->paths);
	if (bundles->files == NULL || bundles->paths == NULL)
		abort();
	if (!open_wake(bundles))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!open_file(bundles, i, &sources[i], cards, at))
			return false;
	return true;
}

bool bundles_woken(struct bundles *bundles)
{
	char events[4096];
	uint64_t ticks;
	bool woken = signals_reload();
	if (woken)
		log_notice("asked to: the trust bundles' files are read again");
	if (read(bundles->timer, &ticks, sizeof ticks) > 0)
		woken = true;
	while (bundles->notify >= 0 && read(bundles->notify, events, sizeof events) > 0)
		woken = true;
	return woken;
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void bundles_close(struct bundles *bundles)
{
	close_if(bundles->wake);
	close_if(bundles->timer);
	close_if(bundles->notify);
	for (size_t i = 0; i < bundles->count; i++)
		free(bundles->files[i].text);
	free(bundles->files);
	free(bundles->paths);
}
