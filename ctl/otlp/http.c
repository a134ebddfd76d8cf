/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One request at a time, each answered before the next: OTLP/HTTP has nothing to gain from more on one connection. */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "post.h"

/* Far below the 4 MiB that OpenTelemetry's collectors take of gRPC, and others of HTTP. */
enum { REQUEST_MAX = 2 << 20, SPANS_MAX = 2048, CONTENT_TOO_LARGE = 413 };

/* OpenTelemetry's batch processor. Its queue is the store here, so that OTEL_BSP_MAX_QUEUE_SIZE has no say. */
#define BATCH_SPANS "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
#define BATCH_DELAY "OTEL_BSP_SCHEDULE_DELAY"

struct http {
	struct destination destination;
	struct post *post;
};

/* "HTTP 503: too busy", or why there was no answer. */
static void error_set(struct message *message, const struct post_answer *answer)
{
	const char *separator = answer->error[0] ? ": " : "";

	if (answer->status && answer->status / 100 != 2)
		snprintf(message->error, sizeof(message->error), "HTTP %d%s%s", answer->status, separator,
			 answer->error);
	else
		snprintf(message->error, sizeof(message->error), "%s", answer->error);
}

static void http_send(struct destination *destination, struct message *message)
{
	struct http *http = (struct http *)destination;
	struct post_answer answer;

	post_send(http->post, message->otlp, message->len, &answer);
	error_set(message, &answer);
	message->retry_after_s = answer.retry_after_s;
	message->rejected_spans = answer.rejected_spans;
	if (answer.status / 100 == 2)
		message->delivery = DELIVERY_DONE;
	else if (answer.status == CONTENT_TOO_LARGE)
		message->delivery = DELIVERY_TOO_LARGE;
	else
		message->delivery = post_again(&answer) ? DELIVERY_AGAIN : DELIVERY_REFUSED;
}

static bool http_over(void *arg)
{
	struct http *http = arg;

	return http->destination.over && http->destination.over(http->destination.over_arg);
}

static void http_free(struct destination *destination)
{
	struct http *http = (struct http *)destination;

	post_free(http->post);
	free(destination->name);
	free(destination->key);
	free(http);
}

static long batch_number(const char *name, long least, long otherwise)
{
	return environment_number(name, environment_get(name), least, otherwise);
}

int http_new(const char *url, struct destination **out)
{
	struct http *http = calloc(1, sizeof(*http));
	int error;

	if (!http)
		return -ENOMEM;
	http->destination = (struct destination){ .name = strdup(url),
						  .key = strdup(url),
						  .message_max = REQUEST_MAX,
						  .under_way_max = 1,
						  .spans_max = (uint64_t)batch_number(BATCH_SPANS, 1, SPANS_MAX),
						  .linger_ms = (unsigned int)batch_number(BATCH_DELAY, 0, 0),
						  .joins = true,
						  .send = http_send,
						  .free = http_free };
	error = http->destination.name && http->destination.key ? 0 : -ENOMEM;
	if (!error)
		error = post_new(url, http_over, http, &http->post);
	if (error) {
		http_free(&http->destination);
		return error;
	}
	*out = &http->destination;
	return 0;
}

/* Whether anything follows the host: "http://h:1/" has no path to speak of. */
static bool url_has_path(const char *url)
{
	const char *host = strstr(url, "://"), *slash = strchr(host ? host + 3 : url, '/');

	return slash && slash[1];
}

char *http_url_append(const char *base, const char *path)
{
	size_t len = strlen(base);
	char *url;

	return asprintf(&url, "%s%s%s", base, len && base[len - 1] == '/' ? "" : "/", path) < 0 ? NULL : url;
}

char *http_url_of(const char *word, const char *path)
{
	return url_has_path(word) ? strdup(word) : http_url_append(word, path);
}

char *http_url(const char *word)
{
	const char *traces = environment_get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
		   *base = environment_get("OTEL_EXPORTER_OTLP_ENDPOINT");

	if (word && *word)
		return http_url_of(word, "v1/traces");
	if ((traces || base) && environment_is_true("OTEL_SDK_DISABLED")) {
		fprintf(stderr, "export: OTEL_SDK_DISABLED: %s gets nothing\n", traces ? traces : base);
		return NULL;
	}
	if (traces)
		return strdup(traces);
	return base ? http_url_append(base, "v1/traces") : NULL;
}
