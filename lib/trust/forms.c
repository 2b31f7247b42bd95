#include "trust/forms.h"

#include <stdarg.h>
#include <stdio.h>

#include "json/canonical.h"
#include "json/write.h"
#include "trust/card_fields_private.h"

const char *const trust_form_names[TRUST_FORMS + 1] = {
        "jcs", "a2a", "a2a-sdk", "kagenti", "a2a-spec", "a2a-python-1", "a2a-python-0.3", NULL};

struct rules {
	const struct trust_message *card; /* NULL: all members, as they are */
	enum json_style style;
	enum json_empties empties;
	bool other_names;    /* fields have those too */
	bool any_case;       /* names are read in any case */
	bool null_elements;  /* a null in an array is an empty element */
	bool nothing;        /* is signed, too: else there is no form of it */
};

static const struct rules rules_of[TRUST_FORMS] = {
	[TRUST_FORM_JCS] = {.style = JSON_STYLE_RFC_8785, .empties = JSON_EMPTIES_KEPT},
	[TRUST_FORM_A2A] = {.style = JSON_STYLE_RFC_8785, .empties = JSON_EMPTIES_OUT,
	                    .nothing = true},
	/* of nothing JavaScript makes {} and Python null */
	[TRUST_FORM_A2A_SDK] = {.card = &trust_card_a2a, .style = JSON_STYLE_RFC_8785,
	                        .empties = JSON_EMPTIES_OUT, .other_names = true},
	[TRUST_FORM_KAGENTI] = {.card = &trust_card_operator, .style = JSON_STYLE_GO,
	                        .empties = JSON_EMPTIES_OUT_BUT_NESTED, .any_case = true,
	                        .null_elements = true, .nothing = true},
	[TRUST_FORM_A2A_SPEC] = {.card = &trust_card_a2a, .style = JSON_STYLE_RFC_8785,
	                         .empties = JSON_EMPTIES_KEPT, .other_names = true},
	[TRUST_FORM_A2A_PYTHON_1] = {.card = &trust_card_a2a, .style = JSON_STYLE_PYTHON,
	                             .empties = JSON_EMPTIES_OUT, .other_names = true},
	[TRUST_FORM_A2A_PYTHON_03] = {.card = &trust_card_a2a_03, .style = JSON_STYLE_PYTHON_TYPED,
	                              .empties = JSON_EMPTIES_OUT, .other_names = true},
};

enum { LEFT_OUT_NAMES_MAX = 16 };

/* Where in the card the walk is. */
struct step {
	const struct step *up;
	const char *name;
};

struct walk {
	const struct rules *rules;
	struct json_canon canon;
	char *reason; /* TRUST_FORM_REASON_SIZE bytes */
	struct json_buffer *left_out; /* NULL: nobody asks */
	unsigned left_out_count;
};

static bool put_message(struct walk *w, struct json_node node, const struct trust_message *message,
                        const struct step *up);

__attribute__((format(printf, 2, 3))) static bool fail(struct walk *w, const char *format, ...)
{
	va_list list;
	if (w->canon.reason != NULL)
		return false;
	va_start(list, format);
	vsnprintf(w->reason, TRUST_FORM_REASON_SIZE, format, list);
	va_end(list);
	return json_canon_fail(&w->canon, w->reason);
}

static bool is_name(struct json_text key, const char *name)
{
	return name != NULL && text_is(key, name);
}

/* The letter that Go takes this character for when it reads names in any case (by Unicode's
 * simple folding, under which two characters beyond ASCII are letters), in lower case, or 0;
 * `*len` is the character's length. */
static char folded(const char *p, const char *end, size_t *len)
{
	*len = 1;
	if (*p >= 'A' && *p <= 'Z')
		return (char)(*p | 0x20);
	if (end - p >= 2 && memcmp(p, "\u017f", 2) == 0) { /* long s */
		*len = 2;
		return 's';
	}
	if (end - p >= 3 && memcmp(p, "\u212a", 3) == 0) { /* the sign of the kelvin */
		*len = 3;
		return 'k';
	}
	return *p;
}

