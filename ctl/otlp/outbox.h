/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is on its way to one destination: the exporter's messages, from the store until they are done with. Its
 * functions are the exporter's thread's; only export.c includes this.
 */
#ifndef HOPSPAN_OUTBOX_H
#define HOPSPAN_OUTBOX_H

#include <pthread.h>
#include <stdatomic.h>

#include "pack.h"

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

struct outbox {
	struct destination *destination;
	struct store *store;
	struct pack pack;
	struct messages messages;		   /* that are not done with, or behind one that is not */
	int64_t number;				   /* of the last batch that is done with */
	int64_t next_ns;			   /* CLOCK_MONOTONIC; nothing is taken from the store before */
	bool hurried;				   /* what waited when a stop was asked for has had its last chance */
	bool failing, partial_said, store_failing; /* were said */

	/* Others read these. */
	pthread_mutex_t error_lock;
	char error[DESTINATION_ERROR_SIZE]; /* of the last attempt */
	_Atomic uint64_t batches, spans, retries, rejected_batches, rejected_spans, dropped_batches;
};

/* `destination` and `error_lock` are there. -errno, printed; outbox_close() all the same. */
int outbox_open(struct outbox *outbox, const char *store_path);
void outbox_close(struct outbox *outbox); /* its destination, too */

/* At most one message more, unless a batch must be cut: 1; 0: there is none, or it is not time (if not `last`);
 * -EBUSY: no room; -1: the store cannot be read now. */
int outbox_take(struct outbox *outbox, bool last);

/* What is to be sent, as far as the destination may have it under way. */
void outbox_send(struct outbox *outbox);

/* What has been answered is counted, to be sent again, or in pieces; the cursor moves behind all that is done. */
void outbox_settle(struct outbox *outbox);

/* Why nothing arrives. */
void outbox_trouble(struct outbox *outbox, const char *error);

/* No pause of our own making, once, when a stop is asked for. */
void outbox_hurry(struct outbox *outbox);

int64_t outbox_now_ns(void); /* CLOCK_MONOTONIC */

/* How long there is nothing to do, as far as is known. */
int64_t outbox_rest_ms(const struct outbox *outbox);

#endif
