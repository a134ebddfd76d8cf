/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The OTLP/HTTP door for applications on this host: POST /v1/traces, protobuf or JSON, plain or gzip, into the store.
 */
#ifndef HOPSPAN_RECEIVE_H
#define HOPSPAN_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

#include "rejected.h"

enum {
	RECEIVE_PORT_DEFAULT = 4319,
	RECEIVE_BODY_MAX = 16 << 20, /* octets of a request, as sent and expanded; more: 413 */
};

struct receive;

struct span_list;

/*
 * Looks at each batch before it is kept, in the door's thread. 0: it is to be kept; 1: it was taken, and need not be;
 * -errno: it cannot be kept now.
 */
struct receive_look {
	int (*look)(const struct span_list *spans, const uint8_t *otlp, size_t len, void *arg);
	void *arg;
};

struct receive_counts {
	uint64_t requests, spans, bad_requests, store_errors;
	uint64_t rejected[REJECT_COUNT]; /* spans */
};

/*
 * Listens on `address` (numeric IPv4 or IPv6 with port: "127.0.0.1:4319", "[::1]:4319"; port 0: any free one) in a
 * thread of its own with its own handle on the store. `look` is copied; NULL: none. A batch is kept as it came, once
 * expanded, and in protobuf, but for spans whose ids are not good (rejected.h). Errors were printed; -errno
 * (-EADDRINUSE: the port is taken).
 */
int receive_start(const char *address, const char *store_path, const struct receive_look *look,
		  struct receive **receive);
uint16_t receive_port(const struct receive *receive);
void receive_counts(const struct receive *receive, struct receive_counts *counts);
void receive_stop(struct receive *receive); /* NULL: nothing */

#endif
