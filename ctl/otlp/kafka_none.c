/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* In place of kafka.c where librdkafka was not there to build with. */
#include "kafka.h"

#include <errno.h>
#include <stdio.h>

int kafka_new(const struct kafka_words *words, struct destination **destination)
{
	(void)destination;
	fprintf(stderr, "export kafka %s: this hopspan was built without Kafka (librdkafka-dev, then make again)\n",
		words->brokers);
	return -EOPNOTSUPP;
}
