#include "json/canonical.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json/scan_private.h"
#include "json/write.h"
#include "json/json.h"

const char *const json_form_names[JSON_FORMS + 1] = {"jcs", "a2a", "kagenti", NULL};

/* A member of an object that is being written: its key, decoded, in `names`, and its bytes in
 * `out`: `"key":value,`. */
struct member {
	size_t key, key_len;
	size_t from, to;
};

struct writer {
	const char *p, *end; /* what is left to read */
	enum json_form form;
	bool strip;          /* remove what is empty */
	const char *without; /* key of the outermost object to leave out; NULL behind it */
	struct json_buffer *out;
	struct json_buffer names;   /* keys of the objects still open */
	struct json_buffer scratch;
	struct member *members; /* of the objects still open, the innermost's last */
	size_t count, size;
	const char *reason;
};

enum written { WRITTEN_FAILED, WRITTEN_EMPTY, WRITTEN };

static enum written write_value(struct writer *w, bool in_array);

/* Bytes that Go's encoding/json escapes and RFC 8785 does not; none of them is part of
 * another escape. Their number, or 0. */
static size_t go_escaped(const char *p, const char *end)
{
	if (*p == '<' || *p == '>' || *p == '&')
		return 1;
	bool line_end = end - p >= 3 && p[0] == '\xe2' && p[1] == '\x80' &&
	                (p[2] == '\xa8' || p[2] == '\xa9'); /* U+2028, U+2029 */
	return line_end ? 3 : 0;
}

/* Escapes the string at the end of `out` further, as Go does. */
static void escape_as_go(struct writer *w, size_t from)
{
	const char *p = w->out->at + from, *end = w->out->at + w->out->len;
	while (p < end && go_escaped(p, end) == 0)
		p++;
	if (p == end)
		return;
	from = (size_t)(p - w->out->at);
	w->scratch.len = 0;
	json_put(&w->scratch, p, (size_t)(end - p));
	w->out->len = from;
	p = w->scratch.at;
	end = p + w->scratch.len;
	while (p < end) {
		size_t escaped = go_escaped(p, end);
		if (escaped == 0)
			json_putc(w->out, *p);
		else if (escaped == 1)
			json_putf(w->out, "\\u%04x", (unsigned)(unsigned char)*p);
		else
			json_puts(w->out, p[2] == '\xa8' ? "\\u2028" : "\\u2029");
		p += escaped == 0 ? 1 : escaped;
	}
}

static void put_string(struct writer *w, const char *bytes, size_t len)
{
	size_t from = w->out->len;
	json_put_string_n(w->out, bytes, len);
	if (w->form == JSON_FORM_KAGENTI)
		escape_as_go(w, from);
}

/* Appends the decoded string at w->p to `names` and moves behind it; gives its length. */
static size_t read_string(struct writer *w)
{
	const char *first = ++w->p;
	while ((w->p = json_find_stop(w->p, w->end)) < w->end && *w->p == '\\')
		w->p += w->end - w->p >= 2 ? 2 : 1;
	size_t len = (size_t)(w->p - first);
	json_buffer_reserve(&w->names, len + 1);
	len = json_decode(first, w->p, w->names.at + w->names.len);
	w->names.len += len;
	w->p += w->p < w->end;
	return len;
}

static enum written write_string(struct writer *w)
{
	size_t held = w->names.len;
	size_t len = read_string(w);
	w->names.len = held;
	if (len == 0) {
		json_puts(w->out, "\"\"");
		return WRITTEN_EMPTY;
	}
	/* the decoded bytes stay where they are until the next key or string */
	put_string(w, w->names.at + held, len);
	return WRITTEN;
}

