/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The exporter's side of the store: which batch is next, and how much of what follows goes with it. */
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"
#include "store/store.h"

/* Takes `otlp`. NULL: no memory. */
static struct message *message_new(uint8_t *otlp, size_t len, uint64_t spans, int64_t batch)
{
	struct message *message = calloc(1, sizeof(*message));

	if (!message) {
		free(otlp);
		return NULL;
	}
	message->otlp = otlp;
	message->len = len;
	message->spans = spans;
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

static int piece_add(uint8_t *otlp, size_t len, void *arg)
{
	struct message *message = message_new(otlp, len, otlp_span_count(otlp, len), 0);

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

/* Takes what was taken. */
static int taken_cut(const struct store_taken *taken, uint64_t spans, const struct pack_limits *max,
		     struct messages *messages, uint64_t *too_large)
{
	struct messages pieces;
	int error = pieces_make(taken->otlp, taken->len, max->octets, max->spans, taken->number, &pieces, too_large);

	free(taken->otlp);
	if (error == -ENOMEM)
		return error;
	if (error)
		*too_large = spans;
	if (!error && pieces.first) {
		*messages->last = pieces.first;
		messages->last = pieces.last;
	}
	return 1;
}

static int taken_send(const struct store_taken *taken, uint64_t spans, struct messages *messages)
{
	struct message *message = message_new(taken->otlp, taken->len, spans, taken->number);

	if (!message)
		return -ENOMEM;
	message_add(messages, message);
	return 1;
}

int pack_next(struct pack *pack, const struct pack_limits *max, bool joins, struct messages *messages,
	      uint64_t *too_large)
{
	struct store_taken taken;
	uint64_t spans;
	int got = store_take(pack->store, pack->taken, joins ? max->spans : 0, joins ? max->octets : 0, &taken);

	*too_large = 0;
	if (got != 1)
		return got;
	spans = taken.spans ? taken.spans : otlp_span_count(taken.otlp, taken.len);
	if (taken.len > max->octets || spans > max->spans)
		got = taken_cut(&taken, spans, max, messages, too_large);
	else
		got = taken_send(&taken, spans, messages);
	if (got != 1)
		return got;
	pack->missing += pack->taken ? (uint64_t)(taken.number - pack->taken) - taken.batches : 0;
	pack->taken = taken.number;
	pack->more = taken.more;
	return 1;
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
