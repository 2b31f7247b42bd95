#include "apply/diff_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply/operation.h"
#include "os/log.h"

/* diff(1) opens its inputs by name: an anonymous file, seen as /dev/fd/N. */
static int memory_file(struct json_text text)
{
	int fd = memfd_create("egress-apply-diff", 0);
	for (size_t done = 0; fd >= 0 && done < text.len;) {
		ssize_t wrote = write(fd, text.at + done, text.len - done);
		if (wrote < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return fd;
}

static int run_diff(const char *title, int before, int after)
{
	char files[2][32], label[KUBE_TITLE_SIZE];
	snprintf(files[0], sizeof files[0], "/dev/fd/%d", before);
	snprintf(files[1], sizeof files[1], "/dev/fd/%d", after);
	snprintf(label, sizeof label, "%s", title);
	char *argv[] = {"diff", "-u", "--label", label, "--label", label, files[0], files[1], NULL};

	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	pid_t child;
	int error = posix_spawnp(&child, "diff", &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	while (error == 0 && waitpid(child, NULL, 0) < 0)
		error = errno == EINTR ? 0 : errno;
	return error;
}

void kube_diff_show(const char *title, struct json_text before, struct json_text after)
{
	int from = memory_file(before), to = memory_file(after);
	int error = from < 0 || to < 0 ? errno : run_diff(title, from, to);
	if (error != 0)
		log_warning("%s: cannot show the difference with diff(1): %s", title,
		            strerror(error));
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}
