/* A card in a form (the first byte chooses), beside a second description of all seven that shares
 * nothing with lib/trust/forms.c but the reading of JSON: a tree by cJSON, the schema as text, and
 * removal, sorting and writing in steps of their own. Both must give the same bytes, or both none.
 * The form is JSON, and its own form. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "json/nodes.h"
#include "trust/forms.h"

static void need(bool good)
{
	if (!good)
		abort();
}

/* A message a line: its name, then FIELD:TYPE with the label in front (! required, ? with
 * presence, else neither), [] or {} behind the type of a list or a map, | before the fields of a
 * oneof. */
static const char a2a[] =
        "Card !name:s !description:s !supportedInterfaces:Interface[] provider:Provider !version:s "
        "?documentationUrl:s !capabilities:Capabilities securitySchemes:Scheme{} "
        "securityRequirements:Requirement[] !defaultInputModes:s[] !defaultOutputModes:s[] "
        "!skills:Skill[] signatures:- ?iconUrl:s\n"
        "Interface !url:s !protocolBinding:s tenant:s !protocolVersion:s\n"
        "Provider !url:s !organization:s\n"
        "Capabilities ?streaming:b ?pushNotifications:b extensions:Extension[] "
        "?extendedAgentCard:b\n"
        "Extension uri:s description:s required:b params:*\n"
        "Skill !id:s !name:s !description:s !tags:s[] examples:s[] inputModes:s[] outputModes:s[] "
        "securityRequirements:Requirement[]\n"
        "Requirement schemes:List{}\n"
        "List list:s[]\n"
        "Scheme |apiKeySecurityScheme:Key |httpAuthSecurityScheme:Http |oauth2SecurityScheme:OAuth "
        "|openIdConnectSecurityScheme:Oidc |mtlsSecurityScheme:Mtls\n"
        "Key description:s !location:s !name:s\n"
        "Http description:s !scheme:s bearerFormat:s\n"
        "OAuth description:s !flows:Flows oauth2MetadataUrl:s\n"
        "Oidc description:s !openIdConnectUrl:s\n"
        "Mtls description:s\n"
        "Flows |authorizationCode:Code |clientCredentials:Client |implicit:Implicit "
        "|password:Password |deviceCode:Device\n"
        "Code !authorizationUrl:s !tokenUrl:s refreshUrl:s !scopes:s{} pkceRequired:b\n"
        "Client !tokenUrl:s refreshUrl:s !scopes:s{}\n"
        "Implicit authorizationUrl:s refreshUrl:s scopes:s{}\n"
        "Password tokenUrl:s refreshUrl:s scopes:s{}\n"
        "Device !deviceAuthorizationUrl:s !tokenUrl:s refreshUrl:s !scopes:s{}\n";

static const char operator_card[] =
        "Card name:s description:s version:s url:s documentationUrl:s iconUrl:s provider:Provider "
        "capabilities:Capabilities defaultInputModes:s[] defaultOutputModes:s[] skills:Skill[] "
        "?supportsAuthenticatedExtendedCard:b signatures:-\n"
        "Provider organization:s url:s\n"
        "Capabilities ?streaming:b ?pushNotifications:b extensions:Extension[]\n"
        "Extension uri:s description:s ?required:b params:*\n"
        "Skill id:s name:s description:s tags:s[] examples:s[] inputModes:s[] outputModes:s[] "
        "parameters:Parameter[]\n"
        "Parameter name:s type:s description:s ?required:b default:s\n";

struct field {
	char label; /* '!', '?', '|' or ' ' */
	char name[40], type[16];
	char many;  /* '[', '{' or 0 */
};

/* The field `index` of a message; false behind the last. */
static bool field_at(const char *schema, const char *message, int index, struct field *field)
{
	const char *line = schema;
	size_t len = strlen(message);
	while (strncmp(line, message, len) != 0 || line[len] != ' ')
		line = strchr(line, '\n') + 1;
	const char *p = line + len;
	for (int i = 0; *p == ' '; i++) {
		p++;
		const char *end = p + strcspn(p, " \n");
		if (i == index) {
			char text[64] = "";
			memcpy(text, p, (size_t)(end - p));
			field->label = strchr("!?|", text[0]) != NULL ? text[0] : ' ';
			need(sscanf(text + (field->label != ' '), "%39[^:]:%15[^[{]%c", field->name,
			            field->type, &field->many) >= 2);
			if (strpbrk(text, "[{") == NULL)
				field->many = 0;
			return true;
		}
		p = end;
	}
	return false;
}

