/*
 * One YAML document as a tree, for files of people that hold secrets (kubeconfig): it is wiped when
 * it is freed. What is wanted as JSON is read by yaml/write.h.
 *
 * Takes text of any length; the caller bounds it. Follows YAML 1.1 as libyaml reads it, and the
 * merge key "<<".
 *
 * Ownership: the document is the caller's, to be freed with kube_yaml_wipe(). Nodes, and the texts
 * of scalars, belong to it and are valid until then. When memory for the document itself runs out
 * the program is aborted; when libyaml's does, the reading fails.
 */
#ifndef YAML_DOCUMENT_H
#define YAML_DOCUMENT_H

#include <stdbool.h>

#include "base/text.h"

struct kube_yaml_document;
struct yaml_node_s; /* a node, as libyaml tags it; lib/yaml alone looks into it */

/* The first document of the text, which may be empty. NULL, with `error` ("not YAML: line 3: why",
 * cut to its size), when it is none. */
enum { KUBE_YAML_WHY_SIZE = 256 };
struct kube_yaml_document *kube_yaml_load(struct json_text text, char error[KUBE_YAML_WHY_SIZE]);

/* Zeroes all scalars, then frees; NULL has no effect. */
void kube_yaml_wipe(struct kube_yaml_document *document);

/* NULL when the document is empty. */
const struct yaml_node_s *kube_yaml_root(struct kube_yaml_document *document);

/* The functions below take NULL for a node that is not there. */
bool kube_yaml_is_mapping(const struct yaml_node_s *node);

/* The member of a mapping, its own or one that it merges; NULL when it has none, is no mapping, or
 * more than 32 mappings would have to be looked into. */
const struct yaml_node_s *kube_yaml_get(struct kube_yaml_document *document,
                                        const struct yaml_node_s *mapping, const char *key);

/* The i-th item of a sequence, from 0; NULL after the last, or when it is no sequence. */
const struct yaml_node_s *kube_yaml_item(struct kube_yaml_document *document,
                                         const struct yaml_node_s *sequence, size_t i);

/* A scalar as NUL-terminated text; NULL when it is absent, empty, null, no scalar or holds NUL. */
const char *kube_yaml_scalar(const struct yaml_node_s *node);

#endif
