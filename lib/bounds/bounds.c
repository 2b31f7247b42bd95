#include "bounds/bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "k8s/pattern.h"
#include "rules/document.h"

enum { PATH = 256, CONTACT = 128 };

struct bounds {
	char *text;
	struct json_text groups;
	char contact[CONTACT + 1];
	struct bounds_entry *entries; /* the default, if any, behind the others */
	size_t count;
	bool has_default;
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

static void read_entry(struct document_check *check, const struct bounds *bounds, struct json_text value,
                       struct bounds_entry *entry, bool selects)
{
	static const char *const known[] = {"atMost", "always", "never", "namespaces", "workloads", "spiffeIDs", NULL};
	static const char *const known_default[] = {"atMost", "always", "never", NULL};
	char path[PATH];
	document_refuse_unknown(check, value, entry->path, selects ? known : known_default);
	entry->namespaces = document_patterns(check, value, "namespaces", entry->path, false);
	entry->workloads = document_patterns(check, value, "workloads", entry->path, true);
	entry->spiffe_ids = document_patterns(check, value, "spiffeIDs", entry->path, false);
	if (selects && entry->namespaces.at == NULL && entry->workloads.at == NULL &&
	    entry->spiffe_ids.at == NULL)
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

static void read_entries(struct document_check *check, struct bounds *bounds, struct json_text list)
{
	size_t count = json_count(list);
	if (list.at != NULL && json_type(list) != JSON_ARRAY)
		document_fault(check, list, "bounds", "must be a list");
	if (count > BOUNDS_ENTRIES_MAX) {
		document_fault(check, list, "bounds", "has more than 1024 entries");
		count = 0;
	}
	bounds->entries = kube_alloc(count + 1, sizeof *bounds->entries);
	for (struct json_member m = json_first(list); m.value.at && bounds->count < count; m = json_next(m)) {
		bounds->entries[bounds->count].path = kube_format("bounds[%zu]", bounds->count);
		read_entry(check, bounds, m.value, &bounds->entries[bounds->count++], true);
	}
}

static void read_contact(struct document_check *check, struct bounds *bounds, struct json_text contact)
{
	char *text = json_cstring(contact);
	bool printable = text != NULL && strlen(text) <= CONTACT;
	for (const char *at = text; printable && *at != '\0'; at++)
		printable = (unsigned char)*at >= ' ' && *at != 0x7f;
	if (contact.at != NULL && !printable)
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

struct bounds *bounds_read(struct json_text document, const struct document_faults *faults)
{
	static const char *const known[] = {"apiVersion", "kind", "contact", "groups", "default", "bounds", NULL};
	struct bounds *bounds = kube_alloc(1, sizeof *bounds);
	struct document_check check = {.faults = faults, .document = document, .good = true};
	document_refuse_unknown(&check, document, "the document", known);
	document_refuse_nulls(&check, document, "a member");
	/* Faults point into the caller's text, so the copy is read again once there are none. */
	for (int round = 0; round < 2 && check.good; round++) {
		if (round == 1) {
			bounds->text = kube_copy_n(document.at, document.len);
			document = (struct json_text){bounds->text, document.len};
			for (size_t i = 0; i < bounds->count + bounds->has_default; i++)
				free((char *)bounds->entries[i].path);
			free(bounds->entries);
			bounds->count = 0;
			bounds->has_default = false;
		}
		read_kind(&check, document);
		read_contact(&check, bounds, json_get(document, "contact"));
		read_groups(&check, bounds, json_get(document, "groups"));
		read_entries(&check, bounds, json_get(document, "bounds"));
		read_default(&check, bounds, json_get(document, "default"));
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
	for (size_t i = 0; bounds->entries != NULL && i < bounds->count + bounds->has_default; i++)
		free((char *)bounds->entries[i].path);
	free(bounds->entries);
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

/* All that an entry names must hold. */
static enum bounds_match match_entry(const struct bounds_entry *entry, const struct bounds_agent *agent)
{
	bool names = entry->workloads.at != NULL && agent->kind != NULL;
	char *workload = names ? kube_format("%s/%s", agent->kind, agent->name) : NULL;
	enum bounds_match all = match_one(entry->namespaces, agent->namespace);
	enum bounds_match more[] = {match_one(entry->workloads, workload),
	                            match_one(entry->spiffe_ids, agent->spiffe_id)};
	for (int i = 0; i < 2; i++)
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
