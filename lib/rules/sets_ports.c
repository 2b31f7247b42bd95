#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/write.h"
#include "rules/sets_private.h"

static bool is_named(const struct sets_port *port)
{
	return port->name.at != NULL;
}

static bool is_whole(const struct sets_port *port)
{
	return !is_named(port) && port->first == 1 && port->last == SETS_PORT_LAST;
}

static int compare(const void *a, const void *b)
{
	const struct sets_port *x = a, *y = b;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (is_named(x) != is_named(y))
		return is_named(x) ? 1 : -1;
	if (is_named(x))
		return sets_compare_text(x->name, y->name);
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->last > y->last) - (x->last < y->last);
}

/* A pod's port has a number, so all numbers hold those of every name. */
static bool is_held(const struct sets_port *port, const struct sets_port *before, size_t count)
{
	for (size_t i = count; is_named(port) && i-- > 0 && before[i].protocol == port->protocol;)
		if (is_whole(&before[i]) || (is_named(&before[i]) && json_same(before[i].name, port->name)))
			return true;
	return false;
}

/* Sorts, and makes one of those that touch. `at` is the caller's to give away. */
static struct sets_ports make(struct sets_port *at, size_t count)
{
	size_t kept = 0;
	if (count > 0)
		qsort(at, count, sizeof *at, compare);
	for (size_t i = 0; i < count; i++) {
		struct sets_port *last = kept > 0 ? &at[kept - 1] : NULL;
		if (is_held(&at[i], at, kept))
			continue;
		if (last != NULL && !is_named(&at[i]) && !is_named(last) &&
		    last->protocol == at[i].protocol && at[i].first <= last->last + 1)
			last->last = at[i].last > last->last ? at[i].last : last->last;
		else
			at[kept++] = at[i];
	}
	return (struct sets_ports){.at = at, .count = kept};
}

static enum policy_protocol protocol_of(struct json_text port)
{
	struct json_text word = json_get(port, "protocol");
	return json_equals(word, "UDP")    ? POLICY_UDP
	       : json_equals(word, "SCTP") ? POLICY_SCTP
	                                   : POLICY_TCP;
}

static struct sets_port read_port(struct json_text port)
{
	struct sets_port read = {.protocol = protocol_of(port), .first = 1, .last = SETS_PORT_LAST};
	struct json_text number = json_get(port, "port");
	int64_t first, last;
	if (json_type(number) == JSON_STRING)
		read.name = json_plain(number);
	if (!json_integer(number, &first))
		return read;
	read.first = read.last = (long)first;
	if (json_integer(json_get(port, "endPort"), &last))
		read.last = (long)last;
	return read;
}

struct sets_ports sets_ports_read(struct sets *sets, struct json_text ports)
{
	size_t count = 0;
	if (json_is_empty(ports))
		return (struct sets_ports){.all = true};
	struct sets_port *at = sets_take(sets, json_count(ports), sizeof *at);
	for (struct json_member m = json_first(ports); m.value.at; m = json_next(m))
		at[count++] = read_port(m.value);
	return make(at, count);
}

struct sets_ports sets_ports_unite(struct sets *sets, struct sets_ports a, struct sets_ports b)
{
	if (a.all || b.all)
		return (struct sets_ports){.all = true};
	struct sets_port *at = sets_take(sets, a.count + b.count, sizeof *at);
	if (a.count > 0)
		memcpy(at, a.at, a.count * sizeof *at);
	if (b.count > 0)
		memcpy(at + a.count, b.at, b.count * sizeof *at);
	return make(at, a.count + b.count);
}

/* False when nothing has both. */
static bool meet(struct sets *sets, const struct sets_port *a, const struct sets_port *b,
                 struct sets_port *both)
{
	if (a->protocol != b->protocol)
		return false;
	*both = *a;
	if (is_named(a) && is_named(b))
		return json_same(a->name, b->name);
	if (is_named(a) || is_named(b)) {
		*both = is_named(a) ? *a : *b;
		bool whole = is_whole(is_named(a) ? b : a);
		sets->losses |= whole ? 0 : SETS_LOST_NAMED_PORT;
		return whole;
	}
	both->first = a->first > b->first ? a->first : b->first;
	both->last = a->last < b->last ? a->last : b->last;
	return both->first <= both->last;
}

struct sets_ports sets_ports_intersect(struct sets *sets, struct sets_ports a, struct sets_ports b)
{
	size_t count = 0;
	if (a.all || b.all)
		return a.all ? b : a;
	/* Ranges of one set lie apart, so a range begins each piece, and a name stays one. */
	struct sets_port *at = sets_take(sets, 2 * (a.count + b.count), sizeof *at);
	for (size_t i = 0; i < a.count; i++)
		for (size_t j = 0; j < b.count; j++)
			if (meet(sets, &a.at[i], &b.at[j], &at[count]))
				count++;
	return make(at, count);
}

