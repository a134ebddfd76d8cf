/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A thread that takes batches behind its destination's cursor, sends them as messages, and moves the cursor. */
#include "export.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cut.h"
#include "pack.h"
#include "store/store.h"

enum {
	MESSAGES_MAX = 4096, /* behind one that does not arrive */
	MESSAGE_MIN = 4096,  /* octets; what is too large below that is so for another reason */
	POLL_MS = 100,	     /* for a new batch: one look into the index */
	BACKOFF_FIRST_MS = 500,
	BACKOFF_MAX_MS = 30000,
	RETRY_AFTER_MAX_S = 3600,
};

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

struct export
{
	pthread_t thread;
	pthread_mutex_t lock; /* of what stops it */
	pthread_cond_t stop;
	bool stopping;
	int64_t deadline_ns; /* CLOCK_MONOTONIC */
	pthread_mutex_t error_lock;
	char error[EXPORT_ERROR_SIZE]; /* of the last attempt */

	struct destination *destination;
	struct store *store; /* this and what follows: the thread's */
	struct pack pack;
	struct messages messages;		   /* that are not done with, or behind one that is not */
	int64_t number;				   /* of the last batch that is done with */
	int64_t next_ns;			   /* CLOCK_MONOTONIC; nothing is taken from the store before */
	bool hurried;				   /* what waited when a stop was asked for has had its last chance */
	bool failing, partial_said, store_failing; /* were said */
	_Atomic uint64_t batches, spans, retries, rejected_batches, rejected_spans, dropped_batches;
};

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static bool stopping(struct export *export)
{
	bool is;

	pthread_mutex_lock(&export->lock);
	is = export->stopping;
	pthread_mutex_unlock(&export->lock);
	return is;
}

/* Told to stop, and the grace is used up. */
static bool over(void *arg)
{
	struct export *export = arg;
	bool is;

	pthread_mutex_lock(&export->lock);
	is = export->stopping && monotonic_ns() >= export->deadline_ns;
	pthread_mutex_unlock(&export->lock);
	return is;
}

/* Until `ms` have passed, or a stop is asked for, or its grace is used up. */
static void pause_ms(struct export *export, int64_t ms)
{
	int64_t until_ns = monotonic_ns() + ms * NS_PER_MS;
	bool stopping_before;
	int error = 0;

	pthread_mutex_lock(&export->lock);
	stopping_before = export->stopping;
	while (error != ETIMEDOUT && export->stopping == stopping_before) {
		int64_t ns = export->stopping && export->deadline_ns < until_ns ? export->deadline_ns : until_ns;
		struct timespec at = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

		error = pthread_cond_timedwait(&export->stop, &export->lock, &at);
	}
	pthread_mutex_unlock(&export->lock);
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
		random = (uint32_t)monotonic_ns();
	return ms / 2 + random % (ms / 2);
}

static void error_set(struct export *export, const char *error)
{
	pthread_mutex_lock(&export->error_lock);
	snprintf(export->error, sizeof(export->error), "%s", error);
	pthread_mutex_unlock(&export->error_lock);
}

static void failing_say(struct export *export, const char *error)
{
	error_set(export, error);
	if (!export->failing)
		fprintf(stderr, "export %s: %s, trying again\n", export->destination->name, error);
	export->failing = true;
}

static void store_complain(struct export *export)
{
	if (!export->store_failing)
		fprintf(stderr, "export %s: store: %s\n", export->destination->name, store_error(export->store));
	export->store_failing = true;
	error_set(export, store_error(export->store));
}

static void refused_say(struct export *export, const char *error, uint64_t spans)
{
	error_set(export, error);
	atomic_fetch_add(&export->rejected_batches, 1);
	atomic_fetch_add(&export->rejected_spans, spans);
	fprintf(stderr, "export %s: %s; %llu spans are not sent again\n", export->destination->name, error,
		(unsigned long long)spans);
}

static void too_large_say(struct export *export, uint64_t spans)
{
	char error[EXPORT_ERROR_SIZE];

	if (!spans)
		return;
	snprintf(error, sizeof(error), "longer than a message may be (%zu octets)", export->destination->message_max);
	refused_say(export, error, spans);
}

static void delivered(struct export *export, const struct message *message)
{
	uint64_t spans = otlp_span_count(message->otlp, message->len);

	if (export->failing)
		fprintf(stderr, "export %s: answers again\n", export->destination->name);
	export->failing = false;
	error_set(export, "");
	atomic_fetch_add(&export->batches, 1);
	atomic_fetch_add(&export->spans, spans > message->rejected_spans ? spans - message->rejected_spans : 0);
	atomic_fetch_add(&export->rejected_spans, message->rejected_spans);
	if ((message->rejected_spans || message->error[0]) && !export->partial_said) {
		fprintf(stderr, "export %s: %llu spans rejected: %s (said once, counted always)\n",
			export->destination->name, (unsigned long long)message->rejected_spans, message->error);
		export->partial_said = true;
	}
}

