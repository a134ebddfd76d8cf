/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A thread: page -> OTLP -> endpoint, and again after the interval. What could not be sent is in the next one. */
#include "push.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "otlp/environment.h"
#include "otlp/http.h"
#include "otlp/post.h"
#include "page_otlp.h"
#include "pages.h"
#include "store/store.h"
#include "text.h"

enum { INTERVAL_MS = 60000 };

struct push {
	pthread_t thread;
	pthread_mutex_t lock; /* of `fresh` and `stopping` */
	pthread_cond_t stop;
	bool stopping;
	struct collect_counts fresh;

	struct post *post; /* this and what follows: the thread's */
	struct pages pages;
	const struct span_attrs *resource;
	char *url;
	long interval_ms;
	int64_t start_unix_ns;
	bool failing; /* was said */
};

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

char *push_url(const char *word)
{
	const char *metrics = environment_get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
	const char *base = environment_get("OTEL_EXPORTER_OTLP_ENDPOINT"),
		   *wanted = environment_get("OTEL_METRICS_EXPORTER");

	if (word)
		return http_url_of(word, "v1/metrics");
	if (environment_is_true("OTEL_SDK_DISABLED"))
		return NULL;
	if (metrics)
		return strdup(metrics);
	return base && wanted && strcmp(wanted, "otlp") == 0 ? http_url_append(base, "v1/metrics") : NULL;
}

static void answer_say(struct push *push, const struct post_answer *answer)
{
	bool good = answer->status / 100 == 2;

	if (good == push->failing)
		fprintf(stderr, "metrics to %s: %s%s%s\n", push->url, good ? "taken again" : "not taken",
			answer->error[0] ? ": " : "", answer->error);
	push->failing = !good;
}

static void push_once(struct push *push)
{
	struct post_answer answer;
	char *page = NULL;
	size_t page_len, len;
	uint8_t *otlp;
	FILE *out = open_memstream(&page, &page_len);

	if (!out)
		return;
	pages_metrics(&(struct text){ out, TEXT_OPENMETRICS }, &push->pages);
	fclose(out);
	if (page_otlp(page, push->resource, push->start_unix_ns, now_unix_ns(), &otlp, &len) == 0) {
		post_send(push->post, otlp, len, &answer);
		answer_say(push, &answer);
		free(otlp);
	}
	free(page);
}

/* True: it is over. */
static bool interval_wait(struct push *push)
{
	struct timespec until;
	int error = 0;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += push->interval_ms / 1000;
	until.tv_nsec += push->interval_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&push->lock);
	while (!push->stopping && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&push->stop, &push->lock, &until);
	push->pages.counts = push->fresh;
	stopping = push->stopping;
	pthread_mutex_unlock(&push->lock);
	return stopping;
}

static void *push_run(void *arg)
{
	struct push *push = arg;
	bool over;

	do {
		over = interval_wait(push);
		push_once(push);
	} while (!over);
	return NULL;
}

static void push_free(struct push *push)
{
	post_free(push->post);
	store_close(push->pages.store);
	free(push->url);
	free(push);
}

static struct push *push_new(const char *url)
{
	struct push *push = calloc(1, sizeof(*push));
	pthread_condattr_t attr;

	if (!push || !(push->url = strdup(url))) {
		free(push);
		return NULL;
	}
	pthread_mutex_init(&push->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&push->stop, &attr);
	pthread_condattr_destroy(&attr);
	push->interval_ms = environment_number("OTEL_METRIC_EXPORT_INTERVAL",
					       environment_get("OTEL_METRIC_EXPORT_INTERVAL"), 1, INTERVAL_MS);
	push->start_unix_ns = now_unix_ns();
	return push;
}

int push_start(const char *url, const char *store_path, struct export *const *exports, unsigned int export_count,
	       const struct watch *watch, struct hop_counts *hops, const struct span_attrs *resource, struct push **out)
{
	struct push *push = push_new(url);
	int error;

	if (!push)
		return -ENOMEM;
	push->resource = resource;
	push->pages = (struct pages){ .exports = exports, .export_count = export_count, .watch = watch, .hops = hops };
	error = post_new_metrics(url, &push->post);
	if (!error && (error = store_open(store_path, true, &push->pages.store)))
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
	if (!error)
		error = -pthread_create(&push->thread, NULL, push_run, push);
	if (error) {
		push_free(push);
		return error;
	}
	*out = push;
	return 0;
}

void push_update(struct push *push, const struct collect_counts *counts)
{
	if (!push)
		return;
	pthread_mutex_lock(&push->lock);
	push->fresh = *counts;
	pthread_mutex_unlock(&push->lock);
}

void push_stop(struct push *push)
{
	if (!push)
		return;
	pthread_mutex_lock(&push->lock);
	push->stopping = true;
	pthread_cond_broadcast(&push->stop);
	pthread_mutex_unlock(&push->lock);
	pthread_join(push->thread, NULL);
	push_free(push);
}