static bool is_name_in_any_case(struct json_text key, const char *name)
{
	const char *p = key.at, *end = p + key.len;
	size_t len, name_len;
	for (; p < end && *name != '\0'; p += len, name += name_len)
		if (folded(p, end, &len) != folded(name, name + 1, &name_len))
			return false;
	return p == end && *name == '\0';
}

/* The number of the field that has this key, or -1: none has, or, with a reason, there is no
 * form. */
static int find_field(struct walk *w, const struct trust_message *message, struct json_text key)
{
	for (unsigned i = 0; i < message->count; i++) {
		const struct trust_field *field = &message->fields[i];
		if (is_name(key, field->name) ||
		    (w->rules->other_names && is_name(key, field->other_name)))
			return (int)i;
		if (w->rules->any_case && is_name_in_any_case(key, field->name)) {
			fail(w, "a member differs from %s in case alone", field->name);
			return -1;
		}
	}
	return -1;
}

static void put_path(struct json_buffer *out, const struct step *step)
{
	if (step == NULL)
		return;
	put_path(out, step->up);
	json_puts(out, step->name);
	json_putc(out, '.');
}

static bool is_empty(struct json_node node)
{
	bool sized = node.type == JSON_NODE_STRING || node.type == JSON_NODE_ARRAY ||
	             node.type == JSON_NODE_OBJECT;
	return node.type == JSON_NODE_NULL || (sized && node.len == 0);
}

static void note_left_out(struct walk *w, struct json_text key, struct json_node node,
                          const struct step *up)
{
	if (w->left_out == NULL || is_empty(node) || ++w->left_out_count > LEFT_OUT_NAMES_MAX)
		return;
	if (w->left_out_count > 1)
		json_puts(w->left_out, ", ");
	put_path(w->left_out, up);
	struct json_buffer name = {0};
	json_put_string_n(&name, key.at, key.len);
	json_put(w->left_out, name.at + 1, name.len - 2);
	json_buffer_free(&name);
}

/* Fills in the members that the message's fields have; false when there is no form. */
static bool find_members(struct walk *w, struct json_node node, const struct trust_message *message,
                         const struct step *up, const struct json_node *found[])
{
	const struct json_node *member = json_nodes_in(w->canon.nodes, node);
	const struct trust_field *set = NULL;
	for (size_t i = 0; i < node.len; i++) {
		struct json_text key = json_node_key(w->canon.nodes, member[i]);
		int at = find_field(w, message, key);
		if (w->canon.reason != NULL)
			return false;
		if (at < 0) {
			note_left_out(w, key, member[i], up);
			continue;
		}
		const struct trust_field *field = &message->fields[at];
		if (found[at] != NULL)
			return fail(w, "%s is there in both spellings", field->name);
		found[at] = &member[i];
		if (!field->oneof || member[i].type == JSON_NODE_NULL)
			continue;
		if (set != NULL)
			return fail(w, "%s is not the only one of its kind", field->name);
		set = field;
	}
	return true;
}

static bool put_string(struct walk *w, const struct trust_field *field, struct json_node node,
                       bool alone)
{
	if (node.type != JSON_NODE_STRING)
		return fail(w, "%s is not a string", field->name);
	/* a list or map has its elements also when they are empty, and so have fields with presence */
	if (node.len == 0 && alone && field->label == TRUST_FIELD_DEFAULTED)
		return false;
	if (field->left_out != NULL &&
	    text_is(json_node_text(w->canon.nodes, node), field->left_out))
		return false;
	return json_canon_put(&w->canon, node);
}

