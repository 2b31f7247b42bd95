#include "trust/sign.h"

#include <stdio.h>

#include "base/base64url.h"
#include "json/nodes.h"
#include "trust/checker.h"
#include "trust/signer_private.h"
#include "json/write.h"

static const char *put_signature(const struct trust_signer *signer, struct json_text payload,
                                 struct json_buffer *out)
{
	struct json_buffer input = {0};
	uint8_t digest[EVP_MAX_MD_SIZE], signature[TRUST_SIGNATURE_BYTES_MAX];
	size_t len;
	json_puttext(&input, json_buffer_text(&signer->header));
	json_putc(&input, '.');
	trust_base64url_put(&input, payload.at, payload.len);
	bool good = EVP_Digest(input.at, input.len, digest, NULL,
	                       trust_digest(signer->algorithm->digest), NULL) == 1 &&
	            trust_jwa_sign(signer->algorithm, signer->key, digest, signature, &len);
	json_buffer_free(&input);
	if (!good)
		return "libcrypto cannot sign with this key";
	json_puts(out, "{\"protected\":\"");
	json_puttext(out, json_buffer_text(&signer->header));
	json_puts(out, "\",\"signature\":\"");
	trust_base64url_put(out, signature, len);
	json_puts(out, "\"}");
	return NULL;
}

/* The card's bytes up to where the new signature goes, and from there on. */
struct split {
	struct json_text before, after;
	const char *opening, *closing; /* what the signature needs around it there */
};

static struct json_text from_to(const char *from, const char *to)
{
	return (struct json_text){from, (size_t)(to - from)};
}

static const char *find_place(struct json_text card, bool replace, struct split *split)
{
	struct json_text signatures = json_get(card, "signatures");
	enum json_type type = json_type(signatures);
	const char *end = card.at + card.len, *from = end - 1, *to = from;
	if (type == JSON_ABSENT) {
		split->opening = json_is_empty(card) ? "\"signatures\":[" : ",\"signatures\":[";
		split->closing = "]";
	} else if (replace || type == JSON_NULL) {
		from = signatures.at;
		to = from + signatures.len;
		split->opening = "[";
		split->closing = "]";
	} else if (type == JSON_ARRAY) {
		if (json_count(signatures) >= TRUST_SIGNATURES_MAX)
			return "it has as many signatures as a card may have";
		from = to = signatures.at + signatures.len - 1;
		split->opening = json_is_empty(signatures) ? "" : ",";
		split->closing = "";
	} else {
		return "its signatures are not an array";
	}
	split->before = from_to(card.at, from);
	split->after = from_to(to, end);
	return NULL;
}

/* `kubectl get agentcard -o json` is not what agents serve. */
static const char *refuse_object(struct json_text card)
{
	bool object = json_type(json_get(card, "apiVersion")) == JSON_STRING &&
	              json_type(json_get(card, "kind")) == JSON_STRING;
	return object ? "it is a Kubernetes object, not the card that the agent serves: sign that, "
	                "or its data or status.card"
	              : NULL;
}

/* A signature over nothing would vouch for any card of which the form knows nothing. */
static bool covers_nothing(struct json_text card, enum trust_form form, struct json_text payload)
{
	struct json_nodes nodes = {0};
	struct json_buffer left_out = {0};
	if (!text_is(payload, "{}"))
		return false;
	json_nodes_read(&nodes, card);
	bool nothing = trust_form_put_left_out(&nodes, form, &left_out) && left_out.len > 0;
	json_nodes_free(&nodes);
	json_buffer_free(&left_out);
	return nothing;
}

bool trust_sign(const struct trust_signer *signer, struct json_text card, enum trust_form form,
                bool replace, struct json_buffer *out, char reason[TRUST_SIGN_REASON_SIZE])
{
	struct json_buffer payload = {0};
	struct split split = {0};
	size_t start = out->len;
	char no_form[TRUST_FORM_REASON_SIZE];
	const char *wrong = trust_payload(card, form, &payload, no_form) ? NULL : no_form;
	card = json_trim(card);
	if (wrong == NULL)
		wrong = refuse_object(card);
	if (wrong == NULL && covers_nothing(card, form, json_buffer_text(&payload)))
		wrong = "the form covers no member of it; see --canonical";
	if (wrong == NULL)
		wrong = find_place(card, replace, &split);
	if (wrong == NULL) {
		json_puttext(out, split.before);
		json_puts(out, split.opening);
		wrong = put_signature(signer, json_buffer_text(&payload), out);
		json_puts(out, split.closing);
		json_puttext(out, split.after);
	}
	json_buffer_free(&payload);
	if (wrong == NULL && out->len - start > TRUST_CARD_MAX)
		wrong = "with its signature it is larger than a card may be";
	if (wrong == NULL)
		return true;
	out->len = start;
	snprintf(reason, TRUST_SIGN_REASON_SIZE, "%s", wrong);
	return false;
}

