/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "spares.h"

#include <err.h>
#include <stdlib.h>

struct spare {
	struct spare *next;
};

static size_t class_of(size_t size)
{
	return (size + SPARES_STEP - 1) / SPARES_STEP;
}

void *spares_take(struct spares *spares, size_t size)
{
	size_t class = class_of(size);
	struct spare *spare = class < SPARES_CLASSES ? spares->first[class] : NULL;

	if (spare) {
		spares->first[class] = spare->next;
		spares->octets -= class * SPARES_STEP;
		return spare;
	}
	spare = malloc(class * SPARES_STEP);
	if (!spare)
		err(1, "out of memory");
	return spare;
}

void spares_give(struct spares *spares, void *piece, size_t size)
{
	size_t class = class_of(size), octets = class * SPARES_STEP;
	struct spare *spare = piece;

	if (!piece)
		return;
	if (class >= SPARES_CLASSES || spares->octets + octets > SPARES_OCTETS_MAX) {
		free(piece);
		return;
	}
	spare->next = spares->first[class];
	spares->first[class] = spare;
	spares->octets += octets;
}

void spares_free(struct spares *spares)
{
	for (size_t class = 0; class < SPARES_CLASSES; class ++)
		for (struct spare *spare; (spare = spares->first[class]);) {
			spares->first[class] = spare->next;
			free(spare);
		}
	spares->octets = 0;
}
