#include "os/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

enum { OPTIONS_MAX = 64, LONG_ONLY = 256, HELP_COLUMN = 34, HELP_WIDTH = 80, CHOICES_COLUMN = 12 };

static void append(struct option_list *list, const char *value)
{
	const char **values = realloc(list->values, (list->count + 2) * sizeof *values);
	if (values == NULL)
		abort();
	values[list->count++] = value;
	values[list->count] = NULL;
	list->values = values;
}

void options_free_list(struct option_list *list)
{
	free(list->values);
	*list = (struct option_list){0};
}

static bool take_number(const struct option_spec *spec, const char *text)
{
	struct option_number *number = spec->into;
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < number->min ||
	    value > number->max) {
		log_error("--%s %s: not a whole number from %ld to %ld", spec->name, text,
		          number->min, number->max);
		return false;
	}
	number->value = value;
	return true;
}

static int find_word(const char *const *words, const char *text, size_t len)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return i;
	return -1;
}

static bool take_choice(const struct option_spec *spec, const char *text)
{
	struct option_choice *choice = spec->into;
	bool many = spec->kind == OPTION_CHOICES;
	int mask = 0;
	for (const char *p = text;;) {
		size_t len = many ? strcspn(p, ",") : strlen(p);
		int word = find_word(choice->words, p, len);
		if (word < 0) {
			char known[256] = "";
			for (int i = 0; choice->words[i] != NULL; i++)
				snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s",
				         i > 0 ? ", " : "", choice->words[i]);
			log_error("--%s %s: one of %s is wanted", spec->name, text, known);
			return false;
		}
		mask |= 1 << word;
		if (!many || p[len] == '\0') {
			choice->value = many ? mask : word;
			return true;
		}
		p += len + 1;
	}
}

/* The words of a text, from this column on; the lines go on below it. A line ends before HELP_WIDTH
 * where a word does. */
static void print_wrapped(const char *text, size_t from)
{
	size_t column = from;
	for (const char *p = text + strspn(text, " \n"); *p != '\0'; p += strspn(p, " \n")) {
		size_t len = strcspn(p, " \n");
		if (column > from && column + 1 + len > HELP_WIDTH) {
			printf("\n%*s", (int)from, "");
			column = from;
		}
		column += (size_t)printf("%s%.*s", column > from ? " " : "", (int)len, p);
		p += len;
	}
	putchar('\n');
}

/* An option and its argument. The choices of a long one go on below it: completions join lines that
 * end in a bar. Returns the column behind it. */
static int print_head(const struct option_spec *spec)
{
	char head[160];
	int len = snprintf(head, sizeof head, "  %s%c%s--%s%s%s%s", spec->letter ? "-" : "  ",
	                   spec->letter ? spec->letter : ' ', spec->letter ? ", " : " ", spec->name,
	                   spec->argument == NULL           ? ""
	                   : spec->kind == OPTION_OPTIONAL ? "[="
	                                                   : " ",
	                   spec->argument ? spec->argument : "", spec->kind == OPTION_OPTIONAL ? "]" : "");
	const char *at = head;
	while (len > HELP_WIDTH) {
		int cut = HELP_WIDTH;
		while (cut > 0 && at[cut - 1] != '|')
			cut--;
		if (cut == 0)
			break;
		printf("%.*s\n%*s", cut, at, CHOICES_COLUMN, "");
		at += cut;
		len = CHOICES_COLUMN + (int)strlen(at);
	}
	printf("%s", at);
	return len;
}

static void print_help(const char *synopsis, const char *purpose, const struct option_spec *table)
{
	printf("Usage: %s %s\n\n%s\n\nOptions:\n", log_program(), synopsis, purpose);
	for (const struct option_spec *spec = table; spec->kind != OPTION_END; spec++) {
		int len = print_head(spec);
		if (len >= HELP_COLUMN)
			printf("\n%*s", HELP_COLUMN, "");
		else
			printf("%*s", HELP_COLUMN - len, "");
		print_wrapped(spec->help, HELP_COLUMN);
	}
	printf("\nSee %s(1).\n", log_program());
}

