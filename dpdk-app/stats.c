/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counters by the names of wire/outcome.h. Telemetry reads them from a thread of its own while the workers count: each
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

static const char *const port_state_names[] = { "up", "down", "gone" }; /* enum port_state */

static const struct worker *served;
static unsigned int served_count;
static const struct router *served_router;

static uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static uint64_t outcome_sum(const struct worker *workers, unsigned int count, const struct router *router,
			    unsigned int outcome)
{
	uint64_t sum = router && outcome == OUTCOME_drop_twin ? router_dropped(router) : 0;

	for (unsigned int i = 0; i < count; i++)
		sum += counter_read(&workers[i].transit.counts[outcome]);
	return sum;
}

static void counts_add(struct port_counts *sum, const struct port_counts *counts)
{
	sum->rx_packets += counter_read(&counts->rx_packets);
	sum->rx_bytes += counter_read(&counts->rx_bytes);
	sum->tx_packets += counter_read(&counts->tx_packets);
	sum->tx_bytes += counter_read(&counts->tx_bytes);
}

static struct port_counts port_sum(const struct worker *workers, unsigned int count, unsigned int port)
{
	struct port_counts sum = { 0 };

	for (unsigned int i = 0; i < count; i++)
		counts_add(&sum, &workers[i].counts[port]);
	return sum;
}

/* Always shown: what tells at a glance whether all is well. */
static bool is_essential(unsigned int outcome)
{
	return outcome == OUTCOME_pass || outcome == OUTCOME_appended || outcome == OUTCOME_completed ||
	       outcome == OUTCOME_forwarded || outcome == OUTCOME_drop_queue_full;
}

void stats_print(const struct worker *workers, unsigned int count, const struct router *router, FILE *out)
{
	fprintf(out, "%-16s %12s %14s %12s %14s %8s %8s\n", "port", "rx packets", "octets", "tx packets", "octets",
		"missed", "refused");
	for (unsigned int i = 0; i < workers->port_count; i++) {
		const struct port *port = &workers->ports[i];
		struct port_counts sum = port_sum(workers, count, i);

		fprintf(out,
			"%-16s %12" PRIu64 " %14" PRIu64 " %12" PRIu64 " %14" PRIu64 " %8" PRIu64 " %8" PRIu64 "\n",
			port->name, sum.rx_packets, sum.rx_bytes, sum.tx_packets, sum.tx_bytes, port->rx_missed,
			port->tx_errors);
	}
	for (unsigned int i = 0; i < OUTCOME_COUNT; i++) {
		uint64_t sum = outcome_sum(workers, count, router, i);

		if (sum || is_essential(i))
			fprintf(out, "%-16s %12" PRIu64 "  %s\n", outcome_texts[i].name, sum, outcome_texts[i].text);
	}
}

static void counts_answer(struct rte_tel_data *data, const struct port_counts *counts)
{
	rte_tel_data_add_dict_uint(data, "rx_packets", counts->rx_packets);
	rte_tel_data_add_dict_uint(data, "rx_octets", counts->rx_bytes);
	rte_tel_data_add_dict_uint(data, "tx_packets", counts->tx_packets);
	rte_tel_data_add_dict_uint(data, "tx_octets", counts->tx_bytes);
}

/* What waits for the port. */
static uint64_t queue_sum(const struct worker *workers, unsigned int count, unsigned int port)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += counter_read(&workers[i].egress[port].bytes);
	return sum;
}

/* Its queues' high-water mark is that of the one that met most. */
static void queue_answer(struct rte_tel_data *data, unsigned int port)
{
	const struct line *line = &served->ports[port].line;
	uint64_t most = 0, drops = 0;

	for (unsigned int i = 0; i < served_count; i++) {
		most = RTE_MAX(most, counter_read(&served[i].egress[port].bytes_most));
		drops += counter_read(&served[i].egress[port].drops);
	}
	rte_tel_data_add_dict_uint(data, "queue_octets", queue_sum(served, served_count, port));
	rte_tel_data_add_dict_uint(data, "queue_octets_most", most);
	rte_tel_data_add_dict_uint(data, "queue_octets_max", line->bytes_max);
	rte_tel_data_add_dict_uint(data, "queue_packets_max", line->packets_max);
	rte_tel_data_add_dict_uint(data, "queue_drops", drops);
	rte_tel_data_add_dict_uint(data, "rate", served->ports[port].config->rate);
}

static struct rte_tel_data *dict_begin(void)
{
	struct rte_tel_data *one = rte_tel_data_alloc();

	if (one)
		rte_tel_data_start_dict(one);
	return one;
}

/* One dictionary in the other: DPDK's telemetry does not nest deeper. */
static int dict_end(struct rte_tel_data *data, const char *name, unsigned int n, struct rte_tel_data *one)
{
	char key[16];
	int err;

	snprintf(key, sizeof(key), "%s%u", name, n);
	err = rte_tel_data_add_dict_container(data, key, one, 0);
	if (err)
		rte_tel_data_free(one);
	return err;
}

