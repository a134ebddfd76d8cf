/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The trace of the documentation, made by hand: shop calls cart over r1 (XDP, congested), r2 (DPDK), r3 (stock Linux)
 * and a silent router. Times in microseconds from the root's start.
 */
#ifndef HOPSPAN_TEST_EXAMPLE_H
#define HOPSPAN_TEST_EXAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spans/span.h"

#define EXAMPLE_START_UNIX_NS INT64_C(1795183331482000000) /* 2026-11-20 14:02:11.482 */

static const uint8_t example_trace_id[TRACE_ID_LEN] = { 0x7c, 0x0d, 0xe2, 0xa4, 0xf1, 0x9b, 0x33, 0x05,
							0xd1, 0xa2, 0xb7, 0xe9, 0x0c, 0x4f, 0x66, 0x18 };

/* A span with the number `id` below the one with the number `parent` (0: a root). */
static inline struct span *example_span(struct span_list *list, int id, int parent, const char *service,
					const char *name, int64_t start_us, int64_t end_us)
{
	struct span *span = span_list_add(list);

	memcpy(span->trace_id, example_trace_id, TRACE_ID_LEN);
	span->id[SPAN_ID_LEN - 1] = (uint8_t)id;
	span->id[SPAN_ID_LEN - 2] = (uint8_t)(id >> 8);
	span->parent_id[SPAN_ID_LEN - 1] = (uint8_t)parent;
	span->parent_id[SPAN_ID_LEN - 2] = (uint8_t)(parent >> 8);
	span->service = service;
	span->name = name;
	span->kind = SPAN_INTERNAL;
	span->start_unix_ns = EXAMPLE_START_UNIX_NS + start_us * 1000;
	span->end_unix_ns = EXAMPLE_START_UNIX_NS + end_us * 1000;
	return span;
}

/* usual_us, queue_bytes below 0: not known. */
static inline struct span *example_network(struct span_list *list, int id, int parent, const char *kind,
					   const char *name, int64_t start_us, int64_t end_us, int64_t usual_us,
					   int64_t queue_bytes)
{
	struct span *span = example_span(list, id, parent, "network", name, start_us, end_us);

	span->scope = "hopspan";
	attr_string(&list->arena, &span->attrs, "hopspan.kind", kind);
	if (usual_us >= 0)
		attr_int(&list->arena, &span->attrs, "hopspan.usual_ns", usual_us * 1000);
	if (queue_bytes >= 0)
		attr_int(&list->arena, &span->attrs, "hopspan.queue_bytes", queue_bytes);
	return span;
}

static inline void example_text(struct span_list *list, struct span *span, const char *key, const char *value)
{
	attr_string(&list->arena, &span->attrs, key, value);
}

static inline struct span *example_transfer(struct span_list *list, int id, int parent, const char *direction,
					    int64_t start_us, int64_t end_us, int64_t usual_us)
{
	struct span *span = example_network(list, id, parent, "transfer", direction, start_us, end_us, usual_us, -1);
	static const char *there[] = { "shop-1", "r1", "r2", "r3", "?", "cart-1" };
	static const char *back[] = { "cart-1", "?", "r3", "r2", "r1", "shop-1" };

	example_text(list, span, "hopspan.direction", direction);
	attr_strings(&list->arena, &span->attrs, "hopspan.path", strcmp(direction, "reply") == 0 ? back : there, 6);
	attr_int(&list->arena, &span->attrs, "hopspan.clock_error_ns", 12000);
	return span;
}

static inline struct span *example_stay(struct span_list *list, int id, int parent, const char *node,
					const char *egress_if, int64_t start_us, int64_t end_us, int64_t usual_us,
					int64_t queue_bytes)
{
	char *name = arena_printf(&list->arena, "%s %s", node, egress_if);
	struct span *span = example_network(list, id, parent, "node", name, start_us, end_us, usual_us, queue_bytes);

	example_text(list, span, "hopspan.node", node);
	example_text(list, span, "hopspan.egress_if", egress_if);
	return span;
}

