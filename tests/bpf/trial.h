/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One program of the command, loaded, and what it makes of one packet: bpf_prog_test_run. */
#ifndef HOPSPAN_TESTS_TRIAL_H
#define HOPSPAN_TESTS_TRIAL_H

#include "ctl/plane/program.h"
#include "packet.h"
#include "tc/plane.h"
#include "wire/outcome.h"

#define TRIAL_FOLDER "/sys/fs/bpf" /* a BPF file system of the test's own */

struct trial {
	/* given */
	enum program program;
	const char *role;      /* whose counters */
	uint16_t ethertype;    /* 0: no link-layer header, for XDP alone */
	unsigned int tags;     /* VLAN tags in the frame, before the ethertype */
	uint32_t came_in_from; /* ingress_ifindex */

	struct bpf_object *object;
	int program_fd, clock_fd;
	uint64_t counts[OUTCOME_COUNT]; /* of the role, all trials of it before */
	uint64_t total[OUTCOME_COUNT];	/* moved by this one */
};

enum { TRIAL_TAGS_MAX = 3 };
enum { TRIAL_TC_UNSPEC = 0xffffffff, TRIAL_TC_SHOT = 2 }; /* verdicts: others decide; drop */

/* What came out. */
struct trial_out {
	uint32_t verdict;
	uint8_t meta[64]; /* XDP metadata, and its octets */
	uint32_t meta_len;
	uint8_t octets[VECTOR_LEN_MAX]; /* from the IPv6 header on */
	size_t len;
	uint64_t begin_tai_ns, end_tai_ns; /* by the programs' own clock; the packet was handled in between */
	uint64_t moved[OUTCOME_COUNT];	   /* counters */
};

/* What a transit node or host is here; each field's octets differ. */
struct plane_node trial_self(void);

/* Its only IOAM namespace, unless a test sets others: PTP time, no data, no schema. */
const struct ioam6_namespace *trial_namespace(void);

void trial_load(struct trial *trial, const void *config, size_t len);
void trial_unload(struct trial *trial);

/* False: the kernel refuses to run a program on this packet, which is shorter than an IPv6 header. */
bool trial_run(struct trial *trial, const struct packet *packet, struct trial_out *out);

/* Exactly this counter has moved, by one; `beside` as well unless it is OUTCOME_COUNT. */
void trial_expect_outcome(const struct packet *packet, const struct trial_out *out, enum outcome outcome,
			  enum outcome beside);

/* Is it a time within the run, given its fraction of a second? */
bool trial_saw_fraction(const struct trial_out *out, uint32_t fraction);

/*
 * The word of the field `bit` in the node data at `slot` of `wanted`, once it is what came out; NULL where the trace
 * type lacks it.
 */
uint8_t *trial_field_take(uint8_t *wanted, const struct trial_out *out, uint32_t slot, uint32_t type, uint32_t bit);

/* For packets_each() with a trial: passes as it is, and counts as that. */
void trial_untouched_check(const struct packet *packet, void *arg);

/* No outcome from `first` to `last` was missing. */
void trial_expect_all(const struct trial *trial, enum outcome first, enum outcome last);

#endif
