/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Properties of librdkafka: ours, of a file, of words. Values may be secrets and are not printed. */
#include "kafka_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trim.h"
#include "version.h"

enum { WHY_SIZE = 256 };

/* What the exporter relies on, and what suits messages that it has joined already. All may be set otherwise. */
static const struct {
	const char *key, *value;
} ours[] = {
	{ "client.id", "hopspan" },
	{ "client.software.name", "hopspan" },
	{ "client.software.version", HOPSPAN_VERSION },
	{ "acks", "all" },
	{ "enable.idempotence", "true" },
	{ "message.timeout.ms", "0" }, /* never: who gives up cannot know whether it has arrived */
	{ "compression.codec", "lz4" },
	{ "linger.ms", "0" },
	{ "batch.num.messages", "1" }, /* so that what a broker finds too large is one message */
	{ "reconnect.backoff.max.ms", "2000" },
	{ "socket.keepalive.enable", "true" },
	{ "statistics.interval.ms", "5000" },
};

/* Where a property came from, for what is printed. */
struct origin {
	const char *file; /* NULL: a word */
	unsigned int line;
};

static int complain(const struct origin *origin, const char *key, const char *why)
{
	if (origin->file)
		fprintf(stderr, "export kafka: %s:%u: %s: %s\n", origin->file, origin->line, key, why);
	else
		fprintf(stderr, "export kafka: property %s: %s\n", key, why);
	return -EINVAL;
}

static int conf_set(rd_kafka_conf_t *conf, const char *key, const char *value, const struct origin *origin)
{
	char why[WHY_SIZE] = "";

	if (!*value && strcmp(key, "bootstrap.servers") == 0)
		return complain(origin, key, "there must be one");
	if (strcmp(key, "transactional.id") == 0)
		return complain(origin, key, "spans are sent without transactions");
	if (rd_kafka_conf_set(conf, key, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	return complain(origin, key, why);
}

/* "key=value", with room around both. */
static int pair_set(rd_kafka_conf_t *conf, char *pair, const struct origin *origin)
{
	char *equals = strchr(pair, '=');

	if (!equals)
		return complain(origin, pair, "KEY=VALUE is wanted");
	*equals = 0;
	return conf_set(conf, trimmed(pair), trimmed(equals + 1), origin);
}

static int file_read(rd_kafka_conf_t *conf, const char *path)
{
	struct origin origin = { .file = path };
	FILE *file = fopen(path, "re");
	char *line = NULL, *text;
	size_t size = 0;
	int error = 0;

	if (!file) {
		error = -errno;
		fprintf(stderr, "export kafka: %s: %s\n", path, strerror(-error));
		return error;
	}
	while (!error && getline(&line, &size, file) >= 0) {
		origin.line++;
		text = trimmed(line);
		if (*text && *text != '#')
			error = pair_set(conf, text, &origin);
	}
	free(line);
	fclose(file);
	return error;
}

static int words_set(rd_kafka_conf_t *conf, const struct kafka_words *words)
{
	static const struct origin word;
	int error = 0;

	for (unsigned int i = 0; !error && i < words->property_count; i++) {
		char *pair = strdup(words->properties[i]);

		error = pair ? pair_set(conf, pair, &word) : -ENOMEM;
		free(pair);
	}
	return error;
}

int kafka_conf_make(const struct kafka_words *words, rd_kafka_conf_t **out)
{
	static const struct origin word;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int error = conf_set(conf, "bootstrap.servers", words->brokers, &word);

	for (size_t i = 0; !error && i < sizeof(ours) / sizeof(ours[0]); i++)
		error = conf_set(conf, ours[i].key, ours[i].value, &word);
	if (!error && words->file)
		error = file_read(conf, words->file);
	if (!error)
		error = words_set(conf, words);
	if (error) {
		rd_kafka_conf_destroy(conf);
		return error;
	}
	*out = conf;
	return 0;
}

size_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *key)
{
	char text[32] = "";
	size_t size = sizeof(text);

	if (rd_kafka_conf_get(conf, key, text, &size) != RD_KAFKA_CONF_OK)
		return 0;
	return strtoull(text, NULL, 10);
}
