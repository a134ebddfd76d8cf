/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A TCP connection with both ends in this process: each keeps the network namespace in which it was made.
 */
#ifndef HOPSPAN_BENCH_PAIR_H
#define HOPSPAN_BENCH_PAIR_H

#include <netinet/in.h>
#include <stdint.h>

struct pair {
	int client, server;
};

/* Takes the calling thread into a network namespace, by its file. */
void pair_enter(const char *netns);

/* Listens in namespace `server` at `address`, whose port is filled in. */
int pair_listen(const char *server, struct sockaddr_in6 *address);

/* A connection from namespace `client`, without Nagle at both ends; `congestion` NULL: the namespace's default. */
struct pair pair_make(const char *client, int listener, const struct sockaddr_in6 *address, const char *congestion);
void pair_free(struct pair *pair);

/* The context number `number`, set on a socket. */
void pair_context(int socket, uint32_t number);

double now_ns(void); /* CLOCK_MONOTONIC */

#endif
