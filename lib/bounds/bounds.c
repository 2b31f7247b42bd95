#include "bounds/bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "json/write.h"
#include "k8s/name.h"
#include "k8s/pattern.h"
#include "k8s/selector.h"
#include "k8s/workload.h"
#include "rules/document.h"

enum { PATH = 256, MESSAGE = 512, CONTACT = 128, REASON = 256 };

struct bounds {
	char *text;
	struct json_text groups;
	char contact[CONTACT + 1];
	struct bounds_entry *entries; /* the default, if any, behind the others */
	size_t count;
	bool has_default, by_labels;
	struct bounds_grant *grants;
	size_t grant_count;
	struct bounds_quarantine *quarantines;
	size_t quarantine_count;
};

static void check_groups(struct document_check *check, const struct bounds *bounds, struct json_text groups,
                         const char *path)
{
	struct bounds_rules rules;
	for (struct json_member m = json_first(groups); m.value.at; m = json_next(m))
		if (!bounds_group(bounds, m.value, &rules))
			document_fault(check, m.value, path, "names a group that `groups` does not define");
}

static struct bounds_rules read_rules(struct document_check *check, const struct bounds *bounds,
                                       struct json_text value, const char *path)
{
	struct policy_rules rules = document_rules(check, value, path);
	if (rules.valid)
		check_groups(check, bounds, rules.groups, path);
	return (struct bounds_rules){value.at != NULL, rules.egress, rules.domains, rules.groups};
}

/* Names bring addresses that only their owners know: nothing can be kept from them by name. */
static struct bounds_rules read_never(struct document_check *check, const struct bounds *bounds,
                                      struct json_text value, const char *path)
{
	static const char *const known[] = {"egress", NULL};
	if (value.at != NULL)
		document_refuse_unknown(check, value, path, known);
	return read_rules(check, bounds, value, path);
}

/* One without requirements would select every namespace, which `namespaces: ["*"]` says in plain words. */
static void read_labels(struct document_check *check, struct bounds *bounds, struct json_text value,
                        struct bounds_entry *entry)
{
	char path[PATH], message[MESSAGE];
	entry->namespace_labels = json_get(value, "namespaceLabels");
	if (entry->namespace_labels.at == NULL)
		return;
	const char *why = policy_selector_check(entry->namespace_labels);
	bounds->by_labels = true;
	if (why == NULL)
		return;
	snprintf(path, sizeof path, "%s.namespaceLabels", entry->path);
	snprintf(message, sizeof message, "must be a label selector: it %s", why);
	document_fault(check, entry->namespace_labels, path, message);
}

/* As kubectl takes it, which knows other cases, the plural, and the group behind a dot. */
static bool is_kind_loosely(const struct k8s_kind *known, const char *kind, size_t len)
{
	size_t word = strlen(known->kind);
	if (len < word || strncasecmp(known->kind, kind, word) != 0)
		return false;
	if (word < len && (kind[word] == 's' || kind[word] == 'S'))
		word++;
	return word == len || (kind[word] == '.' && strlen(known->group) == len - word - 1 &&
	                       strncasecmp(known->group, kind + word + 1, len - word - 1) == 0);
}

/* What these bytes should be to name a kind: as they are they would select nobody, and confine nobody.
 * NULL: nothing else. */
static const char *miswritten_kind(const char *kind, size_t len)
{
	for (size_t i = 0; i < K8S_WORKLOADS; i++) {
		const struct k8s_kind *known = &k8s_workloads[i].kind;
		if (is_kind_loosely(known, kind, len))
			return strlen(known->kind) == len && memcmp(known->kind, kind, len) == 0
			               ? NULL
			               : known->kind;
	}
	return NULL;
}

static void refuse_kind(struct document_check *check, struct json_text at, const char *path,
                        const char *kind)
{
	char message[MESSAGE];
	snprintf(message, sizeof message, "must be KIND as Kubernetes writes it: %s", kind);
	document_fault(check, at, path, message);
}

