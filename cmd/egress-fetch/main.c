/* egress-fetch: asks agents for their cards where no ConfigMap holds them. */
#include <stdio.h>
#include <string.h>

#include "fetch/address.h"
#include "fetch.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/signals.h"
#include "k8s/operator.h"
#include "trust/checker.h"
#include "trust/spiffe.h"

enum { VIA_PROXY, VIA_DIRECT };
static const char *const via_words[] = {"proxy", "direct", NULL};

enum { SECOND_MS = 1000, GATEWAY_MAX = 300 };

struct options {
	struct option_choice via, names;
	const char *kubeconfig, *context;
	const char *port, *domain, *gateway;
	const char *svid, *svid_key, *bundle, *trust_domain, *path_template;
	const char *rejects, *metrics;
	bool https;
	struct option_number sync_period, min_period, stale_after, first_wait;
	struct option_number timeout, concurrency, max_bytes;
};

static enum options_verdict parse(int argc, char **argv, struct options *o)
{
	const struct option_spec table[] = {
		{OPTION_CHOICE, "via", 0, "proxy|direct",
		 "ask through the API server's proxy, or the agents' Services (default proxy)", &o->via},
		{OPTION_STRING, "kubeconfig", 0, "FILE", "how to reach the API server", &o->kubeconfig},
		{OPTION_STRING, "context", 0, "NAME", "use this context of the kubeconfig", &o->context},
		{OPTION_STRING, "service-port", 0, "PORT|NAME",
		 "the port of the agents' Services (default 8000)", &o->port},
		{OPTION_FLAG, "https", 0, NULL, "the agents speak TLS", &o->https},
		{OPTION_STRING, "cluster-domain", 0, "DOMAIN",
		 "what Services' names end in (default cluster.local)", &o->domain},
		{OPTION_STRING, "gateway", 0, "HOST:PORT",
		 "connect to this gateway, which finds the agents by name", &o->gateway},
		{OPTION_NUMBER, "sync-period", 0, "SECONDS",
		 "how often to ask, where no spec.syncPeriod says (default 30)", &o->sync_period},
		{OPTION_NUMBER, "min-period", 0, "SECONDS",
		 "ask no agent more often, whatever its card says (default 10)", &o->min_period},
		{OPTION_NUMBER, "stale-after", 0, "SECONDS",
		 "forget a card whose agent has not answered for so long (default 3600)",
		 &o->stale_after},
		{OPTION_NUMBER, "first-wait", 0, "SECONDS",
		 "at the start, hold the stream for the first answers (default 30)", &o->first_wait},
		{OPTION_NUMBER, "timeout", 0, "SECONDS", "for one answer, whole (default 10)",
		 &o->timeout},
		{OPTION_NUMBER, "concurrency", 0, "N", "questions in flight (default 32)",
		 &o->concurrency},
		{OPTION_NUMBER, "max-bytes", 0, "N", "of a card (default 1048576)", &o->max_bytes},
		{OPTION_STRING, "trust-bundle", 0, "FILE",
		 "whom to trust: the agents' trust bundle; implies --https", &o->bundle},
		{OPTION_STRING, "trust-domain", 0, "DOMAIN", "the agents' trust domain",
		 &o->trust_domain},
		{OPTION_STRING, "bind-template", 0, "PATH",
		 "the path of an agent's SPIFFE ID (default\n" TRUST_TEMPLATE_DEFAULT ")",
		 &o->path_template},
		{OPTION_STRING, "svid", 0, "FILE", "our certificate, for mutual TLS", &o->svid},
		{OPTION_STRING, "svid-key", 0, "FILE", "its key", &o->svid_key},
		{OPTION_CHOICE, "names", 0, "kagenti|rossoctl",
		 "the API group in use (default kagenti)", &o->names},
		OPTION_METRICS(&o->metrics),
		OPTIONS_COMMON(&o->rejects),
		{.kind = OPTION_END},
	};
	return options_parse(argc, argv, "[OPTION]... <EVENTS",
	                     "Asks agents for their cards; adds these to a stream of events.",
	                     table, NULL);
}

static bool refuse(const char *sentence)
{
	log_error("%s", sentence);
	return false;
}

/* HOST:PORT, of bytes that curl takes for nothing else. */
static bool is_gateway(const char *text)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	const char *colon = strrchr(text, ':');
	if (colon == NULL || colon == text || colon - text > GATEWAY_MAX ||
	    !agent_port_is_number(colon + 1))
		return false;
	size_t host = (size_t)(colon - text);
	if (text[0] == '[')
		return strspn(text + 1, "0123456789abcdefABCDEF:.") == host - 2 &&
		       text[host - 1] == ']';
	return strspn(text, may) == host;
}