/* Integers that a double holds exactly need no conversion. */
static bool plain_integer(const char *p, size_t len)
{
	size_t sign = *p == '-' ? 1 : 0;
	if (len - sign > 15 || (p[sign] == '0' && sign == 1))
		return false;
	for (size_t i = sign; i < len; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/* strtod(3) under any locale: the text's point becomes a part of its exponent. */
static double read_number(const char *p, size_t len)
{
	static locale_t plain;
	if (plain == NULL)
		plain = newlocale(LC_ALL_MASK, "C", NULL);
	char held[64];
	char *text = len < sizeof held ? held : malloc(len + 1);
	if (text == NULL)
		abort();
	memcpy(text, p, len);
	text[len] = '\0';
	double number = plain != NULL ? strtod_l(text, NULL, plain) : strtod(text, NULL);
	if (text != held)
		free(text);
	return number;
}

static enum written write_number(struct writer *w)
{
	const char *first = w->p;
	while (w->p < w->end && strchr("+-.0123456789eE", *w->p) != NULL && *w->p != '\0')
		w->p++;
	size_t len = (size_t)(w->p - first);
	if (plain_integer(first, len)) {
		json_put(w->out, first, len);
		return WRITTEN;
	}
	double number = read_number(first, len);
	if (!isfinite(number)) {
		w->reason = "a number is out of the range of a double";
		return WRITTEN_FAILED;
	}
	char text[32];
	json_number_format(number, text, sizeof text);
	if (number == 0 && signbit(number) && w->form == JSON_FORM_KAGENTI)
		json_putc(w->out, '-');
	json_puts(w->out, text);
	return WRITTEN;
}

/* `value,` stands at the end of `out` for each element or member that was kept. */
static enum written close_container(struct writer *w, size_t from, char open, char close)
{
	if (w->out->len == from) {
		json_putc(w->out, open);
		json_putc(w->out, close);
		return WRITTEN_EMPTY;
	}
	w->out->at[w->out->len - 1] = close;
	return WRITTEN;
}

static bool at_close(struct writer *w, char close)
{
	w->p = json_skip_space(w->p, w->end);
	if (w->p < w->end && *w->p == ',')
		w->p = json_skip_space(w->p + 1, w->end);
	if (w->p < w->end && *w->p != close)
		return false;
	w->p += w->p < w->end;
	return true;
}

static enum written write_array(struct writer *w)
{
	size_t start = w->out->len;
	json_putc(w->out, '[');
	size_t first = w->out->len;
	w->p++;
	while (!at_close(w, ']')) {
		size_t from = w->out->len;
		enum written written = write_value(w, true);
		if (written == WRITTEN_FAILED)
			return written;
		if (written == WRITTEN_EMPTY && w->strip)
			w->out->len = from;
		else
			json_putc(w->out, ',');
	}
	if (w->out->len == first)
		w->out->len = start;
	return close_container(w, start, '[', ']');
}

static struct member *new_member(struct writer *w)
{
	if (w->count == w->size) {
		size_t size = w->size == 0 ? 64 : w->size * 2;
		struct member *members = realloc(w->members, size * sizeof *members);
		if (members == NULL)
			abort();
		w->members = members;
		w->size = size;
	}
	return &w->members[w->count++];
}

/* One member, at the end of `out`; false when it was not kept or failed (w->reason). */
static bool write_member(struct writer *w, const char *without)
{
	struct member member = {.key = w->names.len, .from = w->out->len};
	member.key_len = read_string(w);
	w->p = json_skip_space(w->p, w->end);
	w->p = json_skip_space(w->p + (w->p < w->end), w->end);
	if (without != NULL && member.key_len == strlen(without) &&
	    memcmp(w->names.at + member.key, without, member.key_len) == 0) {
		w->p = json_skip_value(w->p, w->end);
		w->names.len = member.key;
		return false;
	}
	put_string(w, w->names.at + member.key, member.key_len);
	json_putc(w->out, ':');
	enum written written = write_value(w, false);
	if (written == WRITTEN_FAILED)
		return false;
	if (written == WRITTEN_EMPTY && w->strip) {
		w->out->len = member.from;
		w->names.len = member.key;
		return false;
	}
	json_putc(w->out, ',');
	member.to = w->out->len;
	*new_member(w) = member;
	return true;
}

/* In the order of UTF-16 code units only code points from U+10000 on (in UTF-8 from 0xf0, in
 * UTF-16 from 0xd800) come elsewhere than in the order of UTF-8 bytes: before U+E000 (0xee). */
static int utf16_rank(unsigned char c)
{
	return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int compare_members(const void *left, const void *right, void *writer)
{
	const struct member *a = left, *b = right;
	const struct writer *w = writer;
	const unsigned char *x = (const unsigned char *)w->names.at + a->key;
	const unsigned char *y = (const unsigned char *)w->names.at + b->key;
	size_t len = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(x, y, len);
	if (order == 0)
		return a->key_len < b->key_len ? -1 : a->key_len > b->key_len;
	if (w->form == JSON_FORM_KAGENTI)
		return order;
	size_t i = 0;
	while (x[i] == y[i])
		i++;
	return utf16_rank(x[i]) - utf16_rank(y[i]);
}

static void sort_members(struct writer *w, size_t first)
{
	struct member *members = w->members + first;
	size_t count = w->count - first;
	bool sorted = true;
	for (size_t i = 1; i < count && sorted; i++)
		sorted = compare_members(&members[i - 1], &members[i], w) < 0;
	if (sorted)
		return;
	size_t from = members[0].from;
	w->scratch.len = 0;
	json_put(&w->scratch, w->out->at + from, w->out->len - from);
	qsort_r(members, count, sizeof *members, compare_members, w);
	w->out->len = from;
	for (size_t i = 0; i < count; i++)
		json_put(w->out, w->scratch.at + (members[i].from - from),
		         members[i].to - members[i].from);
}

static enum written write_object(struct writer *w)
{
	size_t start = w->out->len, names = w->names.len, first = w->count;
	const char *without = w->without;
	w->without = NULL;
	json_putc(w->out, '{');
	w->p++;
	while (!at_close(w, '}'))
		if (!write_member(w, without) && w->reason != NULL)
			return WRITTEN_FAILED;
	if (w->count == first)
		w->out->len = start;
	else
		sort_members(w, first);
	w->count = first;
	w->names.len = names;
	return close_container(w, start, '{', '}');
}

static enum written write_word(struct writer *w)
{
	const char *word = *w->p == 't' ? "true" : *w->p == 'f' ? "false" : "null";
	size_t len = strlen(word), left = (size_t)(w->end - w->p);
	w->p += len < left ? len : left;
	json_puts(w->out, word);
	return *word == 'n' ? WRITTEN_EMPTY : WRITTEN;
}

static enum written write_value(struct writer *w, bool in_array)
{
	switch (w->p < w->end ? *w->p : 'n') {
	case '{':
		return write_object(w);
	case '[':
		break;
	case '"':
		return write_string(w);
	case 't':
	case 'f':
	case 'n':
		return write_word(w);
	default:
		return write_number(w);
	}
	bool strip = w->strip;
	bool kept_whole = in_array && w->form == JSON_FORM_KAGENTI;
	w->strip = strip && !kept_whole;
	enum written written = write_array(w);
	w->strip = strip;
	return written == WRITTEN_EMPTY && kept_whole ? WRITTEN : written;
}

bool json_canonical(struct json_text value, enum json_form form, const char *without,
                    struct json_buffer *out, const char **reason)
{
	struct writer w = {.form = form, .strip = form != JSON_FORM_JCS, .out = out};
	size_t start = out->len;
	value = json_trim(value);
	w.p = value.at;
	w.end = value.at + value.len;
	w.without = json_type(value) == JSON_OBJECT ? without : NULL;
	json_buffer_reserve(out, value.len + 16);
	enum written written = write_value(&w, false);
	json_buffer_free(&w.names);
	json_buffer_free(&w.scratch);
	free(w.members);
	if (written != WRITTEN_FAILED)
		return true;
	out->len = start;
	if (reason != NULL)
		*reason = w.reason;
	return false;
}
