/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ns per packet of the programs at work: one thread sends a request and its answer over a router, thousands of times a
 * round, without a context, stamped in place, with ids alone, by clone, beside a shadow, and eight requests to a
 *segment in turn; the kernel's bpf_stats tell what each program took. Every request must have been recorded at the far
 *end with the router's data in it.
 *
 *	live BENCH_OBJECT ROUNDS REQUESTS CLIENT ROUTER SERVER ADDRESS
 *
 * CLIENT, ROUTER and SERVER are network namespaces' files; hopspan is up on client eth0, router eth0 and eth1 (node id
 * 2) and server eth0. REQUESTS a batch fit the ring buffer, which is emptied in between. One JSON object per row.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hook.h"
#include "pair.h"
#include "policy.h"
#include "row.h"
#include "tc/sink.h"
#include "tc/stamp.h"
#include "wire/encap.h"

enum { ROUTER_NODE_ID = 2, MESSAGE_LEN = 64, TOGETHER = 8 };
enum at { STAMP, DEPART, SINK, HOOKS };
enum kind { BARE, BARE_SAME, IN_PLACE, QUIET, IDS, CLONE, SHADOW, EIGHT, KINDS };

static const enum stamp_way ways[KINDS] = {
	[CLONE] = STAMP_CLONE,	     [SHADOW] = STAMP_SHADOW, [EIGHT] = STAMP_IN_PLACE,
	[IN_PLACE] = STAMP_IN_PLACE, [IDS] = STAMP_IN_PLACE,  [QUIET] = STAMP_IN_PLACE
};

/* All that is measured of one kind of traffic. */
struct measured {
	struct series round_trip;
	struct series programs[HOOKS][HOOK_PROGRAMS];
	uint64_t packets[HOOKS];
	unsigned int room; /* of the traces, in hops behind the sender */
};

static struct hook hooks[HOOKS];
static struct hook_stats at_last[HOOKS];
static struct measured measured[KINDS];
static struct pair bare, tagged;
static struct ring_buffer *rings;
static int policies, hosts, reply_off;
static uint16_t server_port_be;
static uint64_t recorded;
static unsigned int recorded_room;

/* A request that has arrived: the router must be the newest in its trace, if it has one. */
static int record_count(void *unused, void *data, size_t len)
{
	struct sink_record *record = data;
	struct ioam6_found found;
	enum outcome why;
	uint8_t *end = record->packet + record->packet_len, *newest;

	(void)unused;
	(void)len;
	if (!ioam6_find(record->packet, end, CONTEXT_NAMESPACE, &found, &why) || !(found.option || found.identifier))
		errx(1, "a record without a trace");
	if (!found.option) {
		recorded++;
		return 0;
	}
	newest = record->packet + found.option + IOAM6_DATA_AT + found.trace.remaining_words * IOAM6_WORD;
	if (newest + IOAM6_WORD <= end && (be32_load(newest) & 0xffffff) == ROUTER_NODE_ID)
		recorded++;
	recorded_room = (found.data_words - CONTEXT_WORDS) * IOAM6_WORD / ENCAP_HOP_LEN - 1;
	return 0;
}

static int record_skip(void *unused, void *data, size_t len)
{
	(void)unused;
	(void)data;
	(void)len;
	return 0;
}

static void policy_set(enum kind kind)
{
	struct encap_shape shape = kind == IDS ? encap_shape(ENCAP_GENERIC_CONTEXT, 0) : ENCAP_SHAPE_USUAL;

	policy_change(policies, hosts, ways[kind], &shape);
}

/* Whether the server's answers carry the context back. */
static void replies_set(bool on)
{
	uint8_t off = 1;

	if (on ? bpf_map_delete_elem(reply_off, &server_port_be) && errno != ENOENT
	       : bpf_map_update_elem(reply_off, &server_port_be, &off, BPF_ANY))
		err(1, "reply_off");
}

/* `together` messages leave in one segment. */
static void message_pass(int from, int to, unsigned int together, bool with_context, unsigned int number)
{
	char message[TOGETHER * MESSAGE_LEN] = "";
	ssize_t len = (ssize_t)together * MESSAGE_LEN;

	for (unsigned int i = 0; i < together; i++) {
		if (with_context)
			pair_context(from, number + i);
		if (send(from, message, MESSAGE_LEN, i + 1 < together ? MSG_MORE : 0) != MESSAGE_LEN)
			err(1, "message");
	}
	if (recv(to, message, len, MSG_WAITALL) != len)
		err(1, "message");
}

/* ns per request and answer. */
static double exchange(const struct pair *pair, enum kind kind, unsigned int requests)
{
	unsigned int together = kind == EIGHT ? TOGETHER : 1;
	double begin_ns = now_ns();

	for (unsigned int i = 0; i < requests; i += together) {
		message_pass(pair->client, pair->server, together, kind >= IN_PLACE, i);
		message_pass(pair->server, pair->client, 1, false, 0);
	}
	return (now_ns() - begin_ns) / requests;
}

