/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A YAML file as its readers want it: values that know their line and column, for messages like
 * "nodes.yaml:3:5: no such key". All functions print what is wrong and return -EINVAL, or the -errno of the file.
 */
#ifndef HOPSPAN_DOCUMENT_H
#define HOPSPAN_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

struct document {
	const char *path;
	yaml_document_t *yaml;
};

/* Opens the file and hands `take` its document and root, NULL where the file is empty; returns what `take` returned. */
int document_read(const char *path, int (*take)(const struct document *document, const yaml_node_t *root, void *into),
		  void *into);

int document_complain(const struct document *document, const yaml_node_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of a pair, or of a sequence's item. */
const yaml_node_t *document_node(const struct document *document, int index);

/* NULL: not a scalar. */
const char *document_text(const yaml_node_t *value);

/* Nothing stands behind the key. */
bool document_is_empty(const yaml_node_t *value);

/* `what` begins the message. */
int document_number(const struct document *document, const yaml_node_t *value, const char *what, uint64_t max,
		    uint64_t *number);

/* One of the words, as its index; NULL: an index without a word. */
int document_word(const struct document *document, const yaml_node_t *value, const char *what, const char *const *words,
		  unsigned int count, int *word);

/* A key of those `known`, as its index; `seen` has a bit for each that was there, `place` is what they stand in. */
int document_key(const struct document *document, const yaml_node_t *key, const char *const *known, unsigned int count,
		 const char *place, unsigned int *seen, unsigned int *found);

/* A map with known keys. */
struct document_map {
	const char *const *keys;
	unsigned int key_count;
	const char *place; /* its name where a key stands in it twice */
	const char *form;  /* what is wanted where something else is found */
	int (*read)(const struct document *document, unsigned int key, const yaml_node_t *value, void *into);
};

/* An empty value is an empty map. */
int document_map_read(const struct document *document, const yaml_node_t *node, const struct document_map *map,
		      void *into);

#endif
