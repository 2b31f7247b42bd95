#include "flows/reader.h"

#include <stdlib.h>
#include <string.h>

#include "flows/reader_private.h"

enum { SECOND = 1000000000 };

const char *const flow_format_words[] = {"hubble",    "gke",       "ovn",              "eks", "kube-network-policies",
                                         "conntrack", "inspektor-gadget", "flows", NULL};

static enum flow_found read_own(struct flow_reader *reader, struct json_text line, struct flow *flow)
{
	const char *wrong = flow_read(line, flow);
	return wrong == NULL ? FLOW_FOUND : flow_wrong(reader, wrong);
}

/* In the order of flow_format_words. */
static const struct flow_format formats[] = {
        {"hubble", false, flow_read_hubble},
        {"gke", false, flow_read_gke},
        {"ovn", true, flow_read_ovn},
        {"eks", true, flow_read_eks},
        {"kube-network-policies", false, flow_read_packets},
        {"conntrack", true, flow_read_conntrack},
        {"inspektor-gadget", false, flow_read_gadget},
        {"flows", false, read_own},
};

struct flow_reader *flow_reader_new(int format, flow_emit *emit, void *context)
{
	struct flow_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		abort();
	reader->format = &formats[format];
	reader->emit = emit;
	reader->context = context;
	return reader;
}

void flow_reader_free(struct flow_reader *reader)
{
	if (reader == NULL)
		return;
	for (size_t i = 0; i < FLOW_WAITING; i++)
		free(reader->waiting[i].flow);
	json_buffer_free(&reader->labels[0]);
	json_buffer_free(&reader->labels[1]);
	json_buffer_free(&reader->policy);
	free(reader);
}

bool flow_reader_is_text(const struct flow_reader *reader)
{
	return reader->format->is_text;
}

enum flow_found flow_wrong(struct flow_reader *reader, const char *why)
{
	reader->wrong = why;
	return FLOW_WRONG;
}

static void let_go(struct flow_reader *reader, struct flow_waiting *place)
{
	if (place->flow == NULL)
		return;
	reader->emit(reader->context, place->flow);
	free(place->flow);
	place->flow = NULL;
}

/* Those that waited for a second by the log's own time wait no longer. */
static void let_go_before(struct flow_reader *reader, int64_t ns)
{
	for (size_t i = 0; i < FLOW_WAITING && reader->held > 0; i++) {
		struct flow_waiting *place = &reader->waiting[reader->oldest % FLOW_WAITING];
		if (place->flow != NULL && place->ns > ns)
			return;
		reader->held -= place->flow != NULL;
		let_go(reader, place);
		if (reader->oldest == reader->newest)
			return;
		reader->oldest++;
	}
}

void flow_waiting_put(struct flow_reader *reader, uint64_t key, const struct flow *flow)
{
	int64_t ns = 0;
	flow_time(flow->time, &ns);
	let_go_before(reader, ns - SECOND);
	if (reader->newest - reader->oldest >= FLOW_WAITING) {
		struct flow_waiting *oldest = &reader->waiting[reader->oldest++ % FLOW_WAITING];
		reader->held -= oldest->flow != NULL;
		let_go(reader, oldest);
	}
	reader->waiting[reader->newest++ % FLOW_WAITING] = (struct flow_waiting){flow_copy(flow), key, ns};
	reader->held++;
}

struct flow *flow_waiting_take(struct flow_reader *reader, uint64_t key)
{
	for (size_t at = reader->newest; at > reader->oldest && reader->held > 0; at--) {
		struct flow_waiting *place = &reader->waiting[(at - 1) % FLOW_WAITING];
		struct flow *flow = place->flow;
		if (flow == NULL || place->key != key)
			continue;
		place->flow = NULL;
		reader->held--;
		return flow;
	}
	return NULL;
}

const char *flow_reader_line(struct flow_reader *reader, struct json_text line)
{
	struct flow flow = {0};
	for (int i = 0; i < 2; i++)
		reader->labels[i].len = 0;
	reader->policy.len = 0;
	switch (reader->format->read(reader, line, &flow)) {
	case FLOW_FOUND:
		reader->emit(reader->context, &flow);
		return NULL;
	case FLOW_PASSED:
		reader->passed++;
		return NULL;
	case FLOW_HELD:
		return NULL;
	case FLOW_WRONG:
		break;
	}
	return reader->wrong;
}

void flow_reader_end(struct flow_reader *reader)
{
	for (; reader->oldest != reader->newest; reader->oldest++)
		let_go(reader, &reader->waiting[reader->oldest % FLOW_WAITING]);
	reader->held = 0;
}

unsigned long flow_reader_passed(const struct flow_reader *reader)
{
	return reader->passed;
}
