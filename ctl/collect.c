/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * hopspan collect: sinks -> records -> transfers -> spans -> store, with doors in for applications' OTLP and out to
 * endpoints. Threads that meet only in the store: this one, the receivers' and the exporters'. Another watches paths.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "intake.h"
#include "metrics/hop_counts.h"
#include "metrics/metrics.h"
#include "metrics/push.h"
#include "notify.h"
#include "otlp/environment.h"
#include "otlp/export.h"
#include "otlp/file.h"
#include "otlp/http.h"
#include "otlp/kafka.h"
#include "record/nodes.h"
#include "otlp/otlp.h"
#include "path/watch.h"
#include "plane/comeback.h"
#include "plane/sinks.h"
#include "quantity.h"
#include "otlp/receive.h"
#include "sources.h"
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
	DOORS_MAX = 16,
	ENDPOINTS_MAX = 8,
	FILES_MAX = 4,
	EXPORTS_MAX = ENDPOINTS_MAX + FILES_MAX + 1,
	READS_MAX = 64,
	TAPS_MAX = 16,
	KEEP_TICKS = 10,
	BATCH_SPANS = 512,
	BATCHES_AT_ONCE = 16,
};

#define KEEP_AGE "7d"
#define KEEP_SIZE "4G"

struct collect {
	const char *store_path, *nodes_path, *metrics_address, *central, *hops, *packets;
	const char *listen[DOORS_MAX], *otlp[ENDPOINTS_MAX], *files[FILES_MAX];
	unsigned int door_count, endpoint_count, file_count;
	struct kafka_words kafka; /* without brokers: none */
	const char *reads[READS_MAX], *taps[TAPS_MAX];
	unsigned int read_count, tap_count;
	const char *age, *size, *push_url;
	struct store_limits limits;
	struct store_dropped dropped;
	struct store *store;
	struct sources *sources;
	struct nodes *nodes;
	struct transfers *transfers;
	struct intake *intake;
	struct transfers_show show;
	struct sinks *sinks;
	struct comeback *comeback;
	struct receive *doors[DOORS_MAX];
	struct export *exports[EXPORTS_MAX];
	unsigned int export_count;
	struct watch *watch;
	struct hop_counts *hop_counts;
	struct push *push;	 /* or NULL */
	struct metrics *metrics; /* or NULL */
	struct span_attrs resource;
	struct arena arena; /* of the resource */
	struct otlp_room otlp_room;
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

/* A word of the command: its value, or its values if it may be repeated. */
struct word {
	const char *word, **values;
	unsigned int *count; /* NULL: the last one counts */
	unsigned int max;
};

static int word_take(const struct word *word, const char *value)
{
	if (word->count && *word->count == word->max)
		return misuse(command_of(cmd_collect), "%s: more than %u are too many", word->word, word->max);
	word->values[word->count ? (*word->count)++ : 0] = value;
	return 0;
}

static int collect_word(struct collect *collect, const char *word, const char *value)
{
	struct kafka_words *kafka = &collect->kafka;
	const struct word words[] = {
		{ "otlp", collect->otlp, &collect->endpoint_count, ENDPOINTS_MAX },
		{ "central", &collect->central, NULL, 0 },
		{ "hops", &collect->hops, NULL, 0 },
		{ "packets", &collect->packets, NULL, 0 },
		{ "file", collect->files, &collect->file_count, FILES_MAX },
		{ "kafka", &kafka->brokers, NULL, 0 },
		{ "topic", &kafka->topic, NULL, 0 },
		{ "property", kafka->properties, &kafka->property_count, KAFKA_PROPERTIES_MAX },
		{ "properties", &kafka->file, NULL, 0 },
		{ "listen", collect->listen, &collect->door_count, DOORS_MAX },
		{ "store", &collect->store_path, NULL, 0 },
		{ "nodes", &collect->nodes_path, NULL, 0 },
		{ "age", &collect->age, NULL, 0 },
		{ "size", &collect->size, NULL, 0 },
		{ "read", collect->reads, &collect->read_count, READS_MAX },
		{ "tap", collect->taps, &collect->tap_count, TAPS_MAX },
		{ "metrics", &collect->metrics_address, NULL, 0 },
		{ "push", &collect->push_url, NULL, 0 },
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		if (!value)
			return misuse(command_of(cmd_collect), "%s: a value is missing", word);
		return word_take(&words[i], value);
	}
	return misuse(command_of(cmd_collect), "unknown word \"%s\"", word);
}

/* "0": no limit. */
static int limits_read(struct collect *collect)
{
	const char *age = collect->age ? collect->age : KEEP_AGE, *size = collect->size ? collect->size : KEEP_SIZE;

	if (strcmp(age, "0") != 0 && quantity_time(age, &collect->limits.age_ns))
		return misuse(command_of(cmd_collect), "age \"%s\" is no time: 12h, 7d, or 0 for no limit", age);
	if (quantity_octets(size, &collect->limits.octets))
		return misuse(command_of(cmd_collect), "size \"%s\" is none: 500M, 4G, or 0 for no limit", size);
	return 0;
}

static int show_hops(struct collect *collect)
{
	static const char *const names[] = { [HOPS_ALL] = "all", [HOPS_SLOW] = "slow", [HOPS_NONE] = "none" };

	for (enum hops hops = HOPS_ALL; hops <= HOPS_NONE; hops++)
		if (strcmp(collect->hops, names[hops]) == 0) {
			collect->show.hops = hops;
			return 0;
		}
	return misuse(command_of(cmd_collect), "hops %s: all, slow or none", collect->hops);
}

/* "slowest,first,last"; the slowest is there in any case. */
static int show_packets(struct collect *collect)
{
	char list[64], *at = list, *name;

	if (snprintf(list, sizeof(list), "%s", collect->packets) >= (int)sizeof(list))
		return misuse(command_of(cmd_collect), "packets %s: of slowest,first,last", collect->packets);
	while ((name = strsep(&at, ","))) {
		if (strcmp(name, "first") == 0)
			collect->show.first = true;
		else if (strcmp(name, "last") == 0)
			collect->show.last = true;
		else if (strcmp(name, "slowest") != 0)
			return misuse(command_of(cmd_collect), "packets %s: of slowest,first,last", collect->packets);
	}
	return 0;
}

/* A central collector draws again what it is passed on, and alone sends to a backend. */
static int collect_show(struct collect *collect)
{
	int status = collect->hops ? show_hops(collect) : 0;

	if (!status && collect->packets)
		status = show_packets(collect);
	if (status || !collect->central)
		return status;
	if (collect->endpoint_count || collect->kafka.brokers)
		return misuse(command_of(cmd_collect),
			      "central: that collector alone sends to a backend (otlp, kafka)");
	collect->otlp[collect->endpoint_count++] = collect->central;
	collect->show.pass_on = true;
	return 0;
}

static int collect_words(struct collect *collect, int argc, char **argv)
{
	int status;

	for (int i = 0; i < argc; i += 2) {
		status = collect_word(collect, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
		if (status)
			return status;
	}
	if (!collect->door_count && !collect->read_count)
		collect->listen[collect->door_count++] = LISTEN_DEFAULT;
	if (!collect->kafka.brokers && (collect->kafka.topic || collect->kafka.file || collect->kafka.property_count))
		return misuse(command_of(cmd_collect), "topic and properties are of kafka BROKERS, which is missing");
	if (!collect->kafka.topic)
		collect->kafka.topic = KAFKA_TOPIC_DEFAULT;
	if (!collect->metrics_address)
		collect->metrics_address = collect->read_count ? "off" : METRICS_ADDRESS_DEFAULT;
	status = collect_show(collect);
	return status ? status : limits_read(collect);
}

/* What is there already wins. */
static void resource_add(struct collect *collect, const char *key, const char *value)
{
	if (!attr_find(&collect->resource, key))
		attr_string(&collect->arena, &collect->resource, arena_strdup(&collect->arena, key),
			    arena_strdup(&collect->arena, value));
}

static bool resource_pair(const char *key, const char *value, void *collect)
{
	resource_add(collect, key, value);
	return true;
}

/* What all network spans share: user-visible identity of this collector. */
static int resource_make(struct collect *collect)
{
	const char *name = environment_get("OTEL_SERVICE_NAME"), *pairs = environment_get("OTEL_RESOURCE_ATTRIBUTES");
	char id[37], host[256] = "";

	if (store_instance_id(collect->store, id))
		return -EIO;
	gethostname(host, sizeof(host) - 1);
	if (name)
		resource_add(collect, "service.name", name);
	if (pairs && !environment_pairs(pairs, resource_pair, collect))
		fprintf(stderr, "hopspan collect: OTEL_RESOURCE_ATTRIBUTES: what is not key=value was ignored\n");
	resource_add(collect, "service.name", "network");
	resource_add(collect, "service.instance.id", id);
	resource_add(collect, "service.version", HOPSPAN_VERSION);
	resource_add(collect, "host.name", host);
	return 0;
}

static void record_take(const struct record *record, void *arg)
{
	struct collect *collect = arg;

	transfers_add(collect->transfers, record);
	hop_counts_add(collect->hop_counts, record, collect->nodes);
}

static void repeat_take(const struct repeat *repeat, void *arg)
{
	struct collect *collect = arg;

	transfers_add_repeat(collect->transfers, repeat);
}

static int collect_open_doors(struct collect *collect)
{
	const struct receive_look look = { intake_look, collect->intake };
	int error = 0;

	for (unsigned int i = 0; !error && i < collect->door_count; i++)
		error = receive_start(collect->listen[i], collect->store_path, &look, &collect->doors[i]);
	return error;
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

static int collect_open_push(struct collect *collect)
{
	char *url = push_url(collect->push_url);
	int error = url ? push_start(url, collect->store_path, collect->exports, collect->export_count, collect->watch,
				     collect->hop_counts, &collect->resource, &collect->push)
			: 0;

	free(url);
	return error;
}

/* Not being looked at is no reason not to work, a word that is no address is. */
static int collect_open_metrics(struct collect *collect)
{
	const char *address = collect->metrics_address;
	int error;

	if (strcmp(address, "off") == 0)
		return 0;
	error = metrics_start(address, collect->store_path, collect->exports, collect->export_count, collect->watch,
			      collect->hop_counts, &collect->metrics);
	if (error && error != -EINVAL)
		fprintf(stderr, "hopspan collect: goes on without metrics and health\n");
	return error == -EINVAL ? error : 0;
}

/* Takes `destination`. */
static int collect_export(struct collect *collect, struct destination *destination)
{
	int error;

	for (unsigned int i = 0; i < collect->export_count; i++)
		if (strcmp(export_key(collect->exports[i]), destination->key) == 0) {
			fprintf(stderr, "export %s: named twice\n", destination->name);
			destination->free(destination);
			return -EINVAL;
		}
	error = export_start(destination, collect->store_path, &collect->exports[collect->export_count]);
	if (!error)
		collect->export_count++;
	return error;
}

/* Without a word the environment may name an endpoint. */
static int collect_open_otlp(struct collect *collect, const char *word)
{
	char *url = http_url(word);
	struct destination *destination;
	int error = url ? http_new(url, &destination) : 0;

	if (url && !error)
		error = collect_export(collect, destination);
	free(url);
	return error;
}

static int collect_open_exports(struct collect *collect)
{
	struct destination *file, *kafka;
	int error = collect->endpoint_count ? 0 : collect_open_otlp(collect, NULL);

	for (unsigned int i = 0; !error && i < collect->endpoint_count; i++)
		error = collect_open_otlp(collect, collect->otlp[i]);
	for (unsigned int i = 0; !error && i < collect->file_count; i++) {
		error = file_new(collect->files[i], &file);
		if (!error)
			error = collect_export(collect, file);
	}
	if (error || !collect->kafka.brokers)
		return error;
	error = kafka_new(&collect->kafka, &kafka);
	return error ? error : collect_export(collect, kafka);
}

static void collect_say(const struct collect *collect)
{
	fprintf(stderr, "hopspan collect: OTLP in %s%s, store %s, %d sinks",
		collect->door_count ? collect->listen[0] : "off", collect->door_count > 1 ? " and others" : "",
		collect->store_path, collect->sink_count);
	for (unsigned int i = 0; i < collect->export_count; i++)
		fprintf(stderr, ", spans to %s", export_name(collect->exports[i]));
	fprintf(stderr, "%s%s\n", collect->metrics ? ", metrics at " : "",
		collect->metrics ? collect->metrics_address : "");
}

static int collect_open_sources(struct collect *collect)
{
	int error = sources_new(&collect->sources);

	for (unsigned int i = 0; !error && i < collect->read_count; i++)
		error = sources_read(collect->sources, collect->reads[i]);
	for (unsigned int i = 0; !error && i < collect->tap_count; i++)
		error = sources_tap(collect->sources, collect->taps[i]);
	return error;
}

/* This machine's own: not while a run that is over is read. */
static int collect_open_sinks(struct collect *collect)
{
	int error = sinks_open(record_take, repeat_take, collect, &collect->sinks);

	if (!error && !(collect->hop_counts = hop_counts_new()))
		error = -ENOMEM;
	if (error || collect->read_count)
		return error;
	if (geteuid() != 0) {
		fprintf(stderr, "hopspan collect: not root: applications' spans are taken, no sink is read\n");
		return 0;
	}
	error = comeback_new(&collect->comeback);
	if (!error)
		error = watch_start(&collect->watch);
	if (!error)
		collect->sink_count = sinks_refresh(collect->sinks);
	return error;
}

/* Each step prints its own error. */
static int collect_open(struct collect *collect)
{
	int error = collect_open_nodes(collect);

	if (!error)
		error = collect_open_store(collect);
	if (!error)
		error = transfers_new(collect->nodes, collect->store, &collect->transfers);
	if (!error)
		transfers_set_show(collect->transfers, &collect->show);
	if (!error)
		error = collect_open_sources(collect);
	if (!error)
		error = intake_new(collect->store_path, &collect->intake);
	if (!error)
		error = collect_open_doors(collect);
	if (!error)
		error = collect_open_exports(collect);
	if (!error)
		error = collect_open_sinks(collect);
	if (!error)
		error = collect_open_metrics(collect);
	if (!error)
		error = collect_open_push(collect);
	if (!error)
		collect_say(collect);
	return error;
}

static void spans_lost(struct collect *collect, size_t count, const char *why)
{
	collect->lost_spans += count;
	fprintf(stderr, "hopspan collect: %zu spans not stored: %s\n", count, why);
}

/* How many of them go on to the store. */
static size_t batch_put(struct collect *collect, const struct span_list *spans)
{
	const uint8_t *otlp;
	size_t len;

	if (otlp_encode_in(&collect->otlp_room, spans, &collect->resource, HOPSPAN_VERSION, &otlp, &len)) {
		spans_lost(collect, spans->count, "out of memory");
		return 0;
	}
	store_put(collect->store, otlp, len, spans);
	return spans->count;
}

/* A batch is drawn, encoded and indexed before the next: its spans are at hand meanwhile. True: there may be more. */
static bool batches_store(struct collect *collect, int64_t at_unix_ns, bool all)
{
	struct span_list spans = { 0 };
	bool more = true, begun = false;
	size_t put = 0;

	for (int i = 0; more && i < BATCHES_AT_ONCE; i++) {
		more = transfers_close(collect->transfers, at_unix_ns, all, BATCH_SPANS, &spans);
		if (!spans.count)
			break;
		if (!begun)
			store_begin(collect->store);
		begun = true;
		collect->spans += spans.count;
		put += batch_put(collect, &spans);
		span_list_free(&spans);
	}
	if (begun && store_commit(collect->store))
		spans_lost(collect, put, store_error(collect->store));
	return more;
}

/* The spans of transfers that are over become batches of the store. */
static void collect_spans(struct collect *collect, int64_t at_unix_ns, bool all)
{
	if (intake_read(collect->intake, collect->transfers, collect->store, at_unix_ns))
		fprintf(stderr, "hopspan collect: what was passed on waits: %s\n", store_error(collect->store));
	while (batches_store(collect, at_unix_ns, all))
		;
	intake_done(collect->intake, collect->transfers, at_unix_ns);
}

static void collect_count(const struct collect *collect, struct collect_counts *counts)
{
	*counts = (struct collect_counts){ .sinks = (unsigned int)collect->sink_count,
					   .dropped = collect->dropped,
					   .spans = collect->spans,
					   .lost_spans = collect->lost_spans };
	sinks_count(collect->sinks, &counts->records);
	sources_count(collect->sources, &counts->sources);
	transfers_count(collect->transfers, &counts->transfers);
	intake_count(collect->intake, &counts->passed);
	for (unsigned int i = 0; i < collect->door_count; i++) {
		struct receive_counts door;

		receive_counts(collect->doors[i], &door);
		counts->in.requests += door.requests;
		counts->in.spans += door.spans;
		counts->in.bad_requests += door.bad_requests;
		counts->in.store_errors += door.store_errors;
		for (int reason = 0; reason < REJECT_COUNT; reason++)
			counts->in.rejected[reason] += door.rejected[reason];
	}
}

static void collect_tell(struct collect *collect)
{
	struct collect_counts counts;

	if (!collect->metrics && !collect->push)
		return;
	collect_count(collect, &counts);
	if (collect->metrics)
		metrics_update(collect->metrics, &counts);
	push_update(collect->push, &counts);
}

/* Once a second. Of what an exporter has not sent only the size of the store takes something. */
static void collect_keep(struct collect *collect)
{
	const char *endpoints[EXPORTS_MAX];
	uint64_t unsent = collect->dropped.unsent_spans;

	for (unsigned int i = 0; i < collect->export_count; i++)
		endpoints[i] = export_key(collect->exports[i]);
	if (store_keep(collect->store, &collect->limits, now_unix_ns(), endpoints, collect->export_count,
		       &collect->dropped))
		return; /* who adds to the store says what is wrong with it */
	if (collect->dropped.unsent_spans > unsent && !unsent)
		fprintf(stderr, "hopspan collect: the store is full: spans leave it before they are sent\n");
}

/* What is to be done besides, some of it less often. */
static void collect_tick(struct collect *collect, unsigned int tick)
{
	unsigned long watchdog_ms = notify_watchdog_ms();

	if (watchdog_ms && tick % (watchdog_ms > TICK_MS ? watchdog_ms / TICK_MS : 1) == 0)
		notify_send("WATCHDOG=1");
	if (tick % REFRESH_TICKS == 0)
		collect->sink_count = sinks_refresh(collect->sinks);
	if (collect->comeback && tick % COMEBACK_TICKS == 0)
		comeback_look(collect->comeback);
	if (tick % KEEP_TICKS == 0)
		collect_keep(collect);
	if (tick % SAVE_TICKS == 0)
		transfers_save(collect->transfers);
}

static void collect_run(struct collect *collect)
{
	for (unsigned int tick = 1; !stopping; tick++) {
		collect_tell(collect);
		sinks_read(collect->sinks, TICK_MS);
		sources_poll(collect->sources, now_unix_ns() - SOURCES_LATE_MS * 1000000LL, record_take, collect);
		collect_spans(collect, now_unix_ns(), false);
		collect_tick(collect, tick);
	}
	sinks_read(collect->sinks, 0);
	sources_poll(collect->sources, INT64_MAX, record_take, collect);
	collect_spans(collect, now_unix_ns(), true);
	transfers_save(collect->transfers);
}

/* As time passes in what is read. */
static bool replay_pass(int64_t unix_ns, void *arg)
{
	collect_spans(arg, unix_ns, false);
	return stopping;
}

static bool all_sent(struct collect *collect)
{
	uint64_t waiting = 0;

	for (unsigned int i = 0; !waiting && i < collect->export_count; i++)
		if (store_queue(collect->store, export_key(collect->exports[i]), &waiting))
			return false;
	return waiting == 0;
}

/* A run that is over: until all of it is stored and sent. */
static int collect_replay(struct collect *collect)
{
	int error =
	    sources_replay(collect->sources, collect->store, TICK_MS * 1000000LL, record_take, replay_pass, collect);

	collect_spans(collect, now_unix_ns(), true);
	transfers_save(collect->transfers);
	while (!stopping && !all_sent(collect))
		usleep(TICK_MS * 1000);
	return error;
}

static void collect_summary(const struct collect *collect)
{
	struct collect_counts counts;
	struct export_counts out;
	uint64_t sent = 0, refused = 0, rejected;

	collect_count(collect, &counts);
	rejected = counts.sources.rejected_spans;
	for (int reason = 0; reason < REJECT_COUNT; reason++)
		rejected += counts.in.rejected[reason];
	for (unsigned int i = 0; i < collect->export_count; i++) {
		export_counts(collect->exports[i], &out);
		sent += out.batches;
		refused += out.rejected_batches;
	}
	fprintf(stderr,
		"hopspan collect: %llu records (%llu not read), %llu network spans (%llu not stored), %llu application "
		"spans (%llu rejected, %llu bad requests), %llu batches sent, %llu refused\n",
		(unsigned long long)(counts.records.records + counts.sources.records),
		(unsigned long long)(counts.records.undecoded + counts.sources.malformed + counts.sources.lost),
		(unsigned long long)collect->spans, (unsigned long long)collect->lost_spans,
		(unsigned long long)(counts.in.spans + counts.sources.spans), (unsigned long long)rejected,
		(unsigned long long)(counts.in.bad_requests + counts.sources.bad_lines), (unsigned long long)sent,
		(unsigned long long)refused);
}

/* The doors in close first, so that the way out has everything. */
static void collect_close(struct collect *collect)
{
	collect_tell(collect);
	metrics_stop(collect->metrics);
	push_stop(collect->push);
	watch_stop(collect->watch);
	for (unsigned int i = 0; i < collect->door_count; i++)
		receive_stop(collect->doors[i]);
	for (unsigned int i = 0; i < collect->export_count; i++)
		export_stop(collect->exports[i], EXPORT_GRACE_MS);
	intake_free(collect->intake);
	comeback_free(collect->comeback);
	if (collect->sinks)
		sinks_close(collect->sinks);
	sources_free(collect->sources);
	if (collect->transfers)
		transfers_free(collect->transfers);
	if (collect->store)
		store_close(collect->store);
	if (collect->nodes)
		nodes_free(collect->nodes);
	hop_counts_free(collect->hop_counts);
	free(collect->otlp_room.octets);
	arena_free(&collect->arena);
}

int cmd_collect(const struct options *options, int argc, char **argv)
{
	struct collect collect = { .store_path = store_path() };
	struct sigaction on_stop = { .sa_handler = stop };
	int status = collect_words(&collect, argc, argv);

	(void)options;
	if (status)
		return status;
	sigaction(SIGINT, &on_stop, NULL);
	sigaction(SIGTERM, &on_stop, NULL);
	status = collect_open(&collect) ? EXIT_FAILED : EXIT_DONE;
	if (status == EXIT_DONE) {
		notify_send("READY=1");
		if (!collect.read_count)
			collect_run(&collect);
		else if (collect_replay(&collect))
			status = EXIT_FAILED;
		notify_send("STOPPING=1");
		collect_summary(&collect);
	}
	collect_close(&collect);
	return status;
}
