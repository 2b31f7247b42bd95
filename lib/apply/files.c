#include "apply/files_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/log.h"

/* What may be cut short, followed by a number: the lock makes these names enough. */
#define UNFINISHED ".egress-apply."

enum { FILE_MAX = 64 * 1024 * 1024 };

struct kube_files {
	int dir; /* -1: a dry run on a directory that does not exist */
};

static bool visit_each(int dir, void (*visit)(const char *name, void *context), void *context)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	if (listing == NULL) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(listing)) != NULL; errno = 0)
		visit(entry->d_name, context);
	int error = errno;
	closedir(listing);
	errno = error;
	return error == 0;
}

/* One that stays is in nobody's way until its number comes, which then says why. */
static void remove_unfinished(const char *name, void *context)
{
	const char *end = strrchr(name, '.');
	if (strncmp(name, UNFINISHED, strlen(UNFINISHED)) == 0 && strcmp(end, ".tmp") == 0)
		unlinkat(*(int *)context, name, 0);
}

static int open_dir(const char *path, bool readonly)
{
	if (!readonly && mkdir(path, 0777) != 0 && errno != EEXIST)
		return -1;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || readonly)
		return dir;
	if (flock(dir, LOCK_EX | LOCK_NB) == 0 && visit_each(dir, remove_unfinished, &dir))
		return dir;
	int error = errno;
	close(dir);
	errno = error;
	return -1;
}

struct kube_files *kube_files_open(const char *path, bool readonly)
{
	int dir = open_dir(path, readonly);
	if (dir < 0 && !(readonly && errno == ENOENT)) {
		log_error("cannot use the directory %s: %s", path,
		          errno == EWOULDBLOCK ? "another egress-apply is using it"
		                               : strerror(errno));
		return NULL;
	}
	struct kube_files *files = calloc(1, sizeof *files);
	if (files == NULL) {
		log_error("out of memory");
		if (dir >= 0)
			close(dir);
		return NULL;
	}
	files->dir = dir;
	return files;
}

void kube_files_close(struct kube_files *files)
{
	if (files->dir >= 0)
		close(files->dir);
	free(files);
}

static bool read_all(int fd, struct json_buffer *out)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return false;
	if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX) {
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		return false;
	}
	for (;;) {
		json_buffer_reserve(out, 65536);
		ssize_t got = read(fd, out->at + out->len, 65536);
		if (got < 0 && errno != EINTR)
			return false;
		if (got == 0)
			return true;
		out->len += got > 0 ? (size_t)got : 0;
	}
}

bool kube_files_read(struct kube_files *files, const char *name, struct json_buffer *out,
                     bool *exists)
{
	*exists = false;
	if (files->dir < 0)
		return true;
	int fd = openat(files->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT;
	*exists = true;
	bool whole = read_all(fd, out);
	int error = errno;
	close(fd);
	errno = error;
	return whole;
}

static bool write_all(int fd, struct json_text bytes)
{
	for (size_t done = 0; done < bytes.len;) {
		ssize_t wrote = write(fd, bytes.at + done, bytes.len - done);
		if (wrote < 0 && errno != EINTR)
			return false;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return true;
}

static const char *staged_name(unsigned number, char name[64])
{
	snprintf(name, 64, UNFINISHED "%u.tmp", number);
	return name;
}

void kube_files_unstage(struct kube_files *files, unsigned number)
{
	char staged[64];
	int error = errno;
	unlinkat(files->dir, staged_name(number, staged), 0);
	errno = error;
}

static bool close_whole(int fd, bool whole)
{
	int error = errno;
	if (close(fd) != 0 && whole)
		return false;
	errno = error;
	return whole;
}

bool kube_files_stage(struct kube_files *files, unsigned number, struct json_text bytes)
{
	char staged[64];
	int fd = openat(files->dir, staged_name(number, staged),
	                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return false;
	bool written = write_all(fd, bytes);
	/* only begins, so that the disk works while the next is written */
	if (written)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (close_whole(fd, written))
		return true;
	kube_files_unstage(files, number);
	return false;
}

/* One wait for the file system instead of one a file. */
bool kube_files_sync_staged(struct kube_files *files)
{
	return syncfs(files->dir) == 0;
}

bool kube_files_place(struct kube_files *files, unsigned number, const char *name)
{
	char staged[64];
	if (renameat(files->dir, staged_name(number, staged), files->dir, name) == 0)
		return true;
	kube_files_unstage(files, number);
	return false;
}

bool kube_files_remove(struct kube_files *files, const char *name)
{
	return unlinkat(files->dir, name, 0) == 0 || errno == ENOENT;
}

bool kube_files_sync(struct kube_files *files)
{
	return fsync(files->dir) == 0;
}

static bool is_yaml(const char *name)
{
	size_t len = strlen(name);
	return len > 5 && len < KUBE_FILE_NAME_SIZE && strcmp(name + len - 5, ".yaml") == 0;
}

struct yaml_visit {
	void (*visit)(const char *name, void *context);
	void *context;
};

static void visit_yaml(const char *name, void *context)
{
	const struct yaml_visit *yaml = context;
	if (is_yaml(name))
		yaml->visit(name, yaml->context);
}

bool kube_files_each(struct kube_files *files, void (*visit)(const char *name, void *context),
                     void *context)
{
	struct yaml_visit yaml = {visit, context};
	return files->dir < 0 || visit_each(files->dir, visit_yaml, &yaml);
}
