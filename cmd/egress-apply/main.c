/* Carries out operations on a directory or a cluster: egress-apply(1). */
#include <unistd.h>

#include "cluster.h"
#include "apply/dir.h"
#include "os/exit.h"
#include "os/log.h"
#include "os/metrics.h"
#include "os/notify.h"
#include "os/options.h"
#include "os/signals.h"

static const char *const dry_runs[] = {"none", "client", "server", NULL};

static const char *const adopts[] = {"keep", "prune", NULL};

static struct {
	const char *dir, *kubeconfig, *context, *rejects, *metrics, *field_manager;
	struct option_choice dry_run; /* as enum kube_dry_run */
	struct option_choice adopt;   /* -1: not asked for */
	struct option_number concurrency, retry, retry_after;
	bool force_conflicts, diff, prune, status, events;
} asked = {
        .field_manager = "agent-egress",
        .dry_run = {dry_runs, KUBE_DRY_RUN_NONE},
        .adopt = {adopts, -1},
        .concurrency = {32, 1, 200},
        .retry = {60, 0, 86400},
        .retry_after = {60, 1, 3600},
};

static const struct option_spec options[] = {
        {OPTION_STRING, "dir", 0, "DIR",
         "write one YAML file an object into DIR instead of talking to a cluster", &asked.dir},
        {OPTION_STRING, "kubeconfig", 0, "FILE", "how to reach the cluster", &asked.kubeconfig},
        {OPTION_STRING, "context", 0, "NAME", "the kubeconfig's context to use", &asked.context},
        {OPTION_STRING, "field-manager", 0, "NAME",
         "who we are to server-side apply (default agent-egress)", &asked.field_manager},
        {OPTION_FLAG, "force-conflicts", 0, NULL,
         "take fields of our objects back from other field managers", &asked.force_conflicts},
        {OPTION_NUMBER, "concurrency", 0, "N", "requests in flight (default 32)",
         &asked.concurrency},
        {OPTION_NUMBER, "retry", 0, "SECONDS",
         "after the end of input, try again for this long (default 60)", &asked.retry},
        {OPTION_NUMBER, "retry-after", 0, "SECONDS",
         "pause before what the server refused is tried again, doubled each time up to ten\n"
         "times as long (default 60)",
         &asked.retry_after},
        {OPTION_CHOICE, "dry-run", 0, "none|client|server",
         "change nothing: say what would be done, as known here or as the server answers",
         &asked.dry_run},
        {OPTION_FLAG, "diff", 0, NULL, "show each change as a unified diff on stderr", &asked.diff},
        {OPTION_FLAG, "prune", 0, NULL,
         "once complete, delete managed objects that no operation named", &asked.prune},
        {OPTION_OPTIONAL, "adopt", 0, "keep|prune",
         "take over the policies that the operator wrote for the same AgentCards; once complete,\n"
         "tell of those that no operation named, and with =prune delete what confines nothing",
         &asked.adopt},
        {OPTION_FLAG, "status", 0, NULL,
         "keep the state of each agent in its AgentCard's status, after its policies",
         &asked.status},
        {OPTION_FLAG, "events", 0, NULL,
         "tell of invalid rules, lost verification and gaps as Events on the AgentCard",
         &asked.events},
        OPTION_METRICS(&asked.metrics),
        OPTIONS_COMMON(&asked.rejects),
        {OPTION_END, NULL, 0, NULL, NULL, NULL},
};

static void apply_to_dir(struct stream *stream, struct kube_dir *dir)
{
	struct record record;
	struct kube_operation operation;
	for (;;) {
		enum stream_state state = stream_next(stream, &record);
		if (state == STREAM_WAKE) {
			kube_dir_commit(dir, stream);
			continue;
		}
		if (state != STREAM_RECORD)
			break;
		const char *wrong = kube_operation_read(record.json, &operation);
		if (wrong != NULL) {
			stream_reject(stream, &record, wrong);
			continue;
		}
		kube_dir_operate(dir, &record, &operation, stream);
	}
	kube_dir_commit(dir, stream);
}

static int run_dir(void)
{
	struct kube_dir *dir = kube_dir_open(&(struct kube_dir_options){
	        .path = asked.dir,
	        .dry_run = asked.dry_run.value != KUBE_DRY_RUN_NONE,
	        .diff = asked.diff,
	        .prune = asked.prune,
	});
	if (dir == NULL)
		return EXIT_CANNOT;
	struct stream *stream = stream_open(&(struct stream_options){
	        .in = STDIN_FILENO,
	        .out = STDOUT_FILENO,
	        .rejects = asked.rejects,
	        .wake = kube_dir_wake(dir),
	        .work_first = true,
	        .reads = STREAM_READS_OPERATIONS,
	});
	if (stream == NULL) {
		kube_dir_close(dir);
		return EXIT_CANNOT;
	}
	notify_send("READY=1");
	apply_to_dir(stream, dir);
	kube_dir_close(dir);
	return stream_close(stream);
}

static int run_cluster(void)
{
	return apply_to_cluster(&(struct apply_target){
	        .kubeconfig = asked.kubeconfig,
	        .context = asked.context,
	        .rejects = asked.rejects,
	        .options =
	                {
	                        .field_manager = asked.field_manager,
	                        .status_manager = "agent-egress-status",
	                        .force_conflicts = asked.force_conflicts,
	                        .dry_run = (enum kube_dry_run)asked.dry_run.value,
	                        .diff = asked.diff,
	                        .prune = asked.prune,
	                        .adopt = (enum kube_adopt)(asked.adopt.value + 1),
	                        .status = asked.status,
	                        .events = asked.events,
	                        .concurrency = (size_t)asked.concurrency.value,
	                        .retry_ms = asked.retry.value * 1000,
	                        .refused_ms = asked.retry_after.value * 1000,
	                },
	});
}

static int run(void)
{
	signals_catch();
	if (!metrics_open(asked.metrics))
		return EXIT_CANNOT;
	kube_outcome_declare();
	notify_open();
	int status = asked.dir != NULL ? run_dir() : run_cluster();
	metrics_close();
	return status;
}

int main(int argc, char **argv)
{
	log_open("egress-apply");
	switch (options_parse(argc, argv, "[OPTION]... <OPERATIONS",
	                      "Carries operations out, on a cluster or in a directory.", options,
	                      NULL)) {
	case OPTIONS_DONE:
		return EXIT_OK;
	case OPTIONS_BAD:
		return EXIT_USAGE;
	case OPTIONS_GO:
		break;
	}
	if (asked.dir != NULL &&
	    (asked.dry_run.value == KUBE_DRY_RUN_SERVER || asked.kubeconfig != NULL ||
	     asked.context != NULL || asked.adopt.value >= 0 || asked.status || asked.events)) {
		log_error("--dry-run server, --kubeconfig, --context, --adopt, --status and --events "
		          "need a cluster: not with --dir");
		return EXIT_USAGE;
	}
	return run();
}
