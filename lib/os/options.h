/*
 * Command line options, from one table that is also the --help text.
 *
 * Long options as kubectl spells them (--name VALUE and --name=VALUE), a few with a letter.
 * --help, --version, -v/--verbose and --rejects are common to all programs: list them with
 * OPTIONS_COMMON.
 */
#ifndef OS_OPTIONS_H
#define OS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Such as 0.1.0, or 0.1.0+g0123abc when built from a commit that is no release. */
extern const char egress_version[];

enum option_kind {
	OPTION_END,    /* closes a table */
	OPTION_FLAG,   /* bool: set to true */
	OPTION_STRING, /* const char *: the last one given */
	OPTION_LIST,   /* struct option_list: all given, in order */
	OPTION_NUMBER, /* struct option_number: a whole number in a range */
	OPTION_CHOICE, /* struct option_choice: one of the listed words */
	OPTION_OPTIONAL, /* struct option_choice: one of the words behind "=", or the first without */
	OPTION_CHOICES,/* struct option_choice: words separated by commas, as a bit mask */
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_VERBOSE,
};

struct option_list {
	const char **values; /* NULL-terminated, or NULL; owned by the table's user: options_free_list() */
	size_t count;
};

struct option_number {
	long value, min, max;
};

struct option_choice {
	const char *const *words; /* NULL-terminated */
	int value;                /* index of the word; for CHOICES a mask of 1 << index */
};

struct option_spec {
	enum option_kind kind;
	const char *name;     /* without dashes */
	char letter;          /* or 0 */
	const char *argument; /* "FILE"; NULL for flags */
	const char *help;     /* one sentence, no full stop; may hold \n */
	void *into;
};

#define OPTIONS_COMMON(rejects_into) \
	{OPTION_STRING, "rejects", 0, "FILE", "append lines that cannot be used to FILE, verbatim", \
	 rejects_into}, \
	{OPTION_VERBOSE, "verbose", 'v', NULL, "say more on stderr", NULL}, \
	{OPTION_HELP, "help", 'h', NULL, "show this help and exit", NULL}, \
	{OPTION_VERSION, "version", 0, NULL, "show the version and exit", NULL}

/* Of the stages of a pipeline (os/metrics.h). */
#define OPTION_METRICS(metrics_into) \
	{OPTION_STRING, "metrics", 0, "FILE", "keep metrics for Prometheus in FILE", metrics_into}

enum options_verdict {
	OPTIONS_GO,   /* parsed */
	OPTIONS_DONE, /* --help or --version was printed: exit EXIT_OK */
	OPTIONS_BAD,  /* wrong usage, reported: exit EXIT_USAGE */
};

/* Parses argv into the table's targets. `synopsis` is what follows the program's name in the
 * usage line. Operands: when `operands` is NULL none are accepted; else argv's operands are
 * put there (borrowed). */
enum options_verdict options_parse(int argc, char **argv, const char *synopsis,
                                   const char *purpose, const struct option_spec *table,
                                   struct option_list *operands);

void options_free_list(struct option_list *list);

#endif
