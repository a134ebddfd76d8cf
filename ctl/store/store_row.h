/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A trace's row in the store: what `trace list` shows of it, and what it is found by. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_ROW_H
#define HOPSPAN_STORE_ROW_H

#include <sqlite3.h>

#include "store.h"

enum {
	STORE_NAME_MAX = 255, /* of what is searched for */
	STORE_LINE_MAX = STORE_NAME_MAX + 3,
	ROW_LIST_MAX = 64, /* batches, and network spans, in the row itself */
};

struct store_row {
	int64_t number;
	struct store_trace shown;
	int64_t end_unix_ns;
	bool has_root;
	int64_t root_start_unix_ns, root_ns;
	char services[512]; /* "\nNAME\nNAME\n" */
	char nodes[1024];   /* "\nNAME\tQUEUE\nNAME\tQUEUE\n": octets, -1 where none are known */
	bool in_tables;	    /* both lists are elsewhere, in a row of schema 2 */
	unsigned int batch_count, network_count;
	uint8_t batches[ROW_LIST_MAX][8], network[ROW_LIST_MAX][SPAN_ID_LEN];
};

/* Spans of one trace that lie together in a batch. */
struct store_run {
	const struct span *spans;
	size_t count;
};

/* The columns of TRACE_GET and TRACE_LIST. False: not a row of ours. */
bool store_row_read(sqlite3_stmt *stmt, struct store_row *row);

/* The row of this number: 1, 0: there is none, or -errno. */
int store_row_get(struct store *store, int64_t number, struct store_row *row);

/* How a name stands in one of these lists, with what follows it: its length. 0: it cannot be in one. */
size_t store_line(char line[STORE_LINE_MAX], const char *name, char end);

/* The queue of a node; INT64_MIN: it is not there. */
int64_t store_node_queue(const char *nodes, const char *name);

/* Brings the row up to date with more spans of one trace, all those of `batch`, within the caller's transaction. */
int store_row_add(struct store *store, const struct store_run *runs, size_t count, int64_t batch);

#endif
