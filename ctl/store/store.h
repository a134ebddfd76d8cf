/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The store: one SQLite file (WAL) that holds every batch of spans as the OTLP bytes that came or will go, an index
 * per trace, and the baselines. It is the export queue too: the exporter takes batches in order of their number and
 * notes the last one delivered, so a restart or a backend that is down loses nothing.
 *
 * A handle belongs to one thread; several handles, also of several processes, may be open on one file.
 * All return 0 or -errno unless said otherwise; errors are logged by the caller, with store_error() as the reason.
 */
#ifndef HOPSPAN_STORE_H
#define HOPSPAN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "spans/span.h"

#define STORE_PATH_DEFAULT "/var/lib/hopspan/store.db"

struct store;

/* $HOPSPAN_STORE, else the default. */
const char *store_path(void);

/*
 * Opens, and with `create` makes file and folder where there are none, brings a file of an older hopspan up to date,
 * and sets a damaged one aside, which it says on stderr. -ENOENT: no such file; -EBADMSG: another file; -EUCLEAN: a
 * damaged one; -ENOTSUP: from a newer hopspan, or an older one. store_error(NULL) is why this thread's last
 * store_open() failed.
 */
int store_open(const char *path, bool create, struct store **store);
void store_close(struct store *store); /* NULL: nothing */
const char *store_error(const struct store *store);

/*
 * The same while it is used: a damaged file is set aside, and in place of one that was taken away there will be a new
 * one. Numbers of batches go on above those of the old file.
 *
 * Adds one batch in one transaction: `otlp` is a serialized ExportTraceServiceRequest, `spans` the same decoded, for
 * the index. The index row of a trace keeps what `trace list` shows: see struct store_trace.
 *
 * While the disk is full, batches stay in memory for those that send them on (all endpoints that store_exported() was
 * asked for), which is said on stderr; what has been sent makes room for more. Without any, or when more than 64 MiB
 * wait to be sent, it fails.
 */
int store_add(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans);

/*
 * The same with several in one transaction, which costs less: store_begin(), store_put() each, store_commit(), whose
 * return value tells of all. Others cannot add meanwhile.
 */
void store_begin(struct store *store);
void store_put(struct store *store, const uint8_t *otlp, size_t len, const struct span_list *spans);
int store_commit(struct store *store);

/* The oldest batch behind number `after`: 1 and a malloc'ed copy, 0 if there is none, or -errno. A damaged one, which
 * is said on stderr, is passed over. */
int store_next_batch(struct store *store, int64_t after, int64_t *number, uint8_t **otlp, size_t *len);

/* Batches in a row, as one ExportTraceServiceRequest: put one behind the other they are that. */
struct store_taken {
	int64_t number; /* of the last */
	uint64_t batches, spans;
	bool more;     /* had no room */
	uint8_t *otlp; /* malloc'ed */
	size_t len, size;
};

/* The oldest batch behind `after` and those that fit beside it into so many spans and octets. Returns as above. */
int store_take(struct store *store, int64_t after, uint64_t spans, size_t octets, struct store_taken *taken);

int store_exported(struct store *store, const char *endpoint, int64_t *number); /* 0 if nothing yet */
int store_set_exported(struct store *store, const char *endpoint, int64_t number);
int store_queue(struct store *store, const char *endpoint, uint64_t *batches); /* yet to be sent */

/*
 * The whole id of the only trace that begins with `prefix` (hex digits): 1; 0: none; 2: several; or -errno (-EINVAL:
 * not 1 to 32 hex digits).
 */
int store_find_trace(struct store *store, const char *prefix, uint8_t trace_id[TRACE_ID_LEN]);

/* Appends all spans of a trace, each once, in no order. */
int store_load_trace(struct store *store, const uint8_t trace_id[TRACE_ID_LEN], struct span_list *spans);

/* One row of `trace list`. */
struct store_trace {
	uint8_t trace_id[TRACE_ID_LEN];
	int64_t start_unix_ns;	     /* earliest span */
	int64_t duration_ns;	     /* of the root, else from the earliest start to the latest end */
	int64_t network_ns;	     /* sum of the transfers and retransmissions */
	char service[64], name[128]; /* of the root; "" if it has not come yet */
	char worst[64]; /* what took most above its usual: a transfer's hopspan.worst; "packet lost"; "": none */
	int64_t worst_ns, worst_usual_ns; /* its time, and what is usual there; usual 0: not known */
	int64_t queue_bytes;		  /* longest queue that its packets met; -1: not known */
};

/* Which traces are listed, the newest first. */
struct store_search {
	int limit;
	int64_t since_unix_ns, until_unix_ns;	  /* start; 0: any */
	int64_t duration_min_ns, duration_max_ns; /* 0: any */
	const char *service, *node;		  /* that has a span in it, that wrote into a packet of it; NULL: any */
	int64_t queue_min_bytes;		  /* at `node`, or at any; 0: any */
};

/* Feeds each to `row` until it returns other than 0, which is returned. `row` does not use `store`. */
int store_list(struct store *store, const struct store_search *search,
	       int (*row)(const struct store_trace *trace, void *arg), void *arg);

/* What the store may keep; 0: no limit. */
struct store_limits {
	int64_t age_ns;
	uint64_t octets;
};

struct store_dropped {
	uint64_t batches, spans;
	uint64_t unsent_spans; /* of them, by any endpoint */
};

/*
 * Deletes the oldest batches that are beyond the limits, and traces that have none left; of many only so many that it
 * takes no longer than some milliseconds, to be called again. What not all `endpoints` have been sent leaves by the
 * size only. Adds to `dropped`.
 */
int store_keep(struct store *store, const struct store_limits *limits, int64_t now_unix_ns,
	       const char *const *endpoints, unsigned int count, struct store_dropped *dropped);

/* Baselines: opaque bytes under a key. `each` is fed all of them. */
int store_save_usual(struct store *store, const char *key, const void *bytes, size_t len);
int store_load_usual(struct store *store, void (*each)(const char *key, const void *bytes, size_t len, void *arg),
		     void *arg);
/* One of them: 1 and its bytes (at most `size`, malloc'ed not), 0 if there is none, or -errno. */
int store_get_usual(struct store *store, const char *key, void *bytes, size_t size, size_t *len);

/* A UUID made at the file's first opening, the service.instance.id of network spans: 36 characters and a zero. */
int store_instance_id(struct store *store, char id[37]);

/* Writes to the file to see whether that can be done; nothing above is changed. -ESTALE: the file is gone or another
 * one. */
int store_check(struct store *store);

/* How many spans were sent on, but never kept, because the disk was full. */
uint64_t store_unkept_spans(const struct store *store);

/* Size of the file and of the log that goes with it. */
uint64_t store_bytes(const struct store *store);

#endif
