/*
 * Writes an event log of AGENTS agents, as egress-watch would, and then CHANGES changes to them.
 *
 * The same arguments give the same bytes, except with --signed: then each card is signed below
 * a certificate authority made for the occasion, valid around 2027-01-15T08:00:00Z, whose bundle
 * is in the log. Without it signatures have the right size and no meaning, and the AgentCards'
 * status is what tells.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/authority.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/options.h"
#include "json/write.h"

enum { NAMESPACE_AGENTS = 25, RULES = 8, SIGNATURE_BYTES = 64, CHAIN_BYTES = 700 };

struct agent {
	bool verified, gone;
	unsigned rules; /* which of put_rules(), and which addresses in them */
	unsigned generation, deployed;
	struct party svid; /* with --signed */
};

static struct agent *agents;
static unsigned long count, version;
static unsigned api_server;
static bool with_signatures;
static struct party root;

/* xorshift64*: a log must not depend on the machine. */
static unsigned draw(unsigned below)
{
	static uint64_t state = 0x9e3779b97f4a7c15u;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545f4914f6cdd1du) >> 33) % below;
}

static void put_namespace(struct json_buffer *out, unsigned long i)
{
	json_putf(out, "team-%04lu", i / NAMESPACE_AGENTS);
}

static void put_name(struct json_buffer *out, unsigned long i)
{
	json_putf(out, "agent-%06lu", i);
}

static void begin(struct json_buffer *out, const char *type, const char *api_version,
                  const char *kind)
{
	out->len = 0;
	json_putf(out, "{\"type\":\"%s\",\"object\":{\"apiVersion\":\"%s\",\"kind\":\"%s\"", type,
	          api_version, kind);
}

/* Leaves the metadata open for more. */
static void put_metadata(struct json_buffer *out, unsigned long i, const char *suffix)
{
	json_puts(out, ",\"metadata\":{\"name\":\"");
	put_name(out, i);
	json_putf(out, "%s\",\"namespace\":\"", suffix);
	put_namespace(out, i);
	json_putf(out,
	          "\",\"uid\":\"6f1c2d3e-%04zx-4b5a-9c8d-%012lx\",\"resourceVersion\":\"%lu\","
	          "\"creationTimestamp\":\"2026-01-%02luT%02lu:%02lu:00Z\"",
	          strlen(suffix), i, ++version, 1 + i % 28, i % 24, i % 60);
}

static void finish(struct json_buffer *out)
{
	json_puts(out, "}}\n");
	fwrite(out->at, 1, out->len, stdout);
}

static void write_mark(struct json_buffer *out, const char *api_version, const char *kind,
                       const char *annotation)
{
	begin(out, "BOOKMARK", api_version, kind);
	json_putf(out, ",\"metadata\":{\"annotations\":{\"%s\":\"true\"}}", annotation);
	finish(out);
}

/* The card as RFC 8785 spells it, without its closing bracket: what a signature covers. */
static void put_card(struct json_buffer *out, unsigned long i)
{
	static const char *const skills[] = {"forecast", "summarize", "translate", "reconcile"};
	json_puts(out, "{\"capabilities\":{\"pushNotifications\":false,\"streaming\":true},"
	               "\"defaultInputModes\":[\"text/plain\",\"application/json\"],"
	               "\"defaultOutputModes\":[\"text/plain\"],\"description\":\"Answers what its team "
	               "is asked, and hands over to its neighbours what it does not know.\","
	               "\"name\":\"");
	put_name(out, i);
	json_puts(out, "\",\"protocolVersion\":\"0.3.0\",\"skills\":[");
	for (unsigned s = 0; s < 3; s++)
		json_putf(out,
		          "%s{\"description\":\"Takes a document of the team's store, reads it and does "
		          "what the skill says\",\"examples\":[\"%s the newest one\",\"%s all of March\"],"
		          "\"id\":\"%s-%u\",\"name\":\"%s\",\"tags\":[\"documents\",\"%s\"]}",
		          s > 0 ? "," : "", skills[(i + s) % 4], skills[(i + s) % 4], skills[(i + s) % 4],
		          s, skills[(i + s) % 4], skills[(i + s) % 4]);
	json_puts(out, "],\"url\":\"http://");
	put_name(out, i);
	json_putc(out, '.');
	put_namespace(out, i);
	json_putf(out, ".svc.cluster.local:8000/\",\"version\":\"1.%u.0\"", agents[i].deployed);
}

