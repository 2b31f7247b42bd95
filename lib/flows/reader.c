#include "flows/reader.h"

#include <stdlib.h>
#include <string.h>

#include "flows/reader_private.h"

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
	flow_waiting_end(reader);
}

unsigned long flow_reader_passed(const struct flow_reader *reader)
{
	return reader->passed;
}