static void read_workloads(struct document_check *check, struct json_text value,
                           struct bounds_entry *entry)
{
	char path[PATH];
	snprintf(path, sizeof path, "%s.workloads", entry->path);
	entry->workloads = document_patterns(check, value, "workloads", entry->path, true);
	for (struct json_member m = json_first(entry->workloads); m.value.at; m = json_next(m)) {
		struct json_text plain = json_plain(m.value);
		const char *slash = plain.at == NULL ? NULL : memchr(plain.at, '/', plain.len);
		const char *kind = slash == NULL ? NULL
		                                 : miswritten_kind(plain.at, (size_t)(slash - plain.at));
		if (kind != NULL)
			refuse_kind(check, m.value, path, kind);
	}
}

static void read_entry(struct document_check *check, struct bounds *bounds, struct json_text value,
                       struct bounds_entry *entry, bool selects)
{
	static const char *const known[] = {"atMost",          "always",    "never",     "namespaces",
	                                    "namespaceLabels", "workloads", "spiffeIDs", NULL};
	static const char *const known_default[] = {"atMost", "always", "never", NULL};
	char path[PATH];
	document_refuse_unknown(check, value, entry->path, selects ? known : known_default);
	entry->namespaces = document_patterns(check, value, "namespaces", entry->path, false);
	read_workloads(check, value, entry);
	entry->spiffe_ids = document_patterns(check, value, "spiffeIDs", entry->path, false);
	if (selects)
		read_labels(check, bounds, value, entry);
	if (selects && entry->namespaces.at == NULL && entry->workloads.at == NULL &&
	    entry->spiffe_ids.at == NULL && entry->namespace_labels.at == NULL)
		document_fault(check, value, entry->path, "selects nobody: for all agents say namespaces: [\"*\"]");
	snprintf(path, sizeof path, "%s.atMost", entry->path);
	entry->at_most = read_rules(check, bounds, json_get(value, "atMost"), path);
	snprintf(path, sizeof path, "%s.always", entry->path);
	entry->always = read_rules(check, bounds, json_get(value, "always"), path);
	snprintf(path, sizeof path, "%s.never", entry->path);
	entry->never = read_never(check, bounds, json_get(value, "never"), path);
	if (!entry->at_most.set && !entry->always.set && !entry->never.set)
		document_fault(check, value, entry->path, "says nothing: it needs atMost, always or never");
}

static void read_groups(struct document_check *check, struct bounds *bounds, struct json_text groups)
{
	static const char *const known[] = {"egress", "domains", NULL};
	if (groups.at == NULL)
		return;
	if (json_type(groups) != JSON_OBJECT) {
		document_fault(check, groups, "groups", "must be an object");
		return;
	}
	for (struct json_member m = json_first(groups); m.value.at; m = json_next(m)) {
		char path[PATH];
		struct json_text name = json_plain(m.key);
		snprintf(path, sizeof path, "groups.%.*s", name.len > 64 ? 64 : (int)name.len,
		         name.at == NULL ? "" : name.at);
		if (!policy_group_name(name))
			document_fault(check, m.key, path, "is not a group's name: small letters, digits and dashes, at most 63");
		document_refuse_unknown(check, m.value, path, known);
		read_rules(check, bounds, m.value, path);
	}
	bounds->groups = groups;
}

static void read_default(struct document_check *check, struct bounds *bounds, struct json_text value)
{
	if (value.at == NULL) {
		document_fault(check, value, "default",
		      "is missing: say what agents get that no entry selects, or `default: none`");
		return;
	}
	if (json_equals(value, "none"))
		return;
	bounds->entries[bounds->count].path = kube_copy("default");
	bounds->has_default = true;
	read_entry(check, bounds, value, &bounds->entries[bounds->count], false);
}

