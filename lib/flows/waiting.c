#include <stdlib.h>

#include "flows/reader_private.h"

enum { SECOND = 1000000000 };

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

void flow_waiting_end(struct flow_reader *reader)
{
	for (; reader->oldest != reader->newest; reader->oldest++)
		let_go(reader, &reader->waiting[reader->oldest % FLOW_WAITING]);
	reader->held = 0;
}
