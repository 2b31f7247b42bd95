/* Inside lib/kube: what client.c (the event loop) and call.c (one request) share. */
#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include <curl/curl.h>

#include "base/buffer.h"
#include "client/client.h"
#include "client/credentials_private.h"
#include "client/multi.h"

enum kube_call_state {
	CALL_STARTING, /* waits for the next poll */
	CALL_FLYING,   /* curl has it */
	CALL_LOST,     /* its connection was given up: its caller is to be told */
	CALL_CANCELLED,/* to be freed outside of curl's callbacks */
};

struct kube_call {
	struct kube_client *client;
	struct kube_call *prev, *next; /* of the client's calls */
	enum kube_call_state state;
	struct kube_request request; /* its strings are in the buffers below */
	char *method, *path, *content_type, *accept;
	struct json_buffer sent, got;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char error[CURL_ERROR_SIZE];
	int64_t sent_ms;     /* monotonic */
	unsigned generation; /* of the credentials it was sent with */
	bool retried;        /* after a 401 */
	bool too_large, stopped;
	bool paused, resume; /* on_body takes nothing for now; and it does again */
};

struct kube_client {
	const struct kube_config *config;
	struct kube_credentials credentials;
	struct kube_multi multi;
	struct kube_call *calls;
	size_t in_flight;
	int64_t last_heard_from_ms; /* when the server last said anything, to any call */
	long connect_ms;
	bool connected;
	bool loopback;    /* the server is */
	bool plain;       /* http:// that leaves this machine: no token */
};

/* Hands the call to curl with the credentials of the moment; false, with `error`, when there
 * are none. */
bool kube_call_send(struct kube_call *call, char error[KUBE_ERROR_SIZE]);

/* Takes the easy handle away from curl. */
void kube_call_withdraw(struct kube_call *call);
void kube_call_free(struct kube_call *call);

/* What a transfer's end means. */
void kube_call_result(struct kube_call *call, CURLcode code, struct kube_result *result,
                      char text[KUBE_ERROR_SIZE]);

#endif
