/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What may be configured, whoever says it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue.h"
#include "table.h"

enum { CORE_MAX = 4095, BUFFERS_MIN = 512, BUFFERS_MAX = 1 << 24 };

const char *const config_port_keys[PORT_KEYS] = { "queues",	   "rate", "burst", "queue_bytes",
						  "queue_packets", "twin", "times", "device" };
const char *const config_keys[CONFIG_KEYS] = { "mode", "huge", "buffers", "routes" };

void config_init(struct config *config)
{
	*config =
	    (struct config){ .routes = TABLE_ROUTES_DEFAULT,
			     .all = { .queue_bytes = QUEUE_BYTES_DEFAULT, .queue_packets = QUEUE_PACKETS_DEFAULT } };
}

/* What is expected where it is none. */
static const char *number_set(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	static char wanted[64];
	uint64_t read;
	char *end;

	errno = 0;
	read = strtoull(text, &end, 0);
	snprintf(wanted, sizeof(wanted), "a number from %lu to %lu", min, max);
	if (errno || end == text || *end || *text == '-' || read < min || read > max)
		return wanted;
	*number = read;
	return NULL;
}

static const char *number32_set(const char *text, uint32_t min, uint32_t max, uint32_t *number)
{
	uint64_t read = 0;
	const char *wanted = number_set(text, min, max, &read);

	if (!wanted)
		*number = (uint32_t)read;
	return wanted;
}

/* As tc's: 10^3, 10^6, 10^9 bits per second; a plain number is bits per second. */
static const char *rate_set(const char *text, uint64_t *rate)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} units[] = { { "", 1 }, { "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 } };
	char *end;
	double number = strtod(text, &end);

	for (unsigned int i = 0; end != text && i < RTE_DIM(units); i++) {
		double bits = number * (double)units[i].bits;

		if (strcasecmp(end, units[i].name) || !(bits >= 1 && bits <= 1e15))
			continue;
		*rate = (uint64_t)bits;
		return NULL;
	}
	return "a rate as 100mbit (bit, kbit, mbit, gbit)";
}

static const char *word_set(const char *text, const char *const *words, const char *wanted, int *index)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0) {
			*index = i;
			return NULL;
		}
	return wanted;
}

static const char *times_set(const char *text, enum config_times *times)
{
	static const char *const words[] = { "auto", "burst", "packet", "hardware", NULL };
	int index = (int)*times;
	const char *wanted = word_set(text, words, "auto | burst | packet | hardware", &index);

	*times = (enum config_times)index;
	return wanted;
}

/* What ends a value in the words that DPDK is given cannot be in a name. */
static const char *device_set(const char *text, char *device)
{
	if (!*text || *text == '-' || strpbrk(text, ",=[]'\"/ \t\r\n") || strlen(text) >= DEVICE_LEN)
		return "the name of a device";
	snprintf(device, DEVICE_LEN, "%s", text);
	return NULL;
}

static const char *twin_set(const char *text, char *twin)
{
	if (!*text || strpbrk(text, ",=/: \t\r\n") || strlen(text) >= IFNAMSIZ)
		return "a name for a Linux device";
	snprintf(twin, IFNAMSIZ, "%s", text);
	return NULL;
}

const char *config_port_set(struct config_port *port, enum config_port_key key, const char *text)
{
	switch (key) {
	case PORT_QUEUES:
		return number32_set(text, 1, QUEUES_MAX, &port->queues);
	case PORT_RATE:
		return rate_set(text, &port->rate);
	case PORT_BURST:
		return number_set(text, 1, UINT32_MAX, &port->burst);
	case PORT_QUEUE_BYTES:
		return number_set(text, 1, UINT32_MAX, &port->queue_bytes);
	case PORT_QUEUE_PACKETS:
		return number32_set(text, 1, QUEUE_PACKETS_MAX, &port->queue_packets);
	case PORT_TWIN:
		return twin_set(text, port->twin);
	case PORT_TIMES:
		return times_set(text, &port->times);
	default:
		return device_set(text, port->device);
	}
}

const char *config_set(struct config *config, enum config_key key, const char *text)
{
	static const char *const modes[] = { "wire", "router", NULL }, *const huges[] = { "auto", "no", NULL };
	int index = 0;
	const char *wanted;

	switch (key) {
	case CONFIG_MODE:
		wanted = word_set(text, modes, "wire | router", &index);
		config->mode = (enum config_mode)index;
		return wanted;
	case CONFIG_HUGE:
		wanted = word_set(text, huges, "auto | no", &index);
		config->no_huge = index == 1;
		return wanted;
	case CONFIG_ROUTES:
		return number32_set(text, 1, TABLE_ROUTES_MAX, &config->routes);
	default:
		return number32_set(text, BUFFERS_MIN, BUFFERS_MAX, &config->buffers);
	}
}

static int port_find(const struct config *config, const char *device)
{
	for (unsigned int i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].device, device) == 0)
			return (int)i;
	return -1;
}

const char *config_port_add(struct config *config, const struct config_port *port)
{
	if (port_find(config, port->device) >= 0)
		return "is given twice";
	if (config->port_count == PORTS_MAX)
		return "is one too many: there can be 32 ports";
	config->ports[config->port_count++] = *port;
	return NULL;
}

static bool is_paired(const struct config *config, unsigned int place)
{
	for (unsigned int i = 0; i < config->pair_count; i++)
		if (config->pairs[i][0] == place || config->pairs[i][1] == place)
			return true;
	return false;
}

const char *config_pair_add(struct config *config, const char *first, const char *second)
{
	const char *const devices[2] = { first, second };
	static char wrong[DEVICE_LEN + 32];

	for (unsigned int i = 0; i < 2; i++) {
		int place = port_find(config, devices[i]);

		snprintf(wrong, sizeof(wrong), "%.*s is %s", DEVICE_LEN - 1, devices[i],
			 place < 0 ? "not among the ports" : "in two pairs");
		if (place < 0 || is_paired(config, (unsigned int)place))
			return wrong;
		config->pairs[config->pair_count][i] = (unsigned int)place;
	}
	if (strcmp(first, second) == 0)
		return "a port cannot be joined with itself";
	config->pair_count++;
	return NULL;
}

const char *config_core_add(struct config *config, unsigned long first, unsigned long last)
{
	if (last > CORE_MAX || first > last)
		return "no core has that number";
	for (unsigned long core = first; core <= last; core++) {
		for (unsigned int i = 0; i < config->core_count; i++)
			if (config->cores[i] == core)
				return "a core is given twice";
		if (config->core_count == WORKERS_MAX)
			return "more than 32 cores";
		config->cores[config->core_count++] = (unsigned int)core;
	}
	return NULL;
}
