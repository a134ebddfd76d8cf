/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What comes from outside, damaged at random: it is taken or refused, and nothing else happens. Built with what reports
 * every octet read or written outside of one (tests/build.mk).
 *
 *	FUZZ_ROUNDS (5000)   of each kind
 *	FUZZ_SEED            repeats a run: it is printed
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/cut.h"
#include "otlp/gzip.h"
#include "otlp/otlp.h"
#include "otlp/otlp_json.h"
#include "otlp/rejected.h"
#include "record/decode.h"
#include "record/nodes.h"
#include "record/record.h"
#include "tests/unit/vector.h"

enum { SIZE = 1 << 16, DAMAGES_MAX = 8 };

static uint64_t seed;

/* xorshift64*, so that a seed gives the same everywhere. */
static uint32_t next(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 2685821657736338717u) >> 33) % below;
}

static size_t rounds(void)
{
	const char *text = getenv("FUZZ_ROUNDS");

	return text ? strtoul(text, NULL, 10) : 5000;
}

/* One damage to `octets`, which has room for SIZE. */
static size_t damage(uint8_t *octets, size_t len)
{
	static const uint8_t telling[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, '"', '{', '[', '\\', ':', '-', '\n' };
	size_t at = next((uint32_t)len + 1), count = 1 + next(16);

	if (count > len - at)
		count = len - at;
	switch (next(6)) {
	case 0:
		return at; /* cut */
	case 1:
		if (at < len)
			octets[at] ^= (uint8_t)(1 << next(8));
		return len;
	case 2:
		if (at < len)
			octets[at] = telling[next(sizeof(telling))];
		return len;
	case 3:
		memmove(octets + at, octets + at + count, len - at - count);
		return len - count;
	case 4: /* twice */
		if (len + count > SIZE)
			return len;
		memmove(octets + at + count, octets + at, len - at);
		return len + count;
	default: /* from elsewhere */
		memmove(octets + at, octets + next((uint32_t)(len - count) + 1), count);
		return len;
	}
}

/* A damaged copy in memory of just its size, so that a step beyond it is seen. */
static uint8_t *damaged(const void *octets, size_t octets_len, size_t *len)
{
	static uint8_t work[SIZE];
	uint8_t *copy;

	memcpy(work, octets, octets_len);
	*len = octets_len;
	for (uint32_t count = 1 + next(DAMAGES_MAX); count--;)
		*len = damage(work, *len);
	copy = malloc(*len + 1);
	memcpy(copy, work, *len);
	return realloc(copy, *len ? *len : 1);
}

static void otlp_make(uint8_t **otlp, size_t *len)
{
	static const char *list[] = { "client", "r1", "server" };
	struct span_list spans = { 0 };
	struct span_attrs resource = { 0 };

	for (int i = 0; i < 4; i++) {
		struct span *span = span_list_add(&spans);

		memset(span->trace_id, 0x5a, TRACE_ID_LEN);
		memset(span->id, i + 1, SPAN_ID_LEN);
		span->name = "r1 eth1";
		span->start_unix_ns = 1795905844372756000 + i;
		span->end_unix_ns = span->start_unix_ns + 1000;
		attr_strings(&spans.arena, &span->attrs, "hopspan.path", list, 3);
		attr_int(&spans.arena, &span->attrs, "hopspan.queue_bytes", 57916);
		attr_double(&spans.arena, &span->attrs, "real", 0.5);
		attr_bool(&spans.arena, &span->attrs, "hopspan.overflow", true);
		span->events = arena_alloc(&spans.arena, sizeof(*span->events));
		span->event_count = 1;
		span->events[0].name = "queued";
		span->status_message = "packet lost";
	}
	attr_string(&spans.arena, &resource, "service.name", "network");
	assert_int_equal(otlp_encode(&spans, &resource, "1", otlp, len), 0);
	span_list_free(&spans);
}

static int piece_check(uint8_t *otlp, size_t len, void *arg)
{
	size_t *count = arg;

	*count += otlp_span_count(otlp, len);
	free(otlp);
	return 0;
}

/* What is kept of a request is good, and what is not is told of. */
static void good_take(const uint8_t *otlp, size_t len)
{
	struct span_list spans = { 0 };
	struct rejected rejected;
	uint8_t *kept;
	size_t kept_len;

	if (otlp_decode_good(otlp, len, &spans, &rejected, &kept, &kept_len) == 0) {
		assert_int_equal(spans.count + rejected.spans, otlp_span_count(otlp, len));
		assert_int_equal(rejected.spans != 0, kept != NULL);
		if (kept)
			assert_int_equal(spans.count, otlp_span_count(kept, kept_len));
	}
	free(kept);
	span_list_free(&spans);
}

static void otlp_take(const uint8_t *otlp, size_t len)
{
	struct span_list spans = { 0 };
	uint64_t too_large;
	size_t count = 0;

	good_take(otlp, len);
	if (otlp_decode(otlp, len, &spans) == 0) {
		assert_int_equal(otlp_cut(otlp, len, 200, piece_check, &count, &too_large), 0);
		assert_int_equal(count + too_large, otlp_span_count(otlp, len));
	} else {
		otlp_cut(otlp, len, 200, piece_check, &count, &too_large);
	}
	span_list_free(&spans);
}

