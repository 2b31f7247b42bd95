/* Reading the document of assertions. */
#include "explain/assertions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "explain/assertions_private.h"
#include "os/log.h"
#include "yaml/strict.h"

enum { PATH = 64, FIELD = 96, NAME_BYTES = 256 };

static struct assertion_selection read_selection(struct document_check *check, struct json_text value,
                                                 const char *path)
{
	static const char *const known[] = {"namespaces", "workloads", "spiffeIDs", NULL};
	if (value.at == NULL)
		return (struct assertion_selection){0};
	document_refuse_unknown(check, value, path, known);
	if (json_is_empty(value))
		document_fault(check, value, path,
		               "selects nobody: it needs namespaces, workloads or spiffeIDs");
	return (struct assertion_selection){
	        .set = true,
	        .namespaces = document_patterns(check, value, "namespaces", path, false),
	        .workloads = document_patterns(check, value, "workloads", path, true),
	        .spiffe_ids = document_patterns(check, value, "spiffeIDs", path, false),
	};
}

/* A plain line: it is printed. */
static bool is_name(struct json_text plain)
{
	bool good = plain.len > 0 && plain.len <= NAME_BYTES;
	for (size_t i = 0; good && i < plain.len; i++)
		good = (unsigned char)plain.at[i] >= ' ' && plain.at[i] != 0x7f;
	return good;
}

static void read_name(struct document_check *check, const struct explain_assertions *assertions,
                      struct json_text value, struct assertion *assertion, const char *path)
{
	struct json_text name = json_get(value, "name");
	char at[FIELD];
	snprintf(at, sizeof at, "%s.name", path);
	assertion->name = json_plain(name);
	if (!is_name(assertion->name)) {
		document_fault(check, name.at == NULL ? value : name, at,
		               "must be the statement in words: a line of at most 256 bytes without "
		               "quotes and backslashes");
		return;
	}
	for (size_t i = 0; &assertions->at[i] < assertion; i++)
		if (json_same(assertions->at[i].name, assertion->name))
			document_fault(check, name, at, "is the name of another assertion, too");
}

static void read_rules(struct document_check *check, struct json_text value,
                       struct assertion *assertion, const char *path)
{
	static const char *const known[] = {"egress", "domains", NULL};
	struct json_text never = json_get(value, "never"), limit = json_get(value, "atMost");
	char at[FIELD];
	assertion->is_limit = limit.at != NULL;
	if ((never.at == NULL) == (limit.at == NULL)) {
		document_fault(check, value, path, "needs one of never and atMost");
		return;
	}
	snprintf(at, sizeof at, "%s.%s", path, assertion->is_limit ? "atMost" : "never");
	struct json_text given = assertion->is_limit ? limit : never;
	document_refuse_unknown(check, given, at, known);
	struct policy_rules rules = document_rules(check, given, at);
	assertion->egress = rules.egress;
	assertion->domains = rules.domains;
	if (rules.valid && !assertion->is_limit && json_is_empty(rules.egress) &&
	    json_is_empty(rules.domains))
		document_fault(check, given, at, "names no destination: it would hold whatever is allowed");
}

static void read_assertion(struct document_check *check, const struct explain_assertions *assertions,
                           struct json_text value, struct assertion *assertion)
{
	static const char *const known[] = {"name", "agents", "except", "never", "atMost", NULL};
	char path[PATH], at[FIELD];
	snprintf(path, sizeof path, "assertions[%zu]", (size_t)(assertion - assertions->at));
	document_refuse_unknown(check, value, path, known);
	read_name(check, assertions, value, assertion, path);
	snprintf(at, sizeof at, "%s.agents", path);
	assertion->agents = read_selection(check, json_get(value, "agents"), at);
	snprintf(at, sizeof at, "%s.except", path);
	assertion->except = read_selection(check, json_get(value, "except"), at);
	read_rules(check, value, assertion, path);
}