static void again_later(struct export *export, struct message *message)
{
	int64_t after_s = message->retry_after_s < RETRY_AFTER_MAX_S ? message->retry_after_s : RETRY_AFTER_MAX_S;
	int64_t ms = after_s > 0 ? after_s * 1000 : backoff_ms(message->attempt);

	failing_say(export, message->error);
	atomic_fetch_add(&export->retries, 1);
	message->attempt++;
	message->again_ns = monotonic_ns() + ms * NS_PER_MS;
	message->delivery = DELIVERY_WAITS;
}

/* In pieces, and so are those that come. */
static void smaller(struct export *export, struct message **at)
{
	struct message *message = *at;
	size_t half = message->len / 2;
	uint64_t too_large = 0;

	if (pack_halve(&export->messages, at, &too_large)) {
		if (half >= MESSAGE_MIN && half < export->destination->message_max)
			export->destination->message_max = half;
		too_large_say(export, too_large);
		return;
	}
	refused_say(export, message->error, otlp_span_count(message->otlp, message->len));
	message->delivery = DELIVERY_OVER;
}

static void message_settle(struct export *export, struct message **at)
{
	struct message *message = *at;

	switch (message->delivery) {
	case DELIVERY_AGAIN:
		again_later(export, message);
		break;
	case DELIVERY_TOO_LARGE:
		smaller(export, at);
		break;
	case DELIVERY_REFUSED:
		refused_say(export, message->error, otlp_span_count(message->otlp, message->len));
		message->delivery = DELIVERY_OVER;
		break;
	case DELIVERY_DONE:
		delivered(export, message);
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
static void cursor_move(struct export *export, int64_t number)
{
	if (number <= export->number)
		return;
	export->number = number;
	if (store_set_exported(export->store, export->destination->key, number))
		store_complain(export);
	else
		export->store_failing = false;
}

static void settle(struct export *export)
{
	struct messages *messages = &export->messages;
	int64_t number = export->number;

	for (struct message **at = &messages->first; *at; at = &(*at)->next)
		message_settle(export, at);
	for (struct message *message; (message = messages->first) && message->delivery == DELIVERY_OVER;) {
		if (message->batch > number)
			number = message->batch;
		messages->first = message->next;
		message_free(message);
	}
	if (!messages->first) {
		messages->last = &messages->first;
		number = export->pack.taken;
	}
	cursor_move(export, number);
}

static void messages_send(struct export *export)
{
	struct destination *destination = export->destination;
	int64_t now_ns = monotonic_ns();
	unsigned int under_way = 0;

	for (struct message *at = export->messages.first; at; at = at->next)
		under_way += at->delivery == DELIVERY_UNDER_WAY;
	for (struct message *at = export->messages.first; at && under_way < destination->under_way_max; at = at->next) {
		if (at->delivery != DELIVERY_WAITS || at->again_ns > now_ns)
			continue;
		at->delivery = DELIVERY_UNDER_WAY;
		at->retry_after_s = 0;
		at->error[0] = 0;
		destination->send(destination, at);
		under_way += at->delivery == DELIVERY_UNDER_WAY;
	}
}

/* Whether the destination has room for one more message, and it is time. */
static bool may_take(const struct export *export, bool last)
{
	unsigned int open = 0, all = 0;

	for (struct message *at = export->messages.first; at; at = at->next, all++)
		open += at->delivery != DELIVERY_OVER;
	return open < export->destination->under_way_max && all < MESSAGES_MAX &&
	       (last || monotonic_ns() >= export->next_ns);
}

/* 1: something was taken from the store, 0: nothing, -1: not now. */
static int take(struct export *export, bool last)
{
	struct destination *destination = export->destination;
	const struct pack_limits max = { destination->message_max,
					 destination->spans_max ? destination->spans_max : UINT64_MAX };
	uint64_t too_large = 0;
	int got;

	if (!may_take(export, last))
		return 0;
	got = pack_next(&export->pack, &max, destination->joins, &export->messages, &too_large);
	atomic_store(&export->dropped_batches, export->pack.missing);
	too_large_say(export, too_large);
	if (got < 0) {
		store_complain(export);
		return -1;
	}
	if (got && destination->linger_ms && pack_is_all(&export->pack))
		export->next_ns = monotonic_ns() + destination->linger_ms * NS_PER_MS;
	return got;
}

/* No pause of our own making, once, when a stop is asked for. */
static void hurry(struct export *export)
{
	for (struct message *at = export->messages.first; !export->hurried && at; at = at->next)
		if (at->retry_after_s <= 0)
			at->again_ns = 0;
	export->hurried = true;
}

/* How long there is nothing to do, as far as is known. */
static int64_t rest_ms(const struct export *export)
{
	int64_t now_ns = monotonic_ns(), until_ns = now_ns + POLL_MS * NS_PER_MS;

	for (struct message *at = export->messages.first; at; at = at->next)
		if (at->delivery == DELIVERY_WAITS && at->again_ns < until_ns)
			until_ns = at->again_ns;
	return until_ns > now_ns ? (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

static void answers_wait(struct export *export, int64_t ms)
{
	struct destination *destination = export->destination;
	const char *trouble;

	if (!destination->wait) {
		if (ms)
			pause_ms(export, ms);
		return;
	}
	destination->wait(destination, (int)ms);
	trouble = destination->trouble(destination);
	if (trouble)
		failing_say(export, trouble);
}

static void *export_run(void *arg)
{
	struct export *export = arg;

	while (!over(export)) {
		/* asked first: what was added before the stop is still seen */
		bool last = stopping(export);
		int got = take(export, last);

		if (last)
			hurry(export);
		messages_send(export);
		settle(export);
		if (got == 0 && last && !export->messages.first)
			break;
		answers_wait(export, got > 0 ? 0 : rest_ms(export));
		settle(export);
	}
	return NULL;
}

static void export_free(struct export *export)
{
	export->destination->free(export->destination);
	for (struct message *at = export->messages.first, *next; at; at = next) {
		next = at->next;
		message_free(at);
	}
	pack_free(&export->pack);
	store_close(export->store);
	pthread_cond_destroy(&export->stop);
	pthread_mutex_destroy(&export->lock);
	pthread_mutex_destroy(&export->error_lock);
	free(export);
}

static struct export *export_new(struct destination *destination)
{
	struct export *export = calloc(1, sizeof(*export));
	pthread_condattr_t attr;

	if (!export)
		return NULL;
	export->destination = destination;
	export->messages.last = &export->messages.first;
	pthread_mutex_init(&export->lock, NULL);
	pthread_mutex_init(&export->error_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&export->stop, &attr);
	pthread_condattr_destroy(&attr);
	destination->over = over;
	destination->over_arg = export;
	return export;
}

static int export_open(struct export *export, const char *store_path)
{
	int error = store_open(store_path, true, &export->store);

	if (error) {
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
		return error;
	}
	error = store_exported(export->store, export->destination->key, &export->number);
	if (error)
		fprintf(stderr, "store %s: %s\n", store_path, store_error(export->store));
	export->pack = (struct pack){ .store = export->store, .taken = export->number };
	return error;
}

int export_start(struct destination *destination, const char *store_path, struct export **out)
{
	struct export *export = export_new(destination);
	int error;

	if (!export) {
		destination->free(destination);
		return -ENOMEM;
	}
	error = export_open(export, store_path);
	if (!error) {
		error = -pthread_create(&export->thread, NULL, export_run, export);
		if (error)
			fprintf(stderr, "export %s: no thread: %s\n", destination->name, strerror(-error));
	}
	if (error) {
		export_free(export);
		return error;
	}
	*out = export;
	return 0;
}

void export_counts(const struct export *export, struct export_counts *counts)
{
	const struct destination *destination = export->destination;

	counts->batches = atomic_load(&export->batches);
	counts->spans = atomic_load(&export->spans);
	counts->retries = atomic_load(&export->retries);
	counts->retries += destination->retries ? destination->retries(destination) : 0;
	counts->rejected_batches = atomic_load(&export->rejected_batches);
	counts->rejected_spans = atomic_load(&export->rejected_spans);
	counts->dropped_batches = atomic_load(&export->dropped_batches);
}

const char *export_name(const struct export *export)
{
	return export->destination->name;
}

const char *export_key(const struct export *export)
{
	return export->destination->key;
}

void export_error(struct export *export, char error[EXPORT_ERROR_SIZE])
{
	pthread_mutex_lock(&export->error_lock);
	memcpy(error, export->error, sizeof(export->error));
	pthread_mutex_unlock(&export->error_lock);
}

void export_stop(struct export *export, int grace_ms)
{
	if (!export)
		return;
	pthread_mutex_lock(&export->lock);
	export->stopping = true;
	export->deadline_ns = monotonic_ns() + grace_ms * NS_PER_MS;
	pthread_cond_broadcast(&export->stop);
	pthread_mutex_unlock(&export->lock);
	pthread_join(export->thread, NULL);
	export_free(export);
}
