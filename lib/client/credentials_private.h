/*
 * The token and certificates of the moment, from wherever the configuration says they are.
 *
 * Ownership: kube_credentials owns its strings, and borrows the configuration. They may
 * change at every kube_credentials_current() or kube_credentials_refresh(); `generation`
 * counts the changes.
 */
#ifndef CLIENT_CREDENTIALS_PRIVATE_H
#define CLIENT_CREDENTIALS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/kubeconfig.h"

struct kube_credentials {
	const struct kube_config *config;
	char *token;         /* or NULL */
	char *cert, *key;    /* PEM, or NULL */
	char *ca;            /* PEM, or NULL: the system's */
	int64_t read_ms;     /* when files were last read */
	int64_t expires;     /* of an exec credential, seconds since 1970; 0: not said */
	bool exec_done;
	int64_t exec_ms;     /* when the plugin last ran; 0: never */
	char exec_error[KUBE_ERROR_SIZE]; /* why it failed then; "": it did not */
	unsigned generation;
	unsigned refreshed;  /* the generation that a 401 refused last */
};

/* Makes them fit for a request; files are read again after SIGHUP, and when they were not for a
 * while. False, with `error`, when they cannot be had. */
bool kube_credentials_current(struct kube_credentials *credentials,
                              char error[KUBE_ERROR_SIZE]);

/* After a 401 on a request made with `generation`: true when they are newer than that now. */
bool kube_credentials_refresh(struct kube_credentials *credentials, unsigned generation,
                              char error[KUBE_ERROR_SIZE]);

/* Wipes and frees what it holds. */
void kube_credentials_clear(struct kube_credentials *credentials);

#endif