/* iconUrl -> icon_url */
static void to_snake(const char *name, char *out)
{
	for (; *name != '\0'; name++) {
		if (*name >= 'A' && *name <= 'Z')
			*out++ = '_';
		*out++ = *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name;
	}
	*out = '\0';
}

static bool same_in_any_case(const char *key, const char *name)
{
	char folded[512], *out = folded;
	if (strlen(key) > 500)
		return false;
	for (const char *p = key; *p != '\0';) {
		if (strncmp(p, "\xc5\xbf", 2) == 0)
			*out++ = 's', p += 2;
		else if (strncmp(p, "\xe2\x84\xaa", 3) == 0)
			*out++ = 'k', p += 3;
		else
			*out++ = *p++;
	}
	*out = '\0';
	return strcasecmp(folded, name) == 0;
}

/* The tree of what the form knows, under its names; NULL: there is no form. */
static cJSON *known(const char *schema, const char *type, enum trust_form form, const cJSON *from,
                    bool alone, char label);

static cJSON *known_many(const char *schema, const struct field *field, enum trust_form form,
                         const cJSON *from)
{
	bool map = field->many == '{';
	if (map ? !cJSON_IsObject(from) : !cJSON_IsArray(from))
		return NULL;
	cJSON *made = map ? cJSON_CreateObject() : cJSON_CreateArray(), *child;
	cJSON_ArrayForEach(child, from)
	{
		if (cJSON_IsNull(child) && form == TRUST_FORM_KAGENTI)
			continue;
		cJSON *value = known(schema, field->type, form, child, false, ' ');
		if (value == NULL) {
			cJSON_Delete(made);
			return NULL;
		}
		if (map)
			cJSON_AddItemToObject(made, child->string, value);
		else
			cJSON_AddItemToArray(made, value);
	}
	return made;
}

static cJSON *known(const char *schema, const char *type, enum trust_form form, const cJSON *from,
                    bool alone, char label)
{
	struct field field;
	bool spec = form == TRUST_FORM_A2A_SPEC;
	if (strcmp(type, "s") == 0)
		return !cJSON_IsString(from) ? NULL : cJSON_Duplicate(from, true);
	if (strcmp(type, "b") == 0)
		return !cJSON_IsBool(from)                               ? NULL
		       : cJSON_IsFalse(from) && label == ' ' && alone ? cJSON_CreateNull()
		                                                       : cJSON_Duplicate(from, true);
	if (!cJSON_IsObject(from))
		return NULL;
	if (strcmp(type, "*") == 0)
		return cJSON_Duplicate(from, true);
	cJSON *made = cJSON_CreateObject();
	int oneofs = 0;
	bool good = true;
	for (int i = 0; good && field_at(schema, type, i, &field); i++) {
		const cJSON *child, *found = NULL;
		char snake[64];
		to_snake(field.name, snake);
		cJSON_ArrayForEach(child, from)
		{
			bool exact = strcmp(child->string, field.name) == 0;
			if (exact || (form != TRUST_FORM_KAGENTI && strcmp(child->string, snake) == 0)) {
				good = good && found == NULL;
				found = child;
			} else if (form == TRUST_FORM_KAGENTI &&
			           same_in_any_case(child->string, field.name)) {
				good = false;
			}
		}
		if (!good || found == NULL || cJSON_IsNull(found) || field.type[0] == '-')
			continue;
		oneofs += field.label == '|';
		cJSON *value = field.many != 0
		                       ? known_many(schema, &field, form, found)
		                       : known(schema, field.type, form, found, true, field.label);
		bool unset = value != NULL && field.label == ' ' &&
		             (cJSON_IsNull(value) ||
		              (cJSON_IsString(value) && value->valuestring[0] == '\0') ||
		              (field.many != 0 && cJSON_GetArraySize(value) == 0));
		good = value != NULL && oneofs <= 1;
		if (unset && spec)
			cJSON_Delete(value);
		else if (value != NULL)
			cJSON_AddItemToObject(made, field.name, value);
	}
	if (good)
		return made;
	cJSON_Delete(made);
	return NULL;
}

/* Removes what is empty; false when `item` is empty itself. */
static bool clean(cJSON *item, bool go, bool in_array)
{
	if (cJSON_IsNull(item) || (cJSON_IsString(item) && item->valuestring[0] == '\0'))
		return false;
	if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
		return true;
	if (go && in_array && cJSON_IsArray(item))
		return true;
	for (cJSON *child = item->child, *next; child != NULL; child = next) {
		next = child->next;
		if (!clean(child, go, cJSON_IsArray(item)))
			cJSON_Delete(cJSON_DetachItemViaPointer(item, child));
	}
	return item->child != NULL;
}

