/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How long stamped packets wait in a router's queues, measured there: tc/wait.bpf.c at the start of transmission. It is
 * loaded while a device of the namespace is to be measured, and held by a link pinned in the namespace's folder.
 */
#ifndef HOPSPAN_PLANE_WAIT_H
#define HOPSPAN_PLANE_WAIT_H

#include <stdbool.h>

#include "places.h"
#include "tc/wait.h"

struct json_t;
struct words_device;

/* What departs as `self` is measured from here on. What was counted stays, unless that has changed. -errno. */
int wait_start(const struct places *places, const char *who, const struct words_device *at,
	       const struct plane_node *self);

/* The device's counts go, and with the last device's the program. Nothing there is no error. */
void wait_stop(const char *folder, int ifindex);

/* Each transmit queue of the namespace, in no order. */
void wait_each(const char *folder, void (*each)(const struct wait_key *key, const struct wait_queue *queue, void *arg),
	       void *arg);

/* A value that `percent` of the waits do not exceed, as far as the buckets tell. */
uint64_t wait_quantile(const struct wait_queue *queue, unsigned int percent);

/* "wait" and, if it is measured, "queues" of a device, as members of `object`; and their text. */
void wait_json(struct json_t *object, const char *folder, int ifindex, bool measured);
void wait_print(const struct json_t *queues, const char *indent);

#endif
