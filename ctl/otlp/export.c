/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A thread that moves what waits in the store through an outbox until it is told to stop. */
#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox.h"

struct export
{
	pthread_t thread;
	pthread_mutex_t lock; /* of what stops it */
	pthread_cond_t stop;
	bool stopping;
	int64_t deadline_ns; /* CLOCK_MONOTONIC */
	struct outbox outbox;
};

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
	is = export->stopping && outbox_now_ns() >= export->deadline_ns;
	pthread_mutex_unlock(&export->lock);
	return is;
}

/* Until `ms` have passed, or a stop is asked for, or its grace is used up. */
static void pause_ms(struct export *export, int64_t ms)
{
	int64_t until_ns = outbox_now_ns() + ms * NS_PER_MS;
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

static void answers_wait(struct export *export, int64_t ms)
{
	struct destination *destination = export->outbox.destination;
	const char *trouble;

	if (!destination->wait) {
		if (ms)
			pause_ms(export, ms);
		return;
	}
	destination->wait(destination, (int)ms);
	trouble = destination->trouble(destination);
	if (trouble)
		outbox_trouble(&export->outbox, trouble);
}

static void *export_run(void *arg)
{
	struct export *export = arg;
	struct outbox *outbox = &export->outbox;

	while (!over(export)) {
		/* asked first: what was added before the stop is still seen */
		bool last = stopping(export), more;
		int got = outbox_take(outbox, last);

		if (last)
			outbox_hurry(outbox);
		outbox_send(outbox);
		outbox_settle(outbox);
		if (got == 0 && last && !outbox->messages.first)
			break;
		/* what kept others waiting may be done with */
		more = got > 0 || (got == -EBUSY && !outbox->messages.first);
		answers_wait(export, more ? 0 : outbox_rest_ms(outbox));
		outbox_settle(outbox);
	}
	return NULL;
}

static void export_free(struct export *export)
{
	outbox_close(&export->outbox);
	pthread_cond_destroy(&export->stop);
	pthread_mutex_destroy(&export->lock);
	free(export);
}

static struct export *export_new(struct destination *destination)
{
	struct export *export = calloc(1, sizeof(*export));
	pthread_condattr_t attr;

	if (!export)
		return NULL;
	export->outbox.destination = destination;
	pthread_mutex_init(&export->lock, NULL);
	pthread_mutex_init(&export->outbox.error_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&export->stop, &attr);
	pthread_condattr_destroy(&attr);
	destination->over = over;
	destination->over_arg = export;
	return export;
}

int export_start(struct destination *destination, const char *store_path, struct export **out)
{
	struct export *export = export_new(destination);
	int error;

	if (!export) {
		destination->free(destination);
		return -ENOMEM;
	}
	error = outbox_open(&export->outbox, store_path);
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
	const struct destination *destination = export->outbox.destination;
	const struct outbox *outbox = &export->outbox;

	counts->batches = atomic_load(&outbox->batches);
	counts->spans = atomic_load(&outbox->spans);
	counts->retries = atomic_load(&outbox->retries);
	counts->retries += destination->retries ? destination->retries(destination) : 0;
	counts->rejected_batches = atomic_load(&outbox->rejected_batches);
	counts->rejected_spans = atomic_load(&outbox->rejected_spans);
	counts->dropped_batches = atomic_load(&outbox->dropped_batches);
}

const char *export_name(const struct export *export)
{
	return export->outbox.destination->name;
}

const char *export_key(const struct export *export)
{
	return export->outbox.destination->key;
}

void export_error(struct export *export, char error[EXPORT_ERROR_SIZE])
{
	pthread_mutex_lock(&export->outbox.error_lock);
	memcpy(error, export->outbox.error, sizeof(export->outbox.error));
	pthread_mutex_unlock(&export->outbox.error_lock);
}

void export_stop(struct export *export, int grace_ms)
{
	if (!export)
		return;
	pthread_mutex_lock(&export->lock);
	export->stopping = true;
	export->deadline_ns = outbox_now_ns() + grace_ms * NS_PER_MS;
	pthread_cond_broadcast(&export->stop);
	pthread_mutex_unlock(&export->lock);
	pthread_join(export->thread, NULL);
	export_free(export);
}
