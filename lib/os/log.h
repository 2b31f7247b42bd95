/*
 * Messages to stderr: "egress-verify: line 12: not a JSON object".
 *
 * Under systemd (stderr is the journal: sd-daemon(3), JOURNAL_STREAM) each line starts with
 * its priority as <N>. Control characters, escapes and bytes that are not UTF-8 are written
 * as \xNN, because messages quote what hostile inputs say; a message is one line of at most
 * 4096 bytes.
 */
#ifndef OS_LOG_H
#define OS_LOG_H

#include <stdbool.h>

/* Comes first in every program: it also opens what of the standard descriptors is closed
 * (os/descriptors.h). `program` is borrowed for the life of the process. */
void log_open(const char *program);
void log_verbose(bool on);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

const char *log_program(void);

#endif