/* What is left of `from` without `port`: none, one or two pieces. */
static size_t less(struct sets *sets, const struct sets_port *from, const struct sets_port *port,
                   struct sets_port pieces[2])
{
	size_t count = 0;
	pieces[0] = pieces[1] = *from;
	if (from->protocol != port->protocol)
		return 1;
	if (is_named(from) || is_named(port)) {
		if (is_named(from) && is_named(port) && json_same(from->name, port->name))
			return 0;
		if (!is_whole(port))
			sets->losses |= SETS_LOST_NAMED_PORT;
		return 0;
	}
	if (port->last < from->first || port->first > from->last)
		return 1;
	if (port->first > from->first)
		pieces[count++].last = port->first - 1;
	if (port->last < from->last) {
		pieces[count] = *from;
		pieces[count++].first = port->last + 1;
	}
	return count;
}

static const struct sets_port each_protocol[] = {
        {.protocol = POLICY_TCP, .first = 1, .last = SETS_PORT_LAST},
        {.protocol = POLICY_UDP, .first = 1, .last = SETS_PORT_LAST},
        {.protocol = POLICY_SCTP, .first = 1, .last = SETS_PORT_LAST},
};

struct sets_ports sets_ports_subtract(struct sets *sets, struct sets_ports a, struct sets_ports b)
{
	if (b.all)
		return (struct sets_ports){0};
	if (b.count == 0)
		return a;
	if (a.all)
		a = (struct sets_ports){.at = each_protocol, .count = POLICY_PROTOCOLS};
	/* Each range that is taken away leaves at most one piece more. */
	struct sets_port *at = sets_take(sets, a.count + b.count + 1, sizeof *at);
	struct sets_port *next = sets_take(sets, a.count + b.count + 1, sizeof *next);
	size_t count = a.count;
	if (count > 0)
		memcpy(at, a.at, count * sizeof *at);
	for (size_t j = 0; j < b.count; j++) {
		size_t left = 0;
		for (size_t i = 0; i < count; i++) {
			struct sets_port pieces[2];
			size_t made = less(sets, &at[i], &b.at[j], pieces);
			memcpy(&next[left], pieces, made * sizeof *pieces);
			left += made;
		}
		struct sets_port *swap = at;
		at = next;
		next = swap;
		count = left;
	}
	return make(at, count);
}

bool sets_ports_empty(struct sets_ports ports)
{
	return !ports.all && ports.count == 0;
}

static bool holds_one(struct sets_ports outer, const struct sets_port *inner)
{
	for (size_t i = 0; i < outer.count; i++) {
		const struct sets_port *port = &outer.at[i];
		if (port->protocol != inner->protocol)
			continue;
		if (is_whole(port) || (is_named(inner) && is_named(port) && json_same(port->name, inner->name)))
			return true;
		if (!is_named(inner) && !is_named(port) && port->first <= inner->first &&
		    inner->last <= port->last)
			return true;
	}
	return false;
}

bool sets_ports_hold(struct sets_ports outer, struct sets_ports inner)
{
	if (outer.all || inner.all)
		return outer.all;
	for (size_t i = 0; i < inner.count; i++)
		if (!holds_one(outer, &inner.at[i]))
			return false;
	return true;
}

int sets_ports_compare(struct sets_ports a, struct sets_ports b)
{
	if (a.all != b.all)
		return a.all ? -1 : 1;
	for (size_t i = 0; i < a.count && i < b.count; i++) {
		int order = compare(&a.at[i], &b.at[i]);
		if (order != 0)
			return order;
	}
	return (a.count > b.count) - (a.count < b.count);
}

static void put_port(const struct sets_port *port, struct json_buffer *out)
{
	json_put_comma(out);
	json_putc(out, '{');
	if (is_named(port)) {
		json_puts(out, "\"port\":");
		json_put_string_n(out, port->name.at, port->name.len);
		json_putc(out, ',');
	} else if (!is_whole(port)) {
		if (port->last > port->first)
			json_putf(out, "\"endPort\":%ld,", port->last);
		json_putf(out, "\"port\":%ld,", port->first);
	}
	json_putf(out, "\"protocol\":\"%s\"}", policy_protocol_words[port->protocol]);
}

void sets_ports_put(struct sets_ports ports, struct json_buffer *out)
{
	if (ports.all)
		return;
	json_puts(out, "\"ports\":[");
	for (size_t i = 0; i < ports.count; i++)
		put_port(&ports.at[i], out);
	json_putc(out, ']');
}