/* Of `requests`, how many went by which way; the router sees them and, where there was one request each, answers. */
__attribute__((unused)) static void proof_check(enum kind kind, const struct hook_stats since[HOOKS],
						unsigned int requests)
{
	const uint64_t *stamp = since[STAMP].counts, *sink = since[SINK].counts;
	uint64_t shadows = kind == SHADOW ? requests : kind == EIGHT ? requests - requests / TOGETHER : 0;
	uint64_t others = kind >= IN_PLACE ? requests - shadows : 0,
		 completed = since[DEPART].counts[OUTCOME_completed];

	unsigned int answers = kind < IN_PLACE || kind == QUIET ? 0 : requests;

	if (kind < IN_PLACE && (stamp[OUTCOME_bare_no_context] < requests || recorded))
		errx(1, "bare requests were not bare");
	if (stamp[OUTCOME_stamped_shadow] != shadows ||
	    stamp[OUTCOME_stamped_in_place] + stamp[OUTCOME_stamped_clone] != others ||
	    sink[OUTCOME_active_ended] != shadows || sink[OUTCOME_recorded] != others ||
	    (kind >= IN_PLACE && recorded != requests) || (kind != EIGHT && sink[OUTCOME_reply_learnt] != answers) ||
	    (kind != IDS && completed < recorded))
		errx(1, "of %u requests %lu had shadows, %lu were stamped, %lu completed, %lu recorded with the router",
		     requests, stamp[OUTCOME_stamped_shadow],
		     stamp[OUTCOME_stamped_in_place] + stamp[OUTCOME_stamped_clone], completed, recorded);
}

/*
 * ns of the program's run on the packet itself. Its clones' runs lie within it, and both were counted: a clone's, a
 * shadow's too, is taken for a run that stamps in place.
 */
__attribute__((unused)) static double stamp_ns(enum kind kind, unsigned int round, uint64_t ns, unsigned int requests)
{
	unsigned int packets = kind == EIGHT ? requests / TOGETHER : requests,
		     clones = kind == EIGHT ? TOGETHER - 1 : 1;

	return (double)ns / packets - clones * measured[IN_PLACE].programs[STAMP][HOOK_OURS].values[round];
}

static void round_run(unsigned int round, enum kind kind, unsigned int requests)
{
	struct measured *m = &measured[kind];
	struct hook_stats since[HOOKS];

	requests -= requests % TOGETHER;
	policy_set(kind);
	replies_set(kind != QUIET);
	for (int i = 0; i < HOOKS; i++)
		hook_since(&hooks[i], &at_last[i]);
	recorded = 0;
	m->round_trip.values[round] = exchange(kind >= IN_PLACE ? &tagged : &bare, kind, requests);
	for (int i = 0; i < HOOKS; i++) {
		since[i] = hook_since(&hooks[i], &at_last[i]);
		m->packets[i] += since[i].runs[HOOK_OURS];
		for (int p = 0; p < HOOK_PROGRAMS; p++)
			m->programs[i][p].values[round] = (double)since[i].ns[p] / (double)since[i].runs[p];
	}
	ring_buffer__consume(rings);
	m->room = recorded_room;

	if (kind > 100)
		m->programs[STAMP][HOOK_OURS].values[round] =
		    stamp_ns(kind, round, since[STAMP].ns[HOOK_OURS], requests);
}

static void program_row(const char *what, enum kind kind, enum at at, double target, unsigned int rounds)
{
	struct measured *m = &measured[kind];
	char proof[64] = "no request recorded";
	struct row row = {
		.what = what,
		.series = &m->programs[at][HOOK_OURS],
		.base = &m->programs[at][HOOK_EMPTY],
		.same = { &m->programs[at][HOOK_EMPTY], &m->programs[at][HOOK_EMPTY_FIRST] },
		.proof = proof,
		.target = target,
		.packets = (double)m->packets[at],
	};

	if (kind == IDS)
		strcpy(proof, "each recorded");
	else if (kind >= IN_PLACE)
		snprintf(proof, sizeof(proof), "each recorded with the router, room for %u hops", m->room);
	row_print(&row, rounds);
}

/* What the sink takes longer where it opens a range for the answer. */
static void learning_row(unsigned int rounds)
{
	struct row row = {
		.what = "reply learning: a range opened for the answer",
		.series = &measured[IN_PLACE].programs[SINK][HOOK_OURS],
		.base = &measured[QUIET].programs[SINK][HOOK_OURS],
		.same = { &measured[IN_PLACE].programs[SINK][HOOK_EMPTY],
			  &measured[IN_PLACE].programs[SINK][HOOK_EMPTY_FIRST] },
		.proof = "each learnt, or none with the port switched off",
		.packets = (double)measured[IN_PLACE].packets[SINK],
	};

	row_print(&row, rounds);
}

