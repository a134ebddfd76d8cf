/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command line's words. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/plane/identity.h"
#include "queue.h"

enum { NODE_ID_MAX = 0xfffffe, CORE_MAX = 4095 }; /* 24 bits; all ones: not available */

__attribute__((format(printf, 1, 2))) static int misuse(const char *format, ...)
{
	va_list args;

	fputs(PROGRAM ": ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see " PROGRAM " --help)\n", stderr);
	return EXIT_MISUSE;
}

/* A word's number. */
static int number_parse(const char *word, const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	char *end;

	if (!text)
		return misuse("%s needs a number", word);
	errno = 0;
	*number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || *number < min || *number > max)
		return misuse("%s \"%s\" is not a number from %lu to %lu", word, text, min, max);
	return EXIT_DONE;
}

static int device_add(struct config *config, const char *device)
{
	if (!device)
		return misuse("dev needs a device");
	/* These end a value in the words that DPDK is given. */
	if (device[0] == '-' || strpbrk(device, ",=[]'\""))
		return misuse("\"%s\" is no device", device);
	for (unsigned int i = 0; i < config->device_count; i++)
		if (strcmp(config->devices[i], device) == 0)
			return misuse("%s is given twice", device);
	if (config->device_count == PORTS_MAX)
		return misuse("more than %d devices", PORTS_MAX);
	config->devices[config->device_count++] = device;
	return EXIT_DONE;
}

static int core_add(struct config *config, uint64_t core)
{
	for (unsigned int i = 0; i < config->core_count; i++)
		if (config->cores[i] == core)
			return misuse("core %lu is given twice", core);
	if (config->core_count == WORKERS_MAX)
		return misuse("more than %d cores", WORKERS_MAX);
	config->cores[config->core_count++] = (unsigned int)core;
	return EXIT_DONE;
}

/* N[-N][,N[-N]...] */
static int cores_parse(struct config *config, const char *text)
{
	const char *at = text ? text : "";
	int err = EXIT_DONE;

	config->core_count = 0;
	do {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end != at && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
		}
		if (end == at || last < first || last > CORE_MAX || (*end && *end != ','))
			return misuse("cores \"%s\": numbers are expected, as in 0,2-3", text ? text : "");
		for (unsigned long core = first; !err && core <= last; core++)
			err = core_add(config, core);
		at = *end ? end + 1 : end;
	} while (!err && *at);
	return err;
}

static int clock_offset_parse(struct config *config, const char *text)
{
	config->has_clock_offset = true;
	if (identity_offset_parse(text ? text : "", &config->clock_offset_ns))
		return EXIT_DONE;
	return misuse("clock-offset \"%s\" is not a number of ns between -10^18 and 10^18", text ? text : "");
}

/* The word at *at and what belongs to it, which moves *at on. */
static int word_parse(struct config *config, char **words, int *at)
{
	const char *word = words[*at];
	uint64_t number = 0;
	int err;

	if (strcmp(word, "busy") == 0) {
		config->busy = true;
		return EXIT_DONE;
	}
	if (strcmp(word, "dev") == 0)
		return device_add(config, words[++*at]);
	if (strcmp(word, "cores") == 0)
		return cores_parse(config, words[++*at]);
	if (strcmp(word, "clock-offset") == 0)
		return clock_offset_parse(config, words[++*at]);
	if (strcmp(word, "node-id") == 0) {
		err = number_parse(word, words[++*at], 0, NODE_ID_MAX, &number);
		config->node_id = (uint32_t)number;
		config->has_node_id = true;
	} else if (strcmp(word, "namespace") == 0) {
		err = number_parse(word, words[++*at], 0, UINT16_MAX, &number);
		config->namespace = (uint16_t)number;
		config->has_namespace = true;
	} else if (strcmp(word, "queue") == 0) {
		err = number_parse(word, words[++*at], 1, UINT32_MAX, &number);
		config->queue_bytes = number;
	} else if (strcmp(word, "queues") == 0) {
		err = number_parse(word, words[++*at], 1, QUEUES_MAX, &number);
		config->queues = (unsigned int)number;
	} else {
		err = device_add(config, word);
	}
	return err;
}

int config_parse(struct config *config, int argc, char **argv)
{
	int err;

	*config = (struct config){ .queue_bytes = QUEUE_BYTES_DEFAULT };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			config->eal_words = &argv[i + 1];
			config->eal_count = argc - i - 1;
			break;
		}
		err = word_parse(config, argv, &i);
		if (err)
			return err;
	}
	if (!config->device_count && !config->eal_count)
		return misuse("no devices");
	if (config->device_count % 2 && !config->eal_count)
		return misuse("%u devices, but they are joined in pairs", config->device_count);
	return EXIT_DONE;
}
