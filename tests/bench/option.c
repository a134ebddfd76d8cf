/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the socket option's hook costs other calls: sockets of a cgroup with hopspan's programs and of one without, the
 * same calls on each in turn.
 *
 *	option OUTSIDE INSIDE ROUNDS CALLS		two cgroups' folders; one JSON object per row
 */
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "row.h"

enum call { SET, SET_SAME, SET_HOOKED, GET, GET_SAME, GET_HOOKED, CONTEXT, CALLS };

static const char *const names[CALLS] = {
	[SET] = "setsockopt without the hook",
	[SET_SAME] = "the same",
	[SET_HOOKED] = "with the hook",
	[GET] = "getsockopt without the hook",
	[GET_SAME] = "the same",
	[GET_HOOKED] = "with the hook",
	[CONTEXT] = "a context",
};

/* A socket belongs to the cgroup that its process is in when it is made. */
static int socket_in(const char *cgroup)
{
	char path[4096];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file))
		err(1, "%s", path);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void call_make(enum call call, int fd, unsigned int number)
{
	int value = number & 1;
	socklen_t len = sizeof(value);

	if (call == CONTEXT)
		pair_context(fd, number);
	else if (call <= SET_HOOKED ? setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, len)
				    : getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len))
		err(1, "TCP_NODELAY");
}

static double calls_ns(enum call call, int fd, unsigned int calls)
{
	double begin_ns = now_ns();

	for (unsigned int i = 0; i < calls; i++)
		call_make(call, fd, i);
	return (now_ns() - begin_ns) / calls;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		enum call call, base;
	} rows[] = {
		{ "setsockopt(TCP_NODELAY) where the option's hook is", SET_HOOKED, SET },
		{ "getsockopt(TCP_NODELAY) where the option's hook is", GET_HOOKED, GET },
		{ "setsockopt(HOPSPAN_CONTEXT), against setsockopt(TCP_NODELAY)", CONTEXT, SET },
	};
	struct series series[CALLS];
	unsigned int rounds, calls;
	int outside, inside;

	if (argc != 5 || (rounds = atoi(argv[3])) < 1 || (calls = atoi(argv[4])) < 1)
		errx(2, "usage: option OUTSIDE INSIDE ROUNDS CALLS");
	inside = socket_in(argv[2]);
	outside = socket_in(argv[1]);
	for (int call = 0; call < CALLS; call++)
		series_init(&series[call], names[call], rounds);
	for (unsigned int run = 0; run < rounds * CALLS; run++) {
		enum call call = run % CALLS;
		bool hooked = call == SET_HOOKED || call == GET_HOOKED || call == CONTEXT;

		series[call].values[run / CALLS] = calls_ns(call, hooked ? inside : outside, calls);
	}
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum call base = rows[i].base;
		struct row row = { .what = rows[i].what,
				   .series = &series[rows[i].call],
				   .base = &series[base],
				   .same = { &series[base], &series[base + 1] },
				   .proof = "each call succeeded",
				   .packets = (double)rounds * calls };

		row_print(&row, rounds);
	}
	return 0;
}
