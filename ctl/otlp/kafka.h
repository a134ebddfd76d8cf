/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A Kafka topic as a destination of the exporter (librdkafka): a message's value is a serialized
 * ExportTraceServiceRequest, "otlp_proto" to Jaeger and the OpenTelemetry Collector; it has no key.
 */
#ifndef HOPSPAN_KAFKA_H
#define HOPSPAN_KAFKA_H

#include "destination.h"

#define KAFKA_TOPIC_DEFAULT "jaeger-spans"

enum { KAFKA_PROPERTIES_MAX = 64 };

struct kafka_words {
	const char *brokers; /* HOST:PORT[,HOST:PORT...] to begin with */
	const char *topic;
	const char *file;			      /* of properties, a KEY=VALUE a line; NULL: none */
	const char *properties[KAFKA_PROPERTIES_MAX]; /* KEY=VALUE of librdkafka; these win over the file */
	unsigned int property_count;
};

/*
 * Acknowledged by all replicas in sync, each message once (idempotent), for as long as the process lives; brokers need
 * not be there yet. -errno, printed; -EINVAL: words that librdkafka does not take; -EOPNOTSUPP: built without it.
 */
int kafka_new(const struct kafka_words *words, struct destination **destination);

#endif
