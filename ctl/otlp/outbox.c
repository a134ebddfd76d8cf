/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Messages behind a destination's cursor: taken, sent, sent again, halved, counted; and the cursor behind what is done.
 */
#include "outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "store/store.h"

enum {
	MESSAGES_MAX = 4096, /* behind one that does not arrive */
	MESSAGE_MIN = 4096,  /* octets; what is too large below that is so for another reason */
	POLL_MS = 100,	     /* for a new batch: one look into the index */
	BACKOFF_FIRST_MS = 500,
	BACKOFF_MAX_MS = 30000,
	RETRY_AFTER_MAX_S = 3600,
};

int64_t outbox_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Doubles with each attempt; a random half of it keeps many collectors from coming back together. */
static int64_t backoff_ms(unsigned int attempt)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint32_t random = 0;

	while (attempt-- && ms < BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)outbox_now_ns();
	return ms / 2 + random % (ms / 2);
}

static void error_set(struct outbox *outbox, const char *error)
{
	pthread_mutex_lock(&outbox->error_lock);
	snprintf(outbox->error, sizeof(outbox->error), "%s", error);
	pthread_mutex_unlock(&outbox->error_lock);
}

void outbox_trouble(struct outbox *outbox, const char *error)
{
	error_set(outbox, error);
	if (!outbox->failing)
		fprintf(stderr, "export %s: %s, trying again\n", outbox->destination->name, error);
	outbox->failing = true;
}

static void store_complain(struct outbox *outbox)
{
	if (!outbox->store_failing)
		fprintf(stderr, "export %s: store: %s\n", outbox->destination->name, store_error(outbox->store));
	outbox->store_failing = true;
	error_set(outbox, store_error(outbox->store));
}

static void refused_say(struct outbox *outbox, const char *error, uint64_t spans)
{
	error_set(outbox, error);
	atomic_fetch_add(&outbox->rejected_batches, 1);
	atomic_fetch_add(&outbox->rejected_spans, spans);
	fprintf(stderr, "export %s: %s; %llu spans are not sent again\n", outbox->destination->name, error,
		(unsigned long long)spans);
}

static void too_large_say(struct outbox *outbox, uint64_t spans)
{
	char error[DESTINATION_ERROR_SIZE];

	if (!spans)
		return;
	snprintf(error, sizeof(error), "longer than a message may be (%zu octets)", outbox->destination->message_max);
	refused_say(outbox, error, spans);
}

static void delivered(struct outbox *outbox, const struct message *message)
{
	uint64_t spans = message->spans;

	if (outbox->failing)
		fprintf(stderr, "export %s: answers again\n", outbox->destination->name);
	outbox->failing = false;
	error_set(outbox, "");
	atomic_fetch_add(&outbox->batches, 1);
	atomic_fetch_add(&outbox->spans, spans > message->rejected_spans ? spans - message->rejected_spans : 0);
	atomic_fetch_add(&outbox->rejected_spans, message->rejected_spans);
	if ((message->rejected_spans || message->error[0]) && !outbox->partial_said) {
		fprintf(stderr, "export %s: %llu spans rejected: %s (said once, counted always)\n",
			outbox->destination->name, (unsigned long long)message->rejected_spans, message->error);
		outbox->partial_said = true;
	}
}

static void again_later(struct outbox *outbox, struct message *message)
{
	int64_t after_s = message->retry_after_s < RETRY_AFTER_MAX_S ? message->retry_after_s : RETRY_AFTER_MAX_S;
	int64_t ms = after_s > 0 ? after_s * 1000 : backoff_ms(message->attempt);

	outbox_trouble(outbox, message->error);
	atomic_fetch_add(&outbox->retries, 1);
	message->attempt++;
	message->again_ns = outbox_now_ns() + ms * NS_PER_MS;
	message->delivery = DELIVERY_WAITS;
}

/* In pieces, and so are those that come. */
static void smaller(struct outbox *outbox, struct message **at)
{
	struct message *message = *at;
	size_t half = message->len / 2;
	uint64_t too_large = 0;

	if (pack_halve(&outbox->messages, at, &too_large)) {
		if (half >= MESSAGE_MIN && half < outbox->destination->message_max)
			outbox->destination->message_max = half;
		too_large_say(outbox, too_large);
		return;
	}
	refused_say(outbox, message->error, message->spans);
	message->delivery = DELIVERY_OVER;
}

static void message_settle(struct outbox *outbox, struct message **at)
{
	struct message *message = *at;

	switch (message->delivery) {
	case DELIVERY_AGAIN:
		again_later(outbox, message);
		break;
	case DELIVERY_TOO_LARGE:
		smaller(outbox, at);
		break;
	case DELIVERY_REFUSED:
		refused_say(outbox, message->error, message->spans);
		message->delivery = DELIVERY_OVER;
		break;
	case DELIVERY_DONE:
		delivered(outbox, message);
		message->delivery = DELIVERY_OVER;
		break;
	default:
		break;
	}
	message = *at; /* it may be in pieces now */
	if (message->delivery != DELIVERY_OVER)
		return;
	free(message->otlp); /* many may be behind one that does not arrive */
	message->otlp = NULL;
}

