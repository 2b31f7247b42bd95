/* What an agent's answer means. The agent is the party that is confined: nothing in its answer is
 * believed but that these are the bytes of its card, which the signature in them must show. */
#ifndef FETCH_ANSWER_H
#define FETCH_ANSWER_H

#include "json/json.h"

enum agent_answer {
	AGENT_CARD,    /* 200, and the body is a JSON object, within the limits */
	AGENT_NO_SUCH, /* 404: nothing is at this path */
	AGENT_GONE,    /* 410: nothing is there, nor will be */
	AGENT_FAILED,  /* anything else: it says nothing about whether there is a card */
};

enum { AGENT_WHY_SIZE = 256, AGENT_CARD_DEPTH = 64 };

/* `proxied`: the answer came through the API server, which answers 404 itself where there is no
 * such Service: that fails, for an agent that is about to come back must not lose its card. With
 * AGENT_FAILED `why` is a sentence. The type that the answer claims is not looked at. */
enum agent_answer agent_judge(long code, struct json_text body, size_t max_bytes, bool proxied,
                              char why[AGENT_WHY_SIZE]);

#endif
