/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A sink of tc or XDP, loaded, with its ring buffer; and the check of what it makes of a packet. */
#ifndef HOPSPAN_TESTS_SINK_H
#define HOPSPAN_TESTS_SINK_H

#include "tc/sink.h"
#include "trial.h"
#include "wire/encap.h"

struct sink {
	struct trial trial;
	struct ring_buffer *ring;
	struct sink_record record;	      /* the last one */
	unsigned int records;		      /* since the last packet */
	unsigned int outcomes[OUTCOME_COUNT]; /* of the packets, whoever counted them */
	bool plain;
};

/* `plain`: identifier options without a context type are ours. */
void sink_open(struct sink *sink, enum program program, bool link, bool plain);
void sink_close(struct sink *sink);

/* For packets_each() with a sink: it records, strips and counts as it must. */
void sink_check(const struct packet *packet, void *arg);

#endif
