/* An agent card of nearly 1 MiB made of what is costly to read, sort, compare or write.
 * Usage: costly_card KIND [NAME]; without a kind it lists them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BYTES = 1024 * 1024 - 64 * 1024 }; /* signatures, of which there may be many, come to it */

struct kind {
	const char *name;
	const char *open, *close; /* around it: in an extension's params, or, in_card, in the card */
	void (*put)(const struct kind *);
	const char *text, *more; /* what is put again and again */
	bool in_card;
};

static size_t written;

static void put(const char *text)
{
	written += strlen(text);
	fputs(text, stdout);
}

/* Puts a comma when there is to be another item. */
static bool put_comma(void)
{
	if (written >= BYTES)
		return false;
	put(",");
	return true;
}

static void put_bytes(const struct kind *kind)
{
	while (written < BYTES)
		put(kind->text);
}

/* More would be too long in Go's form, and so no form at all. */
static void put_fewer_bytes(const struct kind *kind)
{
	while (written < BYTES / 4)
		put(kind->text);
}

static void put_items(const struct kind *kind)
{
	do
		put(kind->text);
	while (put_comma());
}

static void put_subnormals(const struct kind *kind)
{
	char item[64];
	(void)kind;
	uint32_t i = 1;
	do {
		snprintf(item, sizeof item, "%.17g", 4.9406564584124654e-324 * (i * 0x9e3779b1u));
		put(item);
		i++;
	} while (put_comma());
}

static void put_integers(const struct kind *kind)
{
	char item[64];
	(void)kind;
	unsigned i = 1;
	do {
		snprintf(item, sizeof item, "99999999999%09u", i);
		put(item);
		i++;
	} while (put_comma());
}

static void put_nested(const struct kind *kind)
{
	do {
		for (int i = 0; i < 110; i++)
			put(kind->text);
		put("1");
		for (int i = 0; i < 110; i++)
			put(kind->more);
	} while (put_comma());
}

/* Keys that are not in order. */
static void put_members(const struct kind *kind)
{
	char key[16];
	uint32_t i = 1;
	do {
		snprintf(key, sizeof key, "%06x", i * 0x9e3779b1u >> 8);
		put("\"");
		put(kind->text);
		put(key);
		put(kind->more);
		i++;
	} while (put_comma());
}

/* Keys that Go and Python sort in another order than RFC 8785. */
static void put_wide_keys(const struct kind *kind)
{
	char item[64];
	(void)kind;
	unsigned i = 0;
	do {
		unsigned c = i * 7919 % 1024;
		if (i % 2 != 0)
			snprintf(item, sizeof item, "\"\\ud83d\\u%04x%x\":0", 0xdc00 + c, i);
		else
			snprintf(item, sizeof item, "\"\\u%04x%x\":0", 0xe000 + c, i);
		put(item);
		i++;
	} while (put_comma());
}

static void put_long_keys(const struct kind *kind)
{
	char key[1001], rest[32];
	(void)kind;
	memset(key, 'p', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	uint32_t i = 1;
	do {
		snprintf(rest, sizeof rest, "%08x\":0", i * 0x9e3779b1u);
		put("\"");
		put(key);
		put(rest);
		i++;
	} while (put_comma());
}

static const struct kind kinds[] = {
        {"strings", "[\"", "\"]", put_bytes, "x", NULL, false},
        {"chinese", "[\"", "\"]", put_bytes, "\xe8\xaa\x9e", NULL, false},
        {"escapes", "[\"", "\"]", put_bytes, "\\u0001", NULL, false},
        {"html", "[\"", "\"]", put_fewer_bytes, "<", NULL, false},
        {"subnormals", "[", "]", put_subnormals, NULL, NULL, false},
        {"shortest-subnormals", "[", "]", put_items, "5e-324", NULL, false},
        {"exponents", "[", "]", put_items, "1e0", NULL, false},
        {"growing-numbers", "[", "]", put_items, "1e20", NULL, false},
        {"halves", "[", "]", put_items, "0.5", NULL, false},
        {"zeros", "[", "]", put_items, "0", NULL, false},
        {"long-integers", "[", "]", put_integers, NULL, NULL, false},
        {"long-number", "[0.", "]", put_bytes, "7", NULL, false},
        {"nulls", "[", "]", put_items, "null", NULL, false},
        {"arrays", "[", "]", put_items, "[]", NULL, false},
        {"objects", "[", "]", put_items, "{}", NULL, false},
        {"deep-arrays", "[", "]", put_nested, "[", "]", false},
        {"deep-objects", "[", "]", put_nested, "{\"a\":", "}", false},
        {"keys", "{", "}", put_members, "", "\":0", false},
        {"escaped-keys", "{", "}", put_members, "\\u0061", "\":0", false},
        {"long-keys", "{", "}", put_long_keys, NULL, NULL, false},
        {"wide-keys", "{", "}", put_wide_keys, NULL, NULL, false},
        {"unknown-members", ",", "", put_members, "", "\":0", true},
        {"skills", ",\"skills\":[", "]", put_items, "{\"id\":\"i\"}", NULL, true},
        {"schemes", ",\"securitySchemes\":{", "}", put_members, "",
         "\":{\"mtlsSecurityScheme\":{\"description\":\"d\"}}", true},
};

static void put_card(const struct kind *kind, const char *name)
{
	printf("{\"name\":\"%s\",\"description\":\"\",\"url\":\"<u>\"", name);
	if (!kind->in_card)
		put(",\"capabilities\":{\"extensions\":[{\"uri\":\"u\",\"params\":{\"v\":");
	put(kind->open);
	kind->put(kind);
	put(kind->close);
	put(kind->in_card ? "}\n" : "}}]}}\n");
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (argc < 2) {
			puts(kinds[i].name);
		} else if (strcmp(argv[1], kinds[i].name) == 0) {
			put_card(&kinds[i], argc > 2 ? argv[2] : "costly");
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