/* Base64url digits that mean nothing. */
static void put_noise(struct json_buffer *out, unsigned bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	for (unsigned i = 0; i < (bytes * 4 + 2) / 3; i++)
		json_putc(out, digits[draw(64)]);
}

/* The element of `signatures`; an agent that is not to be verified has one of another card. */
static void put_signature(struct json_buffer *out, unsigned long i)
{
	if (!with_signatures) {
		json_puts(out, "{\"protected\":\"");
		put_noise(out, 2 * CHAIN_BYTES);
		json_puts(out, "\",\"signature\":\"");
		put_noise(out, SIGNATURE_BYTES);
		json_puts(out, "\"}");
		return;
	}
	struct json_buffer payload = {0};
	put_card(&payload, agents[i].verified ? i : (i + 1) % count);
	json_puts(&payload, agents[i].verified ? "}" : ",\"x\":1}");
	json_putc(&payload, '\0');
	const struct party *chain[] = {&agents[i].svid};
	char *header = make_header("ES256", 1, chain);
	char *signature = make_signature("ES256", agents[i].svid.key, header, payload.at);
	json_puts(out, signature);
	free(signature);
	free(header);
	json_buffer_free(&payload);
}

static void write_signed_card(struct json_buffer *out, const char *type, unsigned long i)
{
	struct json_buffer card = {0};
	put_card(&card, i);
	json_puts(&card, ",\"signatures\":[");
	put_signature(&card, i);
	json_puts(&card, "]}");
	begin(out, type, "v1", "ConfigMap");
	put_metadata(out, i, "-card-signed");
	json_puts(out, "},\"data\":{\"agent-card.json\":");
	json_put_string_n(out, card.at, card.len);
	json_putc(out, '}');
	finish(out);
	json_buffer_free(&card);
}

