/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the DPDK forwarders of this machine have counted, as `hopspan status` shows it. */
#include <jansson.h>

#include "pages.h"
#include "plane/counters.h"
#include "plane/dpdk.h"
#include "text.h"

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *name_of(const json_t *object)
{
	return json_string_value(json_object_get(object, "name"));
}

static void up_write(const struct text *text, enum metric metric, const json_t *forwarder)
{
	text_sample(text, metric, !json_object_get(forwarder, "error"), "forwarder", name_of(forwarder), NULL);
}

/* All outcomes, also those at 0: the first one of a kind is then an increase. */
static void packets_write(const struct text *text, enum metric metric, const json_t *forwarder)
{
	const json_t *counters = json_object_get(forwarder, "counters");

	for (int i = 0; counters && i < OUTCOME_COUNT; i++)
		text_sample(text, metric, number_of(counters, outcome_name(i)), "forwarder", name_of(forwarder),
			    "outcome", outcome_name(i), NULL);
}

static void ports_write(const struct text *text, enum metric metric, const json_t *forwarder)
{
	static const struct {
		enum metric metric;
		const char *key, *direction;
	} rows[] = {
		{ METRIC_forwarder_port_packets_total, "rx_packets", "rx" },
		{ METRIC_forwarder_port_packets_total, "tx_packets", "tx" },
		{ METRIC_forwarder_port_bytes_total, "rx_octets", "rx" },
		{ METRIC_forwarder_port_bytes_total, "tx_octets", "tx" },
		{ METRIC_forwarder_port_lost_total, "rx_missed", "rx" },
		{ METRIC_forwarder_port_lost_total, "tx_refused", "tx" },
	};
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(forwarder, "ports"), i, port)
		for (size_t row = 0; row < sizeof(rows) / sizeof(*rows); row++)
			if (rows[row].metric == metric)
				text_sample(text, metric, number_of(port, rows[row].key), "forwarder",
					    name_of(forwarder), "port", name_of(port), "direction", rows[row].direction,
					    NULL);
}

static void queues_write(const struct text *text, enum metric metric, const json_t *forwarder)
{
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(forwarder, "ports"), i, port)
		text_sample(text, metric, number_of(port, "queue_octets"), "forwarder", name_of(forwarder), "port",
			    name_of(port), NULL);
}

static void clock_write(const struct text *text, enum metric metric, const json_t *forwarder)
{
	const json_t *clock = json_object_get(forwarder, "clock");
	const char *key = metric == METRIC_forwarder_clock_steps_total ? "steps" : "error_ns";

	if (clock)
		text_sample(text, metric, number_of(clock, key), "forwarder", name_of(forwarder), NULL);
}

void pages_forwarders(const struct text *text)
{
	static const struct {
		enum metric metric;
		void (*write)(const struct text *text, enum metric metric, const json_t *forwarder);
	} families[] = {
		{ METRIC_forwarder_up, up_write },
		{ METRIC_forwarder_packets_total, packets_write },
		{ METRIC_forwarder_port_packets_total, ports_write },
		{ METRIC_forwarder_port_bytes_total, ports_write },
		{ METRIC_forwarder_port_lost_total, ports_write },
		{ METRIC_forwarder_queue_bytes, queues_write },
		{ METRIC_forwarder_clock_error_nanoseconds, clock_write },
		{ METRIC_forwarder_clock_steps_total, clock_write },
	};
	json_t *forwarders = dpdk_json(), *forwarder;
	size_t n;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		text_family(text, families[i].metric);
		json_array_foreach (forwarders, n, forwarder)
			families[i].write(text, families[i].metric, forwarder);
	}
	json_decref(forwarders);
}