/* The code point at *p, or with `units` its first UTF-16 code unit; moves on. */
static unsigned point_at(const char **p)
{
	const unsigned char *s = (const unsigned char *)*p;
	unsigned count = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, point = s[0];
	if (count > 1)
		point &= 0x7fU >> count;
	for (unsigned i = 1; i < count; i++)
		point = point * 64 + (s[i] - 128U);
	*p += count;
	return point;
}

static bool utf16; /* of compare() */

static int compare(const void *left, const void *right)
{
	const char *x = (*(const cJSON *const *)left)->string, *y = (*(const cJSON *const *)right)->string;
	for (;;) {
		if (*x == '\0' || *y == '\0')
			return (*x != '\0') - (*y != '\0');
		unsigned a = point_at(&x), b = point_at(&y);
		if (a == b)
			continue;
		if (utf16 && (a > 0xffff) != (b > 0xffff)) {
			a = a > 0xffff ? 0xd800 : a; /* below U+E000, and no lone surrogate is there */
			b = b > 0xffff ? 0xd800 : b;
		}
		return a < b ? -1 : 1;
	}
}

static void write_string(struct json_buffer *out, const char *text, enum trust_form form)
{
	static const char *const named[] = {[8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f",
	                                    [13] = "\\r", [34] = "\\\"", [92] = "\\\\"};
	json_putc(out, '"');
	while (*text != '\0') {
		const char *from = text;
		unsigned c = point_at(&text);
		bool go = form == TRUST_FORM_KAGENTI &&
		          (c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029);
		bool python = form >= TRUST_FORM_A2A_PYTHON_1 && c > 126;
		if (c < 93 && named[c] != NULL)
			json_puts(out, named[c]);
		else if (python && c > 0xffff)
			json_putf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 1023));
		else if (c < 32 || go || python)
			json_putf(out, "\\u%04x", c);
		else
			json_put(out, from, (size_t)(text - from));
	}
	json_putc(out, '"');
}

