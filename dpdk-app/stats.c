/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counters by the names of wire/outcome.h. Telemetry reads them from a thread of its own while the worker counts: each
 * is one word and only grows.
 */
#include "stats.h"

#include <inttypes.h>
#include <rte_telemetry.h>

struct outcome_text {
	const char *name, *text;
};

#define OUTCOME_TEXT(name, text) [OUTCOME_##name] = { #name, text },
static const struct outcome_text outcome_texts[] = { OUTCOME_LIST(OUTCOME_TEXT) };

static const struct worker *served;

static uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Always shown: what tells at a glance whether all is well. */
static bool is_essential(unsigned int outcome)
{
	return outcome == OUTCOME_pass || outcome == OUTCOME_appended || outcome == OUTCOME_completed ||
	       outcome == OUTCOME_forwarded || outcome == OUTCOME_drop_queue_full;
}

void stats_print(const struct worker *worker, FILE *out)
{
	fprintf(out, "%-16s %12s %14s %12s %14s %8s %8s\n", "port", "rx packets", "octets", "tx packets", "octets",
		"missed", "refused");
	for (unsigned int i = 0; i < worker->port_count; i++) {
		const struct port *port = &worker->ports[i];

		fprintf(out,
			"%-16s %12" PRIu64 " %14" PRIu64 " %12" PRIu64 " %14" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
			port->name, port->rx_packets, port->rx_bytes, port->tx_packets, port->tx_bytes, port->rx_missed,
			port->tx_errors);
	}
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++) {
		uint64_t count = counter_read(&worker->transit.counts[i]);

		if (count || is_essential(i))
			fprintf(out, "%-16s %12" PRIu64 "  %s\n", outcome_texts[i].name, count, outcome_texts[i].text);
	}
}

/* One dictionary in the other: DPDK's telemetry does not nest deeper. */
static int port_add(struct rte_tel_data *data, unsigned int n, const struct port *port)
{
	struct rte_tel_data *one = rte_tel_data_alloc();
	char key[16];
	int err;

	if (!one)
		return -ENOMEM;
	rte_tel_data_start_dict(one);
	rte_tel_data_add_dict_string(one, "name", port->name);
	rte_tel_data_add_dict_u64(one, "interface", port->interface);
	rte_tel_data_add_dict_u64(one, "rx_packets", counter_read(&port->rx_packets));
	rte_tel_data_add_dict_u64(one, "rx_octets", counter_read(&port->rx_bytes));
	rte_tel_data_add_dict_u64(one, "rx_missed", counter_read(&port->rx_missed));
	rte_tel_data_add_dict_u64(one, "tx_packets", counter_read(&port->tx_packets));
	rte_tel_data_add_dict_u64(one, "tx_octets", counter_read(&port->tx_bytes));
	rte_tel_data_add_dict_u64(one, "tx_refused", counter_read(&port->tx_errors));
	rte_tel_data_add_dict_u64(one, "queue_octets", counter_read(&port->egress.bytes));
	snprintf(key, sizeof(key), "port%u", n);
	err = rte_tel_data_add_dict_container(data, key, one, 0);
	if (err)
		rte_tel_data_free(one);
	return err;
}

static int counters_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	int err = 0;

	(void)command;
	(void)params;
	rte_tel_data_start_dict(data);
	for (unsigned int i = 0; i < OUTCOME_COUNT && !err; i++)
		err = rte_tel_data_add_dict_u64(data, outcome_texts[i].name, counter_read(&served->transit.counts[i]));
	for (unsigned int i = 0; i < served->port_count && !err; i++)
		err = port_add(data, i, &served->ports[i]);
	return err;
}

int stats_serve(const struct worker *worker)
{
	served = worker;
	return rte_telemetry_register_cmd("/hopspan/counters", counters_answer,
					  "Packets by outcome, and each port's. Takes no parameters");
}
