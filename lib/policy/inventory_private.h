/* What the files of the inventory share. */
#ifndef POLICY_INVENTORY_PRIVATE_H
#define POLICY_INVENTORY_PRIVATE_H

#include "policy/inventory.h"

char *policy_copy(struct json_text text); /* NUL-terminated; NULL when absent */

/* Each finds, and makes when it is not there. */
struct policy_namespace *policy_namespace_at(struct policy_inventory *inventory, struct json_text name);
struct policy_workload *policy_workload_at(struct policy_inventory *inventory,
                                         struct policy_namespace *namespace, struct json_text kind,
                                         struct json_text name);

const char *policy_take_card(struct policy_inventory *inventory, const struct event *event);
/* The same for a record that cannot be used, of an object that is held or, of a workload, may be one
 * that a card names. That of a card: false when it is not held. */
bool policy_card_unusable(struct policy_inventory *inventory, const struct event *named);
void policy_workload_unusable(struct policy_inventory *inventory, const struct event *named);
void policy_object_unusable(struct policy_inventory *inventory, const struct event *named,
                            const struct k8s_kind *kind);
void policy_card_remove(struct policy_inventory *inventory, struct policy_card *card);

const char *policy_take_workload(struct policy_inventory *inventory, const struct event *event,
                                 enum k8s_workload_kind row);

const char *policy_take_namespace(struct policy_inventory *inventory, const struct event *event);
void policy_namespace_unusable(struct policy_inventory *inventory, const struct event *named);
void policy_namespaces_begin(struct policy_inventory *inventory);
void policy_namespaces_end(struct policy_inventory *inventory);

/* Of the workload's cards without rules finds those whose policy says that they had some. */
void policy_cards_find_erased(struct policy_workload *workload);

void policy_remembered_free(struct policy_remembered *kept);

/* It is gone. */
void policy_workload_absent(struct policy_inventory *inventory, struct policy_workload *workload);

/* Sets the selector of one of a kind that a setting tells how to select, which no event does. */
void policy_workload_default(struct policy_inventory *inventory, struct policy_workload *workload);

/* Takes both over (each NULL or an owned text in normal form). */
void policy_workload_set_pods(struct policy_inventory *inventory, struct policy_workload *workload,
                             char *selector, char *labels);

const char *policy_take_object(struct policy_inventory *inventory, const struct event *event,
                               const struct k8s_kind *kind);
void policy_watched(struct policy_inventory *inventory, const struct k8s_kind *kind);
void policy_object_unseen(struct policy_inventory *inventory, struct policy_object *object);

/* Whether the input has had a whole list of the kind. */
bool policy_kind_is_complete(const struct policy_inventory *inventory, const struct k8s_kind *kind);
/* Sets that. What is told of all agents depends on it. */
void policy_kind_complete(struct policy_inventory *inventory, const struct k8s_kind *kind, bool whole);

/* The card that an object says it is for, when there is such a card; NULL. */
struct policy_card *policy_card_of(const struct policy_inventory *inventory,
                                   const struct policy_object *object);
bool policy_object_is_in_force(const struct policy_inventory *inventory,
                          const struct policy_object *object);

/* The workload's cards, selector or labels have changed: who depends on it is touched. */
void policy_workload_changed(struct policy_inventory *inventory, struct policy_workload *workload);

/* Those whose policy names the API server, and what is said of whole namespaces. */
void policy_touch_restricted(struct policy_inventory *inventory);

#endif