static int port_add(struct rte_tel_data *data, unsigned int n, const struct port *port)
{
	struct port_counts sum = port_sum(served, served_count, n);
	struct rte_tel_data *one = dict_begin();

	if (!one)
		return -ENOMEM;
	rte_tel_data_add_dict_string(one, "name", port->name);
	rte_tel_data_add_dict_uint(one, "interface", port->interface);
	rte_tel_data_add_dict_string(one, "state", port_state_names[port_state(port)]);
	rte_tel_data_add_dict_uint(one, "rx_queues", port->rx_queues);
	counts_answer(one, &sum);
	rte_tel_data_add_dict_uint(one, "rx_missed", counter_read(&port->rx_missed));
	rte_tel_data_add_dict_uint(one, "tx_refused", counter_read(&port->tx_errors));
	rte_tel_data_add_dict_string(one, "times", arrival_source_name(port->arrival.source));
	queue_answer(one, n);
	return dict_end(data, "port", n, one);
}

static int counters_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	int err = 0;

	(void)command;
	(void)params;
	rte_tel_data_start_dict(data);
	for (unsigned int i = 0; i < OUTCOME_COUNT && !err; i++)
		err = rte_tel_data_add_dict_uint(data, outcome_texts[i].name,
						 outcome_sum(served, served_count, served_router, i));
	for (unsigned int i = 0; i < served->port_count && !err; i++)
		err = port_add(data, i, &served->ports[i]);
	return err;
}

static int worker_add(struct rte_tel_data *data, const struct worker *worker)
{
	struct rte_tel_data *one = dict_begin();
	struct port_counts sum = { 0 };
	uint64_t queue_bytes = 0;

	if (!one)
		return -ENOMEM;
	for (unsigned int i = 0; i < worker->port_count; i++) {
		counts_add(&sum, &worker->counts[i]);
		queue_bytes += queue_sum(worker, 1, i);
	}
	rte_tel_data_add_dict_uint(one, "core", worker->core);
	rte_tel_data_add_dict_uint(one, "rx_queues", worker->rx_queue_count);
	counts_answer(one, &sum);
	rte_tel_data_add_dict_uint(one, "queue_octets", queue_bytes);
	return dict_end(data, "worker", worker->index, one);
}

static int workers_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	int err = 0;

	(void)command;
	(void)params;
	rte_tel_data_start_dict(data);
	for (unsigned int i = 0; i < served_count && !err; i++)
		err = worker_add(data, &served[i]);
	return err;
}

static int clock_add_state(struct rte_tel_data *data, const struct clock *clock)
{
	struct clock_state state;

	if (!clock_state(clock, &state))
		return -EIO;
	rte_tel_data_add_dict_uint(data, "error_ns", state.error_ns);
	rte_tel_data_add_dict_uint(data, "age_ns", state.age_ns);
	rte_tel_data_add_dict_uint(data, "found_ns", state.found_ns);
	rte_tel_data_add_dict_uint(data, "found_max_ns", state.found_max_ns);
	rte_tel_data_add_dict_uint(data, "steps", state.steps);
	rte_tel_data_add_dict_uint(data, "ticks_per_s", state.ticks_per_s);
	return rte_tel_data_add_dict_uint(data, "rate_error_ppb", state.rate_error_ppb);
}

/* A device whose clock cannot be read at this moment is left out. */
static int device_clock_answer(struct rte_tel_data *data, unsigned int port)
{
	struct rte_tel_data *one = dict_begin();

	if (one && clock_add_state(one, &served->ports[port].arrival.clock) == 0)
		return dict_end(data, "port", port, one);
	rte_tel_data_free(one);
	return 0;
}

/* The workers', and in it those of devices that have their own. */
static int clock_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	int err;

	(void)command;
	(void)params;
	rte_tel_data_start_dict(data);
	err = clock_add_state(data, served->transit.clock);
	for (unsigned int i = 0; !err && i < served->port_count; i++)
		if (served->ports[i].arrival.source == ARRIVAL_DEVICE)
			err = device_clock_answer(data, i);
	return err;
}

/* What the kernel knows, as far as it is mirrored. */
static int router_answer(const char *command, const char *params, struct rte_tel_data *data)
{
	struct mirror_counts counts = { 0 };

	(void)command;
	(void)params;
	if (served_router)
		counts = router_counts(served_router);
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_uint(data, "routes", counts.routes);
	rte_tel_data_add_dict_uint(data, "hops", counts.hops);
	rte_tel_data_add_dict_uint(data, "groups", counts.groups);
	rte_tel_data_add_dict_uint(data, "neighbours", counts.neighbours);
	return 0;
}

int stats_serve(const struct worker *workers, unsigned int count, const struct router *router)
{
	int err;

	served = workers;
	served_count = count;
	served_router = router;
	err = router ? rte_telemetry_register_cmd("/hopspan/router", router_answer,
						  "Routes, hops and neighbours known. Takes no parameters")
		     : 0;
	if (err)
		return err;
	err = rte_telemetry_register_cmd("/hopspan/counters", counters_answer,
					 "Packets by outcome, and each port's. Takes no parameters");
	if (!err)
		err = rte_telemetry_register_cmd("/hopspan/workers", workers_answer,
						 "Each worker's core and packets. Takes no parameters");
	if (!err)
		err = rte_telemetry_register_cmd("/hopspan/clock", clock_answer,
						 "How far times may be off, and were found off. Takes no parameters");
	return err;
}