void trust_signer_validity(const struct trust_signer *signer, int64_t *not_before,
                           int64_t *not_after)
{
	*not_before = signer->not_before;
	*not_after = signer->not_after;
}

/* Who checks signed cards in a form that signers do not choose. */
static const struct reader {
	const char *who;
	enum trust_form form;
} readers[] = {{"the operator", TRUST_FORM_KAGENTI}, {"an SDK of A2A 1.0", TRUST_FORM_A2A_SDK}};

/* ` leaves out a, b`, or nothing. */
static void put_left_out(struct json_nodes *nodes, enum trust_form form, const char *before,
                         struct json_buffer *sentence)
{
	struct json_buffer names = {0};
	if (trust_form_put_left_out(nodes, form, &names) && names.len > 0) {
		json_puts(sentence, before);
		json_puttext(sentence, json_buffer_text(&names));
	}
	json_buffer_free(&names);
}

static void advise_on_reader(struct json_nodes *nodes, const struct reader *reader,
                             struct json_text payload, struct json_buffer *sentence)
{
	char reason[TRUST_FORM_REASON_SIZE];
	struct json_buffer theirs = {0};
	const char *form = trust_form_names[reader->form];
	if (!trust_form_put(nodes, reader->form, &theirs, reason)) {
		json_putf(sentence, "%s will not accept it: the card has no form %s: %s",
		          reader->who, form, reason);
	} else if (!json_same(json_buffer_text(&theirs), payload)) {
		json_putf(sentence, "%s will not accept it: that checks form %s, which is not the same",
		          reader->who, form);
		put_left_out(nodes, reader->form, " and leaves out ", sentence);
	}
	json_buffer_free(&theirs);
}

static void say_and_empty(trust_advice *say, struct json_buffer *sentence)
{
	if (sentence->len > 0) {
		json_putc(sentence, '\0');
		say(sentence->at);
	}
	sentence->len = 0;
}

void trust_sign_advise(struct json_text card, enum trust_form form, trust_advice *say)
{
	char reason[TRUST_FORM_REASON_SIZE];
	struct json_nodes nodes = {0};
	struct json_buffer payload = {0}, sentence = {0};
	json_nodes_read(&nodes, card);
	if (trust_form_put(&nodes, form, &payload, reason)) {
		put_left_out(&nodes, form, "the signature does not cover ", &sentence);
		say_and_empty(say, &sentence);
		for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
			advise_on_reader(&nodes, &readers[i], json_buffer_text(&payload), &sentence);
			say_and_empty(say, &sentence);
		}
	}
	json_buffer_free(&payload);
	json_buffer_free(&sentence);
	json_nodes_free(&nodes);
}

/* A DNS subdomain (RFC 1123, as Kubernetes names most objects), or with `dots` false a label. */
static bool is_name(const char *name, size_t max, bool dots)
{
	size_t len = strlen(name);
	if (len == 0 || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool alphanumeric =
		        (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
		bool at_edge = i == 0 || i + 1 == len || name[i - 1] == '.' || name[i + 1] == '.';
		if (!alphanumeric && (at_edge || (name[i] != '-' && !(dots && name[i] == '.'))))
			return false;
	}
	return true;
}

const char *trust_signed_configmap(struct json_text card, const char *namespace,
                                   const char *workload, struct json_buffer *out)
{
	if (!is_name(namespace, 63, false))
		return "the namespace is not a name of Kubernetes";
	if (!is_name(workload, 253 - strlen("-card-signed"), true))
		return "the workload is not a name of Kubernetes, or is too long";
	json_putf(
	        out,
	        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"namespace\":\"%s\","
	        "\"name\":\"%s-card-signed\"},\"data\":{\"agent-card.json\":",
	        namespace, workload);
	json_put_string_n(out, card.at, card.len);
	json_puts(out, "}}");
	return NULL;
}
