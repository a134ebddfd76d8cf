/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reads tests/vectors/NAME.txt, for unit tests, which run in the project's folder. */
#ifndef HOPSPAN_TESTS_VECTOR_H
#define HOPSPAN_TESTS_VECTOR_H

#include <err.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR_LEN_MAX = 2304 };

struct vector {
	char name[64], outcome[32];
	uint8_t octets[VECTOR_LEN_MAX];
	size_t len;
};

/* One line: a word of the header, or octets up to the comment. */
static inline void vector_line(struct vector *vector, char *line)
{
	char *end;

	sscanf(line, "# outcome: %31s", vector->outcome);
	line[strcspn(line, "#")] = '\0';
	for (unsigned long octet; octet = strtoul(line, &end, 16), end != line; line = end) {
		if (octet > 0xff || vector->len == VECTOR_LEN_MAX)
			errx(1, "%s: no vector", vector->name);
		vector->octets[vector->len++] = octet;
	}
}

static inline void vector_read(const char *path, struct vector *vector)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	if (!file)
		err(1, "%s", path);
	*vector = (struct vector){ 0 };
	snprintf(vector->name, sizeof(vector->name), "%s", strrchr(path, '/') + 1);
	vector->name[strcspn(vector->name, ".")] = '\0';
	while (fgets(line, sizeof(line), file))
		vector_line(vector, line);
	fclose(file);
	if (!vector->len || !*vector->outcome)
		errx(1, "%s: neither octets nor outcome", path);
}

/* All of them, in order of their names. The caller frees the list. */
static inline struct vector *vectors_read(size_t *count)
{
	struct vector *vectors;
	glob_t paths;

	if (glob("tests/vectors/*.txt", 0, NULL, &paths))
		errx(1, "tests/vectors: no vectors in this folder");
	vectors = calloc(paths.gl_pathc, sizeof(*vectors));
	if (!vectors)
		err(1, "vectors");
	*count = paths.gl_pathc;
	for (size_t i = 0; i < *count; i++)
		vector_read(paths.gl_pathv[i], &vectors[i]);
	globfree(&paths);
	return vectors;
}

static inline void vector_find(const char *name, struct vector *vector)
{
	char path[128];

	snprintf(path, sizeof(path), "tests/vectors/%s.txt", name);
	vector_read(path, vector);
}

#endif
