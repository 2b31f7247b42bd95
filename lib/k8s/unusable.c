#include "k8s/unusable.h"

#include "json/write.h"
#include "k8s/name.h"

/* A text of which nothing is known. */
struct scan {
	const char *at, *end;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte that is no white space; '\0' at the end. */
static char peek(struct scan *s)
{
	while (s->at < s->end && is_space(*s->at))
		s->at++;
	return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scan *s, char c)
{
	if (peek(s) != c)
		return false;
	s->at++;
	return true;
}

/* From its quote to behind its last one; false when it does not end. */
static bool skip_string(struct scan *s)
{
	for (s->at++; s->at < s->end; s->at++) {
		if (*s->at == '"') {
			s->at++;
			return true;
		}
		if (*s->at == '\\' && s->at + 1 < s->end)
			s->at++;
	}
	return false;
}

static bool skip_container(struct scan *s)
{
	size_t depth = 0;
	while (s->at < s->end) {
		char c = *s->at;
		if (c == '"') {
			if (!skip_string(s))
				return false;
			continue;
		}
		s->at++;
		if (c == '{' || c == '[')
			depth++;
		if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

static bool is_scalar(char c)
{
	return c != ',' && c != ':' && c != '}' && c != ']' && c != '{' && c != '[' && c != '"' &&
	       !is_space(c);
}

static bool skip_value(struct scan *s)
{
	char c = peek(s);
	if (c == '"')
		return skip_string(s);
	if (c == '{' || c == '[')
		return skip_container(s);
	const char *start = s->at;
	while (s->at < s->end && is_scalar(*s->at))
		s->at++;
	return s->at > start && s->at < s->end;
}

/* The contents between two quotes, or absent where there are none, or an escape. */
static struct json_text plain(struct json_text value)
{
	if (value.len < 2 || value.at[0] != '"' || value.at[value.len - 1] != '"' ||
	    memchr(value.at, '\\', value.len) != NULL)
		return (struct json_text){0};
	return (struct json_text){value.at + 1, value.len - 2};
}

/* Members of an object, up to where it cannot be read: the last may be cut off there. False when
 * one of them is there twice, or may be. */
static bool pick(struct json_text object, size_t count, const char *const keys[],
                 struct json_text found[])
{
	memset(found, 0, count * sizeof *found);
	if (object.at == NULL)
		return true;
	struct scan s = {object.at, object.at + object.len};
	if (!take(&s, '{'))
		return true;
	while (peek(&s) == '"') {
		const char *start = s.at;
		if (!skip_string(&s))
			return true;
		struct json_text key = plain((struct json_text){start, (size_t)(s.at - start)});
		if (key.at == NULL)
			return false; /* with an escape: it may be any of them */
		if (!take(&s, ':'))
			return true;
		peek(&s);
		start = s.at;
		bool whole = skip_value(&s);
		for (size_t i = 0; i < count; i++) {
			if (!text_is(key, keys[i]))
				continue;
			if (found[i].at != NULL)
				return false;
			found[i] = (struct json_text){start, (size_t)(s.at - start)};
		}
		if (!whole || !take(&s, ','))
			return true;
	}
	return true;
}

/* Without a slash, but for the one in an apiVersion. */
static bool is_api_version(struct json_text text)
{
	const char *slash = text.at == NULL ? NULL : memchr(text.at, '/', text.len);
	if (slash == NULL)
		return policy_is_word(text);
	size_t group = (size_t)(slash - text.at);
	return policy_is_subdomain((struct json_text){text.at, group}) &&
	       policy_is_word((struct json_text){slash + 1, text.len - group - 1});
}

static bool is_identity(const struct event *event)
{
	return is_api_version(event->api_version) && policy_is_word(event->kind) &&
	       k8s_name_usable(event->name) &&
	       (event->namespace.at == NULL || k8s_name_usable(event->namespace));
}

/* What says that something may be missing is of no object, and neither is a mark. */
static bool is_of_object(struct json_text type)
{
	struct json_text word = plain(type);
	return type.at == NULL || text_is(word, "ADDED") || text_is(word, "MODIFIED") ||
	       text_is(word, "DELETED");
}

static bool find_names(struct json_text metadata, struct event *event)
{
	enum { NAMESPACE, NAME, COUNT };
	static const char *const keys[COUNT] = {"namespace", "name"};
	struct json_text found[COUNT];
	if (!pick(metadata, COUNT, keys, found))
		return false;
	event->namespace = plain(found[NAMESPACE]);
	event->name = plain(found[NAME]);
	bool readable = found[NAMESPACE].at == NULL || event->namespace.at != NULL;
	return readable && is_identity(event);
}

bool k8s_unusable_find(struct json_text line, struct event *event)
{
	enum { TYPE, OBJECT, MEMBERS };
	static const char *const members[MEMBERS] = {"type", "object"};
	enum { API_VERSION, KIND, METADATA, PARTS };
	static const char *const parts[PARTS] = {"apiVersion", "kind", "metadata"};
	struct json_text member[MEMBERS], part[PARTS];
	*event = (struct event){.type = EVENT_ERROR};
	if (!pick(line, MEMBERS, members, member) || !is_of_object(member[TYPE]) ||
	    !pick(member[OBJECT], PARTS, parts, part))
		return false;
	event->api_version = plain(part[API_VERSION]);
	event->kind = plain(part[KIND]);
	return find_names(part[METADATA], event);
}

bool k8s_unusable_find_item(struct json_text item, const char *api_version, const char *kind,
                            struct event *event)
{
	static const char *const keys[] = {"metadata"};
	struct json_text metadata;
	*event = (struct event){.type = EVENT_ERROR,
	                        .api_version = json_of(api_version),
	                        .kind = json_of(kind)};
	return pick(item, 1, keys, &metadata) && find_names(metadata, event);
}

bool k8s_unusable_read(const struct event *error, struct event *event)
{
	enum { API_VERSION, KIND, NAMESPACE, NAME, COUNT };
	static const char *const keys[COUNT] = {"apiVersion", "kind", "namespace", "name"};
	struct json_text found[COUNT];
	*event = (struct event){.type = EVENT_ERROR};
	if (error->type != EVENT_ERROR ||
	    !json_equals(json_get(error->object, "reason"), "RecordRejected"))
		return false;
	json_pick(json_get(error->object, "details"), COUNT, keys, found);
	event->api_version = json_plain(found[API_VERSION]);
	event->kind = json_plain(found[KIND]);
	event->namespace = json_plain(found[NAMESPACE]);
	event->name = json_plain(found[NAME]);
	bool readable = found[NAMESPACE].at == NULL || event->namespace.at != NULL;
	return readable && is_identity(event);
}

static void put(struct json_buffer *out, const char *key, struct json_text value)
{
	if (value.at == NULL)
		return;
	json_put_key(out, key);
	json_put_string_n(out, value.at, value.len);
}

void k8s_unusable_put(struct json_buffer *out, const struct event *event)
{
	json_puts(out, "{\"type\":\"ERROR\",\"object\":{\"apiVersion\":\"v1\",\"kind\":\"Status\","
	               "\"status\":\"Failure\",\"reason\":\"RecordRejected\",\"details\":{");
	put(out, "apiVersion", event->api_version);
	put(out, "kind", event->kind);
	put(out, "namespace", event->namespace);
	put(out, "name", event->name);
	json_puts(out, "}}}");
}

bool k8s_unusable_replace(struct json_buffer *out, struct json_text line)
{
	struct event named;
	out->len = 0;
	if (!k8s_unusable_find(line, &named))
		return false;
	k8s_unusable_put(out, &named);
	return true;
}
