/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan collect: sinks -> records -> transfers -> spans -> store, with a door in for applications' OTLP and one out
 * to an endpoint. Three threads that meet only in the store: this one, the receiver's and the exporter's. A fourth
 * watches paths.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "metrics/metrics.h"
#include "otlp/export.h"
#include "record/nodes.h"
#include "otlp/otlp.h"
#include "path/watch.h"
#include "plane/comeback.h"
#include "plane/sinks.h"
#include "otlp/receive.h"
#include "store/store.h"
#include "spans/transfer.h"
#include "version.h"

#define NODES_DEFAULT "/etc/hopspan/nodes.yaml"
#define LISTEN_DEFAULT "127.0.0.1:4319"

enum {
	TICK_MS = 100,
	REFRESH_TICKS = 5,
	COMEBACK_TICKS = 10,
	SAVE_TICKS = 100,
	EXPORT_GRACE_MS = 5000,
	DOORS_MAX = 16
};

struct collect {
	const char *otlp, *store_path, *nodes_path, *metrics_address;
	const char *listen[DOORS_MAX];
	unsigned int door_count;
	struct store *store;
	struct nodes *nodes;
	struct transfers *transfers;
	struct sinks *sinks;
	struct comeback *comeback;
	struct receive *doors[DOORS_MAX];
	struct export *export;
	struct watch *watch;
	struct metrics *metrics; /* or NULL */
	struct span_attrs resource;
	struct arena arena; /* of the resource */
	uint64_t spans, lost_spans;
	int sink_count;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static int64_t now_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int collect_word(struct collect *collect, const char *word, const char *value)
{
	const struct {
		const char *word, **value;
	} words[] = { { "otlp", &collect->otlp },
		      { "listen", &collect->listen[collect->door_count] },
		      { "store", &collect->store_path },
		      { "nodes", &collect->nodes_path },
		      { "metrics", &collect->metrics_address } };
	const unsigned int count = sizeof(words) / sizeof(words[0]);
	unsigned int i = 0;

	while (i < count && strcmp(words[i].word, word) != 0)
		i++;
	if (i == count)
		return misuse(command_of(cmd_collect), "unknown word \"%s\"", word);
	if (!value)
		return misuse(command_of(cmd_collect), "%s: a value is missing", word);
	*words[i].value = value;
	if (words[i].value == &collect->listen[collect->door_count] && ++collect->door_count == DOORS_MAX)
		return misuse(command_of(cmd_collect), "%d addresses to listen on are too many", DOORS_MAX);
	return 0;
}

static int collect_words(struct collect *collect, int argc, char **argv)
{
	for (int i = 0; i < argc; i += 2) {
		int status = collect_word(collect, argv[i], i + 1 < argc ? argv[i + 1] : NULL);

		if (status)
			return status;
	}
	if (!collect->door_count)
		collect->listen[collect->door_count++] = LISTEN_DEFAULT;
	return 0;
}

/* What all network spans share: user-visible identity of this collector. */
static int resource_make(struct collect *collect)
{
	const char *name = getenv("OTEL_SERVICE_NAME");
	char id[37], host[256] = "";

	if (store_instance_id(collect->store, id))
		return -EIO;
	gethostname(host, sizeof(host) - 1);
	attr_string(&collect->arena, &collect->resource, "service.name", name && *name ? name : "network");
	attr_string(&collect->arena, &collect->resource, "service.instance.id", arena_strdup(&collect->arena, id));
	attr_string(&collect->arena, &collect->resource, "service.version", HOPSPAN_VERSION);
	attr_string(&collect->arena, &collect->resource, "host.name", arena_strdup(&collect->arena, host));
	return 0;
}

static void record_take(const struct record *record, void *arg)
{
	struct collect *collect = arg;

	transfers_add(collect->transfers, record);
}

static int collect_open_store(struct collect *collect)
{
	if (store_open(collect->store_path, true, &collect->store)) {
		fprintf(stderr, "hopspan collect: %s: %s\n", collect->store_path, store_error(NULL));
		return -EIO;
	}
	return resource_make(collect);
}

static int collect_open_nodes(struct collect *collect)
{
	const char *path = collect->nodes_path;

	if (!path && access(NODES_DEFAULT, F_OK) == 0)
		path = NODES_DEFAULT;
	return nodes_read(path, &collect->nodes);
}

/* Not being looked at is no reason not to work, a word that is no address is. */
static int collect_open_metrics(struct collect *collect)
{
	const char *address = collect->metrics_address;
	int error;

	if (strcmp(address, "off") == 0)
		return 0;
	error = metrics_start(address, collect->store_path, collect->export, collect->watch, &collect->metrics);
	if (error && error != -EINVAL)
		fprintf(stderr, "hopspan collect: goes on without metrics and health\n");
	return error == -EINVAL ? error : 0;
}

static void collect_say(const struct collect *collect, const char *url)
{
	fprintf(stderr, "hopspan collect: OTLP in %s%s, store %s, %d sinks%s%s%s%s\n", collect->listen[0],
		collect->door_count > 1 ? " and others" : "", collect->store_path, collect->sink_count,
		*url ? ", spans to " : "", url, collect->metrics ? ", metrics at " : "",
		collect->metrics ? collect->metrics_address : "");
}

/* Each step prints its own error. */
static int collect_open(struct collect *collect)
{
	char *url = export_url(collect->otlp);
	int error = collect_open_nodes(collect);

	if (!error)
		error = collect_open_store(collect);
	if (!error)
		error = transfers_new(collect->nodes, collect->store, &collect->transfers);
	if (!error && geteuid() != 0)
		fprintf(stderr, "hopspan collect: not root: applications' spans are taken, no sink is read\n");
	if (!error)
		error = sinks_open(record_take, collect, &collect->sinks);
	if (!error && geteuid() == 0)
		error = comeback_new(&collect->comeback);
	for (unsigned int i = 0; !error && i < collect->door_count; i++)
		error = receive_start(collect->listen[i], collect->store_path, &collect->doors[i]);
	if (!error && url)
		error = export_start(url, collect->store_path, &collect->export);
	if (!error && geteuid() == 0)
		error = watch_start(&collect->watch);
	if (!error)
		collect->sink_count = sinks_refresh(collect->sinks);
	if (!error)
		error = collect_open_metrics(collect);
	if (!error)
		collect_say(collect, url ? url : "");
	free(url);
	return error;
}

/* The spans of transfers that are over become one batch of the store. */
static void collect_spans(struct collect *collect, bool all)
{
	struct span_list spans = { 0 };
	uint8_t *otlp = NULL;
	size_t len = 0;

	transfers_close(collect->transfers, now_unix_ns(), all, &spans);
	collect->spans += spans.count;
	if (spans.count && (otlp_encode(&spans, &collect->resource, HOPSPAN_VERSION, &otlp, &len) ||
			    store_add(collect->store, otlp, len, &spans))) {
		collect->lost_spans += spans.count;
		fprintf(stderr, "hopspan collect: %zu spans not stored: %s\n", spans.count,
			store_error(collect->store));
	}
	free(otlp);
	span_list_free(&spans);
}

static void collect_count(const struct collect *collect, struct collect_counts *counts)
{
	*counts = (struct collect_counts){ .sinks = (unsigned int)collect->sink_count,
					   .spans = collect->spans,
					   .lost_spans = collect->lost_spans };
	sinks_count(collect->sinks, &counts->records);
	transfers_count(collect->transfers, &counts->transfers);
	for (unsigned int i = 0; i < collect->door_count; i++) {
		struct receive_counts door;

		receive_counts(collect->doors[i], &door);
		counts->in.requests += door.requests;
		counts->in.spans += door.spans;
		counts->in.bad_requests += door.bad_requests;
		counts->in.store_errors += door.store_errors;
	}
}

static void collect_tell(struct collect *collect)
{
	struct collect_counts counts;

	if (!collect->metrics)
		return;
	collect_count(collect, &counts);
	metrics_update(collect->metrics, &counts);
}

static void collect_run(struct collect *collect)
{
	for (unsigned int tick = 1; !stopping; tick++) {
		collect_tell(collect);
		sinks_read(collect->sinks, TICK_MS);
		collect_spans(collect, false);
		if (tick % REFRESH_TICKS == 0)
			collect->sink_count = sinks_refresh(collect->sinks);
		if (collect->comeback && tick % COMEBACK_TICKS == 0)
			comeback_look(collect->comeback);
		if (tick % SAVE_TICKS == 0)
			transfers_save(collect->transfers);
	}
	sinks_read(collect->sinks, 0);
	collect_spans(collect, true);
	transfers_save(collect->transfers);
}

static void collect_summary(const struct collect *collect)
{
	struct collect_counts counts;
	struct export_counts out = { 0 };

	collect_count(collect, &counts);
	if (collect->export)
		export_counts(collect->export, &out);
	fprintf(stderr,
		"hopspan collect: %llu records (%llu not read), %llu network spans (%llu not stored), %llu application "
		"spans (%llu bad requests), %llu batches sent, %llu refused\n",
		(unsigned long long)counts.records.records, (unsigned long long)counts.records.undecoded,
		(unsigned long long)collect->spans, (unsigned long long)collect->lost_spans,
		(unsigned long long)counts.in.spans, (unsigned long long)counts.in.bad_requests,
		(unsigned long long)out.batches, (unsigned long long)out.rejected_batches);
}

/* The doors in close first, so that the way out has everything. */
static void collect_close(struct collect *collect)
{
	metrics_stop(collect->metrics);
	watch_stop(collect->watch);
	for (unsigned int i = 0; i < collect->door_count; i++)
		receive_stop(collect->doors[i]);
	if (collect->export)
		export_stop(collect->export, EXPORT_GRACE_MS);
	comeback_free(collect->comeback);
	if (collect->sinks)
		sinks_close(collect->sinks);
	if (collect->transfers)
		transfers_free(collect->transfers);
	if (collect->store)
		store_close(collect->store);
	if (collect->nodes)
		nodes_free(collect->nodes);
	arena_free(&collect->arena);
}

int cmd_collect(const struct options *options, int argc, char **argv)
{
	struct collect collect = { .store_path = store_path(), .metrics_address = METRICS_ADDRESS_DEFAULT };
	struct sigaction on_stop = { .sa_handler = stop };
	int status = collect_words(&collect, argc, argv);

	(void)options;
	if (status)
		return status;
	sigaction(SIGINT, &on_stop, NULL);
	sigaction(SIGTERM, &on_stop, NULL);
	status = collect_open(&collect) ? EXIT_FAILED : EXIT_DONE;
	if (status == EXIT_DONE) {
		collect_run(&collect);
		collect_summary(&collect);
	}
	collect_close(&collect);
	return status;
}
