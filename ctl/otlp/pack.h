/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Batches of the store -> messages of a size that a destination takes: joined, as they are, or cut.
 */
#ifndef HOPSPAN_PACK_H
#define HOPSPAN_PACK_H

#include "destination.h"

struct store;

/* What a message may have. */
struct pack_limits {
	size_t octets;
	uint64_t spans;
};

/* In the order of their batches. */
struct messages {
	struct message *first, **last;
};

struct pack {
	struct store *store;
	int64_t taken;	  /* number of the last batch that is in messages */
	bool more;	  /* when it was taken, there was another */
	uint64_t missing; /* batches that were gone from the store before their turn */
};

/*
 * Adds the message, or messages, of the next batch, or of several when `joins`: 1; 0: there is none; -errno, of which
 * -ENOMEM may pass and others are the store's. Spans that do not fit in a message are counted in `too_large`.
 */
int pack_next(struct pack *pack, const struct pack_limits *max, bool joins, struct messages *messages,
	      uint64_t *too_large);

/*
 * A message that proved too large becomes smaller ones, but for `too_large` spans. False: it cannot be cut, and is as
 * it was.
 */
bool pack_halve(struct messages *messages, struct message **at, uint64_t *too_large);

void message_free(struct message *message);

#endif