/* How many entries a list has that may be missing; none of one that is refused. */
static size_t count_entries(struct document_check *check, struct json_text list, const char *name)
{
	size_t count = json_count(list);
	if (list.at == NULL)
		return 0;
	if (json_type(list) != JSON_ARRAY) {
		document_fault(check, list, name, "must be a list");
		return 0;
	}
	if (count <= BOUNDS_ENTRIES_MAX)
		return count;
	document_fault(check, list, name, "has more than 1024 entries");
	return 0;
}

static void read_entries(struct document_check *check, struct bounds *bounds, struct json_text list)
{
	size_t count = count_entries(check, list, "bounds");
	bounds->entries = kube_alloc(count + 1, sizeof *bounds->entries);
	for (struct json_member m = json_first(list); m.value.at && bounds->count < count; m = json_next(m)) {
		bounds->entries[bounds->count].path = kube_format("bounds[%zu]", bounds->count);
		read_entry(check, bounds, m.value, &bounds->entries[bounds->count++], true);
	}
}

/* A line that may be printed, or NULL; the caller frees it. */
static char *read_line(struct json_text value, size_t most)
{
	char *text = json_cstring(value);
	bool printable = text != NULL && strlen(text) <= most;
	for (const char *at = text; printable && *at != '\0'; at++)
		printable = (unsigned char)*at >= ' ' && *at != 0x7f;
	if (printable)
		return text;
	free(text);
	return NULL;
}

/* NAMESPACE/KIND/NAME, no patterns; NULL, with the fault said, when it is none. */
static char *read_workload(struct document_check *check, struct json_text entry, const char *path)
{
	struct json_text value = json_get(entry, "workload"), plain = json_plain(value);
	char at[PATH], *text = kube_copy_n(plain.at == NULL ? "" : plain.at, plain.at == NULL ? 0 : plain.len);
	size_t namespace = strcspn(text, "/");
	const char *kind = text + namespace + (text[namespace] != '\0');
	size_t kind_len = strcspn(kind, "/");
	const char *name = kind + kind_len + (kind[kind_len] != '\0');
	bool good = policy_is_label((struct json_text){text, namespace}) && kind_len > 0 &&
	            policy_is_subdomain(json_of(name));
	for (size_t i = 0; i < kind_len; i++)
		good = good && ((kind[i] >= 'a' && kind[i] <= 'z') || (kind[i] >= 'A' && kind[i] <= 'Z') ||
		                (kind[i] >= '0' && kind[i] <= '9') || kind[i] == '.' || kind[i] == '-');
	const char *known = good ? miswritten_kind(kind, kind_len) : NULL;
	if (good && known == NULL)
		return text;
	free(text);
	snprintf(at, sizeof at, "%s.workload", path);
	if (known != NULL)
		refuse_kind(check, value, at, known);
	else
		document_fault(check, value.at == NULL ? entry : value, at, "must be NAMESPACE/KIND/NAME of one workload");
	return NULL;
}

static char *read_reason(struct document_check *check, struct json_text entry, const char *path)
{
	struct json_text value = json_get(entry, "reason");
	char at[PATH], *text = read_line(value, REASON);
	if (text != NULL && text[0] != '\0')
		return text;
	free(text);
	snprintf(at, sizeof at, "%s.reason", path);
	document_fault(check, value.at == NULL ? entry : value, at, "must say why, in a line of at most 256 bytes");
	return NULL;
}

static void read_until(struct document_check *check, struct json_text entry, struct bounds_grant *grant)
{
	struct json_text value = json_get(entry, "until");
	char at[PATH], *text = json_cstring(value);
	snprintf(at, sizeof at, "%s.until", grant->path);
	if (text == NULL || !clock_parse(text, &grant->until))
		document_fault(check, value.at == NULL ? entry : value, at,
		      "must be a date and time in quotes, as \"2026-12-01T00:00:00Z\"");
	free(text);
}

