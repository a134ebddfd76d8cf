/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One packet's way: its record with names and drawn times, cut into stays and the ways between them.
 *
 *	sender --link--> [stay r1] --link--> [stay r2] --link--> r3 ------hop------> receiver
 *	departure        arrival, departure + wait               arrival only        arrival
 */
#ifndef HOPSPAN_PATH_H
#define HOPSPAN_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "ends.h"
#include "parents.h"
#include "record/record.h"
#include "wait.h"

#define TIME_NONE INT64_MIN

/* What is known between a node's stamp and the next: a stay and a link, or the two as one, and then why. */
enum path_way { WAY_UNTIMED, WAY_SPLIT, WAY_NO_DEPARTURE, WAY_DELAY_TOO_LONG, WAY_NO_QUEUE, WAY_NO_LEAST };

struct path_node {
	const struct node *node;
	const char *ingress_if, *egress_if; /* NULL: not available */
	uint32_t egress_id;
	unsigned int position; /* in the record */
	enum path_way way;
	enum wait_kind wait;
	int64_t stamp_unix_ns; /* as stamped, with the whole seconds that fit if it has none; TIME_NONE */
	int64_t drawn_unix_ns; /* where the stay or hop begins */
	int64_t delay_ns;      /* -1: not available; the sender's stamp is its departure: 0 */
	int64_t passage_ns;    /* from the departure stamp to the next arrival's, as stamped */
	int64_t found_wait_ns; /* by rule W; -1: not known */
	int64_t wait_ns;       /* the same, no more than the packet's whole time leaves */
	uint32_t delay_raw, queue;
	uint8_t hop_limit;
	bool has_hop_limit;
	bool part;			/* passage_ns is known but for whole seconds */
	uint8_t silent;			/* routers between it and the next that wrote nothing */
	uint8_t next;			/* the next node with a time; the path's count: the receiver */
	struct baseline *stay, *onward; /* onward: of the link or hop that follows */
};

struct path {
	uint64_t fingerprint;		    /* of what the hops wrote: the same for a packet seen twice */
	int64_t start_unix_ns, end_unix_ns; /* drawn */
	int64_t start_shift_ns, end_shift_ns;
	int64_t sent_unix_ns, arrival_unix_ns; /* as stamped */
	int64_t clock_error_ns;		       /* between both hosts; -1: not known */
	int64_t placed_unix_ns;		       /* when it was drawn, by what was known of clocks then */
	uint64_t placed_changes;
	struct clock_way whole; /* from host to host */
	struct in6_addr source, destination;
	const char *receiver;  /* its name */
	const uint8_t *packet; /* the record's */
	size_t packet_len;
	bool reply, shadow, overflow;
	unsigned int count, first; /* first: node with a time */
	struct path_node nodes[];
};

enum { PATH_SIZE_MAX = sizeof(struct path) + RECORD_HOPS_MAX * sizeof(struct path_node) };
_Static_assert(RECORD_HOPS_MAX + 1 <= 64, "places_settle() takes all nodes and the receiver");

static inline size_t path_size(const struct path *path)
{
	return sizeof(*path) + path->count * sizeof(path->nodes[0]);
}

/* Everything that paths are measured against. */
struct path_tables {
	struct nodes *nodes;
	struct edges edges;
	struct clocks clocks;
	struct baselines baselines;
	struct ends_table ends;
	char *receiver; /* name of this host; NULL: paths say client or server */
};

/* Whether the record's hops were seen before, without its times. */
uint64_t path_fingerprint(const struct record *record);

/*
 * Into `path`, which has PATH_SIZE_MAX octets; the record's times are set. Counts the packet in floors and baselines.
 * False: no node wrote a time.
 */
bool path_build(struct path *path, const struct record *record, struct path_tables *tables);

/*
 * Draws it by the clock of the host that owns the parent span, by what is known of all clocks at that time.
 * path_build() has done so; done again when a transfer ends it knows what has come since.
 */
void path_place(struct path *path, struct clocks *clocks, int64_t now_unix_ns);

/* Finds the whole way, and counts it and each step in the floors of clocks; path_build() does. */
void path_count_clocks(struct path *path, struct clocks *clocks, int64_t now_unix_ns);

/*
 * When it was sent, if that is known but for whole seconds of the sender's clock, and the parent span is that host's;
 * and what follows for the clocks from a parent span from `start_unix_ns` to `end_unix_ns`.
 */
bool path_sending(const struct path *path, struct sending *sending);
void sending_learn(const struct sending *sending, struct clocks *clocks, int64_t start_unix_ns, int64_t end_unix_ns);

/* The words in span names and sentences. */
const char *path_sender_word(const struct path *path);
const char *path_receiver_word(const struct path *path);
const char *path_node_word(const struct path *path, const struct path_node *node);
const char *path_next_word(const struct path *path, const struct path_node *node);

/* When the packet left the node, wait included, as drawn; and when it reached the next. */
int64_t path_left(const struct path_node *node);
int64_t path_next(const struct path *path, const struct path_node *node);

/* Drawn minus stamped. */
int64_t path_shift(const struct path_node *node);
int64_t path_next_shift(const struct path *path, const struct path_node *node);

/* Silent routers between the node and the next one with a time. */
unsigned int path_silent(const struct path *path, const struct path_node *node);

/* The sender shows a stay only if it had a queue. */
bool path_has_stay(const struct path_node *node);

#endif
