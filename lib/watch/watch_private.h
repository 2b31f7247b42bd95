/*
 * Inside lib/kube: watch.c (the loop and the marks), watch_lists.c (which lists there are),
 * watch_report.c (messages, rejects), reflector.c (one list and its watch: what it does next),
 * reflector_probe.c, reflector_list.c, reflector_watch.c (the three requests it makes), held.c
 * (which objects are known), fetch.c (ConfigMaps read by name).
 */
#ifndef WATCH_WATCH_PRIVATE_H
#define WATCH_WATCH_PRIVATE_H

#include <stdint.h>
#include <uthash.h>

#include "client/backoff.h"
#include "client/client.h"
#include "watch/list_split_private.h"
#include "watch/object_private.h"
#include "stream/sink.h"
#include "watch/watch.h"

enum {
	WATCH_RV_SIZE = 256,
	WATCH_SINK_HIGH = 8 * 1024 * 1024,   /* waiting bytes at which lists pause */
	WATCH_SINK_LIMIT = 64 * 1024 * 1024, /* and at which watches do */
	WATCH_ONCE_TRIES = 5,
	WATCH_STREAM_QUIET_MS = 10 * 1000,   /* a streaming list begins sooner, or is not offered */
};

/* The last failure that was told, so that it is not told again and again. */
struct report {
	uint64_t what;
	int64_t at_ms;
};

/* A kind's place in the stream: its begin mark, its lists, its end mark. */
struct marks {
	struct k8s_kind kind;
	unsigned lists;    /* of this kind */
	unsigned complete; /* of them, first list written */
	bool begun, ended;
	char *preferred; /* version, where the server does not have the kind's; NULL */
};

/* What is known of an object. */
struct held {
	UT_hash_handle hh;
	uint64_t version;    /* hash of the resourceVersion that was written; see `written` */
	unsigned generation; /* of the list that named it last */
	bool written;        /* false: found, but not fetched yet */
	char key[];          /* namespace/name */
};

enum reflector_state {
	REFLECTOR_PROBING,   /* asking whether the API exists */
	REFLECTOR_STREAMING, /* a watch that begins with the list */
	REFLECTOR_LISTING,
	REFLECTOR_WATCHING,
	REFLECTOR_WAITING, /* until due_ms, then reflector_go() */
	REFLECTOR_DONE,    /* with --once, after its list */
};

struct reflector {
	struct watch *watch;
	struct marks *marks;
	char *namespace; /* NULL: all */
	char *query;     /* "labelSelector=…" or "fieldSelector=…", encoded; or "" */
	bool optional;   /* the API may not exist */
	const struct k8s_kind *instead; /* where it does not exist; NULL: none */
	bool fetched;    /* metadata only; those that match are read by name */
	const char *suffix; /* of names to fetch; NULL: all */

	enum reflector_state state;
	struct kube_call *call;
	int64_t due_ms;    /* WAITING: until when; STREAMING: when silence means "not offered" */
	int64_t since_ms;  /* start of the request */
	bool listed;       /* rv is where to resume */
	bool complete;     /* its first list is written */
	bool relist;       /* the next watch cannot resume */
	bool expired;      /* it had to be listed again, and no watch lived since */
	bool no_stream;    /* streaming lists are not offered here */
	bool no_pages;     /* a continue token expired: the next list is whole */
	bool probed;       /* the API exists */
	bool paused;       /* the sink is full */
	bool active;       /* this request brought something */
	bool gone;         /* it said that its resourceVersion is too old */
	bool failing;
	bool skipped;      /* this list held an object that cannot be read */
	struct report report;
	long after_ms;     /* what an ERROR event asked to wait; -1: nothing */
	char rv[WATCH_RV_SIZE];
	char *next_page;   /* continue token */
	unsigned generation;
	struct kube_backoff backoff;
	struct kube_list_split split;
	struct json_buffer line;
	const char *unusable; /* why this response is */
	struct held *held;
	struct fetch *fetches; /* by key */
};

