/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The exporter's side of the store: which batch is next, and how much of what follows goes with it. */
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"
#include "store/store.h"

/* Takes `otlp`. NULL: no memory. */
static struct message *message_new(uint8_t *otlp, size_t len, int64_t batch)
{
	struct message *message = calloc(1, sizeof(*message));

	if (!message) {
		free(otlp);
		return NULL;
	}
	message->otlp = otlp;
	message->len = message->size = len;
	message->batch = batch;
	return message;
}

void message_free(struct message *message)
{
	free(message->otlp);
	free(message);
}

static void message_add(struct messages *messages, struct message *message)
{
	*messages->last = message;
	messages->last = &message->next;
}

/* The batch that is at hand, or the next one: 1; 0: there is none; -errno. */
static int batch_hold(struct pack *pack)
{
	int got;

	if (pack->otlp)
		return 1;
	got = store_next_batch(pack->store, pack->taken, &pack->held, &pack->otlp, &pack->len);
	if (got == 1 && pack->taken)
		pack->missing += (uint64_t)(pack->held - pack->taken - 1);
	return got;
}

static void batch_drop(struct pack *pack)
{
	free(pack->otlp);
	pack->otlp = NULL;
	pack->taken = pack->held;
}

/* Two requests, one after the other, are one. False: no room or no memory, and all is as it was. */
static bool message_join(struct message *message, const struct pack *pack, const struct pack_limits *max,
			 uint64_t *spans)
{
	size_t len = message->len + pack->len, size = 2 * len < max->octets ? 2 * len : max->octets;
	uint64_t more = otlp_span_count(pack->otlp, pack->len);

	if (len > max->octets || *spans + more > max->spans)
		return false;
	if (len > message->size) {
		uint8_t *otlp = realloc(message->otlp, size);

		if (!otlp)
			return false;
		message->otlp = otlp;
		message->size = size;
	}
	memcpy(message->otlp + message->len, pack->otlp, pack->len);
	message->len = len;
	*spans += more;
	return true;
}

static int batches_join(struct pack *pack, const struct pack_limits *max, bool joins, struct messages *messages)
{
	uint64_t spans = joins ? otlp_span_count(pack->otlp, pack->len) : 0;
	struct message *message = message_new(pack->otlp, pack->len, pack->held);

	pack->otlp = NULL;
	if (!message)
		return -ENOMEM;
	message_add(messages, message);
	pack->taken = pack->held;
	while (joins && batch_hold(pack) == 1 && message_join(message, pack, max, &spans)) {
		batch_drop(pack);
		message->batch = pack->taken;
	}
	return 1;
}

static int piece_add(uint8_t *otlp, size_t len, void *arg)
{
	struct message *message = message_new(otlp, len, 0);

	if (!message)
		return -ENOMEM;
	message_add(arg, message);
	return 0;
}

static void messages_free(struct message *message)
{
	while (message) {
		struct message *next = message->next;

		message_free(message);
		message = next;
	}
}

/* Pieces that end `batch` with the last of them. */
static int pieces_make(const uint8_t *otlp, size_t len, size_t max, uint64_t spans_max, int64_t batch,
		       struct messages *pieces, uint64_t *too_large)
{
	int error;

	*pieces = (struct messages){ .last = &pieces->first };
	error = otlp_cut_spans(otlp, len, max, spans_max, piece_add, pieces, too_large);
	if (error) {
		messages_free(pieces->first);
		return error;
	}
	for (struct message *at = pieces->first; at; at = at->next)
		at->batch = at->next ? 0 : batch;
	return 0;
}

static int batch_cut(struct pack *pack, const struct pack_limits *max, struct messages *messages, uint64_t *too_large)
{
	struct messages pieces;
	int error = pieces_make(pack->otlp, pack->len, max->octets, max->spans, pack->held, &pieces, too_large);

	if (error == -ENOMEM)
		return error;
	if (error)
		*too_large = otlp_span_count(pack->otlp, pack->len);
	batch_drop(pack);
	if (!error && pieces.first) {
		*messages->last = pieces.first;
		messages->last = pieces.last;
	}
	return 1;
}

static bool is_too_much(const struct pack *pack, const struct pack_limits *max)
{
	return pack->len > max->octets ||
	       (max->spans != UINT64_MAX && otlp_span_count(pack->otlp, pack->len) > max->spans);
}

int pack_next(struct pack *pack, const struct pack_limits *max, bool joins, struct messages *messages,
	      uint64_t *too_large)
{
	int got = batch_hold(pack);

	*too_large = 0;
	if (got != 1)
		return got;
	if (is_too_much(pack, max))
		return batch_cut(pack, max, messages, too_large);
	return batches_join(pack, max, joins, messages);
}

bool pack_is_all(struct pack *pack)
{
	return batch_hold(pack) == 0;
}

bool pack_halve(struct messages *messages, struct message **at, uint64_t *too_large)
{
	struct message *whole = *at;
	struct messages pieces;

	if (pieces_make(whole->otlp, whole->len, whole->len / 2, UINT64_MAX, whole->batch, &pieces, too_large))
		return false;
	if (!pieces.first || *too_large) { /* a span that is longer than all others together */
		messages_free(pieces.first);
		if (pieces_make(whole->otlp, whole->len, whole->len - 1, UINT64_MAX, whole->batch, &pieces, too_large))
			return false;
	}
	if (!pieces.first)
		return false;
	*at = pieces.first;
	*pieces.last = whole->next;
	if (!whole->next)
		messages->last = pieces.last;
	message_free(whole);
	return true;
}

void pack_free(struct pack *pack)
{
	free(pack->otlp);
	pack->otlp = NULL;
}
