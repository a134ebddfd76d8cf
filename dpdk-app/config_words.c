/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command line's words, after node.yaml has been read. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ctl/plane/identity.h"

enum { NODE_ID_MAX = 0xfffffe }; /* 24 bits; all ones: not available */

/* The words that are still to come, and which ports theirs are for. */
struct words {
	struct config *config;
	char **next, **end;
	bool has_ports, has_pairs; /* the file's do not count any more */
};

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

/* NULL: there are no more. */
static const char *word_next(struct words *words)
{
	return words->next < words->end ? *words->next++ : NULL;
}

static int expected(const char *word, const char *wanted, const char *text)
{
	return *text ? misuse("%s: %s, not \"%s\"", word, wanted, text) : misuse("%s: %s is missing", word, wanted);
}

static int number_take(struct words *words, const char *word, uint32_t max, uint32_t *number)
{
	const char *text = word_next(words);
	char *end = NULL, wanted[64];
	unsigned long read = text ? strtoul(text, &end, 0) : 0;

	snprintf(wanted, sizeof(wanted), "a number from 0 to %u", max);
	if (!text || end == text || *end || *text == '-' || read > max)
		return expected(word, wanted, text ? text : "");
	*number = (uint32_t)read;
	return EXIT_DONE;
}

/* The first device of the words puts the file's away, with its pairs. */
static int device_take(struct words *words, const char *device)
{
	struct config *config = words->config;
	struct config_port port = config->all;
	const char *wrong = device ? config_port_set(&port, PORT_DEVICE, device) : "";

	if (!device)
		return misuse("dev: a device is missing");
	if (wrong)
		return misuse("\"%s\" is no device", device);
	if (!words->has_ports)
		config->port_count = config->pair_count = 0;
	words->has_ports = true;
	wrong = config_port_add(config, &port);
	return wrong ? misuse("%s %s", device, wrong) : EXIT_DONE;
}

static int pair_take(struct words *words)
{
	const char *first = word_next(words), *second = word_next(words), *wrong;

	if (!second)
		return misuse("pair: two devices are missing");
	if (!words->has_pairs)
		words->config->pair_count = 0;
	words->has_pairs = true;
	wrong = config_pair_add(words->config, first, second);
	return wrong ? misuse("pair: %s", wrong) : EXIT_DONE;
}

/* N[-N][,N[-N]...] */
static int cores_take(struct words *words)
{
	static const char form[] = "numbers as 0,2-3";
	const char *text = word_next(words), *at = text ? text : "", *wrong;

	words->config->core_count = 0;
	do {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end != at && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
		}
		if (end == at || (*end && *end != ','))
			return expected("cores", form, text ? text : "");
		wrong = config_core_add(words->config, first, last);
		if (wrong)
			return misuse("cores %s: %s", text, wrong);
		at = end + 1;
		if (!*end)
			return EXIT_DONE;
	} while (true);
}

static int clock_offset_take(struct words *words)
{
	const char *text = word_next(words);

	words->config->has_clock_offset = true;
	if (identity_offset_parse(text ? text : "", &words->config->clock_offset_ns))
		return EXIT_DONE;
	return expected("clock-offset", "ns between -10^18 and 10^18", text ? text : "");
}

/* Is the word this key? It is written with "-" for "_". */
static bool is_key(const char *word, const char *key)
{
	for (; *word && *key; word++, key++)
		if (*word != (*key == '_' ? '-' : *key))
			return false;
	return *word == *key;
}

/* For the last device or, before any, for all. */
static int port_key_take(struct words *words, const char *word, enum config_port_key key)
{
	struct config *config = words->config;
	const char *text = word_next(words), *wanted;

	text = text ? text : "";
	if (words->has_ports) {
		wanted = config_port_set(&config->ports[config->port_count - 1], key, text);
	} else {
		wanted = config_port_set(&config->all, key, text);
		for (unsigned int i = 0; !wanted && i < config->port_count; i++)
			wanted = config_port_set(&config->ports[i], key, text);
	}
	return wanted ? expected(word, wanted, text) : EXIT_DONE;
}

static int key_take(struct words *words, const char *word)
{
	for (unsigned int key = 0; key < PORT_DEVICE; key++)
		if (is_key(word, config_port_keys[key]))
			return port_key_take(words, word, (enum config_port_key)key);
	for (unsigned int key = 0; key < CONFIG_KEYS; key++)
		if (is_key(word, config_keys[key])) {
			const char *text = word_next(words);
			const char *wanted = config_set(words->config, (enum config_key)key, text ? text : "");

			return wanted ? expected(word, wanted, text ? text : "") : EXIT_DONE;
		}
	return device_take(words, word);
}

static int word_take(struct words *words, const char *word)
{
	struct config *config = words->config;
	uint32_t number = 0;
	int status;

	if (strcmp(word, "busy") == 0) {
		config->busy = true;
		return EXIT_DONE;
	}
	if (strcmp(word, "dev") == 0)
		return device_take(words, word_next(words));
	if (strcmp(word, "pair") == 0)
		return pair_take(words);
	if (strcmp(word, "cores") == 0)
		return cores_take(words);
	if (strcmp(word, "clock-offset") == 0)
		return clock_offset_take(words);
	if (strcmp(word, "node-id") == 0) {
		config->has_node_id = true;
		return number_take(words, word, NODE_ID_MAX, &config->node_id);
	}
	if (strcmp(word, "namespace") == 0) {
		status = number_take(words, word, UINT16_MAX, &number);
		config->namespace = (uint16_t)number;
		config->has_namespace = true;
		return status;
	}
	return key_take(words, word);
}

/* What the file's layout has and no part of the forwarder does yet. */
static int parts_check(const struct config *config)
{
	if (*config->all.twin)
		return misuse("twin %s: of which device?", config->all.twin);
	for (unsigned int i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		if (*port->twin && config->mode == MODE_WIRE)
			return misuse("%s: a twin is a router's (mode router)", port->device);
	}
	return EXIT_DONE;
}

static int ports_check(const struct config *config)
{
	if (!config->port_count && !config->eal_count)
		return misuse("no devices, neither as words nor in node.yaml");
	if (config->port_count % 2 && !config->eal_count && config->mode == MODE_WIRE)
		return misuse("%u devices, but they are joined in pairs", config->port_count);
	if (config->pair_count && config->mode == MODE_ROUTER)
		return misuse("pair: a router has none");
	if (config->pair_count && config->pair_count * 2 != config->port_count)
		return misuse("%u devices are in pairs, of %u: none may be left", config->pair_count * 2,
			      config->port_count);
	return EXIT_DONE;
}

int config_parse(struct config *config, int argc, char **argv)
{
	struct words words = { .config = config, .next = argv + 1, .end = argv + argc };
	const char *word;
	int status;

	for (char **at = words.next; at < words.end; at++)
		if (strcmp(*at, "--") == 0) {
			config->eal_words = at + 1;
			config->eal_count = (int)(words.end - at - 1);
			words.end = at;
		}
	while ((word = word_next(&words))) {
		status = word_take(&words, word);
		if (status)
			return status;
	}
	status = parts_check(config);
	return status ? status : ports_check(config);
}