static enum options_verdict take(const struct option_spec *spec, const char *value,
                                 const char *synopsis, const char *purpose,
                                 const struct option_spec *table)
{
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)spec->into = true;
		return OPTIONS_GO;
	case OPTION_STRING:
		*(const char **)spec->into = value;
		return OPTIONS_GO;
	case OPTION_LIST:
		append(spec->into, value);
		return OPTIONS_GO;
	case OPTION_NUMBER:
		return take_number(spec, value) ? OPTIONS_GO : OPTIONS_BAD;
	case OPTION_OPTIONAL:
		if (value == NULL)
			value = ((const struct option_choice *)spec->into)->words[0];
		return take_choice(spec, value) ? OPTIONS_GO : OPTIONS_BAD;
	case OPTION_CHOICE:
	case OPTION_CHOICES:
		return take_choice(spec, value) ? OPTIONS_GO : OPTIONS_BAD;
	case OPTION_VERBOSE:
		log_verbose(true);
		return OPTIONS_GO;
	case OPTION_HELP:
		print_help(synopsis, purpose, table);
		return OPTIONS_DONE;
	case OPTION_VERSION:
		printf("%s %s\n", log_program(), egress_version);
		return OPTIONS_DONE;
	case OPTION_END:
		break;
	}
	return OPTIONS_BAD;
}

/* The table in getopt_long(3)'s terms; `val` of each is LONG_ONLY + its index. */
static void translate(const struct option_spec *table, struct option longs[], char letters[])
{
	size_t count = 0, used = 0;
	letters[used++] = ':'; /* so that a missing argument is told from an unknown option */
	for (; count < OPTIONS_MAX - 1 && table[count].kind != OPTION_END; count++) {
		const struct option_spec *spec = &table[count];
		int wants = spec->kind == OPTION_OPTIONAL ? optional_argument
		            : spec->argument != NULL      ? required_argument
		                                          : no_argument;
		longs[count] = (struct option){spec->name, wants, NULL, LONG_ONLY + (int)count};
		if (spec->letter == 0)
			continue;
		letters[used++] = spec->letter;
		if (spec->argument != NULL)
			letters[used++] = ':';
	}
	longs[count] = (struct option){0};
	letters[used] = '\0';
}

static const struct option_spec *spec_of(const struct option_spec *table, int got)
{
	if (got >= LONG_ONLY)
		return &table[got - LONG_ONLY];
	while (table->kind != OPTION_END && table->letter != got)
		table++;
	return table;
}

static enum options_verdict report_unknown(int got, char **argv)
{
	const char *given = optind > 0 && argv[optind - 1] != NULL ? argv[optind - 1] : "";
	bool lettered = optopt > 0 && optopt < LONG_ONLY;
	if (got == ':')
		log_error("%s: an argument is missing; see --help", given);
	else if (lettered)
		log_error("-%c: unknown option; see --help", optopt);
	else
		log_error("%s: unknown option, or an argument that it does not take; see --help", given);
	return OPTIONS_BAD;
}

enum options_verdict options_parse(int argc, char **argv, const char *synopsis,
                                   const char *purpose, const struct option_spec *table,
                                   struct option_list *operands)
{
	struct option longs[OPTIONS_MAX];
	char letters[OPTIONS_MAX * 2 + 2];
	translate(table, longs, letters);
	opterr = 0;
	optind = 1;
	for (int got; (got = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
		if (got == '?' || got == ':')
			return report_unknown(got, argv);
		enum options_verdict verdict =
			take(spec_of(table, got), optarg, synopsis, purpose, table);
		if (verdict != OPTIONS_GO)
			return verdict;
	}
	for (; optind < argc; optind++) {
		if (operands == NULL) {
			log_error("%s: no operand is expected; see --help", argv[optind]);
			return OPTIONS_BAD;
		}
		append(operands, argv[optind]);
	}
	return OPTIONS_GO;
}
