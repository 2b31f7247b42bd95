/*
 * Logs of connections in the formats of those who write them, read as flows (flows/flow.h).
 *
 * A reader takes a log line by line and emits the flows in it, each once: only egress, only the first
 * packet of a connection, where the log tells. What it passes over on purpose (ingress, replies, other
 * protocols, other kinds of line) it counts. A flow is emitted during flow_reader_line() or
 * flow_reader_end(), and what it borrows is valid until the callback returns. Some logs tell of one
 * connection in several lines; then a bounded number of flows waits, in order, for what comes later.
 *
 * Formats: hubble (Cilium's flow.proto as JSON, in and out of the exporter's wrapper), gke (Dataplane V2
 * network policy logging, in and out of Cloud Logging's jsonPayload), ovn (OVN's ACL log), eks (AWS network
 * policy agent), kube-network-policies (its JSON log), conntrack (conntrack -E, also with -o timestamp),
 * inspektor-gadget (trace_tcp -o json) and flows (our own records).
 */
#ifndef FLOWS_READER_H
#define FLOWS_READER_H

#include "flows/flow.h"

extern const char *const flow_format_words[];

struct flow_reader;

typedef void flow_emit(void *context, const struct flow *flow);

/* `format` is an index of flow_format_words. */
struct flow_reader *flow_reader_new(int format, flow_emit *emit, void *context);
void flow_reader_free(struct flow_reader *reader);

/* True when lines are text; else each must be one checked JSON object. */
bool flow_reader_is_text(const struct flow_reader *reader);

/* NULL, or a static reason why the line cannot be used. */
const char *flow_reader_line(struct flow_reader *reader, struct json_text line);

/* Emits what still waits. */
void flow_reader_end(struct flow_reader *reader);

/* Lines that were passed over on purpose. */
unsigned long flow_reader_passed(const struct flow_reader *reader);

#endif
