/*
 * What is known of the API server from its answers: whether it is there, whether it takes our
 * credentials, and until when it is to be asked by one request alone.
 *
 * All that talks to the server (attempts, pruning, Events) shares one kube_server, owned by the
 * kube_cluster, and tells it of each answer.
 */
#ifndef APPLY_SERVER_PRIVATE_H
#define APPLY_SERVER_PRIVATE_H

#include <stdint.h>

#include "client/backoff.h"
#include "client/client.h"

struct kube_server {
	struct kube_client *client; /* borrowed */
	bool stopped;               /* a signal came: nothing new is begun */
	bool ended;                 /* no more input comes */
	bool lost;                  /* our credentials were never accepted; reported */
	bool accepted;              /* the server has accepted our credentials before */
	long retry_ms;              /* how long after the end of input something is tried again */
	int64_t give_up;            /* when that is over; once ended */
	int64_t away_ms;            /* when the server was last found away; 0: never */
	int64_t quiet_until;        /* the server is not to be asked before this, but for one */
	bool quiet;
	struct kube_backoff quiet_backoff;
};

struct kube_server kube_server_of(struct kube_client *client, long retry_ms);

/* Every answer passes here. */
void kube_server_answered(struct kube_server *server, const struct kube_result *result);

/* Whether trying again may help: also where only our credentials fail for now. */
bool kube_server_may_retry(const struct kube_server *server, const struct kube_result *result);

/* It says nothing about one object: all requests would fare the same. */
bool kube_result_is_of_server(const struct kube_result *result);

/* The end of input. */
void kube_server_end(struct kube_server *server);

/* Nothing is tried again any more. */
bool kube_server_is_late(const struct kube_server *server);

/* However long the server asks us to wait, the last try is not after the deadline. */
int64_t kube_server_before_deadline(const struct kube_server *server, int64_t due);

#endif