struct fetch {
	UT_hash_handle hh; /* in its reflector's table */
	struct fetch *prev, *next;
	struct fetch **queue; /* the watch's list that it is in */
	struct reflector *reflector;
	struct kube_call *call;
	struct kube_backoff backoff;
	int64_t due_ms;
	bool again; /* changed while it was being read */
	char key[];
};

struct watch {
	struct kube_client *client;
	const struct kube_watch_options *options;
	struct kube_sink *sink;
	struct marks *marks;
	size_t marks_count;
	struct reflector *reflectors;
	size_t count;
	struct fetch *ready, *flying, *delayed;
	size_t flying_count;
	struct json_buffer scratch;
	struct report report; /* of the server's own failures */
	int rejects_fd;       /* -1: none */
	unsigned long rejected;
	int status; /* -1: go on */
};

/* watch.c */
void watch_emit(struct reflector *r, const char *type, const char *key, struct json_text object);
void watch_complete(struct reflector *r);

/* watch_lists.c */
void watch_add_lists(struct watch *w);

/* watch_report.c */
/* Tells of a failure, once while it stays the same; `verb` is what was not possible. */
void watch_report(struct reflector *r, const char *verb, const struct kube_result *result,
                  const char *why, long wait_ms);
bool watch_is_hopeless(struct watch *w, const struct kube_result *result, unsigned tries);
/* Tells of an object that cannot be read, keeps it in the rejects file and counts it. */
void watch_reject(struct reflector *r, struct json_text object, const char *reason);

/* reflector.c */
void reflector_open(struct reflector *r); /* starts it */
void reflector_go(struct reflector *r);
void reflector_tick(struct reflector *r, int64_t now);
int64_t reflector_due(const struct reflector *r); /* -1: nothing to wait for */
void reflector_free(struct reflector *r);
char *reflector_path(const struct reflector *r, const char *namespace);
/* and what its requests share */
void reflector_start(struct reflector *r, enum reflector_state state, const char *path,
                     enum kube_taken (*on_body)(void *, const char *, size_t), long timeout_ms,
                     long idle_ms);
void reflector_wait(struct reflector *r, long ms);
void reflector_fail(struct reflector *r, const struct kube_result *result);
void reflector_recovered(struct reflector *r);
bool reflector_must_wait(struct reflector *r);
void reflector_new_generation(struct reflector *r); /* of a list: begins one */
void reflector_finish_list(struct reflector *r);
void reflector_skip(struct reflector *r, struct json_text object, const char *reason);
void reflector_set_rv(struct reflector *r, struct json_text rv);
char *reflector_encode(const char *text); /* for a URL */

/* reflector_probe.c, reflector_list.c, reflector_watch.c: a request and its answer */
void reflector_probe(struct reflector *r);
void reflector_absent(struct reflector *r);
void reflector_after_probe(struct reflector *r, const struct kube_result *result);
void reflector_list(struct reflector *r);
void reflector_after_page(struct reflector *r, const struct kube_result *result);
void reflector_watch(struct reflector *r, bool stream);
void reflector_after_watch(struct reflector *r, const struct kube_result *result);

/* held.c */
void held_upsert(struct reflector *r, struct json_text object, const struct kube_identity *id);
void held_fetched(struct reflector *r, const char *key, struct json_text object,
                  struct json_text version);
void held_remove(struct reflector *r, const char *key, struct json_text object);
void held_sweep(struct reflector *r); /* what the list did not name is gone */
void held_forget_all(struct reflector *r);

/* fetch.c */
void fetch_want(struct reflector *r, const char *key);
void fetch_forget(struct reflector *r, const char *key);
void fetch_pump(struct watch *w, int64_t now);
int64_t fetch_due(const struct watch *w);
void fetch_free_all(struct watch *w);

#endif