/* The fewest digits that read back, by trial. */
static void write_number(struct json_buffer *out, double number, enum trust_form form)
{
	char text[64], digits[32] = "";
	int count = 0, exponent, precision = 0;
	if (number == 0) {
		bool minus = signbit(number) != 0;
		if (form == TRUST_FORM_A2A_PYTHON_1)
			json_puts(out, minus ? "-0.0" : "0.0");
		else
			json_puts(out, minus && form == TRUST_FORM_KAGENTI ? "-0" : "0");
		return;
	}
	do
		snprintf(text, sizeof text, "%.*e", precision, number);
	while (strtod(text, NULL) != number && precision++ < 17);
	for (const char *p = text; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[count++] = *p;
	while (count > 1 && digits[count - 1] == '0')
		digits[--count] = '\0';
	exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	bool python = form == TRUST_FORM_A2A_PYTHON_1;
	if (number < 0)
		json_putc(out, '-');
	if (exponent < (python ? -4 : -6) || exponent >= (python ? 16 : 21)) {
		json_putf(out, "%c%s%s", digits[0], count > 1 ? "." : "", digits + 1);
		json_putf(out, python ? "e%+03d" : "e%+d", exponent);
	} else if (exponent < 0) {
		json_putf(out, "0.%.*s%s", -exponent - 1, "0000000000", digits);
	} else if (exponent + 1 >= count) {
		json_putf(out, "%s%.*s%s", digits, exponent + 1 - count, "0000000000000000000000",
		          python ? ".0" : "");
	} else {
		json_putf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
	}
}

static void write_tree(struct json_buffer *out, const cJSON *item, enum trust_form form)
{
	if (item == NULL)
		abort();
	if (cJSON_IsString(item))
		write_string(out, item->valuestring, form);
	else if (cJSON_IsNumber(item))
		write_number(out, item->valuedouble, form);
	else if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
		int count = cJSON_GetArraySize(item), i = 0;
		/* NOLINTBEGIN(bugprone-sizeof-expression): an array of pointers is what is sorted */
		const cJSON **children = calloc((size_t)count + 1, sizeof *children), *child;
		if (children == NULL)
			abort();
		cJSON_ArrayForEach(child, item) children[i++] = child;
		utf16 = form < TRUST_FORM_KAGENTI || form == TRUST_FORM_A2A_SPEC;
		if (cJSON_IsObject(item))
			qsort(children, (size_t)count, sizeof *children, compare);
		/* NOLINTEND(bugprone-sizeof-expression) */
		json_putc(out, cJSON_IsObject(item) ? '{' : '[');
		for (i = 0; i < count; i++) {
			if (i > 0)
				json_putc(out, ',');
			if (cJSON_IsObject(item)) {
				if (children[i] == NULL)
					abort();
				write_string(out, children[i]->string, form);
				json_putc(out, ':');
			}
			write_tree(out, children[i], form);
		}
		json_putc(out, cJSON_IsObject(item) ? '}' : ']');
		free(children);
	} else {
		json_puts(out, cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null");
	}
}

/* False: there is no form. */
static bool describe(const cJSON *card, enum trust_form form, struct json_buffer *out)
{
	bool schema = form >= TRUST_FORM_A2A_SDK;
	const char *fields = form == TRUST_FORM_KAGENTI ? operator_card : a2a;
	cJSON *tree = schema ? known(fields, "Card", form, card, true, ' ') : cJSON_Duplicate(card, true);
	if (tree == NULL)
		return false;
	if (!schema)
		cJSON_DeleteItemFromObjectCaseSensitive(tree, "signatures");
	bool left = true;
	if (form != TRUST_FORM_JCS && form != TRUST_FORM_A2A_SPEC)
		left = clean(tree, form == TRUST_FORM_KAGENTI, false);
	bool exists = left || form == TRUST_FORM_A2A || form == TRUST_FORM_KAGENTI;
	if (exists)
		write_tree(out, tree, form);
	cJSON_Delete(tree);
	return exists;
}

/* cJSON ends strings at an escaped NUL, reads numbers that are too large as infinite, and knows no
 * integer zero with a sign. */
static bool can_judge(struct json_text card, const cJSON *tree)
{
	if (tree == NULL || memmem(card.at, card.len, "u0000", 5) != NULL)
		return false;
	if (cJSON_IsNumber(tree) && !isfinite(tree->valuedouble))
		return false;
	const cJSON *child;
	cJSON_ArrayForEach(child, tree) if (!can_judge((struct json_text){"", 0}, child)) return false;
	return true;
}

static void expect_described(struct json_text card, enum trust_form form, bool exists,
                             struct json_text made)
{
	struct json_buffer described = {0};
	cJSON *tree = cJSON_ParseWithLength(card.at, card.len);
	bool minus_zero = form == TRUST_FORM_A2A_PYTHON_1 && memmem(card.at, card.len, "-0", 2) != NULL;
	if (cJSON_IsObject(tree) && !minus_zero && can_judge(card, tree)) {
		need(describe(tree, form, &described) == exists);
		if (exists)
			need(json_same(json_buffer_text(&described), made));
	}
	cJSON_Delete(tree);
	json_buffer_free(&described);
}

static void expect_stable(struct json_text made, enum trust_form form)
{
	static const struct json_limits wider = {1 << 20, 64};
	struct json_nodes nodes = {0};
	struct json_buffer twice = {0};
	char reason[TRUST_FORM_REASON_SIZE];
	need(json_check(made, &wider, NULL));
	json_nodes_read(&nodes, made);
	need(trust_form_put(&nodes, form, &twice, reason));
	need(json_same(made, json_buffer_text(&twice)));
	json_nodes_free(&nodes);
	json_buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_limits limits = {1 << 16, 64};
	struct json_nodes nodes = {0};
	struct json_buffer once = {0}, left_out = {0};
	char reason[TRUST_FORM_REASON_SIZE] = "";
	if (size < 1)
		return 0;
	enum trust_form form = (enum trust_form)(data[0] % TRUST_FORMS);
	struct json_text text = {(const char *)data + 1, size - 1};
	if (!json_check(text, &limits, NULL))
		return 0;
	json_nodes_read(&nodes, text);
	bool exists = trust_form_put(&nodes, form, &once, reason);
	need(exists ? reason[0] == '\0' : reason[0] != '\0' && once.len == 0);
	trust_form_put_left_out(&nodes, form, &left_out);
	json_nodes_free(&nodes);
	/* A2A 0.3 needs to know what it left out: the type of a scheme */
	if (exists && form != TRUST_FORM_A2A_PYTHON_03)
		expect_stable(json_buffer_text(&once), form);
	if (form != TRUST_FORM_A2A_PYTHON_03)
		expect_described(text, form, exists, json_buffer_text(&once));
	json_buffer_free(&once);
	json_buffer_free(&left_out);
	return 0;
}
