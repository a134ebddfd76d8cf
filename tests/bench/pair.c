/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Connections between namespaces, for whatever is to be sent over them. */
#include "pair.h"

#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sdk/hopspan.h"

void pair_enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", netns);
	close(fd);
}

int pair_listen(const char *server, struct sockaddr_in6 *address)
{
	socklen_t len = sizeof(*address);
	int listener;

	pair_enter(server);
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)address, len) || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)address, &len))
		err(1, "listen");
	return listener;
}

struct pair pair_make(const char *client, int listener, const struct sockaddr_in6 *address, const char *congestion)
{
	struct pair pair;
	int one = 1;

	pair_enter(client);
	pair.client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (congestion && setsockopt(pair.client, IPPROTO_TCP, TCP_CONGESTION, congestion, strlen(congestion)))
		err(1, "congestion control %s", congestion);
	if (pair.client < 0 || connect(pair.client, (const struct sockaddr *)address, sizeof(*address)))
		err(1, "connect");
	pair.server = accept(listener, NULL, NULL);
	if (pair.server < 0 || setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    setsockopt(pair.server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		err(1, "accept");
	return pair;
}

void pair_free(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
}

void pair_context(int socket, uint32_t number)
{
	struct hopspan_context context = {
		.version = HOPSPAN_CONTEXT_VERSION, .flags = 1, .trace_id = { 1 }, .span_id = { 1 }
	};

	memcpy(context.span_id + 4, &number, sizeof(number));
	if (setsockopt(socket, SOL_HOPSPAN, HOPSPAN_CONTEXT, &context, sizeof(context)))
		err(1, "setsockopt(SOL_HOPSPAN)");
}

double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}
