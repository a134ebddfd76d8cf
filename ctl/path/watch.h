/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The collector's watch over the paths of all network namespaces (tc/path.h), in a thread of its own. */
#ifndef HOPSPAN_PATH_WATCH_H
#define HOPSPAN_PATH_WATCH_H

struct watch;
struct path_counts;

/* 0 or -errno. */
int watch_start(struct watch **watch);

const struct path_counts *watch_counts(const struct watch *watch);

/* tc/stamp goes back to shadows at once. */
void watch_stop(struct watch *watch);

#endif
