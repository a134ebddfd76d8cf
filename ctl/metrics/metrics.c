/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The HTTP server of /metrics and /health. */
#include "metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "otlp/listen.h"
#include "pages.h"
#include "store/store.h"
#include "text.h"

struct metrics {
	struct MHD_Daemon *daemon;
	struct pages pages;
	pthread_mutex_t lock; /* of `fresh` */
	struct collect_counts fresh;
};

struct answer {
	unsigned int status;
	const char *type;
};

static struct answer metrics_page(FILE *out, const struct pages *pages, enum text_format format)
{
	pages_metrics(&(struct text){ out, format }, pages);
	return (struct answer){ MHD_HTTP_OK, text_type(format) };
}

static struct answer health_page(FILE *out, const struct pages *pages)
{
	bool healthy = pages_health(out, pages);

	return (struct answer){ healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json" };
}

static struct answer no_page(FILE *out, unsigned int status, const char *why)
{
	fprintf(out, "%s\n", why);
	return (struct answer){ status, "text/plain; charset=utf-8" };
}

static struct answer page_write(FILE *out, struct metrics *metrics, const char *path, const char *method,
				const char *accept)
{
	if (strcmp(path, "/metrics") != 0 && strcmp(path, "/health") != 0)
		return no_page(out, MHD_HTTP_NOT_FOUND, "there are /metrics and /health");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return no_page(out, MHD_HTTP_METHOD_NOT_ALLOWED, "there is only GET and HEAD");
	pthread_mutex_lock(&metrics->lock);
	metrics->pages.counts = metrics->fresh;
	pthread_mutex_unlock(&metrics->lock);
	if (strcmp(path, "/health") == 0)
		return health_page(out, &metrics->pages);
	return metrics_page(out, &metrics->pages, accept_format(accept));
}

/* Takes `body`. */
static enum MHD_Result answer_send(struct MHD_Connection *connection, const struct answer *answer, char *body,
				   size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result queued;

	if (!response) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	queued = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return queued;
}

/* No method that is served has a body: what is sent is refused before it comes. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *data, size_t *len, void **state)
{
	struct metrics *metrics = arg;
	struct answer answer;
	char *body = NULL;
	size_t body_len = 0;
	FILE *out = open_memstream(&body, &body_len);

	(void)version, (void)data, (void)len, (void)state;
	if (!out)
		return MHD_NO;
	answer = page_write(out, metrics, path, method,
			    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	if (ferror(out) | fclose(out)) {
		free(body);
		return MHD_NO;
	}
	return answer_send(connection, &answer, body, body_len);
}

static int metrics_open(struct metrics *metrics, const char *address, const char *store_path)
{
	const char *colon = strrchr(address, ':');
	uint16_t port;
	int error;

	if (colon && colon[1] && colon[1 + strspn(colon + 1, "0")] == 0) {
		fprintf(stderr, "metrics %s: port 0 is none that anybody could ask\n", address);
		return -EADDRNOTAVAIL;
	}
	error = store_open(store_path, true, &metrics->pages.store);
	if (error)
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
	return error ? error : listen_serve("metrics", address, handle, NULL, metrics, &metrics->daemon, &port);
}

int metrics_start(const char *address, const char *store_path, struct export *const *exports, unsigned int export_count,
		  const struct watch *watch, struct hop_counts *hops, struct metrics **out)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int error;

	if (!metrics)
		return -ENOMEM;
	pthread_mutex_init(&metrics->lock, NULL);
	metrics->pages.exports = exports;
	metrics->pages.export_count = export_count;
	metrics->pages.watch = watch;
	metrics->pages.hops = hops;
	error = metrics_open(metrics, address, store_path);
	if (error) {
		metrics_stop(metrics);
		return error;
	}
	*out = metrics;
	return 0;
}

void metrics_update(struct metrics *metrics, const struct collect_counts *counts)
{
	pthread_mutex_lock(&metrics->lock);
	metrics->fresh = *counts;
	pthread_mutex_unlock(&metrics->lock);
}

void metrics_stop(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->daemon)
		MHD_stop_daemon(metrics->daemon);
	store_close(metrics->pages.store);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}
