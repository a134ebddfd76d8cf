/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Much data over one connection and requests over another beside it, each octet compared with what was sent.
 *
 *	veth receive PORT                       one pair of connections; prints the octets that came, and how many
 *answers veth send ADDRESS PORT OCTETS RANGE     a new context every RANGE octets, and one for each request; 0: no
 *contexts
 *
 * Both ends know the data: octet N of the stream is octet N modulo PERIOD of the same random ones. PERIOD is odd, so a
 * segment that is left out, repeated or put in another's place is seen.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hopspan.h"

enum { PERIOD = 262147, WRITE_LEN = 65536, HEAD_LEN = 300, REQUEST_LEN = 200, SAMPLED = 1 };

static uint8_t pattern[PERIOD + WRITE_LEN];
static atomic_bool bulk_sent;

static uint64_t random_next(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void pattern_make(void)
{
	for (int i = 0; i < PERIOD; i++)
		pattern[i] = random_next() >> 32;
	memcpy(pattern + PERIOD, pattern, WRITE_LEN);
}

static void write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t written = send(fd, data, len, MSG_NOSIGNAL);

		if (written < 0)
			err(1, "send");
		data += written;
		len -= written;
	}
}

/* `len` octets from place `at` of the stream. */
static void stream_write(int fd, uint64_t at, size_t len)
{
	write_all(fd, pattern + at % PERIOD, len);
}

static void stream_compare(const uint8_t *data, uint64_t at, size_t len)
{
	if (memcmp(data, pattern + at % PERIOD, len))
		errx(1, "not what was sent, in the %zu octets from %llu on", len, (unsigned long long)at);
}

/* Where hopspan has just been taken down, packets go as they are. */
static void context_set(int fd)
{
	static _Thread_local uint64_t number;
	struct hopspan_context context = { .version = HOPSPAN_CONTEXT_VERSION, .flags = SAMPLED };

	number++;
	memcpy(context.trace_id, &pattern[fd], sizeof(context.trace_id));
	memcpy(context.span_id, &number, sizeof(number));
	if (setsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, &context, sizeof(context)) && errno != ENOPROTOOPT)
		err(1, "HOPSPAN_CONTEXT");
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err(1, "socket");
	return fd;
}

struct requests {
	int fd;
	bool contexts;
	uint64_t count;
};

/* One after the other, until the bulk has gone. */
static void *requests_run(void *data)
{
	struct requests *requests = data;
	uint8_t answer[REQUEST_LEN];
	uint64_t at;

	do {
		at = requests->count++ * REQUEST_LEN;
		if (requests->contexts)
			context_set(requests->fd);
		stream_write(requests->fd, at, REQUEST_LEN);
		if (recv(requests->fd, answer, REQUEST_LEN, MSG_WAITALL) != REQUEST_LEN)
			err(1, "answer");
		stream_compare(answer, at, REQUEST_LEN);
	} while (!bulk_sent);
	shutdown(requests->fd, SHUT_WR);
	return NULL;
}

/* A context for each range. Every other one stands before a short write, like a request's head before its body. */
static void bulk_send(int fd, uint64_t octets, uint32_t range)
{
	for (uint64_t at = 0, len; at < octets; at += len) {
		bool begins = range && at % range == 0;

		len = range ? range - at % range : WRITE_LEN;
		if (begins)
			context_set(fd);
		if (begins && at / range % 2)
			len = HEAD_LEN;
		len = len < WRITE_LEN ? len : WRITE_LEN;
		len = len < octets - at ? len : octets - at;
		stream_write(fd, at, len);
	}
}

static void bulk_receive(int fd, uint64_t *octets)
{
	static uint8_t data[WRITE_LEN];
	ssize_t len;

	while ((len = recv(fd, data, sizeof(data), 0)) > 0) {
		stream_compare(data, *octets, len);
		*octets += len;
	}
	if (len < 0)
		err(1, "recv");
}

static void *requests_answer(void *data)
{
	static uint64_t count;
	uint8_t request[REQUEST_LEN];
	ssize_t len;
	int fd = *(int *)data;

	while ((len = recv(fd, request, REQUEST_LEN, MSG_WAITALL)) == REQUEST_LEN) {
		stream_compare(request, count++ * REQUEST_LEN, REQUEST_LEN);
		write_all(fd, request, REQUEST_LEN);
	}
	if (len)
		errx(1, "a request ended at octet %zd", len);
	return &count;
}

static void thread_start(pthread_t *thread, void *(*run)(void *), void *data)
{
	errno = pthread_create(thread, NULL, run, data);
	if (errno)
		err(1, "thread");
}

static int receive(const char *port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	int listener = tcp_socket(), bulk, requests;
	uint64_t octets = 0;
	pthread_t thread;
	void *count;

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 2))
		err(1, "port %s", port);
	puts("listens");
	fflush(stdout);
	bulk = accept(listener, NULL, NULL);
	requests = accept(listener, NULL, NULL);
	if (bulk < 0 || requests < 0)
		err(1, "accept");
	thread_start(&thread, requests_answer, &requests);
	bulk_receive(bulk, &octets);
	pthread_join(thread, &count);
	printf("%llu octets, %llu answers\n", (unsigned long long)octets, (unsigned long long)*(uint64_t *)count);
	return 0;
}

static int tcp_connect(const char *name, const char *port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	int fd = tcp_socket();

	if (inet_pton(AF_INET6, name, &address.sin6_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "%s", name);
	return fd;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void closed_wait(int fd)
{
	uint8_t octet;

	if (recv(fd, &octet, 1, 0))
		errx(1, "the receiver ended before it had all");
}

static int stream_send(const char *name, const char *port, uint64_t octets, uint32_t range)
{
	int bulk = tcp_connect(name, port);
	struct requests requests = { .fd = tcp_connect(name, port), .contexts = range };
	double begin_s = now_s();
	pthread_t thread;

	thread_start(&thread, requests_run, &requests);
	bulk_send(bulk, octets, range);
	bulk_sent = true;
	shutdown(bulk, SHUT_WR);
	pthread_join(thread, NULL);
	closed_wait(bulk);
	printf("%llu octets, %llu answers, %.0f Mbit/s\n", (unsigned long long)octets,
	       (unsigned long long)requests.count, octets * 8 / (now_s() - begin_s) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	pattern_make();
	if (argc == 3 && !strcmp(argv[1], "receive"))
		return receive(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "send"))
		return stream_send(argv[2], argv[3], strtoull(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
	errx(2, "usage: veth receive PORT | send ADDRESS PORT OCTETS RANGE");
}
