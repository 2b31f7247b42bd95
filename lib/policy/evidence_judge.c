/* One agent and the policies that may select its pods: each of their rules must lie in one of the
 * agent's. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "policy/evidence_private.h"

struct finding {
	const struct evidence_object *object;
	enum evidence_finding finding;
	const char *message;
};

struct judgement {
	struct evidence_reading reading;
	const struct evidence_agent *agent;
	struct evidence_pods pods;
	struct evidence_rule *rules, *ingress; /* the agent's own */
	size_t rule_count, ingress_count, size, ingress_size;
	const struct evidence_object *object; /* that is looked at */
	enum evidence_answer selected;
	struct finding *found;
	size_t found_count, found_size;
};

/* Doubles an array of the arena when it is full. */
static void *room(struct judgement *judgement, void *at, size_t count, size_t *size, size_t each)
{
	if (count < *size)
		return at;
	*size = *size == 0 ? 8 : *size * 2;
	void *wider = evidence_alloc(&judgement->reading.arena, *size * each);
	if (count > 0)
		memcpy(wider, at, count * each);
	return wider;
}

static void keep_rule(struct evidence_reading *reading, const struct evidence_rule *rule)
{
	struct judgement *judgement = reading->context;
	if (reading->ingress) {
		judgement->ingress = room(judgement, judgement->ingress, judgement->ingress_count,
		                          &judgement->ingress_size, sizeof *rule);
		judgement->ingress[judgement->ingress_count++] = *rule;
	} else {
		judgement->rules = room(judgement, judgement->rules, judgement->rule_count,
		                        &judgement->size, sizeof *rule);
		judgement->rules[judgement->rule_count++] = *rule;
	}
}

static void put_port(struct json_buffer *out, const struct evidence_port *port)
{
	static const char *const words[] = {"TCP", "UDP", "SCTP"};
	if (port->unread || port->protocol == EVIDENCE_EVERY_PROTOCOL) {
		json_puts(out, "any port");
		return;
	}
	json_putf(out, "%s ", words[port->protocol]);
	if (port->name.at != NULL)
		json_put_plain(out, port->name.at, port->name.len);
	else if (port->every)
		json_puts(out, "any port");
	else
		json_putf(out, "%lld", (long long)port->first);
	if (!port->every && port->last > port->first)
		json_putf(out, "-%lld", (long long)port->last);
}

static void put_peer(struct json_buffer *out, const struct evidence_peer *peer)
{
	char address[INET6_ADDRSTRLEN];
	switch (peer->kind) {
	case EVIDENCE_ANYWHERE:
		json_puts(out, "anywhere");
		return;
	case EVIDENCE_PODS:
		json_puts(out, "pods");
		if (peer->namespace.at != NULL)
			json_puts(out, " of its namespace");
		return;
	case EVIDENCE_CIDR:
		inet_ntop(peer->cidr.bits == 32 ? AF_INET : AF_INET6, peer->cidr.ip, address,
		          sizeof address);
		json_putf(out, "%s/%u", address, peer->cidr.prefix);
		return;
	case EVIDENCE_DNS_NAME:
		json_put_plain(out, peer->name.at, peer->name.len);
		return;
	case EVIDENCE_API_SERVER:
		json_puts(out, "the API server");
		return;
	default:
		json_puts(out, "something that cannot be compared");
	}
}

static const char *message_of(struct judgement *judgement, const struct evidence_rule *rule,
                              struct evidence_outside outside)
{
	const struct evidence_object *object = judgement->object;
	struct json_buffer out = {0};
	json_putf(&out, "%s %s%s%s: %s", object->kind->kind,
	          object->namespace == NULL ? "" : object->namespace->name,
	          object->namespace == NULL ? "" : "/", object->name, rule->path);
	if (rule->index >= 0)
		json_putf(&out, "[%d]", rule->index);
	json_puts(&out, judgement->reading.ingress ? " may let in more than this program's policy: "
	                                           : " may allow more than the agent's rules: ");
	put_port(&out, outside.port);
	json_puts(&out, judgement->reading.ingress ? " from " : " to ");
	put_peer(&out, outside.peer);
	if (judgement->selected == EVIDENCE_MAYBE)
		json_puts(&out, ", if it selects the agent's pods");
	char *kept = evidence_alloc(&judgement->reading.arena, out.len + 1);
	memcpy(kept, out.at, out.len);
	json_buffer_free(&out);
	return kept;
}

static void add_finding(struct judgement *judgement, enum evidence_finding finding,
                        const char *message)
{
	judgement->found = room(judgement, judgement->found, judgement->found_count,
	                        &judgement->found_size, sizeof *judgement->found);
	judgement->found[judgement->found_count++] =
	        (struct finding){judgement->object, finding, message};
}

