/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The words of `host`, `router` and `border`: dev DEV and what goes with it, parsed once for all their verbs.
 */
#ifndef HOPSPAN_WORDS_H
#define HOPSPAN_WORDS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"
#include "device.h"
#include "hook.h"
#include "policies.h"
#include "rules.h"
#include "xdp/forward.h"

enum { WORDS_DEVICES_MAX = 64 };

struct words_device {
	char name[IFNAMSIZ];
	int ifindex;
};

struct words {
	struct words_device devices[WORDS_DEVICES_MAX];
	unsigned int device_count;
	struct destination named[POLICIES_MAX - 1];
	unsigned int named_count;
	struct policy policy; /* of all that are named, and the file's defaults */
	enum device_via via;  /* 0: auto */
	enum forward forward; /* who does, of a router */
	bool lower_mtu;
	bool wait_measured;
	bool peer_side;
	enum hook_order order;
	long budget;	       /* stamped packets a second; 0: no limit */
	long bulk_budget;      /* of these, shadows beside offloaded packets; -1: not said */
	const char *cgroup;    /* NULL: the default */
	long node_id;	       /* -1: as node.yaml says */
	bool has_clock_offset; /* else as node.yaml says */
	int64_t clock_offset_ns;
	struct rules rules; /* of a border */
	char who[32];	    /* "hopspan host up": begins every message */
};

/* Which words an object's verb knows. */
enum words_known { WORDS_HOST = 1, WORDS_ROUTER = 2, WORDS_BORDER = 3 };

/* 0, or an exit status with the message printed. At least one device is required unless `may_be_empty`. */
int words_parse(struct words *words, const struct command *command, int known, bool may_be_empty, int argc,
		char **argv);

/* The default, where none was said; no limit where all packets have none. */
long words_bulk_budget(const struct words *words);

/* Adds a device that no word names. 0 or EXIT_FAILED, printed. */
int words_add(struct words *words, const char *device);

/* Root, and a kernel with IPv6? 0 or EXIT_FAILED, printed. */
int words_check_machine(const char *who);

#endif
