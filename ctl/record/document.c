/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What all readers of YAML files share. libyaml's documents, because each value in them knows its line and column.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"

int document_complain(const struct document *document, const yaml_node_t *at, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%zu:%zu: ", document->path, at->start_mark.line + 1, at->start_mark.column + 1);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

const yaml_node_t *document_node(const struct document *document, int index)
{
	return yaml_document_get_node(document->yaml, index);
}

const char *document_text(const yaml_node_t *value)
{
	return value->type == YAML_SCALAR_NODE ? (const char *)value->data.scalar.value : NULL;
}

bool document_is_empty(const yaml_node_t *value)
{
	return value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0;
}

int document_number(const struct document *document, const yaml_node_t *value, const char *what, uint64_t max,
		    uint64_t *number)
{
	const char *text = document_text(value);
	char *end;

	if (text && text[0] >= '0' && text[0] <= '9') {
		errno = 0;
		*number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
		if (*end == '\0' && !errno && *number <= max)
			return 0;
	}
	return document_complain(document, value, "%s: a number from 0 to %llu, not \"%s\"", what,
				 (unsigned long long)max, text ? text : "...");
}

int document_word(const struct document *document, const yaml_node_t *value, const char *what, const char *const *words,
		  unsigned int count, int *word)
{
	const char *text = document_text(value);
	char known[64] = "";

	for (unsigned int i = 0; i < count; i++) {
		if (!words[i])
			continue;
		if (text && strcmp(words[i], text) == 0) {
			*word = (int)i;
			return 0;
		}
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *known ? " | " : "", words[i]);
	}
	return document_complain(document, value, "%s: %s, not \"%s\"", what, known, text ? text : "...");
}

int document_key(const struct document *document, const yaml_node_t *key, const char *const *known, unsigned int count,
		 const char *place, unsigned int *seen, unsigned int *found)
{
	const char *text = document_text(key);
	unsigned int i = 0;

	while (i < count && !(text && strcmp(text, known[i]) == 0))
		i++;
	if (i == count)
		return document_complain(document, key, "no such key: \"%s\"", text ? text : "...");
	if (*seen & 1U << i)
		return document_complain(document, key, "%s stands twice in this %s", text, place);
	*seen |= 1U << i;
	*found = i;
	return 0;
}

int document_map_read(const struct document *document, const yaml_node_t *node, const struct document_map *map,
		      void *into)
{
	unsigned int seen = 0, key = 0;
	int error = 0;

	if (document_is_empty(node))
		return 0;
	if (node->type != YAML_MAPPING_NODE)
		return document_complain(document, node, "%s is expected", map->form);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; !error && pair < node->data.mapping.pairs.top;
	     pair++) {
		error = document_key(document, document_node(document, pair->key), map->keys, map->key_count,
				     map->place, &seen, &key);
		if (!error)
			error = map->read(document, key, document_node(document, pair->value), into);
	}
	return error;
}

/* What libyaml has against the file. It counts octets where it cannot read characters. */
static int parser_complain(const char *path, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "out of memory";

	if (parser->error == YAML_READER_ERROR)
		fprintf(stderr, "%s: octet %zu: %s\n", path, parser->problem_offset, problem);
	else
		fprintf(stderr, "%s:%zu:%zu: %s\n", path, parser->problem_mark.line + 1,
			parser->problem_mark.column + 1, problem);
	return parser->error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static int parser_load(yaml_parser_t *parser, FILE *file, const struct document *document)
{
	int error;

	if (yaml_parser_load(parser, document->yaml))
		return 0;
	if (!ferror(file))
		return parser_complain(document->path, parser);
	error = -errno;
	fprintf(stderr, "%s: %s\n", document->path, strerror(errno));
	return error;
}

/* A second document would be ignored. */
static int parser_end(yaml_parser_t *parser, FILE *file, const char *path)
{
	yaml_document_t yaml;
	const struct document document = { .path = path, .yaml = &yaml };
	const yaml_node_t *root;
	int error = parser_load(parser, file, &document);

	if (error)
		return error;
	root = yaml_document_get_root_node(&yaml);
	if (root)
		error = document_complain(&document, root, "a second document: only one is read");
	yaml_document_delete(&yaml);
	return error;
}

static int file_read(const char *path, FILE *file,
		     int (*take)(const struct document *document, const yaml_node_t *root, void *into), void *into)
{
	yaml_document_t yaml;
	const struct document document = { .path = path, .yaml = &yaml };
	yaml_parser_t parser;
	int error;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_file(&parser, file);
	error = parser_load(&parser, file, &document);
	if (!error) {
		const yaml_node_t *root = yaml_document_get_root_node(&yaml);

		error = take(&document, root && document_is_empty(root) ? NULL : root, into);
		yaml_document_delete(&yaml);
		if (!error)
			error = parser_end(&parser, file, path);
	}
	yaml_parser_delete(&parser);
	return error;
}

int document_read(const char *path, int (*take)(const struct document *document, const yaml_node_t *root, void *into),
		  void *into)
{
	FILE *file = fopen(path, "re");
	int error;

	if (!file) {
		error = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return error;
	}
	error = file_read(path, file, take, into);
	fclose(file);
	return error;
}