static void compare_rule(struct evidence_reading *reading, const struct evidence_rule *rule)
{
	struct judgement *judgement = reading->context;
	struct evidence_outside outside = evidence_within(
	        reading, rule, reading->ingress ? judgement->ingress : judgement->rules,
	        reading->ingress ? judgement->ingress_count : judgement->rule_count,
	        judgement->agent->api_server && !reading->ingress);
	reading->stop = reading->budget < 0;
	if (outside.peer == NULL)
		return;
	add_finding(judgement, reading->ingress ? EVIDENCE_WIDENS_INGRESS : EVIDENCE_WIDENS,
	            message_of(judgement, rule, outside));
	reading->stop = true; /* the first is enough */
}

static void charge(struct judgement *judgement, struct json_text text)
{
	judgement->reading.budget -= 1 + (long)(text.len / 128);
}

static void judge_spec(struct judgement *judgement, struct json_text spec)
{
	struct evidence_reading *reading = &judgement->reading;
	const struct evidence_kind *kind = judgement->object->kind;
	judgement->selected = kind->selects(reading, &judgement->pods, spec);
	if (judgement->selected == EVIDENCE_NO)
		return;
	charge(judgement, spec);
	for (int pass = 0; pass < 2 && reading->budget >= 0; pass++) {
		reading->ingress = pass == 1;
		reading->stop = false;
		if (reading->ingress && judgement->agent->ingress.at == NULL)
			break;
		kind->read(reading, spec);
	}
	reading->ingress = false;
}

static bool is_own(const struct judgement *judgement, const struct evidence_object *object)
{
	const struct evidence_agent *agent = judgement->agent;
	return object->managed && agent->is_own != NULL &&
	       agent->is_own(agent->context, object->kind->kind, json_of(object->name));
}

static void add_unusable(struct judgement *judgement)
{
	const struct evidence_object *object = judgement->object;
	struct json_buffer out = {0};
	json_putf(&out, "%s %s%s%s is there, and its last record cannot be used: what it allows is not known",
	          object->kind->kind, object->namespace == NULL ? "" : object->namespace->name,
	          object->namespace == NULL ? "" : "/", object->name);
	json_putc(&out, '\0');
	char *kept = evidence_alloc(&judgement->reading.arena, out.len);
	memcpy(kept, out.at, out.len);
	json_buffer_free(&out);
	add_finding(judgement, EVIDENCE_UNDECIDED, kept);
}

static void judge_object(struct judgement *judgement, const struct evidence_object *object)
{
	struct evidence_reading *reading = &judgement->reading;
	if (reading->budget < 0 || object->kind->read == NULL || is_own(judgement, object))
		return;
	size_t before = judgement->found_count;
	judgement->object = object;
	reading->budget--;
	reading->namespace = (struct json_text){0};
	if (object->namespace != NULL)
		reading->namespace = json_of(object->namespace->name);
	reading->name = object->name;
	reading->by_address = (reading->evidence->cni == EVIDENCE_CNI_OTHER ||
	                       reading->evidence->cni == EVIDENCE_CNI_OVN) &&
	                      strcmp(object->kind->group, "cilium.io") != 0;
	if (object->unusable) {
		add_unusable(judgement);
		return;
	}
	if (object->spec == NULL) {
		judgement->selected = EVIDENCE_MAYBE;
		reading->ingress = false;
		evidence_emit_everything(reading, "spec", -1);
		return;
	}
	struct json_text specs = json_of(object->spec);
	for (struct json_member m = json_first(specs);
	     m.value.at && judgement->found_count == before && reading->budget >= 0;
	     m = json_next(m))
		judge_spec(judgement, m.value);
}

static void judge_bucket(struct judgement *judgement, const struct evidence_namespace *namespace,
                         struct json_text key, struct json_text value)
{
	struct json_buffer pair = {0};
	struct evidence_bucket *bucket = NULL;
	json_puttext(&pair, key);
	json_putc(&pair, '\0');
	json_puttext(&pair, value);
	HASH_FIND(hh, namespace->buckets, pair.at, pair.len, bucket);
	json_buffer_free(&pair);
	for (size_t i = 0; bucket != NULL && i < bucket->count; i++)
		judge_object(judgement, bucket->at[i]);
}

static bool has_label(struct json_text labels, struct json_text key)
{
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		if (json_same(json_plain(m.key), key))
			return true;
	return false;
}