static void read_head(struct document_check *check, struct json_text document)
{
	static const char *const known[] = {"apiVersion", "kind", "assertions", NULL};
	document_refuse_unknown(check, document, "the document", known);
	document_refuse_nulls(check, document, "a member");
	if (!json_equals(json_get(document, "apiVersion"), "agent-egress.dev/v1alpha1"))
		document_fault(check, json_get(document, "apiVersion"), "apiVersion",
		               "must be agent-egress.dev/v1alpha1");
	if (!json_equals(json_get(document, "kind"), "EgressAssertions"))
		document_fault(check, json_get(document, "kind"), "kind", "must be EgressAssertions");
}

static void read_list(struct document_check *check, struct explain_assertions *assertions,
                      struct json_text list)
{
	size_t count = json_count(list);
	if (json_type(list) != JSON_ARRAY || count == 0 || count > EXPLAIN_ASSERTIONS_MAX) {
		document_fault(check, list, "assertions", "must be a list of 1 to 256 assertions");
		return;
	}
	assertions->at = kube_alloc(count, sizeof *assertions->at);
	for (struct json_member m = json_first(list); m.value.at; m = json_next(m))
		read_assertion(check, assertions, m.value, &assertions->at[assertions->count++]);
}

struct explain_assertions *explain_assertions_read(struct json_text document,
                                                   const struct document_faults *faults)
{
	struct document_check check = {.faults = faults, .document = document, .good = true};
	struct explain_assertions *assertions = kube_alloc(1, sizeof *assertions);
	read_head(&check, document);
	read_list(&check, assertions, json_get(document, "assertions"));
	if (!check.good) {
		explain_assertions_free(assertions);
		return NULL;
	}
	/* Faults point into the caller's text; what is kept points into a copy of it. */
	assertions->text = kube_copy_n(document.at, document.len);
	check.document = (struct json_text){assertions->text, document.len};
	free(assertions->at);
	assertions->at = NULL;
	assertions->count = 0;
	read_list(&check, assertions, json_get(check.document, "assertions"));
	return assertions;
}

void explain_assertions_know(struct explain_assertions *assertions,
                             const struct explain_assertions_facts *facts)
{
	assertions->facts = *facts;
	assertions->agent = sets_new("", facts->pods, facts->pods_count);
	assertions->work = sets_new("", facts->pods, facts->pods_count);
}

void explain_assertions_free(struct explain_assertions *assertions)
{
	if (assertions == NULL)
		return;
	for (size_t i = 0; i < assertions->count; i++) {
		json_buffer_free(&assertions->at[i].lines);
		json_buffer_free(&assertions->at[i].objects);
	}
	sets_free(assertions->agent);
	sets_free(assertions->work);
	json_buffer_free(&assertions->peer);
	json_buffer_free(&assertions->pods);
	free(assertions->at);
	free(assertions->text);
	free(assertions);
}

struct source {
	const char *path;
	struct yaml_strict document;
};

static void say(void *context, struct json_text at, const char *path, const char *message)
{
	const struct source *source = context;
	size_t offset = (size_t)(at.at - source->document.json.at);
	log_error("%s: line %zu: %s: %s", source->path, yaml_strict_line(&source->document, offset), path,
	          message);
}

struct explain_assertions *explain_assertions_open(const char *path)
{
	struct json_buffer text = {0};
	struct source source = {.path = path};
	struct explain_assertions *assertions = NULL;
	if (!yaml_strict_load(path, &text))
		log_error("can't read the assertions in %s: %s", path, strerror(errno));
	else if (!yaml_strict_read(&source.document, json_buffer_text(&text)))
		log_error("%s: line %zu: %s", path, source.document.fault_line, source.document.fault);
	else
		assertions = explain_assertions_read(json_buffer_text(&source.document.json),
		                                     &(struct document_faults){say, &source});
	yaml_strict_free(&source.document);
	json_buffer_free(&text);
	return assertions;
}
