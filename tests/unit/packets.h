/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records made by hand for the tests of spans: a client, r1 (XDP), r2 (DPDK), r3 (stock Linux) and a server. Times are
 * us behind BASE_NS.
 */
#ifndef HOPSPAN_TESTS_PACKETS_H
#define HOPSPAN_TESTS_PACKETS_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "spans/attribute.h"
#include "record/record.h"
#include "spans/transfer.h"
#include "spans/usual.h"

#define BASE_NS 1790000000100000000LL
#define NONE 0xffffffffU
enum { SHOP = 1, CART = 2, R1 = 11, R2 = 12, R3 = 13, SHAPED = 14 };

static const char nodes_text[] =
    "- {node: 1, name: shop-1, role: host, dataplane: tc, interfaces: {2: eth0}}\n"
    "- {node: 2, name: cart-1, role: host, dataplane: tc, interfaces: {2: eth0}}\n"
    "- {node: 11, name: r1, role: router, dataplane: xdp, interfaces: {1: eth0, 2: eth1}}\n"
    "- {node: 12, name: r2, role: router, dataplane: dpdk, delay: after-queue, interfaces: {1: port0, 2: port1}}\n"
    "- {node: 13, name: r3, role: router, dataplane: linux, time: posix, delay: none, interfaces: {2: ens5}}\n"
    "- {node: 14, name: r4, role: router, dataplane: tc, queue: packets, interfaces: {2: eth1}}\n";

static inline struct nodes *packets_nodes(void)
{
	char path[] = "/tmp/nodes-XXXXXX";
	int fd = mkstemp(path);
	struct nodes *nodes = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, nodes_text, sizeof(nodes_text) - 1), sizeof(nodes_text) - 1);
	close(fd);
	assert_int_equal(nodes_read(path, &nodes), 0);
	unlink(path);
	return nodes;
}

/* What is drawn of packets: a test's ground, or part of it. */
struct drawing {
	struct nodes *nodes;
	struct transfers *transfers;
	struct span_list spans;
};

static inline void drawing_begin(struct drawing *drawing)
{
	drawing->nodes = packets_nodes();
	assert_int_equal(transfers_new(drawing->nodes, NULL, &drawing->transfers), 0);
}

static inline void drawing_end(struct drawing *drawing)
{
	span_list_free(&drawing->spans);
	transfers_free(drawing->transfers);
	nodes_free(drawing->nodes);
}

static inline int drawing_setup(void **state)
{
	struct drawing *drawing = calloc(1, sizeof(*drawing));

	drawing_begin(drawing);
	*state = drawing;
	return 0;
}

static inline int drawing_teardown(void **state)
{
	drawing_end(*state);
	free(*state);
	return 0;
}

/* A packet of the request, sent at `sent_us` with hop limit 64; add_hop() and arrive() complete it. */
static inline struct record packet(unsigned int trace, double sent_us, uint32_t queue)
{
	struct record record = {
		.source_port = 40000,
		.destination_port = 443,
		.transport = IPPROTO_TCP,
		.namespace = 0x6873,
		.type = IOAM6_HOP_AND_ID | IOAM6_INTERFACES | IOAM6_FRACTION | IOAM6_DELAY | IOAM6_QUEUE,
		.has_context = true,
		.context = { .version = 1, .flags = 1 },
		.hop_count = 1,
	};

	inet_pton(AF_INET6, "2001:db8:1::10", &record.source);
	inet_pton(AF_INET6, "2001:db8:2::20", &record.destination);
	memset(record.context.trace_id, 0x7c, sizeof(record.context.trace_id));
	memset(record.context.span_id, 0xa1, sizeof(record.context.span_id));
	record.context.trace_id[15] = trace;
	record.hops[0] = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	record.hops[0].id = SHOP;
	record.hops[0].egress_if = 2;
	record.hops[0].hop_limit = 64;
	record.hops[0].queue = queue;
	record.hops[0].fraction = (BASE_NS + (int64_t)(sent_us * 1000)) % 1000000000;
	return record;
}

static inline void add_hop(struct record *record, unsigned int id, uint8_t hop_limit, double at_us, uint32_t delay_ns,
			   uint32_t queue)
{
	struct ioam6_node *hop = &record->hops[record->hop_count++];
	uint32_t ns = (BASE_NS + (int64_t)(at_us * 1000)) % 1000000000;

	*hop = (struct ioam6_node)IOAM6_NODE_UNKNOWN;
	hop->id = id;
	hop->ingress_if = 1;
	hop->egress_if = 2;
	hop->hop_limit = hop_limit;
	hop->fraction = id == R3 ? ns / 1000 : ns;
	hop->delay_ns = delay_ns;
	hop->queue = queue;
}

