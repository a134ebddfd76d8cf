/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rule W: how long a packet waited in a queue that it joined after its departure stamp was written.
 *
 *	stamp at tc egress --> queue --> wire --> next arrival stamp
 *	|<------------- passage -------------->|
 *
 * wait = passage - the floor (floor.h) of packets that met an empty queue within 10 minutes. Both hold the same offset
 * between the two clocks, so it cancels; drift is corrected. Where no packet met an empty queue: the least of any
 * within 60 s, and the wait is a lower bound. One edge is kept per (node, egress interface, next node, silent routers
 * between).
 */
#ifndef HOPSPAN_WAIT_H
#define HOPSPAN_WAIT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "baseline.h"
#include "floor.h"
#include "least.h"
#include "record/nodes.h"
#include "table.h"

enum {
	EDGES_MAX = 8192, /* the one not used for longest goes; 7 MB */
	LEAST_ANY_SLOTS = 6,
};

struct edge_key {
	const struct node *node, *next; /* next NULL: the receiver */
	struct in6_addr receiver;	/* only then, else zero: each has its own clock */
	uint32_t egress_if;
	uint32_t silent; /* routers between that write nothing: with another number it is another way */
};
_Static_assert(sizeof(struct edge_key) == 2 * sizeof(void *) + 24, "no padding: compared as octets");

struct edge {
	struct table_entry entry;
	struct edge_key key;
	struct floor empty;
	struct least_slot any[LEAST_ANY_SLOTS];
	struct baseline *stay, *link, *hop; /* the caller's, NULL at first */
};

struct edges {
	struct table table;
};

/* Found or made; valid until the next call. */
struct edge *edges_find(struct edges *edges, const struct edge_key *key);
void edges_free(struct edges *edges);

enum wait_kind { WAIT_UNKNOWN, WAIT_MEASURED, WAIT_ESTIMATED, WAIT_LOWER_BOUND };
const char *wait_name(enum wait_kind kind);

/* Counts a packet that met an empty queue. */
void edge_add_empty(struct edge *edge, int64_t passage_ns, int64_t now_unix_ns);

/* The wait of a packet that met a queue, which then counts among "any". WAIT_UNKNOWN: nothing to compare with. */
enum wait_kind edge_wait(struct edge *edge, int64_t passage_ns, int64_t now_unix_ns, int64_t *wait_ns);

#endif