/* What a grant allows stands in it as in a card, beside what is the grant's own. */
static struct bounds_rules read_granted(struct document_check *check, const struct bounds *bounds,
                                        struct json_text value, const char *path)
{
	static const char *const names[] = {"egress", "domains", "groups"};
	struct json_text parts[3];
	struct json_buffer text = {0};
	struct policy_problems problems = {0};
	json_putc(&text, '{');
	for (int i = 0; i < 3; i++) {
		parts[i] = json_get(value, names[i]);
		if (parts[i].at == NULL)
			continue;
		json_put_key(&text, names[i]);
		json_puttext(&text, parts[i]);
	}
	json_putc(&text, '}');
	struct policy_rules read = policy_rules_read_at(path, json_buffer_text(&text), &problems);
	if (!read.set)
		document_fault(check, value, path, "grants nothing: it needs egress, domains or groups");
	else if (!read.valid)
		document_problems(check, value, path, &problems);
	else
		check_groups(check, bounds, parts[2], path);
	policy_problems_free(&problems);
	json_buffer_free(&text);
	return (struct bounds_rules){true, parts[0], parts[1], parts[2]};
}

static void read_grant(struct document_check *check, const struct bounds *bounds, struct json_text value,
                       struct bounds_grant *grant)
{
	static const char *const known[] = {"workload", "egress", "domains", "groups",
	                                    "until",    "reason", NULL};
	document_refuse_unknown(check, value, grant->path, known);
	grant->workload = read_workload(check, value, grant->path);
	grant->rules = read_granted(check, bounds, value, grant->path);
	read_until(check, value, grant);
	free(read_reason(check, value, grant->path)); /* for those who read the document */
}

static void read_grants(struct document_check *check, struct bounds *bounds, struct json_text list)
{
	size_t count = count_entries(check, list, "grants");
	bounds->grants = kube_alloc(count + 1, sizeof *bounds->grants);
	for (struct json_member m = json_first(list); bounds->grant_count < count; m = json_next(m)) {
		struct bounds_grant *grant = &bounds->grants[bounds->grant_count];
		grant->path = kube_format("grants[%zu]", bounds->grant_count++);
		read_grant(check, bounds, m.value, grant);
	}
}

static void read_quarantines(struct document_check *check, struct bounds *bounds, struct json_text list)
{
	static const char *const known[] = {"workload", "reason", NULL};
	size_t count = count_entries(check, list, "quarantine");
	bounds->quarantines = kube_alloc(count + 1, sizeof *bounds->quarantines);
	for (struct json_member m = json_first(list); bounds->quarantine_count < count;
	     m = json_next(m)) {
		struct bounds_quarantine *entry = &bounds->quarantines[bounds->quarantine_count];
		entry->path = kube_format("quarantine[%zu]", bounds->quarantine_count++);
		document_refuse_unknown(check, m.value, entry->path, known);
		entry->workload = read_workload(check, m.value, entry->path);
		entry->reason = read_reason(check, m.value, entry->path);
	}
}

static void read_contact(struct document_check *check, struct bounds *bounds, struct json_text contact)
{
	char *text = read_line(contact, CONTACT);
	if (contact.at != NULL && text == NULL)
		document_fault(check, contact, "contact", "must be a line of at most 128 bytes");
	else if (text != NULL)
		snprintf(bounds->contact, sizeof bounds->contact, "%s", text);
	free(text);
}

static void read_kind(struct document_check *check, struct json_text document)
{
	if (!json_equals(json_get(document, "apiVersion"), "agent-egress.dev/v1alpha1"))
		document_fault(check, json_get(document, "apiVersion"), "apiVersion", "must be agent-egress.dev/v1alpha1");
	if (!json_equals(json_get(document, "kind"), "EgressBounds"))
		document_fault(check, json_get(document, "kind"), "kind", "must be EgressBounds");
}

