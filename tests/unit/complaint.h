/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a reader of files prints when it refuses one: caught from stderr. Include after cmocka.h. */
#ifndef HOPSPAN_UNIT_COMPLAINT_H
#define HOPSPAN_UNIT_COMPLAINT_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COMPLAINT_SIZE = 256 };

struct complaint {
	FILE *caught;
	int saved;
};

static inline void complaint_begin(struct complaint *complaint)
{
	complaint->saved = dup(STDERR_FILENO);
	complaint->caught = tmpfile();
	assert_true(complaint->caught && complaint->saved >= 0);
	fflush(stderr);
	dup2(fileno(complaint->caught), STDERR_FILENO);
}

/* The first line printed, without `path` at its start; "" if nothing was. */
static inline void complaint_end(struct complaint *complaint, const char *path, char text[COMPLAINT_SIZE])
{
	char line[COMPLAINT_SIZE] = "";
	size_t name = strlen(path);

	fflush(stderr);
	dup2(complaint->saved, STDERR_FILENO);
	close(complaint->saved);
	rewind(complaint->caught);
	if (!fgets(line, sizeof(line), complaint->caught))
		*line = '\0';
	fclose(complaint->caught);
	line[strcspn(line, "\n")] = '\0';
	strcpy(text, strncmp(line, path, name) == 0 ? line + name : line);
}

#endif
