/*
 * Label selectors (metav1.LabelSelector) of workloads, and whether pods match them.
 *
 * Texts passed json_check(). Nothing here keeps what it is given.
 */
#ifndef K8S_SELECTOR_H
#define K8S_SELECTOR_H

#include "json/json.h"

enum {
	POLICY_SELECTOR_BYTES = 8192, /* of a selector or a set of labels */
	POLICY_SELECTOR_PARTS = 64,   /* requirements of a selector, labels of a set */
};

/* NULL when `selector` may become a podSelector, else a static reason. One that selects
 * every pod is refused: the policy would add its egress to that of all other agents. */
const char *policy_selector_check(struct json_text selector);

/* NULL when `labels` is an object of strings within the limits, else a static reason. */
const char *policy_labels_check(struct json_text labels);

/* Whether pods with these labels are selected; both were checked. */
bool policy_selector_matches(struct json_text selector, struct json_text labels);

/* The same for pods of which these labels are known, and others may be there: whether it asks for
 * a label that is not known, and whether it may match, whatever those are. */
bool policy_selector_asks_beyond(struct json_text selector, struct json_text labels);
bool policy_selector_may_match(struct json_text selector, struct json_text labels);

/* The same for the pods of a template with these labels, to which controllers add their own
 * (k8s_label_is_controllers()) and nobody any other. */
bool policy_selector_matches_template(struct json_text selector, struct json_text labels);

/* Whether these labels, of any pod, have all of a template's, as those of its pods do. False of a template
 * that is absent or has none: every pod's would. */
bool k8s_labels_fit_template(struct json_text labels, struct json_text template);

#endif
