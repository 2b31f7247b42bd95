#include "rules/ports.h"

bool policy_port_is(struct json_text port, enum policy_port_kinds which)
{
	bool named = json_type(json_get(port, "port")) == JSON_STRING;
	return (which & (named ? POLICY_PORTS_NAMES : POLICY_PORTS_NUMBERS)) != 0;
}

bool policy_ports_any(struct json_text ports, enum policy_port_kinds which)
{
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		if (policy_port_is(m.value, which))
			return true;
	return false;
}