static void write_deployment(struct json_buffer *out, const char *type, unsigned long i)
{
	begin(out, type, "apps/v1", "Deployment");
	put_metadata(out, i, "");
	json_puts(out, ",\"labels\":{\"kagenti.io/type\":\"agent\",\"app.kubernetes.io/name\":\"");
	put_name(out, i);
	json_puts(out, "\"}},\"spec\":{\"selector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"");
	put_name(out, i);
	json_puts(out, "\"}},\"template\":{\"metadata\":{\"labels\":{\"app.kubernetes.io/name\":\"");
	put_name(out, i);
	json_putf(out, "\",\"kagenti.io/type\":\"agent\",\"revision\":\"r%u\"}},"
	               "\"spec\":{\"serviceAccountName\":\"", agents[i].deployed);
	put_name(out, i);
	json_puts(out, "\"}}}");
	finish(out);
}

static void put_rules(struct json_buffer *out, unsigned rules)
{
	unsigned net = rules / RULES % 200;
	switch (rules % RULES) {
	case 0:
		return;
	case 1:
		json_puts(out, ",\"networkPolicy\":{\"egress\":[]}");
		return;
	case 2:
		json_putf(out, ",\"networkPolicy\":{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":"
		               "\"10.%u.0.0/16\"}}],\"ports\":[{\"port\":443}]}]}", net);
		return;
	case 3:
		json_putf(out, ",\"networkPolicy\":{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":"
		               "\"10.0.0.0/8\",\"except\":[\"10.%u.0.0/16\"]}}]}]}", net);
		return;
	case 4:
		json_putf(out, ",\"networkPolicy\":{\"egress\":[{\"to\":[{\"podSelector\":{"
		               "\"matchLabels\":{\"app.kubernetes.io/name\":\"agent-%06u\"}}}],"
		               "\"ports\":[{\"protocol\":\"TCP\",\"port\":8000,\"endPort\":8080}]}]}", net);
		return;
	case 5:
		json_putf(out, ",\"networkPolicy\":{\"egress\":[{\"to\":[{\"ipBlock\":{\"cidr\":"
		               "\"2001:db8:%x::/48\"}}],\"ports\":[{\"port\":\"https\"}]}]}", net);
		return;
	default:
		json_putf(out, ",\"networkPolicy\":{\"egress\":[{\"to\":[{\"namespaceSelector\":{"
		               "\"matchLabels\":{\"kubernetes.io/metadata.name\":\"kube-system\"}},"
		               "\"podSelector\":{\"matchLabels\":{\"k8s-app\":\"kube-dns\"}}}],"
		               "\"ports\":[{\"protocol\":\"UDP\",\"port\":53},"
		               "{\"protocol\":\"TCP\",\"port\":53}]},"
		               "{\"to\":[{\"ipBlock\":{\"cidr\":\"203.0.113.%u/32\"}},"
		               "{\"ipBlock\":{\"cidr\":\"198.51.100.%u/32\"}}],"
		               "\"ports\":[{\"protocol\":\"TCP\",\"port\":443},"
		               "{\"protocol\":\"TCP\",\"port\":5432}]}]}", net, net);
	}
}

static void put_condition(struct json_buffer *out, const char *type, const char *reason, bool is,
                          unsigned generation)
{
	json_putf(out, "{\"type\":\"%s\",\"status\":\"%s\",\"observedGeneration\":%u,"
	               "\"lastTransitionTime\":\"2026-02-03T04:05:06Z\",\"reason\":\"%s%s\","
	               "\"message\":\"the operator looked at the card, and %s\"}", type,
	          is ? "True" : "False", generation, reason, is ? "" : "Failed",
	          is ? "found it to be so" : "did not find it so");
}

static void put_status(struct json_buffer *out, unsigned long i)
{
	const struct agent *agent = &agents[i];
	json_puts(out, ",\"status\":{\"protocol\":\"a2a\",\"card\":");
	put_card(out, i);
	json_puts(out, "},\"conditions\":[");
	put_condition(out, "Synced", "Synced", true, agent->generation);
	json_putc(out, ',');
	put_condition(out, "Ready", "Ready", true, agent->generation);
	json_putc(out, ',');
	put_condition(out, "Verified", "SignatureVerified", agent->verified, agent->generation);
	json_putf(out, "],\"validSignature\":%s,\"signatureKeyId\":\"key-%lu\","
	               "\"signatureSpiffeId\":\"spiffe://example.org/ns/",
	          agent->verified ? "true" : "false", i);
	put_namespace(out, i);
	json_puts(out, "/sa/");
	put_name(out, i);
	json_puts(out, "\",\"targetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"");
	put_name(out, i);
	json_putf(out, "\"},\"lastSyncTime\":\"2026-03-%02luT%02lu:%02lu:00Z\"}", 1 + version % 28,
	          version % 24, version % 60);
}

static void write_card(struct json_buffer *out, const char *type, unsigned long i)
{
	begin(out, type, "agent.kagenti.dev/v1alpha1", "AgentCard");
	put_metadata(out, i, "");
	json_putf(out, ",\"generation\":%u,\"labels\":{\"app.kubernetes.io/name\":\"",
	          agents[i].generation);
	put_name(out, i);
	json_puts(out, "\",\"app.kubernetes.io/managed-by\":\"kagenti-operator\"}},"
	               "\"spec\":{\"syncPeriod\":\"30s\",\"targetRef\":{\"apiVersion\":\"apps/v1\","
	               "\"kind\":\"Deployment\",\"name\":\"");
	put_name(out, i);
	json_puts(out, "\"}");
	put_rules(out, agents[i].rules);
	json_putc(out, '}');
	put_status(out, i);
	finish(out);
}

static void write_api_server(struct json_buffer *out, const char *type)
{
	begin(out, type, "discovery.k8s.io/v1", "EndpointSlice");
	json_putf(out, ",\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\","
	               "\"resourceVersion\":\"%lu\",\"labels\":{\"kubernetes.io/service-name\":"
	               "\"kubernetes\"}},\"addressType\":\"IPv4\",\"endpoints\":["
	               "{\"addresses\":[\"192.0.2.%u\"],\"conditions\":{\"ready\":true}},"
	               "{\"addresses\":[\"192.0.2.%u\"],\"conditions\":{\"ready\":true}}],"
	               "\"ports\":[{\"name\":\"https\",\"port\":6443,\"protocol\":\"TCP\"}]",
	          ++version, 10 + api_server % 100, 110 + api_server % 100);
	finish(out);
}

static void write_bundle(struct json_buffer *out)
{
	const struct party *const cas[] = {&root};
	char *bundle = make_bundle(1, cas);
	begin(out, "ADDED", "v1", "ConfigMap");
	json_putf(out, ",\"metadata\":{\"name\":\"spire-bundle\",\"namespace\":\"spire-system\","
	               "\"resourceVersion\":\"%lu\"},\"data\":{\"bundle.spiffe\":", ++version);
	json_put_string(out, bundle);
	json_putc(out, '}');
	finish(out);
	free(bundle);
}

static const char *const kinds[][2] = {
	{"agent.kagenti.dev/v1alpha1", "AgentCard"}, {"apps/v1", "Deployment"},
	{"v1", "ConfigMap"},                         {"discovery.k8s.io/v1", "EndpointSlice"},
	{"networking.k8s.io/v1", "NetworkPolicy"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void write_world(struct json_buffer *out)
{
	for (size_t k = 0; k < KINDS; k++)
		write_mark(out, kinds[k][0], kinds[k][1], "agent-egress.dev/initial-events-begin");
	for (unsigned long i = 0; i < count; i++)
		write_deployment(out, "ADDED", i);
	if (with_signatures)
		write_bundle(out);
	for (unsigned long i = 0; i < count; i++)
		write_signed_card(out, "ADDED", i);
	write_api_server(out, "ADDED");
	for (unsigned long i = 0; i < count; i++)
		write_card(out, "ADDED", i);
	for (size_t k = KINDS; k-- > 0;)
		write_mark(out, kinds[k][0], kinds[k][1], "k8s.io/initial-events-end");
}

static void change_verdict(struct json_buffer *out, unsigned long i)
{
	agents[i].verified = !agents[i].verified;
	if (with_signatures)
		write_signed_card(out, "MODIFIED", i);
	else
		write_card(out, "MODIFIED", i);
}

/* A card that has rules gets others: those that vanish would stay in force. */
static unsigned draw_rules(unsigned before)
{
	unsigned rules = draw(RULES * 200);
	bool vanish = before % RULES != 0 && rules % RULES == 0;
	return vanish ? rules + 2 : rules;
}

/* Most of what happens to a card changes nothing that matters: the operator's sync times. */
static void change(struct json_buffer *out)
{
	unsigned long i = draw((unsigned)count);
	unsigned what = draw(100);
	if (agents[i].gone) {
		agents[i].gone = false;
		write_card(out, "ADDED", i);
	} else if (what < 70) {
		write_card(out, "MODIFIED", i);
	} else if (what < 80) {
		agents[i].rules = draw_rules(agents[i].rules);
		agents[i].generation++;
		write_card(out, "MODIFIED", i);
	} else if (what < 85) {
		change_verdict(out, i);
	} else if (what < 94) {
		agents[i].deployed++;
		write_deployment(out, "MODIFIED", i);
	} else if (what < 98) {
		write_signed_card(out, "MODIFIED", i);
	} else {
		agents[i].gone = true;
		write_card(out, "DELETED", i);
	}
}

static void prepare(unsigned long i)
{
	char id[128];
	agents[i] = (struct agent){.verified = i % 8 != 7, .rules = draw(RULES * 200),
	                           .generation = 1};
	if (!with_signatures)
		return;
	snprintf(id, sizeof id, "spiffe://example.org/ns/team-%04lu/sa/agent-%06lu",
	         i / NAMESPACE_AGENTS, i);
	agents[i].svid = make_svid(&root, id);
}

static void write_log(unsigned long changes)
{
	struct json_buffer out = {0};
	agents = calloc(count, sizeof *agents);
	if (agents == NULL)
		abort();
	if (with_signatures)
		root = make_ca(NULL, "root");
	for (unsigned long i = 0; i < count; i++)
		prepare(i);
	write_world(&out);
	for (unsigned long c = 0; c < changes; c++) {
		change(&out);
		/* the API server's addresses change twice in a log, however long */
		if (c % (changes / 3 + 1) == changes / 3) {
			api_server++;
			write_api_server(&out, "MODIFIED");
		}
	}
	for (unsigned long i = 0; i < count && with_signatures; i++)
		party_free(&agents[i].svid);
	if (with_signatures)
		party_free(&root);
	free(agents);
	json_buffer_free(&out);
}

int main(int argc, char **argv)
{
	struct option_number agents_wanted = {100, 1, 1000000}, changes = {0, 0, 100000000};
	const char *rejects = NULL;
	const struct option_spec table[] = {
		{OPTION_NUMBER, "agents", 0, "N", "how many agents (default 100)", &agents_wanted},
		{OPTION_NUMBER, "changes", 0, "N", "how many changes follow (default 0)", &changes},
		{OPTION_FLAG, "signed", 0, NULL, "sign the cards", &with_signatures},
		OPTIONS_COMMON(&rejects),
		{.kind = OPTION_END},
	};
	log_open("bench_log");
	switch (options_parse(argc, argv, "[OPTION]...", "Writes an event log of many agents.", table,
	                      NULL)) {
	case OPTIONS_DONE: return EXIT_OK;
	case OPTIONS_BAD: return EXIT_USAGE;
	case OPTIONS_GO: break;
	}
	count = (unsigned long)agents_wanted.value;
	write_log((unsigned long)changes.value);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	log_error("the log could not be written");
	return EXIT_CANNOT;
}