static bool check_tls(const struct options *o)
{
	if ((o->svid == NULL) != (o->svid_key == NULL))
		return refuse("--svid and --svid-key go together");
	if (o->svid != NULL && o->bundle == NULL)
		return refuse("--svid: whom is it shown to? Give --trust-bundle too");
	if (o->bundle != NULL && o->trust_domain == NULL)
		return refuse("--trust-bundle: whose is it? Give --trust-domain too");
	if (o->bundle == NULL && (o->trust_domain != NULL || o->path_template != NULL))
		return refuse("--trust-domain and --bind-template need --trust-bundle");
	if (o->https && o->bundle == NULL)
		return refuse("--https with --via direct: whom to trust? Give --trust-bundle");
	if (o->trust_domain != NULL && !trust_domain_is_valid(json_of(o->trust_domain)))
		return refuse("--trust-domain: not the name of a trust domain");
	const char *why = o->path_template != NULL ? trust_peer_template(o->path_template) : NULL;
	if (why != NULL)
		log_error("--bind-template %s: it %s", o->path_template, why);
	return why == NULL;
}

static bool check_direct(const struct options *o)
{
	if (o->kubeconfig != NULL || o->context != NULL)
		return refuse("--kubeconfig and --context are of --via proxy");
	if (!agent_port_is_number(o->port))
		return refuse("--service-port: with --via direct it must be a number");
	if (!agent_domain_is_usable(o->domain))
		return refuse("--cluster-domain: not the name of a domain");
	if (o->gateway != NULL && !is_gateway(o->gateway))
		return refuse("--gateway: must be HOST:PORT");
	return check_tls(o);
}

static bool check_proxy(const struct options *o)
{
	if (o->gateway != NULL)
		return refuse("--gateway is of --via direct");
	if (o->bundle != NULL || o->svid != NULL || o->svid_key != NULL || o->trust_domain != NULL ||
	    o->path_template != NULL)
		return refuse("the API server's proxy connects by itself: --trust-bundle, --svid and what "
		              "goes with them are of --via direct");
	return agent_port_is_usable(o->port) ||
	       refuse("--service-port: neither a port's number nor its name");
}

static bool check(const struct options *o)
{
	return o->via.value == VIA_DIRECT ? check_direct(o) : check_proxy(o);
}

static struct fetch_options work_of(const struct options *o)
{
	return (struct fetch_options){
		.https = o->https || o->bundle != NULL,
		.port = o->port,
		.domain = o->domain,
		.path_template = o->path_template,
		.max_bytes = (size_t)o->max_bytes.value,
		.concurrency = (size_t)o->concurrency.value,
		.timeout_ms = o->timeout.value * SECOND_MS,
		.rejects = o->rejects,
		.agents = {
			.agentcard_group = policy_names(o->names.value)->agentcard_group,
			.period_ms = o->sync_period.value * SECOND_MS,
			.least_ms = o->min_period.value * SECOND_MS,
			.stale_ms = o->stale_after.value * SECOND_MS,
			.first_wait_ms = o->first_wait.value * SECOND_MS,
			.accounts = o->bundle != NULL,
		},
	};
}

static int run_proxied(const struct options *o, struct fetch_options *work)
{
	char error[KUBE_ERROR_SIZE];
	int status = EXIT_CANNOT;
	struct kube_config *config = kube_config_load(o->kubeconfig, o->context, error);
	if (config != NULL)
		work->proxy = kube_client_new(config, error);
	if (work->proxy == NULL)
		log_error("%s", error);
	else
		status = fetch_run(work);
	kube_client_free(work->proxy);
	kube_config_free(config);
	return status;
}

static int run_directly(const struct options *o, struct fetch_options *work)
{
	const struct agent_identity_settings who = {o->svid, o->svid_key, o->bundle,
	                                            o->trust_domain};
	struct agent_identity *identity = NULL;
	int status = EXIT_CANNOT;
	if (o->bundle != NULL && (identity = agent_identity_new(&who)) == NULL)
		return EXIT_CANNOT;
	work->direct = agent_direct_new(&(struct agent_direct_settings){
		identity, o->gateway, work->max_bytes, work->timeout_ms});
	if (work->direct == NULL)
		log_error("out of memory");
	else
		status = fetch_run(work);
	agent_direct_free(work->direct);
	agent_identity_free(identity);
	return status;
}

static int run(const struct options *o)
{
	struct fetch_options work = work_of(o);
	signals_catch();
	if (!metrics_open(o->metrics))
		return EXIT_CANNOT;
	notify_open();
	int status = o->via.value == VIA_PROXY ? run_proxied(o, &work) : run_directly(o, &work);
	metrics_close();
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {
		.via = {via_words, VIA_PROXY},
		.names = {policy_names_words, POLICY_NAMES_KAGENTI},
		.port = "8000",
		.domain = "cluster.local",
		.sync_period = {30, 1, 86400},
		.min_period = {10, 1, 86400},
		.stale_after = {3600, 1, 30 * 86400},
		.first_wait = {30, 0, 3600},
		.timeout = {10, 1, 300},
		.concurrency = {32, 1, 1000},
		.max_bytes = {1024 * 1024, 1, 4 * 1024 * 1024},
	};
	log_open("egress-fetch");
	switch (parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		return EXIT_OK;
	case OPTIONS_BAD:
		return EXIT_USAGE;
	case OPTIONS_GO:
		break;
	}
	return check(&options) ? run(&options) : EXIT_USAGE;
}
