/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * librdkafka's configuration of the producer: what hopspan needs, then the user's file, then the user's words.
 */
#ifndef HOPSPAN_KAFKA_CONF_H
#define HOPSPAN_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "kafka.h"

/* rd_kafka_conf_destroy() it. -errno, printed. */
int kafka_conf_make(const struct kafka_words *words, rd_kafka_conf_t **conf);

/* A property that is a number; 0: it is none. */
size_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *key);

#endif
