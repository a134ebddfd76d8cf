/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Datagrams with numbers at a steady pace: which of them came, how often, and whether every octet is the sent one.
 *
 *	churn send ADDRESS PORT PER_SECOND EVERY    until SIGTERM; a new context for every EVERY-th; prints how many
 *	churn receive PORT                          until SIGTERM; prints what it saw
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hopspan.h"

enum { LEN = 256, COUNT_MAX = 1 << 24, GAPS_SHOWN = 20, CATCH_UP_MAX = 16, BUFFER = 32 << 20, SAMPLED = 1 };

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Both ends know what datagram NUMBER holds. */
static void datagram_make(uint64_t number, uint8_t datagram[LEN])
{
	uint64_t state = number;

	memcpy(datagram, &number, sizeof(number));
	for (size_t i = sizeof(number); i < LEN; i += sizeof(state)) {
		state = state * 6364136223846793005 + 1442695040888963407;
		memcpy(datagram + i, &state, sizeof(state));
	}
}

/* Where hopspan is not at work right now, the socket has no such option. */
static void context_set(int fd, uint64_t number)
{
	struct hopspan_context context = { .version = HOPSPAN_CONTEXT_VERSION, .flags = SAMPLED };

	number++;
	memcpy(context.trace_id, &number, sizeof(number));
	memcpy(context.span_id, &number, sizeof(number));
	if (setsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, &context, sizeof(context)) && errno != ENOPROTOOPT)
		err(1, "HOPSPAN_CONTEXT");
}

static void pace(uint64_t until_ns)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* A sender that was kept waiting goes on from there: it never makes up for more than a few at once. */
static void run_sender(int fd, const struct sockaddr_in6 *to, uint64_t per_second, uint64_t every)
{
	uint64_t step_ns = 1000000000 / per_second, due_ns = now_ns(CLOCK_MONOTONIC), number = 0, now;
	uint8_t datagram[LEN];

	while (!ended && number < COUNT_MAX) {
		now = now_ns(CLOCK_MONOTONIC);
		if (now > due_ns + CATCH_UP_MAX * step_ns)
			due_ns = now;
		if (now < due_ns)
			pace(due_ns);
		due_ns += step_ns;
		if (every && number % every == 0)
			context_set(fd, number);
		datagram_make(number, datagram);
		if (sendto(fd, datagram, LEN, 0, (const struct sockaddr *)to, sizeof(*to)) != LEN)
			err(1, "datagram %" PRIu64, number);
		number++;
	}
	printf("sent %" PRIu64 "\n", number);
}

struct seen {
	uint8_t times[COUNT_MAX];
	uint64_t unique, repeated, spoilt, late, next;
};

static void datagram_see(struct seen *seen, const uint8_t *datagram, ssize_t len)
{
	uint8_t expected[LEN];
	uint64_t number;

	if (len != LEN) {
		seen->spoilt++;
		return;
	}
	memcpy(&number, datagram, sizeof(number));
	datagram_make(number, expected);
	if (number >= COUNT_MAX || memcmp(datagram, expected, LEN) != 0) {
		seen->spoilt++;
		return;
	}
	if (seen->times[number]++)
		seen->repeated++;
	else
		seen->unique++;
	if (number < seen->next)
		seen->late++;
	else
		seen->next = number + 1;
}

/* Where numbers are missing: the first of each gap, how many. */
static void gaps_print(const struct seen *seen)
{
	uint64_t begin = 0, shown = 0;

	for (uint64_t number = 0; number < seen->next && shown < GAPS_SHOWN; number++) {
		if (!seen->times[number])
			continue;
		if (number > begin) {
			printf("gap %" PRIu64 " +%" PRIu64 "\n", begin, number - begin);
			shown++;
		}
		begin = number + 1;
	}
}

static void run_receiver(int fd)
{
	static struct seen seen;
	uint8_t datagram[LEN + 1];
	ssize_t len;

	while (!ended) {
		len = recv(fd, datagram, sizeof(datagram), 0);
		if (len < 0 && errno != EAGAIN && errno != EINTR)
			err(1, "recv");
		if (len >= 0)
			datagram_see(&seen, datagram, len);
	}
	gaps_print(&seen);
	printf("received %" PRIu64 " repeated %" PRIu64 " spoilt %" PRIu64 " late %" PRIu64 "\n", seen.unique,
	       seen.repeated, seen.spoilt, seen.late);
}

static int receiver_open(uint16_t port)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct timeval wake = { .tv_usec = 100000 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), size = BUFFER;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof(wake)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err(1, "port %u", port);
	puts("listens");
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

	setlinebuf(stdout);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = end }, NULL);
	if (argc == 3 && strcmp(argv[1], "receive") == 0) {
		run_receiver(receiver_open((uint16_t)atoi(argv[2])));
		return 0;
	}
	if (argc != 6 || strcmp(argv[1], "send") != 0 || inet_pton(AF_INET6, argv[2], &to.sin6_addr) != 1 ||
	    atoi(argv[4]) < 1)
		errx(2, "churn send ADDRESS PORT PER_SECOND EVERY | receive PORT");
	to.sin6_port = htons((uint16_t)atoi(argv[3]));
	run_sender(socket(AF_INET6, SOCK_DGRAM, 0), &to, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
	return 0;
}