static bool put_bool(struct walk *w, const struct trust_field *field, struct json_node node)
{
	if (node.type != JSON_NODE_TRUE && node.type != JSON_NODE_FALSE)
		return fail(w, "%s is neither true nor false", field->name);
	if (node.type == JSON_NODE_FALSE && field->label == TRUST_FIELD_DEFAULTED)
		return false;
	return json_canon_put(&w->canon, node);
}

/* A field's value, or one element of it (not `alone`). False when it is not kept, or there is no
 * form. */
static bool put_one(struct walk *w, const struct trust_field *field, struct json_node node,
                    bool alone, const struct step *up)
{
	struct step step = {up, field->name};
	switch (field->kind) {
	case TRUST_FIELD_STRING:
		return put_string(w, field, node, alone);
	case TRUST_FIELD_BOOL:
		return put_bool(w, field, node);
	case TRUST_FIELD_MESSAGE:
		if (node.type != JSON_NODE_OBJECT)
			return fail(w, "%s is not an object", field->name);
		return put_message(w, node, field->message, &step);
	case TRUST_FIELD_STRUCT:
		if (node.type != JSON_NODE_OBJECT)
			return fail(w, "%s is not an object", field->name);
		return json_canon_put(&w->canon, node);
	case TRUST_FIELD_ANY:
		return json_canon_put(&w->canon, node);
	case TRUST_FIELD_OMITTED:
	default:
		return false;
	}
}

/* The elements of an array, or the members of a map. */
static bool put_many(struct walk *w, const struct trust_field *field, struct json_node node,
                     const struct step *up)
{
	bool map = field->shape == TRUST_FIELD_MAP;
	if (node.type != (map ? JSON_NODE_OBJECT : JSON_NODE_ARRAY))
		return fail(w, "%s is not an %s", field->name, map ? "object" : "array");
	if (node.len == 0 && field->label == TRUST_FIELD_DEFAULTED)
		return false;
	const struct json_node *child = json_nodes_in(w->canon.nodes, node);
	struct json_canon *canon = &w->canon;
	size_t start = json_canon_open(canon, map ? '{' : '[');
	for (size_t i = 0; i < node.len; i++) {
		size_t before = canon->out->len;
		if (child[i].type == JSON_NODE_NULL && w->rules->null_elements)
			continue;
		if (map)
			json_canon_key(canon, json_node_key(canon->nodes, child[i]));
		else
			json_canon_next(canon);
		if (put_one(w, field, child[i], false, up))
			continue;
		if (canon->reason != NULL)
			return false;
		canon->out->len = before;
	}
	return json_canon_close(canon, start, map ? '}' : ']');
}

static bool put_field(struct walk *w, const struct trust_field *field, struct json_node node,
                      const struct step *up)
{
	size_t before = w->canon.out->len;
	if (node.type == JSON_NODE_NULL)
		return true;
	json_canon_key(&w->canon, json_of(field->name));
	bool kept = field->shape == TRUST_FIELD_ONE ? put_one(w, field, node, true, up)
	                                            : put_many(w, field, node, up);
	if (!kept)
		w->canon.out->len = before;
	return w->canon.reason == NULL;
}

/* The message that `type` says it is. */
static const struct trust_message *choose(struct walk *w, struct json_node node,
                                          const struct trust_message *message)
{
	const struct json_node *member = json_nodes_in(w->canon.nodes, node);
	for (size_t i = 0; i < node.len; i++) {
		if (!text_is(json_node_key(w->canon.nodes, member[i]), "type") ||
		    member[i].type != JSON_NODE_STRING)
			continue;
		struct json_text type = json_node_text(w->canon.nodes, member[i]);
		for (const struct trust_message *const *each = message->variants; *each != NULL; each++)
			if (text_is(type, (*each)->name))
				return *each;
	}
	fail(w, "a %s has no type that is known", message->name);
	return NULL;
}

