/*
 * Inside lib/watch. watch.c runs the loop; lists.c says which lists there are; a reflector is one
 * list and its watch: reflector.c decides what it does next, and the answers of its requests
 * (reflector_schema.c, reflector_list.c, reflector_watch.c, which share request.c) come back to it.
 * discovery.c knows which API groups the server has. objects.c takes what a list or watch shows,
 * held.c keeps what was written, named.c which workloads cards name, fetch.c reads by name. marks.c
 * writes: events and the marks of lists. report.c tells of failures.
 *
 * All belongs to the struct watch, and is freed with it.
 */
#ifndef WATCH_WATCH_PRIVATE_H
#define WATCH_WATCH_PRIVATE_H

#include <stdint.h>

#include "base/table.h"
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
	WATCH_EVIDENCE_MS = 10 * 1000,       /* evidence is waited for when all else is known */
	WATCH_ABSENT_MS = 60 * 1000,         /* until we ask again for what was not there; a watch's time at most */
	WATCH_TIME_MS = 10 * 1000,           /* between two BOOKMARKs with the time */
};

/* The due_ms of a reflector that waits until it is known which APIs there are. */
#define WATCH_DISCOVERY INT64_MAX

/* The last failure that was told, so that it is not told again and again. */
struct report {
	uint64_t what;
	int64_t at_ms;
};

/* Whether the AgentCards' definition lets rules through. */
enum schema { SCHEMA_UNASKED, SCHEMA_EGRESS, SCHEMA_NONE, SCHEMA_UNKNOWN };

enum schema_source { SOURCE_DEFINITION, SOURCE_OPENAPI_V3, SOURCE_OPENAPI_V2 };

/* What a kind is in the log, which says what its lists hold up. */
enum role {
	ROLE_CARDS,    /* its end mark is the last of all */
	ROLE_WORKLOAD, /* which of them count depends on the cards: its end mark waits for theirs */
	ROLE_SIGNED,   /* ConfigMaps; likewise */
	ROLE_NEEDED,   /* nothing is decided without it */
	ROLE_EVIDENCE, /* judged, and never waited for for long */
};

/* A kind's place in the stream: its begin mark, its lists, its end mark. */
struct marks {
	struct k8s_kind kind;
	enum role role;
	unsigned lists;    /* of this kind */
	unsigned complete; /* of them, first list written */
	bool begun, ended;
	enum schema schema; /* of ROLE_CARDS: what its begin mark says */
	char *preferred;    /* the version that `kind` has, where it is the server's choice */
};

/* What is known of an object. */
struct held {
	UT_hash_handle hh;
	uint64_t version;    /* hash of the version that was written (held_version()) */
	uint64_t seen;       /* and of the one that was listed last */
	unsigned generation; /* of the list that named it last */
	bool written;        /* false: found, but not read yet */
	bool labelled;       /* of a workload: it says itself that it is an agent */
	char *names;         /* of an AgentCard: the key of what it names; NULL: nothing */
	char key[];          /* namespace/name */
};

/* Which of the objects that a list shows count. */
enum filter {
	FILTER_NONE,     /* all */
	FILTER_SIGNED,   /* ConfigMaps of signed cards, read while a card names their workload */
	FILTER_NAMED,    /* workloads that cards name; those with the label have a list of their own */
	FILTER_LABELLED, /* workloads with the label, and those that cards name */
	FILTER_OURS,     /* no policies of ours in namespaces that are not watched */
};

enum reflector_state {
	REFLECTOR_IDLE,      /* nothing asks for it yet */
	REFLECTOR_WAITING,   /* until due_ms, then reflector_go() */
	REFLECTOR_LEARNING,  /* asking for the AgentCards' definition */
	REFLECTOR_STREAMING, /* a watch that begins with the list */
	REFLECTOR_LISTING,
	REFLECTOR_WATCHING,
	REFLECTOR_DONE,      /* with --once, after its list */
};

enum reflector_list {
	LIST_NEVER,   /* it has not been listed */
	LIST_AGAIN,   /* its watch cannot resume: it must be listed again */
	LIST_CURRENT, /* its watch resumes at `rv` */
};

enum reflector_manner {
	MANNER_STREAM,
	MANNER_PAGES_ONCE, /* the server could not stream just now */
	MANNER_PAGES,
	MANNER_WHOLE,      /* in one page, once */
};

enum reflector_served {
	SERVED_UNASKED,
	SERVED_YES,
	SERVED_NO,      /* the server does not have the API: nothing of the kind exists */
	SERVED_REFUSED, /* evidence that may not be read */
	SERVED_FAILING, /* evidence that cannot be read for now */
};

