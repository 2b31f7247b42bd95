#include "k8s/pattern.h"

bool k8s_pattern_fits(struct json_text pattern, const char *text)
{
	size_t at = 0, star = pattern.len;
	const char *from = text;
	while (*text != '\0') {
		if (at < pattern.len && pattern.at[at] == '*') {
			star = at++;
			from = text;
		} else if (at < pattern.len && pattern.at[at] == *text) {
			at++;
			text++;
		} else if (star < pattern.len) {
			at = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (at < pattern.len && pattern.at[at] == '*')
		at++;
	return at == pattern.len;
}