/* The batches behind which all is done: what is sent twice after a crash is what came since, which OTLP allows. */
static void cursor_move(struct outbox *outbox, int64_t number)
{
	if (number <= outbox->number)
		return;
	outbox->number = number;
	if (store_set_exported(outbox->store, outbox->destination->key, number))
		store_complain(outbox);
	else
		outbox->store_failing = false;
}

void outbox_settle(struct outbox *outbox)
{
	struct messages *messages = &outbox->messages;
	int64_t number = outbox->number;

	for (struct message **at = &messages->first; *at; at = &(*at)->next)
		message_settle(outbox, at);
	for (struct message *message; (message = messages->first) && message->delivery == DELIVERY_OVER;) {
		if (message->batch > number)
			number = message->batch;
		messages->first = message->next;
		message_free(message);
	}
	if (!messages->first) {
		messages->last = &messages->first;
		number = outbox->pack.taken;
	}
	cursor_move(outbox, number);
}

void outbox_send(struct outbox *outbox)
{
	struct destination *destination = outbox->destination;
	int64_t now_ns = outbox_now_ns();
	unsigned int under_way = 0;

	for (struct message *at = outbox->messages.first; at; at = at->next)
		under_way += at->delivery == DELIVERY_UNDER_WAY;
	for (struct message *at = outbox->messages.first; at && under_way < destination->under_way_max; at = at->next) {
		if (at->delivery != DELIVERY_WAITS || at->again_ns > now_ns)
			continue;
		at->delivery = DELIVERY_UNDER_WAY;
		at->retry_after_s = 0;
		at->error[0] = 0;
		destination->send(destination, at);
		under_way += at->delivery == DELIVERY_UNDER_WAY;
	}
}

/* Whether the destination has room for one more message. */
static bool has_room(const struct outbox *outbox)
{
	unsigned int open = 0, all = 0;

	for (struct message *at = outbox->messages.first; at; at = at->next, all++)
		open += at->delivery != DELIVERY_OVER;
	return open < outbox->destination->under_way_max && all < MESSAGES_MAX;
}

int outbox_take(struct outbox *outbox, bool last)
{
	struct destination *destination = outbox->destination;
	const struct pack_limits max = { destination->message_max,
					 destination->spans_max ? destination->spans_max : UINT64_MAX };
	uint64_t too_large = 0;
	int got;

	if (!has_room(outbox))
		return -EBUSY;
	if (!last && outbox_now_ns() < outbox->next_ns)
		return 0;
	got = pack_next(&outbox->pack, &max, destination->joins, &outbox->messages, &too_large);
	atomic_store(&outbox->dropped_batches, outbox->pack.missing);
	too_large_say(outbox, too_large);
	if (got < 0) {
		store_complain(outbox);
		return -1;
	}
	if (got && destination->linger_ms && !outbox->pack.more)
		outbox->next_ns = outbox_now_ns() + destination->linger_ms * NS_PER_MS;
	return got;
}

void outbox_hurry(struct outbox *outbox)
{
	for (struct message *at = outbox->messages.first; !outbox->hurried && at; at = at->next)
		if (at->retry_after_s <= 0)
			at->again_ns = 0;
	outbox->hurried = true;
}

int64_t outbox_rest_ms(const struct outbox *outbox)
{
	int64_t now_ns = outbox_now_ns(), until_ns = now_ns + POLL_MS * NS_PER_MS;

	for (struct message *at = outbox->messages.first; at; at = at->next)
		if (at->delivery == DELIVERY_WAITS && at->again_ns < until_ns)
			until_ns = at->again_ns;
	return until_ns > now_ns ? (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

int outbox_open(struct outbox *outbox, const char *store_path)
{
	int error = store_open(store_path, true, &outbox->store);

	if (error) {
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
		return error;
	}
	error = store_exported(outbox->store, outbox->destination->key, &outbox->number);
	if (error)
		fprintf(stderr, "store %s: %s\n", store_path, store_error(outbox->store));
	outbox->pack = (struct pack){ .store = outbox->store, .taken = outbox->number };
	outbox->messages.last = &outbox->messages.first;
	return error;
}

void outbox_close(struct outbox *outbox)
{
	outbox->destination->free(outbox->destination);
	for (struct message *at = outbox->messages.first, *next; at; at = next) {
		next = at->next;
		message_free(at);
	}
	store_close(outbox->store);
	pthread_mutex_destroy(&outbox->error_lock);
}
