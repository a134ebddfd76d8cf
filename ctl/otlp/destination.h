/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the exporter (export.c) sends to: OTLP/HTTP (http.c) or Kafka (kafka.c). All calls come from one thread.
 */
#ifndef HOPSPAN_DESTINATION_H
#define HOPSPAN_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum delivery {
	DELIVERY_WAITS,	    /* is to be sent */
	DELIVERY_UNDER_WAY, /* not known yet */
	DELIVERY_AGAIN,	    /* not now: to be sent again */
	DELIVERY_TOO_LARGE, /* never as it is, but perhaps in pieces */
	DELIVERY_REFUSED,   /* never */
	DELIVERY_DONE,
	DELIVERY_OVER, /* counted; the exporter's */
};

enum { DESTINATION_ERROR_SIZE = 320 };

/* One serialized ExportTraceServiceRequest; how it ended is the destination's to write. */
struct message {
	struct message *next; /* this and what follows until `delivery`: the exporter's */
	int64_t batch;	  /* the store's number of what is done with when this and all before it are; 0: nothing more */
	int64_t again_ns; /* CLOCK_MONOTONIC; not before */
	unsigned int attempt;
	uint8_t *otlp; /* stays until the message is no longer under way */
	size_t len;
	uint64_t spans;
	enum delivery delivery;
	int64_t retry_after_s;		    /* with DELIVERY_AGAIN, what the other side asks for; 0: nothing */
	uint64_t rejected_spans;	    /* with DELIVERY_DONE: not taken all the same */
	char error[DESTINATION_ERROR_SIZE]; /* for people; "": nothing to say */
};

struct destination {
	char *name;		    /* for people: http://127.0.0.1:4318/v1/traces; in the heap, and so is `key` */
	char *key;		    /* of what it has got, in the store */
	size_t message_max;	    /* octets of a message; the exporter makes it less when the other side does */
	uint64_t spans_max;	    /* spans of a message; 0: no limit */
	unsigned int under_way_max; /* messages */
	bool joins;		    /* batches that wait become one message, as far as they fit */
	unsigned int linger_ms;	    /* pause behind a message that was not full, for batches to join */

	/* Sets message->delivery, at once or in a later wait(). */
	void (*send)(struct destination *destination, struct message *message);
	/* Takes answers that have come, else what comes within `ms`. NULL: send() has them. */
	void (*wait)(struct destination *destination, int ms);
	/* Why nothing arrives, while no message was answered with the reason; NULL, or never: nothing known. */
	const char *(*trouble)(struct destination *destination);
	uint64_t (*retries)(const struct destination *destination); /* of its own; NULL: none */
	void (*free)(struct destination *destination);		    /* messages under way are no longer touched */

	/* The exporter's, for a send() that takes long: whether to give up. */
	bool (*over)(void *arg);
	void *over_arg;
};

#endif
