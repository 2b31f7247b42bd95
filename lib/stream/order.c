#include "order_private.h"

#include "os/log.h"

enum kind { EVENTS, OPERATIONS, FLOWS, RESULTS, UNKNOWN };

static const char *const words[] = {
        [EVENTS] = "events", [OPERATIONS] = "operations", [FLOWS] = "flow records", [RESULTS] = "results",
        [UNKNOWN] = "records"};

static enum kind kind_read(enum stream_reads reads)
{
	switch (reads) {
	case STREAM_READS_EVENTS:
		return EVENTS;
	case STREAM_READS_OPERATIONS:
		return OPERATIONS;
	case STREAM_READS_FLOWS:
		return FLOWS;
	case STREAM_READS_ANY:
		break;
	}
	return UNKNOWN;
}

static bool is_among(struct json_text type, const char *const among[])
{
	for (; *among != NULL; among++)
		if (json_equals(type, *among))
			return true;
	return false;
}

/* DELETED is an event's type and a result's. */
static enum kind kind_of(struct json_text json)
{
	static const char *const events[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", NULL};
	static const char *const operations[] = {"APPLY", "DELETE", "AGENT", NULL};
	static const char *const results[] = {"APPLIED", "UNCHANGED", "ADOPTED", "ABSENT", "FAILED", NULL};
	static const char *const keys[] = {"type", "flow"};
	struct json_text found[2];
	json_pick(json, 2, keys, found);
	if (json_type(found[1]) == JSON_OBJECT)
		return FLOWS;
	if (json_type(found[0]) != JSON_STRING)
		return UNKNOWN;
	return is_among(found[0], events)       ? EVENTS
	       : is_among(found[0], operations) ? OPERATIONS
	       : is_among(found[0], results)    ? RESULTS
	                                        : UNKNOWN;
}

bool order_count(struct order *order, enum stream_reads reads, struct json_text json, unsigned long number)
{
	if (reads == STREAM_READS_ANY || json_type(json) != JSON_OBJECT)
		return false;
	enum kind kind = kind_of(json);
	if (kind == UNKNOWN || kind == kind_read(reads))
		return false;
	if (order->count++ == 0) {
		order->first = number;
		order->kind = (int)kind;
	}
	return true;
}

bool order_is_due(const struct order *order)
{
	return order->count > order->said;
}

void order_say(struct order *order, enum stream_reads reads)
{
	enum kind own = kind_read(reads);
	order->said = order->count;
	log_error("lines with %s: %lu, the first is line %lu; this program reads %s: %s", words[order->kind],
	          order->count, order->first, words[own],
	          own == FLOWS || order->kind == (int)FLOWS
	                  ? "egress-flows writes flow records, and egress-propose reads them from files"
	                  : "join the programs in the order egress-watch | egress-verify | "
	                    "egress-translate | egress-apply");
}
