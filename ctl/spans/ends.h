/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The two addresses between which packets go, with what is found by them once and not for each packet: their text, and
 * how long packets usually take.
 */
#ifndef HOPSPAN_ENDS_H
#define HOPSPAN_ENDS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "baseline.h"
#include "table.h"

enum { ENDS_MAX = 8192 }; /* the ones not used for longest go; 2 MB */

struct ends_key {
	struct in6_addr source, destination;
};

struct ends {
	struct table_entry entry;
	struct ends_key key;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	struct baseline *request, *reply; /* NULL at first */
};

struct ends_table {
	struct table table;
};

/* Found or made; valid until the next call. */
struct ends *ends_find(struct ends_table *table, const struct in6_addr *source, const struct in6_addr *destination);
void ends_free(struct ends_table *table);

/* NULL: there are too many baselines. */
struct baseline *ends_usual(struct ends *ends, struct baselines *baselines, bool reply);

#endif
