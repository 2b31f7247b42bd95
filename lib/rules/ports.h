/*
 * The ports of a rule (NetworkPolicyPort), by what they are ports of.
 *
 * Numbers, and all ports of a protocol, mean every destination's; names those of pods, and nothing
 * else has any. A target that says the two apart writes the ports of a rule twice.
 */
#ifndef RULES_PORTS_H
#define RULES_PORTS_H

#include "json/json.h"

enum policy_port_kinds {
	POLICY_PORTS_NUMBERS = 1,
	POLICY_PORTS_NAMES = 2,
	POLICY_PORTS_BOTH = POLICY_PORTS_NUMBERS | POLICY_PORTS_NAMES,
};

bool policy_port_is(struct json_text port, enum policy_port_kinds which);
bool policy_ports_any(struct json_text ports, enum policy_port_kinds which);

#endif