/* `kind` link or hop: drawn 1 us shorter on both sides. */
static inline struct span *example_link(struct span_list *list, int id, int parent, const char *kind, const char *from,
					const char *to, int64_t start_us, int64_t end_us, int64_t usual_us,
					int64_t queue_bytes)
{
	char *name = arena_printf(&list->arena, "%s -> %s", from, to);
	struct span *span =
	    example_network(list, id, parent, kind, name, start_us + 1, end_us - 1, usual_us, queue_bytes);

	example_text(list, span, "hopspan.from", from);
	example_text(list, span, "hopspan.to", to);
	attr_int(&list->arena, &span->attrs, "hopspan.link_ns", (end_us - start_us) * 1000);
	return span;
}

enum { EXAMPLE_CLIENT = 2, EXAMPLE_REQUEST = 10, EXAMPLE_R1 = 12, EXAMPLE_REPLY = 30 };

static inline void example_request(struct span_list *list)
{
	struct arena *arena = &list->arena;
	struct span *span;

	example_transfer(list, EXAMPLE_REQUEST, EXAMPLE_CLIENT, "request", 2150, 42561, 817);
	example_link(list, 11, EXAMPLE_REQUEST, "link", "client", "r1", 2150, 2200, 49, 0);
	span = example_stay(list, EXAMPLE_R1, EXAMPLE_REQUEST, "r1", "eth1", 2200, 42000, 190, 57916);
	example_text(list, span, "hopspan.dataplane", "xdp");
	example_text(list, span, "hopspan.wait", "estimated");
	attr_int(arena, &span->attrs, "hopspan.wait_ns", 39794000);
	attr_int(arena, &span->attrs, "hopspan.delay_ns", 6000);
	example_link(list, 13, EXAMPLE_REQUEST, "link", "r1", "r2", 42000, 42090, 90, -1);
	span = example_stay(list, 14, EXAMPLE_REQUEST, "r2", "port1", 42090, 42101, 11, 0);
	example_text(list, span, "hopspan.dataplane", "dpdk");
	example_text(list, span, "hopspan.wait", "measured");
	example_link(list, 15, EXAMPLE_REQUEST, "link", "r2", "r3", 42101, 42201, 98, -1);
	span = example_link(list, 16, EXAMPLE_REQUEST, "hop", "r3", "server", 42201, 42561, 352, 0);
	span->name = "r3 -> ? -> server";
	example_text(list, span, "hopspan.node", "r3");
	example_text(list, span, "hopspan.dataplane", "linux");
	attr_int(arena, &span->attrs, "hopspan.silent_hops", 1);
}

static inline void example_reply(struct span_list *list)
{
	struct span *span;

	example_transfer(list, EXAMPLE_REPLY, EXAMPLE_CLIENT, "reply", 49300, 49760, 452);
	span = example_link(list, 31, EXAMPLE_REPLY, "link", "server", "r3", 49300, 49400, 100, 0);
	span->name = "server -> ? -> r3";
	attr_int(&list->arena, &span->attrs, "hopspan.silent_hops", 1);
	example_link(list, 32, EXAMPLE_REPLY, "hop", "r3", "r2", 49400, 49500, 98, 0);
	example_stay(list, 33, EXAMPLE_REPLY, "r2", "port0", 49500, 49511, 11, 0);
	example_link(list, 34, EXAMPLE_REPLY, "link", "r2", "r1", 49511, 49601, 90, -1);
	example_stay(list, 35, EXAMPLE_REPLY, "r1", "eth0", 49601, 49711, 110, 0);
	example_link(list, 36, EXAMPLE_REPLY, "link", "r1", "client", 49711, 49760, 49, -1);
}

static inline void example_application(struct span_list *list)
{
	example_span(list, 1, 0, "shop", "GET /checkout", 0, 53100)->kind = SPAN_SERVER;
	example_span(list, EXAMPLE_CLIENT, 1, "shop", "GET", 2100, 50300)->kind = SPAN_CLIENT;
	example_span(list, 3, EXAMPLE_CLIENT, "cart", "GET /cart/{id}", 42600, 49079)->kind = SPAN_SERVER;
	example_span(list, 4, 3, "cart", "SELECT cart", 43000, 47380)->kind = SPAN_CLIENT;
}

static inline void example_trace(struct span_list *list)
{
	example_reply(list); /* in no order */
	example_request(list);
	example_application(list);
}

#endif
