/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A store of a test's own in a folder of its own: made before it, removed after it. Include after cmocka.h. */
#ifndef HOPSPAN_UNIT_PLACE_H
#define HOPSPAN_UNIT_PLACE_H

#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

enum { PATH_SIZE = 128 };

struct place {
	char folder[PATH_SIZE / 2], path[PATH_SIZE];
	struct store *store;
};

/* /tmp/hopspan-NAME-.../FILE */
static inline int place_make_at(void **state, const char *name, const char *file)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/hopspan-%s-XXXXXX", name);
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->path, sizeof(place->path), "%s/%s", place->folder, file);
	assert_int_equal(store_open(place->path, true, &place->store), 0);
	*state = place;
	return 0;
}

static inline int place_remove(void **state)
{
	struct place *place = *state;
	char command[2 * PATH_SIZE];

	store_close(place->store);
	snprintf(command, sizeof(command), "rm -rf %s", place->folder);
	free(place);
	return system(command);
}

#endif