/* By each label that the pods have for sure, or may have by our selector. */
static void judge_by_label(struct judgement *judgement, const struct evidence_namespace *namespace)
{
	const struct evidence_selector *ours = &judgement->pods.selector;
	struct json_text labels = judgement->pods.labels;
	for (struct json_member m = json_first(labels); m.value.at; m = json_next(m))
		judge_bucket(judgement, namespace, json_plain(m.key), json_plain(m.value));
	for (size_t i = 0; i < ours->count; i++) {
		bool again = false;
		for (size_t j = 0; j < i && !again; j++)
			again = ours->at[j].operator == EVIDENCE_IN &&
			        json_same(ours->at[j].key, ours->at[i].key);
		if (again || ours->at[i].operator != EVIDENCE_IN ||
		    has_label(labels, ours->at[i].key))
			continue;
		for (size_t v = 0; v < ours->at[i].count; v++)
			judge_bucket(judgement, namespace, ours->at[i].key, ours->at[i].values[v]);
	}
}

/* A selector that names no value for a label that the template does not have may still have pods
 * with one; then none of the namespace's policies can be left out. */
static bool may_have_others(const struct judgement *judgement)
{
	const struct evidence_selector *ours = &judgement->pods.selector;
	for (size_t i = 0; i < ours->count; i++) {
		bool named = false;
		if (ours->at[i].operator == EVIDENCE_ABSENT ||
		    has_label(judgement->pods.labels, ours->at[i].key))
			continue;
		for (size_t j = 0; j < ours->count && !named; j++)
			named = ours->at[j].operator == EVIDENCE_IN &&
			        json_same(ours->at[j].key, ours->at[i].key);
		if (!named)
			return true;
	}
	return ours->unread;
}

static void judge_all(struct judgement *judgement)
{
	const struct evidence *evidence = judgement->reading.evidence;
	const struct evidence_object *object;
	struct evidence_bucket *bucket, *next;
	struct evidence_namespace *namespace = NULL;
	DL_FOREACH(evidence->cluster, object)
	judge_object(judgement, object);
	HASH_FIND_STR(evidence->namespaces, judgement->agent->namespace, namespace);
	if (namespace == NULL)
		return;
	DL_FOREACH(namespace->loose, object)
	judge_object(judgement, object);
	if (!may_have_others(judgement)) {
		judge_by_label(judgement, namespace);
		return;
	}
	HASH_ITER(hh, namespace->buckets, bucket, next)
	for (size_t i = 0; i < bucket->count; i++)
		judge_object(judgement, bucket->at[i]);
}

/* What the agent's own rules allow. */
static void read_own(struct judgement *judgement)
{
	struct evidence_reading *reading = &judgement->reading;
	const struct evidence_agent *agent = judgement->agent;
	reading->rule = keep_rule;
	reading->ours = true;
	reading->namespace = json_of(agent->namespace);
	charge(judgement, agent->egress);
	evidence_read_rules(reading, agent->egress, "spec.egress");
	evidence_read_domains(reading, agent->domains);
	reading->ingress = true;
	if (agent->ingress.at != NULL)
		evidence_read_rules(reading, agent->ingress, "spec.ingress");
	reading->ingress = reading->ours = reading->stop = false;
	reading->rule = compare_rule;
}

static int by_object(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int order = strcmp(x->object->key, y->object->key);
	return order != 0 ? order : (int)x->finding - (int)y->finding;
}

static void tell(const struct finding *finding,
                 void (*found)(void *context, const struct evidence_found *found), void *context)
{
	const struct evidence_object *object = finding->object;
	struct evidence_found told = {
	        .finding = finding->finding,
	        .message = finding->message,
	        .api_version = json_of(object->api_version),
	        .kind = json_of(object->kind->kind),
	        .namespace = json_of(object->namespace == NULL ? NULL : object->namespace->name),
	        .name = json_of(object->name),
	};
	found(context, &told);
}

void evidence_judge(struct evidence *evidence, const struct evidence_agent *agent,
                    void (*found)(void *context, const struct evidence_found *found),
                    void *context)
{
	struct judgement judgement = {
	        .reading = {.evidence = evidence, .budget = EVIDENCE_COMPARISONS},
	        .agent = agent,
	        .pods = {.namespace = agent->namespace, .labels = agent->labels},
	};
	judgement.reading.context = &judgement;
	judgement.pods.selector =
	        evidence_selector_read(&judgement.reading.arena, agent->selector);
	read_own(&judgement);
	judge_all(&judgement);
	if (judgement.found_count > 0)
		qsort(judgement.found, judgement.found_count, sizeof *judgement.found, by_object);
	for (size_t i = 0; i < judgement.found_count; i++)
		tell(&judgement.found[i], found, context);
	if (judgement.reading.budget < 0)
		found(context, &(struct evidence_found){
		                       .finding = EVIDENCE_UNDECIDED,
		                       .message = "the policies that may select its pods are too many, or "
		                                  "too long, to compare"});
	evidence_arena_free(&judgement.reading.arena);
}