static inline void arrive(struct record *record, uint8_t hop_limit, double at_us)
{
	record->hop_limit = hop_limit;
	record->time_unix_ns = BASE_NS + (int64_t)(at_us * 1000);
}

/*
 * The plain way, nothing queued anywhere unless r1 says so:
 * client 0 -50-> r1 stays 6 -90 (and waits)-> r2 stays 11 -100-> r3, silent router, server 360 behind r3.
 */
static inline struct record plain(unsigned int trace, double sent_us, uint32_t r1_queue, double r1_wait_us)
{
	struct record record = packet(trace, sent_us, 0);

	add_hop(&record, R1, 63, sent_us + 50, 6000, r1_queue);
	add_hop(&record, R2, 62, sent_us + 146 + r1_wait_us, 11000, 0);
	add_hop(&record, R3, 61, sent_us + 257 + r1_wait_us, NONE, 0);
	arrive(&record, 60, sent_us + 617 + r1_wait_us);
	return record;
}

static inline const struct span *span_named(const struct span_list *spans, const char *name)
{
	for (size_t i = 0; i < spans->count; i++)
		if (strcmp(spans->spans[i].name, name) == 0)
			return &spans->spans[i];
	for (size_t i = 0; i < spans->count; i++)
		print_error("there is: %s\n", spans->spans[i].name);
	fail_msg("no span \"%s\"", name);
	return NULL;
}

static inline void assert_times(const struct span *span, double start_us, double end_us)
{
	if (span->start_unix_ns != BASE_NS + (int64_t)(start_us * 1000) ||
	    span->end_unix_ns != BASE_NS + (int64_t)(end_us * 1000))
		fail_msg("%s is %.3f to %.3f us, wanted %.3f to %.3f", span->name,
			 (double)(span->start_unix_ns - BASE_NS) / 1000, (double)(span->end_unix_ns - BASE_NS) / 1000,
			 start_us, end_us);
}

static inline void assert_span(const struct span_list *spans, const char *name, double start_us, double end_us)
{
	assert_times(span_named(spans, name), start_us, end_us);
}

static inline const char *text_of(const struct span *span, enum attribute_index which)
{
	return attr_get_string(&span->attrs, attributes[which].key, "(absent)");
}

static inline int64_t number_of(const struct span *span, enum attribute_index which)
{
	return attr_get_int(&span->attrs, attributes[which].key, INT64_MIN);
}

static inline bool has(const struct span *span, enum attribute_index which)
{
	return attr_find(&span->attrs, attributes[which].key);
}

static inline bool applies(const struct attribute *attribute, const struct span *span)
{
	const char *kind = text_of(span, AT_kind);

	return strcmp(attribute->on, "all") == 0 || strstr(attribute->on, kind) ||
	       (strstr(attribute->on, "sender") && strcmp(kind, "link") == 0 && number_of(span, AT_hop) == 0);
}

static inline void assert_listed(const struct span *span, const struct span_attr *attr)
{
	for (unsigned int i = 0; i < ATTRIBUTE_COUNT; i++)
		if (strcmp(attributes[i].key, attr->key) == 0) {
			assert_int_equal(attributes[i].type, attr->type);
			if (!applies(&attributes[i], span))
				fail_msg("%s does not belong on %s", attr->key, span->name);
			return;
		}
	fail_msg("%s is not in the list", attr->key);
}

/* What must hold of any spans: the parent is there and encloses its children, ids differ, attributes are listed. */
static inline void assert_sound(const struct span_list *spans)
{
	const struct span *parent = NULL, *transfer = NULL;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->spans[i];
		const char *kind = text_of(span, AT_kind);

		assert_true(span->start_unix_ns < span->end_unix_ns);
		assert_string_equal(span->attrs.list[0].key, "hopspan.about");
		for (size_t a = 0; a < span->attrs.count; a++)
			assert_listed(span, &span->attrs.list[a]);
		for (size_t other = 0; other < i; other++)
			assert_memory_not_equal(span->id, spans->spans[other].id, SPAN_ID_LEN);
		if (strcmp(kind, "packet") == 0)
			parent = transfer;
		if (strcmp(kind, "transfer") != 0) {
			assert_memory_equal(span->parent_id, parent->id, SPAN_ID_LEN);
			assert_true(span->start_unix_ns >= parent->start_unix_ns);
			assert_true(span->end_unix_ns <= parent->end_unix_ns);
		}
		if (strcmp(kind, "transfer") == 0)
			transfer = span;
		if (strcmp(kind, "transfer") == 0 || strcmp(kind, "packet") == 0)
			parent = span;
	}
}

#endif