static void forget_lists(struct bounds *bounds)
{
	for (size_t i = 0; bounds->entries != NULL && i < bounds->count + bounds->has_default; i++)
		free((char *)bounds->entries[i].path);
	for (size_t i = 0; i < bounds->grant_count; i++) {
		free((char *)bounds->grants[i].path);
		free((char *)bounds->grants[i].workload);
	}
	for (size_t i = 0; i < bounds->quarantine_count; i++) {
		free((char *)bounds->quarantines[i].path);
		free((char *)bounds->quarantines[i].workload);
		free((char *)bounds->quarantines[i].reason);
	}
	free(bounds->entries);
	free(bounds->grants);
	free(bounds->quarantines);
	bounds->entries = NULL;
	bounds->grants = NULL;
	bounds->quarantines = NULL;
	bounds->count = bounds->grant_count = bounds->quarantine_count = 0;
	bounds->has_default = bounds->by_labels = false;
}

static void read_document(struct document_check *check, struct bounds *bounds, struct json_text document)
{
	read_kind(check, document);
	read_contact(check, bounds, json_get(document, "contact"));
	read_groups(check, bounds, json_get(document, "groups"));
	read_entries(check, bounds, json_get(document, "bounds"));
	read_default(check, bounds, json_get(document, "default"));
	read_grants(check, bounds, json_get(document, "grants"));
	read_quarantines(check, bounds, json_get(document, "quarantine"));
}

struct bounds *bounds_read(struct json_text document, const struct document_faults *faults)
{
	static const char *const known[] = {"apiVersion", "kind",   "metadata", "contact",    "groups",
	                                    "default",    "bounds", "grants",   "quarantine", NULL};
	struct bounds *bounds = kube_alloc(1, sizeof *bounds);
	struct document_check check = {.faults = faults, .document = document, .good = true};
	document_refuse_unknown(&check, document, "the document", known);
	for (struct json_member m = json_first(document); m.value.at; m = json_next(m))
		if (!json_equals(m.key, "metadata"))
			document_refuse_nulls(&check, m.value, "a member");
	read_document(&check, bounds, document);
	/* Faults point into the caller's text, so the copy is read once there are none. */
	if (check.good) {
		forget_lists(bounds);
		bounds->text = kube_copy_n(document.at, document.len);
		read_document(&check, bounds, (struct json_text){bounds->text, document.len});
	}
	if (check.good)
		return bounds;
	bounds_free(bounds);
	return NULL;
}

void bounds_free(struct bounds *bounds)
{
	if (bounds == NULL)
		return;
	forget_lists(bounds);
	free(bounds->text);
	free(bounds);
}

static bool any_matches(struct json_text patterns, const char *text)
{
	for (struct json_member m = json_first(patterns); m.value.at; m = json_next(m))
		if (k8s_pattern_fits(json_plain(m.value), text))
			return true;
	return false;
}

static enum bounds_match match_one(struct json_text patterns, const char *text)
{
	if (patterns.at == NULL)
		return BOUNDS_YES;
	if (text == NULL || text[0] == '\0')
		return BOUNDS_MAY;
	return any_matches(patterns, text) ? BOUNDS_YES : BOUNDS_NO;
}

static enum bounds_match match_labels(struct json_text selector, struct json_text labels)
{
	if (selector.at == NULL)
		return BOUNDS_YES;
	if (labels.at == NULL)
		return BOUNDS_MAY;
	return policy_selector_matches(selector, labels) ? BOUNDS_YES : BOUNDS_NO;
}

/* All that an entry names must hold. */
static enum bounds_match match_entry(const struct bounds_entry *entry, const struct bounds_agent *agent)
{
	bool names = entry->workloads.at != NULL && agent->kind != NULL;
	char *workload = names ? kube_format("%s/%s", agent->kind, agent->name) : NULL;
	enum bounds_match all = match_one(entry->namespaces, agent->namespace);
	enum bounds_match more[] = {match_one(entry->workloads, workload),
	                            match_one(entry->spiffe_ids, agent->spiffe_id),
	                            match_labels(entry->namespace_labels, agent->namespace_labels)};
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
		all = more[i] < all ? more[i] : all;
	free(workload);
	return all;
}

