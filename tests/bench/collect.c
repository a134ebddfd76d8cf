/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the collector's steps cost, in this process's CPU time:
 *
 *	collect spans CAPTURE ROUNDS	records -> spans, spans -> OTLP, the other way
 *	collect store FILE SPANS	batches of 512 spans into a new store, then searches in it
 *
 * Prints a JSON object per row: quartiles and median over rounds.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "otlp/otlp.h"
#include "record/capture.h"
#include "record/nodes.h"
#include "spans/transfer.h"
#include "store/store.h"

enum { RECORDS_MAX = 1000000, ROUNDS_MAX = 1000, BATCH_SPANS = 512, TRACE_SPANS = 8, QUERIES = 21 };

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void row(const char *what, const char *unit, double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	printf("{\"what\": \"%s\", \"unit\": \"%s\", \"median\": %.6g, \"quartiles\": [%.6g, %.6g], \"rounds\": %d}\n",
	       what, unit, values[count / 2], values[count / 4], values[3 * count / 4], count);
	fflush(stdout);
}

static struct record *records_read(const char *path, size_t *count)
{
	struct record *records = calloc(RECORDS_MAX, sizeof(*records));
	struct capture *capture;
	FILE *file = fopen(path, "re");

	if (!records || !file || capture_open_file(file, path, &capture))
		errx(1, "%s: cannot be read", path);
	for (*count = 0; *count < RECORDS_MAX && capture_next(capture, &records[*count]) == 1;)
		(*count)++;
	capture_close(capture);
	return records;
}

struct steps {
	struct transfers *transfers;
	struct otlp_room room;
	double spans_s, encode_s, decode_s;
	size_t spans;
};

static void batch_encode(struct steps *steps, const struct span_list *spans)
{
	struct span_attrs resource = { 0 };
	struct span_list again = { 0 };
	double start = cpu_s(), encoded;
	const uint8_t *otlp;
	size_t len;

	if (otlp_encode_in(&steps->room, spans, &resource, "1", &otlp, &len))
		errx(1, "no encoding");
	encoded = cpu_s();
	if (otlp_decode(otlp, len, &again) || again.count != spans->count)
		errx(1, "what was encoded is not decoded");
	steps->encode_s += encoded - start;
	steps->decode_s += cpu_s() - encoded;
	span_list_free(&again);
}

/* True: there may be more. */
static bool batch_run(struct steps *steps)
{
	struct span_list spans = { 0 };
	double start = cpu_s();
	bool more = transfers_close(steps->transfers, 0, true, BATCH_SPANS, &spans);

	steps->spans_s += cpu_s() - start;
	steps->spans += spans.count;
	if (spans.count)
		batch_encode(steps, &spans);
	span_list_free(&spans);
	return more;
}

/* All records, closed a thousand at a time, and their spans batch by batch, as the collector does. */
static void round_run(const struct record *records, size_t count, struct steps *steps)
{
	struct nodes *nodes;

	if (nodes_read(NULL, &nodes) || transfers_new(nodes, NULL, &steps->transfers))
		errx(1, "no transfers");
	for (size_t i = 0; i < count; i += 1000) {
		double start = cpu_s();

		for (size_t k = i; k < i + 1000 && k < count; k++)
			transfers_add(steps->transfers, &records[k]);
		steps->spans_s += cpu_s() - start;
		while (batch_run(steps))
			;
	}
	transfers_free(steps->transfers);
	nodes_free(nodes);
}

static void spans_bench(const char *path, int rounds)
{
	static double spans[ROUNDS_MAX], encode[ROUNDS_MAX], decode[ROUNDS_MAX];
	size_t count;
	struct record *records = records_read(path, &count);

	for (int i = 0; i < rounds && i < ROUNDS_MAX; i++) {
		struct steps steps = { 0 };

		round_run(records, count, &steps);
		spans[i] = steps.spans_s / (double)steps.spans * 1e9;
		encode[i] = steps.encode_s / (double)steps.spans * 1e9;
		decode[i] = steps.decode_s / (double)steps.spans * 1e9;
		free(steps.room.octets);
	}
	row("records to spans", "ns/span", spans, rounds);
	row("spans to OTLP", "ns/span", encode, rounds);
	row("OTLP to spans", "ns/span", decode, rounds);
	free(records);
}

