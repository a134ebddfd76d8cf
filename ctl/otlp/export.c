/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A thread that takes batches behind its endpoint's cursor, delivers each, and moves the cursor. */
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

#include "otlp.h"
#include "post.h"
#include "store/store.h"

enum {
	POLL_MS = 100, /* for a new batch: one look into the index */
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

	char *url;
	struct store *store; /* this and what follows: the thread's */
	struct post *post;
	int64_t number;				   /* of the last batch that is done with */
	bool failing, partial_said, store_failing; /* were said */
	_Atomic uint64_t batches, retries, rejected_batches, rejected_spans;
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

/* Until `ms` have passed or the grace has; also until a stop is asked for, if it `wakes`. */
static void pause_ms(struct export *export, int64_t ms, bool wakes)
{
	int64_t until_ns = monotonic_ns() + ms * NS_PER_MS;
	bool stopping_before;
	int error = 0;

	pthread_mutex_lock(&export->lock);
	stopping_before = export->stopping;
	while (error != ETIMEDOUT && !(wakes && export->stopping && !stopping_before)) {
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

/* "HTTP 503: too busy", or why there was no answer. */
static const char *answer_text(const struct post_answer *answer, char text[EXPORT_ERROR_SIZE])
{
	const char *separator = answer->error[0] ? ": " : "";

	if (answer->status)
		snprintf(text, EXPORT_ERROR_SIZE, "HTTP %d%s%s", answer->status, separator, answer->error);
	else
		snprintf(text, EXPORT_ERROR_SIZE, "%s", answer->error);
	return text;
}

static void retry_wait(struct export *export, const struct post_answer *answer, unsigned int attempt)
{
	int64_t after_s = answer->retry_after_s < RETRY_AFTER_MAX_S ? answer->retry_after_s : RETRY_AFTER_MAX_S;
	char text[EXPORT_ERROR_SIZE];

	error_set(export, answer_text(answer, text));
	if (!export->failing)
		fprintf(stderr, "export %s: %s, trying again\n", export->url, text);
	export->failing = true;
	atomic_fetch_add(&export->retries, 1);
	pause_ms(export, after_s > 0 ? after_s * 1000 : backoff_ms(attempt), after_s <= 0);
}

static uint64_t span_count(const uint8_t *otlp, size_t len)
{
	struct span_list spans = { 0 };
	uint64_t count = 0;

	if (otlp_decode(otlp, len, &spans) == 0)
		count = spans.count;
	span_list_free(&spans);
	return count;
}

/* What a final answer means for the batch. */
static void answer_count(struct export *export, const struct post_answer *answer, const uint8_t *otlp, size_t len)
{
	if (answer->status / 100 != 2) {
		uint64_t spans = span_count(otlp, len);
		char text[EXPORT_ERROR_SIZE];

		error_set(export, answer_text(answer, text));
		atomic_fetch_add(&export->rejected_batches, 1);
		atomic_fetch_add(&export->rejected_spans, spans);
		fprintf(stderr, "export %s: %s; %llu spans are not sent again\n", export->url, text,
			(unsigned long long)spans);
		return;
	}
	error_set(export, "");
	atomic_fetch_add(&export->batches, 1);
	atomic_fetch_add(&export->rejected_spans, answer->rejected_spans);
	if ((answer->rejected_spans || answer->error[0]) && !export->partial_said) {
		fprintf(stderr, "export %s: %llu spans rejected: %s (said once, counted always)\n", export->url,
			(unsigned long long)answer->rejected_spans, answer->error);
		export->partial_said = true;
	}
}

/* False: it had to stop before there was a final answer. */
static bool deliver(struct export *export, const uint8_t *otlp, size_t len)
{
	struct post_answer answer;

	for (unsigned int attempt = 0;; attempt++) {
		post_send(export->post, otlp, len, &answer);
		if (!post_again(&answer))
			break;
		if (over(export))
			return false;
		retry_wait(export, &answer, attempt);
		if (over(export))
			return false;
	}
	if (export->failing)
		fprintf(stderr, "export %s: answers again\n", export->url);
	export->failing = false;
	answer_count(export, &answer, otlp, len);
	return true;
}

static void store_complain(struct export *export)
{
	if (!export->store_failing)
		fprintf(stderr, "export %s: store: %s\n", export->url, store_error(export->store));
	export->store_failing = true;
	error_set(export, store_error(export->store));
}

/* 1: a batch is done with, 0: there is none, -1: not now. */
static int batch_pass(struct export *export)
{
	uint8_t *otlp;
	int64_t number;
	size_t len;
	int got = store_next_batch(export->store, export->number, &number, &otlp, &len);

	if (got <= 0) {
		if (got < 0)
			store_complain(export);
		return got < 0 ? -1 : 0;
	}
	got = deliver(export, otlp, len) ? 1 : -1;
	free(otlp);
	if (got < 0)
		return got;
	export->number = number;
	if (store_set_exported(export->store, export->url, number))
		store_complain(export); /* sent twice after a restart, which OTLP allows */
	else
		export->store_failing = false;
	return got;
}

static void *export_run(void *arg)
{
	struct export *export = arg;

	while (!over(export)) {
		/* asked first: what was added before the stop is still seen */
		bool last = stopping(export);
		int got = batch_pass(export);

		if (got == 0 && last)
			break;
		if (got <= 0)
			pause_ms(export, POLL_MS, true);
	}
	return NULL;
}

static void export_free(struct export *export)
{
	post_free(export->post);
	store_close(export->store);
	pthread_cond_destroy(&export->stop);
	pthread_mutex_destroy(&export->lock);
	pthread_mutex_destroy(&export->error_lock);
	free(export->url);
	free(export);
}

static struct export *export_new(const char *url)
{
	struct export *export = calloc(1, sizeof(*export));
	pthread_condattr_t attr;

	if (!export || !(export->url = strdup(url))) {
		free(export);
		return NULL;
	}
	pthread_mutex_init(&export->lock, NULL);
	pthread_mutex_init(&export->error_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&export->stop, &attr);
	pthread_condattr_destroy(&attr);
	return export;
}

static int export_open(struct export *export, const char *store_path)
{
	int error = post_new(export->url, over, export, &export->post);

	if (error)
		return error;
	error = store_open(store_path, true, &export->store);
	if (error) {
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
		return error;
	}
	error = store_exported(export->store, export->url, &export->number);
	if (error)
		fprintf(stderr, "store %s: %s\n", store_path, store_error(export->store));
	return error;
}

int export_start(const char *url, const char *store_path, struct export **out)
{
	struct export *export = export_new(url);
	int error;

	if (!export)
		return -ENOMEM;
	error = export_open(export, store_path);
	if (!error) {
		error = -pthread_create(&export->thread, NULL, export_run, export);
		if (error)
			fprintf(stderr, "export %s: no thread: %s\n", url, strerror(-error));
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
	counts->batches = atomic_load(&export->batches);
	counts->retries = atomic_load(&export->retries);
	counts->rejected_batches = atomic_load(&export->rejected_batches);
	counts->rejected_spans = atomic_load(&export->rejected_spans);
}

const char *export_endpoint(const struct export *export)
{
	return export->url;
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

/* Whether anything follows the host: "http://h:1/" has no path to speak of. */
static bool url_has_path(const char *url)
{
	const char *host = strstr(url, "://"), *slash = strchr(host ? host + 3 : url, '/');

	return slash && slash[1];
}

static char *url_append(const char *base)
{
	size_t len = strlen(base);
	char *url;

	return asprintf(&url, "%s%sv1/traces", base, len && base[len - 1] == '/' ? "" : "/") < 0 ? NULL : url;
}

char *export_url(const char *word)
{
	const char *traces = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
		   *base = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");

	if (word && *word)
		return url_has_path(word) ? strdup(word) : url_append(word);
	if (traces && *traces)
		return strdup(traces);
	return base && *base ? url_append(base) : NULL;
}
