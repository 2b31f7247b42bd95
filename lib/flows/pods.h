/*
 * Which pod had an address, and when: from the events of Pods, as `kubectl get -w --output-watch-events`
 * writes them. Addresses are used again, so an answer is only given for a time.
 *
 * A pod has its addresses from status.startTime (or the event that first shows them) until the event that
 * deletes it, or until another pod has them. Pods on the host's network have none of their own.
 *
 * Ownership: nothing of an event is borrowed; answers borrow from the table.
 */
#ifndef FLOWS_PODS_H
#define FLOWS_PODS_H

#include "flows/flow.h"

struct flow_pods;

struct flow_pods *flow_pods_new(void);
void flow_pods_free(struct flow_pods *pods);

/* Other kinds of event are passed over. NULL, or a static reason why the line cannot be used. */
const char *flow_pods_event(struct flow_pods *pods, struct json_text line);

/* Gives the flow's source and destination the names that it lacks, by their addresses at its time. A flow without a
 * time gets those of addresses that one pod alone ever had. */
void flow_pods_name(const struct flow_pods *pods, struct flow *flow);

/* Whether the flow has no time, and its source an address that several pods had. */
bool flow_pods_unclear(const struct flow_pods *pods, const struct flow *flow);

#endif
