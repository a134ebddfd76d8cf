/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What an application feels: bulk TCP and requests over two routers, without hopspan, with it but without contexts,
 * and with contexts and the default policy, in turn.
 *
 *	whole ROUNDS MILLISECONDS CLIENT SERVER ADDRESS HOPSPAN_CLIENT HOPSPAN_SERVER HOPSPAN_ADDRESS
 *
 * Two networks of one shape, by their namespaces' files; hopspan is up in the second one. Answers carry their context
 * back. Bulk TCP is told by the processor time that it takes, which bounds it here and which others on the machine do
 *not share in. One JSON object per row, in percent.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow.h"
#include "row.h"

enum kind { WITHOUT, WITHOUT_SAME, UNTAGGED, TAGGED, KINDS };
enum measure { BULK, P50, P99, MEASURES };

struct network {
	const char *client;
	struct sockaddr_in6 address;
	int listener;
};

static const char *const names[KINDS] = { "without hopspan", "without hopspan", "no context", "contexts" };
static struct network networks[2];
static struct series series[MEASURES][KINDS];
static double octets, requests;

static void network_init(struct network *network, char **words)
{
	network->client = words[0];
	network->address.sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, words[2], &network->address.sin6_addr) != 1)
		errx(2, "%s: not an IPv6 address", words[2]);
	network->listener = pair_listen(words[1], &network->address);
}

/* A connection of its own, on which TCP has found its pace before anything counts. */
static void flow_measure(enum kind kind, enum flow flow, double send_ns, struct flow_result *result)
{
	const struct network *network = &networks[kind >= UNTAGGED];
	struct pair pair = pair_make(network->client, network->listener, &network->address, NULL);

	flow_run(&flow_loads[flow], &pair, kind == TAGGED, send_ns, result);
	pair_free(&pair);
}

static void round_run(unsigned int round, enum kind kind, double send_ns)
{
	struct flow_result result;

	flow_measure(kind, FLOW_MEGABYTES, send_ns, &result);
	series[BULK][kind].values[round] = result.processor_ns / (double)result.octets * (1 << 20);
	octets += (double)result.octets;
	flow_measure(kind, FLOW_REQUESTS, send_ns, &result);
	series[P50][kind].values[round] = result.p50_ns;
	series[P99][kind].values[round] = result.p99_ns;
	requests += (double)result.messages;
}

static void whole_row(const char *what, enum measure measure, enum kind kind, enum kind base, double target,
		      unsigned int rounds)
{
	struct row row = {
		.what = what,
		.series = &series[measure][kind],
		.base = &series[measure][base],
		.same = { &series[measure][WITHOUT], &series[measure][WITHOUT_SAME] },
		.proof = "all octets arrived",
		.target = target,
		.packets = measure == BULK ? octets / KINDS / 65536 : requests / KINDS,
		.percent = true,
	};

	row_print(&row, rounds);
}

int main(int argc, char **argv)
{
	unsigned int rounds;
	double send_ns;

	if (argc != 9 || (rounds = atoi(argv[1])) < 1 || (send_ns = atoi(argv[2]) * 1e6) <= 0)
		errx(2, "usage: whole ROUNDS MILLISECONDS CLIENT SERVER ADDRESS CLIENT SERVER ADDRESS");
	network_init(&networks[0], argv + 3);
	network_init(&networks[1], argv + 6);
	for (int measure = 0; measure < MEASURES; measure++)
		for (int kind = 0; kind < KINDS; kind++)
			series_init(&series[measure][kind], names[kind], rounds);
	for (unsigned int run = 0; run < rounds * KINDS; run++) {
		unsigned int round = run / KINDS, i = run % KINDS;

		round_run(round, round % 2 ? KINDS - 1 - i : i, send_ns);
	}
	whole_row("bulk TCP over two routers, untagged, processor time a MiB", BULK, UNTAGGED, WITHOUT, 0, rounds);
	whole_row("bulk TCP, a context a MiB, processor time a MiB", BULK, TAGGED, UNTAGGED, 1, rounds);
	whole_row("request over two routers, untagged, median", P50, UNTAGGED, WITHOUT, 0, rounds);
	whole_row("request, contexts both ways, median", P50, TAGGED, UNTAGGED, 1, rounds);
	whole_row("request, contexts both ways, 99th percentile", P99, TAGGED, UNTAGGED, 0, rounds);
	return 0;
}
