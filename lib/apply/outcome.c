#include "apply/outcome.h"

#include <stdio.h>

#include "os/log.h"
#include "os/metrics.h"
#include "json/write.h"

static const char *const verdicts[] = {"APPLIED", "UNCHANGED", "ADOPTED", "DELETED", "ABSENT", "FAILED"};

void kube_outcome_declare(void)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
		metrics_add(METRIC_RESULTS, verdicts[i], 0);
	metrics_add(METRIC_RETRIES, NULL, 0);
}

static void put_member(struct json_buffer *line, const char *key, struct json_text plain)
{
	if (plain.at == NULL)
		return;
	json_put_key(line, key);
	json_put_string_n(line, plain.at, plain.len);
}

static void put_line(struct json_buffer *line, const struct kube_identity *id,
                     const struct kube_outcome *outcome, const char *message)
{
	json_putf(line, "{\"type\":\"%s\",\"object\":{", verdicts[outcome->verdict]);
	put_member(line, "apiVersion", id->api_version);
	put_member(line, "kind", id->kind);
	json_puts(line, ",\"metadata\":{");
	put_member(line, "namespace", id->namespace);
	put_member(line, "name", id->name);
	put_member(line, "resourceVersion", outcome->resource_version);
	json_putf(line, "}},\"code\":%ld,\"message\":", outcome->code);
	json_put_string(line, message);
	json_putc(line, '}');
}

void kube_outcome_write(struct stream *stream, const struct kube_identity *id,
                        const struct kube_outcome *outcome)
{
	struct json_buffer line = {0};
	char title[KUBE_TITLE_SIZE], message[sizeof outcome->message + 64];
	metrics_add(METRIC_RESULTS, verdicts[outcome->verdict], 1);
	snprintf(message, sizeof message, "%s%s%s", outcome->reason == NULL ? "" : outcome->reason,
	         outcome->reason == NULL ? "" : ": ", outcome->message);
	put_line(&line, id, outcome, message);
	stream_write(stream, json_buffer_text(&line));
	json_buffer_free(&line);

	kube_identity_title(id, title);
	if (outcome->verdict != KUBE_FAILED) {
		log_detail("%s: %s%s%s", title, verdicts[outcome->verdict],
		           message[0] == '\0' ? "" : ": ", message);
		return;
	}
	log_error("%s: failed: %s", title, message);
	stream_count_failure(stream);
}