/* An object with the fields of a message. */
static bool put_message(struct walk *w, struct json_node node, const struct trust_message *message,
                        const struct step *up)
{
	const struct json_node *found[TRUST_FIELDS_MAX] = {NULL};
	if (message->variants != NULL && (message = choose(w, node, message)) == NULL)
		return false;
	if (!find_members(w, node, message, up, found))
		return false;
	size_t start = json_canon_open(&w->canon, '{');
	for (unsigned i = 0; i < message->count; i++)
		if (found[i] != NULL && !put_field(w, &message->fields[i], *found[i], up))
			return false;
	return json_canon_close(&w->canon, start, '}');
}

/* Without a schema: all members of a card but `signatures`, or any other value. */
static bool put_as_it_is(struct walk *w)
{
	struct json_canon *canon = &w->canon;
	struct json_node root = canon->nodes->root;
	if (root.type != JSON_NODE_OBJECT)
		return json_canon_put(canon, root);
	const struct json_node *member = json_nodes_in(canon->nodes, root);
	size_t start = json_canon_open(canon, '{');
	for (size_t i = 0; i < root.len; i++) {
		struct json_text key = json_node_key(canon->nodes, member[i]);
		size_t before = canon->out->len;
		if (text_is(key, "signatures"))
			continue;
		json_canon_key(canon, key);
		if (json_canon_put(canon, member[i]))
			continue;
		if (canon->reason != NULL)
			return false;
		canon->out->len = before;
	}
	return json_canon_close(canon, start, '}');
}

static bool put_card(struct walk *w)
{
	struct json_node root = w->canon.nodes->root;
	json_canon_start(&w->canon);
	if (w->rules->card == NULL)
		return put_as_it_is(w);
	if (root.type != JSON_NODE_OBJECT)
		return fail(w, "the card is not an object");
	return put_message(w, root, w->rules->card, NULL);
}

/* A value of which nothing is left is never removed itself. */
static void put_nothing(struct json_buffer *out, struct json_node root)
{
	switch ((enum json_node_type)root.type) {
	case JSON_NODE_OBJECT: json_puts(out, "{}"); break;
	case JSON_NODE_ARRAY: json_puts(out, "[]"); break;
	case JSON_NODE_STRING: json_puts(out, "\"\""); break;
	default: json_puts(out, "null"); break;
	}
}

bool trust_form_put(struct json_nodes *card, enum trust_form form, struct json_buffer *out,
                    char reason[TRUST_FORM_REASON_SIZE])
{
	const struct rules *rules = &rules_of[form];
	size_t start = out->len;
	struct walk w = {.rules = rules,
	                 .canon = {.nodes = card, .style = rules->style, .empties = rules->empties,
	                           .out = out, .limit = start + TRUST_FORM_MAX},
	                 .reason = reason};
	if (put_card(&w))
		return true;
	out->len = start;
	if (w.canon.reason == NULL && rules->nothing) {
		put_nothing(out, card->root);
		return true;
	}
	if (w.canon.reason == NULL)
		fail(&w, "nothing is left of the card");
	if (w.canon.reason != reason)
		snprintf(reason, TRUST_FORM_REASON_SIZE, "%s", w.canon.reason);
	return false;
}

bool trust_form_put_left_out(struct json_nodes *card, enum trust_form form,
                             struct json_buffer *out)
{
	const struct rules *rules = &rules_of[form];
	struct json_buffer form_text = {0};
	char reason[TRUST_FORM_REASON_SIZE];
	struct walk w = {.rules = rules,
	                 .canon = {.nodes = card, .style = rules->style, .empties = rules->empties,
	                           .out = &form_text, .limit = TRUST_FORM_MAX},
	                 .reason = reason,
	                 .left_out = out};
	bool exists = put_card(&w) || w.canon.reason == NULL;
	if (w.left_out_count > LEFT_OUT_NAMES_MAX)
		json_putf(out, " and %u more", w.left_out_count - LEFT_OUT_NAMES_MAX);
	json_buffer_free(&form_text);
	return exists;
}
