/* A format is one function and a row of the table in reader.c. */
#ifndef FLOWS_READER_PRIVATE_H
#define FLOWS_READER_PRIVATE_H

#include "flows/fields_private.h"
#include "flows/reader.h"

enum flow_found {
	FLOW_FOUND,
	FLOW_PASSED, /* nothing to tell of, on purpose */
	FLOW_HELD,   /* a part of one; the rest comes later */
	FLOW_WRONG,  /* unusable, for the reason in `wrong` */
};

/* What waits in a reader. */
struct flow_waiting {
	struct flow *flow; /* NULL: it was taken */
	uint64_t key;
	int64_t ns; /* its own time; 0: none */
};

enum { FLOW_WAITING = 4096 };

struct flow_reader {
	const struct flow_format *format;
	flow_emit *emit;
	void *context;
	unsigned long passed;
	const char *wrong;
	struct json_buffer labels[2], policy; /* of the flow that is read */
	char time[FLOW_TIME_SIZE];
	/* a ring in order of arrival; places are counted without end */
	struct flow_waiting waiting[FLOW_WAITING];
	size_t oldest, newest, held;
};

struct flow_format {
	const char *name;
	bool is_text;
	enum flow_found (*read)(struct flow_reader *reader, struct json_text line, struct flow *flow);
};

static inline enum flow_found flow_wrong(struct flow_reader *reader, const char *why)
{
	reader->wrong = why;
	return FLOW_WRONG;
}

/* Keeps a copy until flow_waiting_take(). It is emitted as it is when FLOW_WAITING others came after it, or one
 * that is more than a second younger. */
void flow_waiting_put(struct flow_reader *reader, uint64_t key, const struct flow *flow);
/* The flow that waits under the key, which is the caller's to free; NULL: none. */
struct flow *flow_waiting_take(struct flow_reader *reader, uint64_t key);
/* All that still wait are emitted, the oldest first. */
void flow_waiting_end(struct flow_reader *reader);

enum flow_found flow_read_hubble(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_gke(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_ovn(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_eks(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_packets(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_conntrack(struct flow_reader *reader, struct json_text line, struct flow *flow);
enum flow_found flow_read_gadget(struct flow_reader *reader, struct json_text line, struct flow *flow);

#endif