static void protobuf(void **state)
{
	uint8_t *otlp;
	size_t otlp_len;

	(void)state;
	otlp_make(&otlp, &otlp_len);
	for (size_t i = 0; i < rounds(); i++) {
		size_t len;
		uint8_t *octets = damaged(otlp, otlp_len, &len);

		otlp_take(octets, len);
		free(octets);
	}
	free(otlp);
}

static char *json_make(size_t *len)
{
	Otlp__ExportTraceServiceRequest *request;
	uint8_t *otlp;
	size_t otlp_len;
	char *text;
	FILE *out = open_memstream(&text, len);

	otlp_make(&otlp, &otlp_len);
	request = otlp__export_trace_service_request__unpack(NULL, otlp_len, otlp);
	otlp_json_write(out, &request->base);
	fclose(out);
	otlp__export_trace_service_request__free_unpacked(request, NULL);
	free(otlp);
	return text;
}

static void json(void **state)
{
	char why[OTLP_JSON_WHY_SIZE], *text;
	size_t text_len;

	(void)state;
	text = json_make(&text_len);
	for (size_t i = 0; i < rounds(); i++) {
		size_t len, otlp_len;
		uint8_t *octets = damaged(text, text_len, &len), *otlp;

		if (otlp_json_read(&otlp__export_trace_service_request__descriptor, (char *)octets, len, &otlp,
				   &otlp_len, why) == 0) {
			otlp_take(otlp, otlp_len);
			free(otlp);
		}
		free(octets);
	}
	free(text);
}

static void gzipped(void **state)
{
	uint8_t *otlp, *gzip;
	size_t otlp_len, gzip_len;

	(void)state;
	otlp_make(&otlp, &otlp_len);
	assert_int_equal(gzip_compress(otlp, otlp_len, &gzip, &gzip_len), 0);
	for (size_t i = 0; i < rounds(); i++) {
		size_t len, plain_len;
		uint8_t *octets = damaged(gzip, gzip_len, &len), *plain;

		if (gzip_expand(octets, len, 1 << 20, &plain, &plain_len) == 0)
			free(plain);
		free(octets);
	}
	free(otlp);
	free(gzip);
}

static void records(void **state)
{
	struct nodes *nodes;
	size_t taken = 0, count;
	struct vector *vectors = vectors_read(&count);

	(void)state;
	assert_int_equal(nodes_read("tests/vectors/nodes.yaml", &nodes), 0);
	for (size_t i = 0; i < rounds(); i++) {
		struct record record = { .time_unix_ns = 1795905844372756000 };
		const struct vector *vector = &vectors[next((uint32_t)count)];
		size_t len;
		uint8_t *octets = damaged(vector->octets, vector->len, &len);

		if (record_decode(octets, len, &record) == OUTCOME_recorded) {
			record_times(&record, nodes);
			json_decref(record_json(&record, nodes));
			taken++;
		}
		free(octets);
	}
	nodes_free(nodes);
	free(vectors);
	assert_true(taken > 0 && taken < rounds());
}

static const char yaml[] = "- {node: 1, name: client, role: host, time: ptp, delay: before-queue}\n"
			   "- node: 0x2\n  name: r1\n  role: router\n  dataplane: xdp\n  queue: bytes\n"
			   "  interfaces: {2: eth0, 0x3: \"eth1\"}\n"
			   "- node_wide: 72057594037927934\n  name: \"r\\u00e9\"\n  time: posix\n  delay: none\n";

/* Each file that is read is complained of in one line, or taken. */
static void node_lists(void **state)
{
	char path[] = "/tmp/hopspan-fuzz-XXXXXX";
	int fd = mkstemp(path), quiet = dup(STDERR_FILENO);
	size_t taken = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(freopen("/dev/null", "w", stderr)); /* thousands of complaints */
	for (size_t i = 0; i < rounds() / 5 + 1; i++) {
		size_t len;
		uint8_t *octets = damaged(yaml, sizeof(yaml) - 1, &len);
		struct nodes *nodes;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, octets, len, 0), len);
		if (nodes_read(path, &nodes) == 0) {
			nodes_find(nodes, 2, false);
			nodes_free(nodes);
			taken++;
		}
		free(octets);
	}
	fflush(stderr);
	dup2(quiet, STDERR_FILENO);
	close(quiet);
	close(fd);
	unlink(path);
	assert_true(taken > 0);
}

int main(void)
{
	const char *text = getenv("FUZZ_SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protobuf), cmocka_unit_test(json),	  cmocka_unit_test(gzipped),
		cmocka_unit_test(records),  cmocka_unit_test(node_lists),
	};

	if (text)
		seed = strtoull(text, NULL, 10);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return 1;
	seed |= 1;
	printf("FUZZ_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