static void round_trip_row(const char *what, enum kind kind, unsigned int rounds, unsigned int requests)
{
	struct row row = {
		.what = what,
		.series = &measured[kind].round_trip,
		.base = &measured[BARE].round_trip,
		.same = { &measured[BARE].round_trip, &measured[BARE_SAME].round_trip },
		.proof = "each request recorded with the router",
		.packets = (double)rounds * requests,
	};

	row_print(&row, rounds);
}

static void rows_print(unsigned int rounds, unsigned int requests)
{
	program_row("tc stamp at work, socket without context", BARE, STAMP, 15, rounds);
	program_row("tc stamp at work, in place, time and queue depth", IN_PLACE, STAMP, 150, rounds);
	program_row("tc stamp at work, in place, ids only", IDS, STAMP, 90, rounds);
	program_row("tc stamp at work, by clone, with the clone's transmission", CLONE, STAMP, 700, rounds);
	program_row("tc stamp at work, beside a shadow, with its transmission", SHADOW, STAMP, 900, rounds);
	program_row("tc stamp at work, eight contexts: in place, seven shadows", EIGHT, STAMP, 0, rounds);
	program_row("tc depart at work, packet without the option", BARE, DEPART, 0, rounds);
	program_row("tc depart at work, completed, slot from XDP", IN_PLACE, DEPART, 0, rounds);
	program_row("tc sink at work, packet without the option", BARE, SINK, 0, rounds);
	program_row("tc sink at work, recorded, stripped, learnt", IN_PLACE, SINK, 0, rounds);
	program_row("tc sink at work, recorded, stripped, no reply learnt", QUIET, SINK, 0, rounds);
	learning_row(rounds);
	round_trip_row("request and answer over a router, in place", IN_PLACE, rounds, requests);
	round_trip_row("request and answer over a router, by clone", CLONE, rounds, requests);
	round_trip_row("request and answer over a router, beside a shadow", SHADOW, rounds, requests);
}

static void measured_init(unsigned int rounds)
{
	static const char *const names[] = { "without a context",  "without a context", "in place",
					     "in place, no reply", "ids alone",		"by clone",
					     "beside a shadow",	   "eight contexts" };

	for (int kind = 0; kind < KINDS; kind++) {
		series_init(&measured[kind].round_trip, names[kind], rounds);
		for (int i = 0; i < HOOKS; i++)
			for (int p = 0; p < HOOK_PROGRAMS; p++)
				series_init(&measured[kind].programs[i][p], "empty tc program", rounds);
	}
}

static void hooks_init(const char *object, const char *client, const char *router, const char *server)
{
	struct hook client_sink;

	pair_enter(client);
	hook_init(&hooks[STAMP], object, "eth0", BPF_TC_EGRESS, PROGRAM_STAMP);
	hook_init(&client_sink, object, "eth0", BPF_TC_INGRESS, PROGRAM_SINK);
	pair_enter(router);
	hook_init(&hooks[DEPART], object, "eth1", BPF_TC_EGRESS, PROGRAM_DEPART);
	pair_enter(server);
	hook_init(&hooks[SINK], object, "eth0", BPF_TC_INGRESS, PROGRAM_SINK);
	rings = ring_buffer__new(hook_map(&hooks[SINK], "records"), record_count, NULL, NULL);
	if (!rings || ring_buffer__add(rings, hook_map(&client_sink, "records"), record_skip, NULL))
		err(1, "ring buffer");
	policies = hook_map(&hooks[STAMP], "stamp_prefix");
	hosts = hook_map(&hooks[STAMP], "stamp_host");
	reply_off = hook_map(&hooks[SINK], "reply_off");
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	unsigned int rounds, requests;
	int listener;

	if (argc != 8 || (rounds = atoi(argv[2])) < 1 || (requests = atoi(argv[3])) < 1 ||
	    inet_pton(AF_INET6, argv[7], &address.sin6_addr) != 1)
		errx(2, "usage: live BENCH_OBJECT ROUNDS REQUESTS CLIENT ROUTER SERVER ADDRESS");
	hooks_init(argv[1], argv[4], argv[5], argv[6]);
	measured_init(rounds);
	listener = pair_listen(argv[6], &address);
	server_port_be = address.sin6_port;
	bare = pair_make(argv[4], listener, &address, NULL);
	tagged = pair_make(argv[4], listener, &address, NULL);
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		err(1, "bpf_stats");
	for (unsigned int warm = 0; warm < 2; warm++)
		for (int kind = 0; kind < KINDS; kind++)
			round_run(0, kind, requests);
	for (unsigned int round = 0; round < rounds; round++)
		for (int kind = 0; kind < KINDS; kind++)
			round_run(round, kind, requests);
	rows_print(rounds, requests);
	return 0;
}