/* A batch as a hundred requests make it: spans with the attributes of stays. */
static void batch_make(struct span_list *spans, int64_t at_ns)
{
	static const char *const nodes[] = { "r1", "r2", "r3", "r4" };

	for (int i = 0; i < BATCH_SPANS; i++) {
		struct span *span = span_list_add(spans);
		uint8_t *trace = spans->spans[i - i % TRACE_SPANS].trace_id;

		if (i % TRACE_SPANS == 0 && getrandom(trace, TRACE_ID_LEN, 0) < 0)
			err(1, "random");
		memcpy(span->trace_id, trace, TRACE_ID_LEN);
		memset(span->parent_id, i % TRACE_SPANS ? 1 : 0, SPAN_ID_LEN);
		memcpy(span->id, &i, sizeof(i));
		span->id[7] = 1;
		span->name = "r1 eth1";
		span->service = "network";
		span->scope = "hopspan";
		span->start_unix_ns = at_ns + i;
		span->end_unix_ns = span->start_unix_ns + 39800000;
		attr_string(&spans->arena, &span->attrs, "hopspan.about",
			    "39.800 ms in r1, 39.794 of it waiting for eth1 behind 57.9 kB; usual 0.190");
		attr_string(&spans->arena, &span->attrs, "hopspan.kind", i % TRACE_SPANS ? "node" : "transfer");
		attr_string(&spans->arena, &span->attrs, "hopspan.node", nodes[i % 4]);
		attr_int(&spans->arena, &span->attrs, "hopspan.queue_bytes", i * 100);
		attr_int(&spans->arena, &span->attrs, "hopspan.time_unix_ns", span->start_unix_ns);
		attr_int(&spans->arena, &span->attrs, "hopspan.delay_ns", 6000);
		attr_string(&spans->arena, &span->attrs, "hopspan.egress_if", "eth1");
		attr_string(&spans->arena, &span->attrs, "hopspan.dataplane", "xdp");
	}
}

static void store_fill(struct store *store, uint64_t spans_wanted, uint8_t trace_id[TRACE_ID_LEN])
{
	struct span_attrs resource = { 0 };
	struct timespec start, end;
	double add_s = 0, cpu = 0, wall;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t added = 0; added < spans_wanted; added += BATCH_SPANS) {
		struct span_list spans = { 0 };
		double before;
		uint8_t *otlp;
		size_t len;

		batch_make(&spans, 1795905844372756000 + (int64_t)added * 1000);
		if (otlp_encode(&spans, &resource, "1", &otlp, &len))
			errx(1, "no encoding");
		before = cpu_s();
		if (store_add(store, otlp, len, &spans))
			errx(1, "%s", store_error(store));
		add_s += cpu_s() - before;
		if (added <= spans_wanted / 2)
			memcpy(trace_id, spans.spans[0].trace_id, TRACE_ID_LEN);
		free(otlp);
		span_list_free(&spans);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	wall = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	cpu = (double)spans_wanted / add_s;
	printf("{\"what\": \"store: spans into SQLite\", \"unit\": \"spans/CPU s\", \"median\": %.6g, \"spans\": %llu,"
	       " \"wall_s\": %.4g, \"octets_a_span\": %.4g}\n",
	       cpu, (unsigned long long)spans_wanted, wall, (double)store_bytes(store) / (double)spans_wanted);
	fflush(stdout);
}

static int row_count(const struct store_trace *trace, void *arg)
{
	(void)trace;
	++*(int *)arg;
	return 0;
}

static void query(struct store *store, const char *what, const struct store_search *search)
{
	double ms[QUERIES];
	char name[128];
	int rows = 0;

	for (int i = 0; i < QUERIES; i++) {
		double start = cpu_s();

		rows = 0;
		if (store_list(store, search, row_count, &rows))
			errx(1, "%s", store_error(store));
		ms[i] = (cpu_s() - start) * 1e3;
	}
	snprintf(name, sizeof(name), "store: %s, %d found", what, rows);
	row(name, "ms", ms, QUERIES);
}

static void trace_load(struct store *store, const uint8_t trace_id[TRACE_ID_LEN])
{
	double ms[QUERIES];

	for (int i = 0; i < QUERIES; i++) {
		struct span_list spans = { 0 };
		double start = cpu_s();

		if (store_load_trace(store, trace_id, &spans) || spans.count != TRACE_SPANS)
			errx(1, "the trace is not whole");
		ms[i] = (cpu_s() - start) * 1e3;
		span_list_free(&spans);
	}
	row("store: one trace of it", "ms", ms, QUERIES);
}

static void store_bench(const char *path, uint64_t spans)
{
	uint8_t trace_id[TRACE_ID_LEN];
	struct rusage usage;
	struct store *store;

	if (store_open(path, true, &store))
		errx(1, "%s", store_error(NULL));
	store_fill(store, spans, trace_id);
	query(store, "the newest 20", &(struct store_search){ .limit = 20 });
	query(store, "20 by node and queue",
	      &(struct store_search){ .limit = 20, .node = "r3", .queue_min_bytes = 51000 });
	query(store, "none by service, all looked at", &(struct store_search){ .limit = 20, .service = "nobody" });
	trace_load(store, trace_id);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"what\": \"store: memory meanwhile\", \"unit\": \"MB\", \"median\": %.4g}\n",
	       (double)usage.ru_maxrss / 1024);
	store_close(store);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "spans") == 0)
		spans_bench(argv[2], atoi(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "store") == 0)
		store_bench(argv[2], strtoull(argv[3], NULL, 10));
	else
		errx(2, "spans CAPTURE ROUNDS | store FILE SPANS");
	return 0;
}
