/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A record as JSON: what `hopspan decode` prints, a line per stamped packet.
 */
#ifndef HOPSPAN_DECODE_H
#define HOPSPAN_DECODE_H

#include "record.h"

struct json_t;

/* A new reference; the record's times are set (record_times()). What is not available has no key. */
struct json_t *record_json(const struct record *record, struct nodes *nodes);

#endif
