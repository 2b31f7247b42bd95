#include "explain/nearest.h"

#include <string.h>

enum { LONGEST = 64, FAR = 3 }; /* of names that are compared; letters that may differ */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, left out or changed (Levenshtein's distance). */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1], columns = strlen(b), rows = strlen(a);
	if (columns > LONGEST || rows > LONGEST)
		return SIZE_MAX;
	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; i <= rows; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			size_t above = row[j];
			row[j] = least(least(above, row[j - 1]) + 1,
			               corner + (a[i - 1] != b[j - 1]));
			corner = above;
		}
	}
	return row[columns];
}

static size_t score(const char *asked, const char *name)
{
	size_t len = strlen(asked);
	if (len >= 3 && strncmp(name, asked, len) == 0)
		return 1;
	size_t found = distance(asked, name);
	/* of a short name all letters differ soon */
	return found <= FAR && found * 2 < len ? found : SIZE_MAX;
}

void explain_nearest_put(const struct policy_inventory *inventory, const char *name,
                         struct json_buffer *out)
{
	const struct policy_card *best[EXPLAIN_NEAREST] = {NULL};
	size_t scores[EXPLAIN_NEAREST] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
	const char *slash = strchr(name, '/');
	const char *asked = slash == NULL ? name : slash + 1;
	for (const struct policy_card *card = inventory->cards; card != NULL;
	     card = card->hh.next) {
		size_t found = least(score(asked, card->name), score(asked, card->target_name));
		size_t at = EXPLAIN_NEAREST;
		while (at > 0 && found < scores[at - 1])
			at--;
		if (at == EXPLAIN_NEAREST)
			continue;
		for (size_t i = EXPLAIN_NEAREST - 1; i > at; i--) {
			scores[i] = scores[i - 1];
			best[i] = best[i - 1];
		}
		scores[at] = found;
		best[at] = card;
	}
	for (size_t i = 0; i < EXPLAIN_NEAREST && best[i] != NULL; i++)
		json_putf(out, "%s%s", i == 0 ? "" : ", ", best[i]->key);
}