/* Of the request in flight. */
struct answer {
	int64_t since_ms;     /* its start */
	bool paused;          /* the sink is full */
	bool active;          /* it brought something */
	bool gone;            /* it said that its resourceVersion is too old */
	long error_code;      /* of an ERROR event; 0: none came */
	long after_ms;        /* what that asked to wait; -1: nothing */
	const char *unusable; /* why it is */
	char *message;        /* what the server said of an ERROR */
};

struct reflector {
	struct watch *watch;
	struct marks *marks;
	struct k8s_kind asked; /* as the server has it; events say marks->kind */
	char *namespace;       /* NULL: all */
	char *query;           /* "labelSelector=…" or "fieldSelector=…", encoded; or "" */
	enum filter filter;
	bool metadata;         /* nothing else is listed and watched */
	bool fetched;          /* and what counts is read by name */
	bool optional;         /* the API may not exist */
	bool chosen;           /* the version is the server's choice, not ours where both exist */
	const struct k8s_kind *instead; /* where it does not exist; NULL: none */
	const char *unless;    /* a group: where the server has that, it counts and not this one */

	enum reflector_state state;
	enum reflector_list list;
	enum reflector_manner manner;
	enum reflector_served served;
	struct kube_call *call;
	struct answer answer;
	int64_t due_ms;     /* WAITING: until when; STREAMING: when silence means "not offered" */
	bool complete;      /* its first list is written */
	bool learned;       /* ROLE_CARDS: the definition was read for this request */
	enum schema_source source; /* where it is looked for */
	bool expired;       /* it had to be listed again, and no watch lived since */
	bool failing;
	bool skipped;       /* this list held an object that cannot be read */
	unsigned version_at; /* which of the group's versions is tried next */
	char *version;       /* that is tried, when it is the server's choice */
	struct report report;
	char rv[WATCH_RV_SIZE];
	char *next_page;    /* continue token */
	unsigned generation;
	struct kube_backoff backoff;
	struct kube_list_split split;
	struct json_buffer line;
	struct held *held;
	struct fetch *fetches; /* by key */
	void (*on_done)(void *reflector, const struct kube_result *result);
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

/* A workload that cards name. */
struct named {
	UT_hash_handle hh;
	unsigned cards;
	char key[]; /* Kind.group/namespace/name */
};

struct discovery {
	struct kube_call *call;
	bool known;           /* an answer came, if only that we may not ask */
	int64_t asked_ms, due_ms;
	struct json_buffer groups; /* an APIGroupList; empty: whatever we ask for may be there */
	struct kube_backoff backoff;
	struct report report;
};

struct watch {
	struct kube_client *client;
	const struct kube_watch_options *options;
	struct kube_sink *sink;
	struct marks *marks;
	size_t marks_count;
	struct reflector *reflectors;
	size_t count;
	struct discovery discovery;
	struct named *named;
	struct fetch *ready, *flying, *delayed;
	size_t flying_count;
	struct json_buffer scratch;
	struct report report; /* of the server's own failures */
	int64_t needed_ms;    /* when all but evidence was known; 0: not yet */
	int64_t told_ms;      /* when the time was last written */
	bool said_pages;      /* that streaming lists are refused */
	int rejects_fd;       /* -1: none */
	unsigned long rejected;
	int status; /* -1: go on */
};

/* lists.c */
void watch_add_lists(struct watch *w);

/* path.c */
/* Of a reflector's kind: "/apis/apps/v1/namespaces/team-a/deployments"; NULL: all namespaces. */
char *watch_path(const struct k8s_kind *kind, const char *namespace);
char *watch_encode(const char *text); /* for a URL */

/* report.c */
/* Tells of a failure, once while it stays the same; `verb` is what was not possible. */
void watch_report(struct reflector *r, const char *verb, const struct kube_result *result,
                  const char *why, long wait_ms);
bool watch_is_news(struct report *last, uint64_t what);
bool watch_is_hopeless(struct watch *w, const struct kube_result *result, unsigned tries);
/* Tells of an object that cannot be read, keeps it in the rejects file and counts it. */
void watch_reject(struct reflector *r, struct json_text object, const char *reason);

/* marks.c */
void marks_emit(struct reflector *r, const char *type, const char *key, struct json_text object);
/* Tells of an object that cannot be used, which must not stay what it was before: by its name, where
 * that can be found in it. `object` is it, or its event. */
void marks_emit_unusable(struct reflector *r, struct json_text object);
/* Writes the end marks that can be written now. */
void marks_advance(struct watch *w);
/* The same, when only time went by; and the time's BOOKMARK. */
void marks_tick(struct watch *w, int64_t now);
int64_t marks_due(const struct watch *w);
size_t marks_objects(const struct watch *w); /* that are held */

/* held.c */
struct held *held_find(const struct reflector *r, const char *key);
struct held *held_add(struct reflector *r, const char *key); /* or the one that there is */
/* What changes with all of it that is written: its resourceVersion; of a workload of which only
 * metadata is watched, what does not change with its status. */
uint64_t held_version(const struct reflector *r, struct json_text object);
/* Writes it, unless that version was written. `version` is a hash. */
void held_write(struct reflector *r, struct held *held, struct json_text object, uint64_t version);
/* Forgets it, and says so when it was written. `object` may be absent. */
void held_gone(struct reflector *r, struct held *held, struct json_text object);
void held_forget(struct reflector *r, struct held *held);
void held_forget_all(struct reflector *r);

/* fetch.c */
void fetch_want(struct reflector *r, const char *key);
void fetch_forget(struct reflector *r, const char *key);
void fetch_forget_all(struct reflector *r);
void fetch_pump(struct watch *w, int64_t now);
int64_t fetch_due(const struct watch *w);

/* named.c */
/* A card is there (`object`), or gone (absent): what it names counts. */
void named_take(struct reflector *cards, struct held *card, struct json_text object);
/* Whether cards name this workload of the reflector's kind, or the one that a ConfigMap signs. */
bool named_has(const struct reflector *r, const char *key);
/* Whether a list of its own shows the kind's objects with the label. */
bool named_has_labelled_list(const struct reflector *r);
/* One with the label is gone, or lost it: if cards name it, it is read by name. */
void named_miss(const struct reflector *labelled, const char *key);
/* The labelled ones are known: those that cards name and are not among them are read by name. */
void named_miss_all(const struct reflector *labelled);
void named_free_all(struct watch *w);

/* objects.c */
void objects_upsert(struct reflector *r, struct json_text object, const struct kube_identity *id);
void objects_remove(struct reflector *r, const char *key, struct json_text object);
void objects_sweep(struct reflector *r); /* what the list did not name is gone */

/* discovery.c */
void discovery_tick(struct watch *w, int64_t now);
int64_t discovery_due(const struct watch *w);
void discovery_renew(struct watch *w); /* what is known is old */
/* Whether the server has the group; true also when that cannot be known. */
bool discovery_has(const struct watch *w, const char *group);
/* Whether it says that it has this version of it. */
bool discovery_has_version(const struct watch *w, const char *group, const char *version);
/* The group's versions, the preferred one first; NULL: no more. The caller's, to be freed. */
char *discovery_version(const struct watch *w, const char *group, unsigned at);
void discovery_free(struct watch *w);

/* request.c: what a reflector's requests share */
void reflector_start(struct reflector *r, enum reflector_state state, const char *path,
                     enum kube_taken (*on_body)(void *, const char *, size_t), long timeout_ms,
                     long idle_ms);
void reflector_wait(struct reflector *r, long ms);
long reflector_absent_ms(const struct reflector *r);
void reflector_fail(struct reflector *r, const struct kube_result *result);
void reflector_recovered(struct reflector *r);
bool reflector_must_wait(struct reflector *r);
void reflector_new_generation(struct reflector *r); /* of a list: begins one */
void reflector_finish_list(struct reflector *r);
void reflector_skip(struct reflector *r, struct json_text object, const char *reason);
void reflector_set_rv(struct reflector *r, struct json_text rv);
/* The kind's lists begin anew, with a begin mark, and all of it is written again. */
void reflector_begin_kind(struct reflector *r);
/* Its first objects, or their absence, come: it is there again if it was not. */
void reflector_shown(struct reflector *r);
/* It cannot be read, as `served` says: nothing of it is known, and that is complete. */
void reflector_unavailable(struct reflector *r, enum reflector_served served);

/* A request; and what its answer does, which says whether to go on: reflector.c then decides how. */
void reflector_learn(struct reflector *r);
bool reflector_after_learning(struct reflector *r, const struct kube_result *result);
void reflector_list(struct reflector *r);
bool reflector_after_page(struct reflector *r, const struct kube_result *result);
void reflector_watch(struct reflector *r, bool stream);
bool reflector_after_watch(struct reflector *r, const struct kube_result *result);

/* reflector.c */
void reflector_open(struct reflector *r);
void reflector_tick(struct reflector *r, int64_t now);
int64_t reflector_due(const struct reflector *r); /* -1: nothing to wait for */
void reflector_free(struct reflector *r);

/* The definition's schema (schema.c): whether a version of it keeps spec.networkPolicy.egress. */
enum schema schema_of_definition(struct json_text definition, const char *version);
enum schema schema_of_openapi(struct json_text document, const char *group, const char *version);
const char *schema_word(enum schema schema);

#endif
