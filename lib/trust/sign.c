#include "trust/sign.h"

#include "base/base64url.h"
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

const char *trust_sign(const struct trust_signer *signer, struct json_text card,
                       enum json_form form, bool replace, struct json_buffer *out)
{
	struct json_buffer payload = {0};
	struct split split = {0};
	size_t start = out->len;
	const char *wrong = trust_payload(card, form, &payload);
	card = json_trim(card);
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
	if (wrong != NULL)
		out->len = start;
	return wrong;
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
