/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The sentence that opens every network span, hopspan.about: for people, not to be parsed. Times are ms.
 */
#ifndef HOPSPAN_ABOUT_H
#define HOPSPAN_ABOUT_H

#include "arena.h"
#include "path.h"

struct drawing;
struct worst;

/* All: usual_ns less than 0: not known. */
const char *about_transfer(struct arena *arena, const struct drawing *drawing, const struct worst *worst,
			   int64_t usual_ns);
const char *about_packet(struct arena *arena, const struct drawing *drawing, const struct path *path,
			 unsigned int shown, int64_t usual_ns);
const char *about_stay(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns);
const char *about_way(struct arena *arena, const struct path *path, const struct path_node *node, int64_t usual_ns);

const char *about_loss(struct arena *arena, int64_t time_ns, uint64_t packets, uint64_t octets);

#endif
