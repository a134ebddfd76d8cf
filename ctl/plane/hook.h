/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A device's tc hooks: tcx where the kernel has it (6.6), a filter of clsact elsewhere. HOPSPAN_TC=clsact asks for that
 * one everywhere. What is on tcx is held by a link pinned in the namespace's folder as PROGRAM-IFINDEX: it outlives the
 * command, and is gone with that file.
 *
 * Programs of others stay. On tcx ours runs behind those that are there, on clsact before them, unless the order is
 * asked for. A border is the first of all that are there for what comes in, and the last for what goes out; what of
 * ours comes to the hook later keeps on its inner side.
 */
#ifndef HOPSPAN_HOOK_H
#define HOPSPAN_HOOK_H

#include <stdbool.h>

#include "program.h"

enum hook { HOOK_CLSACT = 1, HOOK_TCX };
enum hook_order { HOOK_USUAL, HOOK_FIRST, HOOK_LAST };

/* What a program for this device is to be attached to. */
enum hook hook_choose(int ifindex);

/* "tcx" or "clsact" */
const char *hook_name(enum hook hook);

/* "usual", "first" or "last" */
const char *hook_order_name(enum hook_order order);

/*
 * In place of the one of the same kind that is there, where it is; what is on the other hook goes. The qdisc may be
 * made for it: *made_clsact.
 */
int hook_attach(struct bpf_object *object, enum program program, int ifindex, const char *folder, enum hook hook,
		enum hook_order order, bool *made_clsact);

/* From both; nothing there is no error. */
int hook_detach(enum program program, int ifindex, const char *folder);

bool hook_is_attached(enum program program, int ifindex, const char *folder, enum hook hook);

/* Programs and filters of others at the device's egress or ingress: how many. */
int hook_others(int ifindex, const char *folder, bool egress);

/* The qdisc with all filters on it, also those of others. */
int hook_remove_clsact(int ifindex);

#endif
