#include "apply/server_private.h"

#include "os/clock.h"
#include "os/log.h"

enum { READS_ROLES_MS = 60 * 1000 };

struct kube_server kube_server_of(struct kube_client *client, long retry_ms)
{
	return (struct kube_server){
	        .client = client,
	        .retry_ms = retry_ms,
	        .quiet_backoff = {.first_ms = 200, .most_ms = 30000},
	};
}

bool kube_result_is_of_server(const struct kube_result *result)
{
	if (result->failure == KUBE_OK)
		return result->code == 401 || result->code == 429 || result->code == 503;
	return result->failure != KUBE_TOO_LARGE;
}

static bool is_of_credentials(const struct kube_result *result)
{
	return result->failure == KUBE_TLS || result->failure == KUBE_CREDENTIALS ||
	       (result->failure == KUBE_OK && result->code == 401);
}

/* An API server that has just started may not have read its roles yet, and forbids what they
 * grant. */
static bool may_not_have_read_roles(const struct kube_server *server,
                                    const struct kube_result *result)
{
	return result->failure == KUBE_OK && result->code == 403 && server->away_ms != 0 &&
	       clock_monotonic_ms() - server->away_ms < READS_ROLES_MS;
}

bool kube_server_may_retry(const struct kube_server *server, const struct kube_result *result)
{
	return kube_result_retryable(result) || (is_of_credentials(result) && server->accepted) ||
	       may_not_have_read_roles(server, result);
}

static void ask_for_quiet(struct kube_server *server, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	int64_t now = clock_monotonic_ms();
	bool unreached = result->failure == KUBE_UNREACHABLE;
	if (unreached || result->code == 503)
		server->away_ms = now;
	/* many requests fail together: that is one failure */
	if (server->quiet && now < server->quiet_until)
		return;
	long wait = unreached ? kube_backoff_unreached(&server->quiet_backoff)
	                      : kube_backoff_next(&server->quiet_backoff, result->retry_after_ms);
	server->quiet = true;
	server->quiet_until = kube_server_before_deadline(server, now + wait);
	kube_result_describe(result, why);
	log_warning("the API server: %s; asking again in %ld ms", why, wait);
}

void kube_server_answered(struct kube_server *server, const struct kube_result *result)
{
	char why[KUBE_ERROR_SIZE];
	if (is_of_credentials(result) && !server->accepted && !server->lost) {
		kube_result_describe(result, why);
		log_error("cannot use the API server: %s", why);
		server->lost = true;
	}
	if (kube_result_is_of_server(result)) {
		ask_for_quiet(server, result);
		return;
	}
	server->accepted = true;
	if (server->quiet)
		log_notice("the API server answers again");
	server->quiet = false;
	kube_backoff_reset(&server->quiet_backoff);
}

void kube_server_end(struct kube_server *server)
{
	server->ended = true;
	server->give_up = clock_monotonic_ms() + server->retry_ms;
	server->quiet_until = kube_server_before_deadline(server, server->quiet_until);
}

bool kube_server_is_late(const struct kube_server *server)
{
	return server->ended && clock_monotonic_ms() >= server->give_up;
}

int64_t kube_server_before_deadline(const struct kube_server *server, int64_t due)
{
	return server->ended && due > server->give_up ? server->give_up : due;
}
