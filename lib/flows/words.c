#include "flows/flow.h"

const char *const flow_verdict_words[] = {"", "allowed", "denied", NULL};
const char *const flow_protocol_words[] = {"TCP", "UDP", "SCTP", NULL};

bool flow_is_word(struct json_text text)
{
	if (text.len == 0 || text.len > FLOW_WORD_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '"' || text.at[i] == '\\')
			return false;
	return true;
}