static bool selects_any(const struct bounds *bounds, const struct bounds_agent *agent, bool surely)
{
	for (size_t i = 0; i < bounds->count; i++)
		if (match_entry(&bounds->entries[i], agent) >= (surely ? BOUNDS_YES : BOUNDS_MAY))
			return true;
	return false;
}

const struct bounds_entry *bounds_next(const struct bounds *bounds, const struct bounds_agent *agent,
                                       size_t *index, enum bounds_match *match)
{
	while (*index < bounds->count) {
		const struct bounds_entry *entry = &bounds->entries[(*index)++];
		*match = match_entry(entry, agent);
		if (*match != BOUNDS_NO)
			return entry;
	}
	if ((*index)++ != bounds->count || !bounds->has_default || selects_any(bounds, agent, true))
		return NULL;
	*match = selects_any(bounds, agent, false) ? BOUNDS_MAY : BOUNDS_YES;
	return &bounds->entries[bounds->count];
}

/* Whether "NAMESPACE/KIND/NAME" is this one. */
static bool is_workload(const char *workload, const char *namespace, const char *kind,
                        const char *name)
{
	const char *const parts[] = {namespace, kind, name};
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(parts[i]);
		if (strncmp(workload, parts[i], len) != 0 || workload[len] != (i < 2 ? '/' : '\0'))
			return false;
		workload += len + 1;
	}
	return true;
}

const struct bounds_grant *bounds_next_grant(const struct bounds *bounds, const char *namespace,
                                             const char *kind, const char *name, size_t *index)
{
	while (*index < bounds->grant_count) {
		const struct bounds_grant *grant = &bounds->grants[(*index)++];
		if (namespace == NULL ||
		    (kind != NULL && is_workload(grant->workload, namespace, kind, name)))
			return grant;
	}
	return NULL;
}

const struct bounds_quarantine *bounds_quarantine_at(const struct bounds *bounds, size_t index)
{
	return index < bounds->quarantine_count ? &bounds->quarantines[index] : NULL;
}

const struct bounds_quarantine *bounds_quarantine_of(const struct bounds *bounds,
                                                     const char *namespace, const char *kind,
                                                     const char *name)
{
	for (size_t i = 0; i < bounds->quarantine_count; i++)
		if (is_workload(bounds->quarantines[i].workload, namespace, kind, name))
			return &bounds->quarantines[i];
	return NULL;
}

bool bounds_group(const struct bounds *bounds, struct json_text name, struct bounds_rules *rules)
{
	struct json_text plain = json_plain(name);
	for (struct json_member m = json_first(bounds->groups); m.value.at; m = json_next(m)) {
		if (plain.at == NULL || !json_same(json_plain(m.key), plain))
			continue;
		*rules = (struct bounds_rules){.set = true,
		                               .egress = json_get(m.value, "egress"),
		                               .domains = json_get(m.value, "domains")};
		return true;
	}
	return false;
}

const char *bounds_contact(const struct bounds *bounds)
{
	return bounds->contact;
}

size_t bounds_count(const struct bounds *bounds)
{
	return bounds->count;
}

size_t bounds_groups(const struct bounds *bounds)
{
	return json_count(bounds->groups);
}

bool bounds_has_default(const struct bounds *bounds)
{
	return bounds->has_default;
}

size_t bounds_grants(const struct bounds *bounds)
{
	return bounds->grant_count;
}

size_t bounds_quarantines(const struct bounds *bounds)
{
	return bounds->quarantine_count;
}

bool bounds_select_by_labels(const struct bounds *bounds)
{
	return bounds->by_labels;
}
