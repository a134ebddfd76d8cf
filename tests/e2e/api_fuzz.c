/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random socket options: the same seeded sequence of calls in each run, and the comparison of runs.
 *
 *	api_fuzz run SEED CALLS			a line per call on stdout: the call, a tab, what it gave
 *	api_fuzz compare OUT OUT IN IN		runs without and with the hook: all but SOL_HOPSPAN must be equal
 *
 * An option whose answer differs between two runs of the same kind (a time, a cookie, a process id) tells nothing and
 *is left out, all calls of it. With the hook, calls at SOL_HOPSPAN give what the public header says, without it errors.
 */
#include <errno.h>
#include <hopspan.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OCTETS_MAX = 4096, SOCKETS = 8, CALLS_PER_SOCKET = 16, UNSTABLE_MAX = 64, LINE_LEN = 256 };

struct call {
	bool get;
	int level, option;
	socklen_t len;
	unsigned int socket;
	uint8_t octets[OCTETS_MAX];
};

static uint64_t random_state;

static uint64_t random_next(void)
{
	uint64_t word = random_state += 0x9e3779b97f4a7c15;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
	word = (word ^ word >> 27) * 0x94d049bb133111eb;
	return word ^ word >> 31;
}

static uint32_t random_below(uint32_t limit)
{
	return random_next() % limit;
}

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

/* Plain, listening and connected ones of both families: sockets[2] and [3] are a connection's ends. */
static void sockets_open(int *sockets)
{
	static const struct {
		int family, type;
	} kinds[SOCKETS] = { { AF_INET6, SOCK_STREAM }, { AF_INET6, SOCK_STREAM }, { AF_INET6, SOCK_STREAM },
			     { AF_INET6, SOCK_STREAM }, { AF_INET6, SOCK_DGRAM },  { AF_INET6, SOCK_DGRAM },
			     { AF_INET, SOCK_STREAM },	{ AF_INET, SOCK_DGRAM } };
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(address);

	for (int i = 0; i < SOCKETS; i++)
		if (i != 3)
			must(sockets[i] = socket(kinds[i].family, kinds[i].type, 0), "socket");
	must(bind(sockets[1], (struct sockaddr *)&address, len), "bind");
	must(listen(sockets[1], 1), "listen");
	must(getsockname(sockets[1], (struct sockaddr *)&address, &len), "getsockname");
	must(connect(sockets[2], (struct sockaddr *)&address, len), "connect");
	must(sockets[3] = accept(sockets[1], NULL, NULL), "accept");
	address.sin6_port = htons(9);
	must(connect(sockets[5], (struct sockaddr *)&address, len), "connect of UDP");
}

static void sockets_close(const int *sockets)
{
	for (int i = 0; i < SOCKETS; i++)
		close(sockets[i]);
}

/* Often a small number, often nothing that makes sense, at our level often nearly right. */
static void octets_make(struct call *call)
{
	struct hopspan_context *context = (struct hopspan_context *)call->octets;

	for (unsigned int i = 0; i < OCTETS_MAX; i += sizeof(uint64_t)) {
		uint64_t word = random_next();

		memcpy(call->octets + i, &word, sizeof(word));
	}
	if (random_below(2)) {
		memset(call->octets, 0, 64);
		call->octets[0] = random_below(4) ? random_below(8) : random_below(256);
	}
	if (call->level != SOL_HOPSPAN || random_below(4) == 0)
		return;
	context->version = HOPSPAN_CONTEXT_VERSION;
	memset(context->reserved, 0, sizeof(context->reserved));
	context->reserved[random_below(6)] = random_below(8) == 0;
	if (random_below(8) == 0)
		memset(context->trace_id, 0, sizeof(context->trace_id));
	if (random_below(8) == 0)
		memset(context->span_id, 0, sizeof(context->span_id));
}

static void call_make(struct call *call)
{
	static const int levels[] = { SOL_HOPSPAN, SOL_SOCKET, IPPROTO_TCP, IPPROTO_IPV6, IPPROTO_IP, IPPROTO_UDP };
	static const socklen_t lens[] = { 4, 4, 4, 8, 16, 20, 32, 32 };
	unsigned int at = random_below(7);

	call->level = at < 6 ? levels[at] : (int)random_next();
	call->option = random_below(16) ? random_below(80) : (uint32_t)random_next();
	if (call->level == SOL_HOPSPAN && random_below(4))
		call->option = HOPSPAN_CONTEXT + random_below(2);
	call->len = random_below(2) ? lens[random_below(8)] : random_below(OCTETS_MAX + 1);
	call->get = random_below(2);
	call->socket = random_below(SOCKETS);
	octets_make(call);
}

static bool any(const uint8_t *octets, size_t len)
{
	while (len--)
		if (octets[len])
			return true;
	return false;
}

/* What the header promises, as nothing stamped ever comes here; -1: not ours, the kernel's own answer. */
static int error_promised(const struct call *call, bool listens)
{
	const struct hopspan_context *context = (const struct hopspan_context *)call->octets;

	if (call->level != SOL_HOPSPAN)
		return -1;
	if (call->get && call->option == HOPSPAN_RECEIVED)
		return call->len < sizeof(*context) ? EINVAL : ENODATA;
	if (call->option != HOPSPAN_CONTEXT)
		return -1;
	if (call->get)
		return call->len < sizeof(*context) ? EINVAL : 0;
	if (call->len != sizeof(*context) || context->version != HOPSPAN_CONTEXT_VERSION || listens)
		return EINVAL;
	if (any(context->reserved, sizeof(context->reserved)) ||
	    any(context->trace_id, sizeof(context->trace_id)) != any(context->span_id, sizeof(context->span_id)))
		return EINVAL;
	return 0;
}

/* FNV-1a over the whole room: also what was written beyond the length counts. */
static uint64_t octets_hash(const uint8_t *octets)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (unsigned int i = 0; i < OCTETS_MAX; i++)
		hash = (hash ^ octets[i]) * 0x100000001b3;
	return hash;
}

/* The line: option and direction, the rest of the call, the promise, a tab, the result. */
static void call_run(struct call *call, const int *sockets)
{
	int promised = error_promised(call, call->socket == 1), result, error;
	socklen_t len = call->len;

	if (call->get)
		result = getsockopt(sockets[call->socket], call->level, call->option, call->octets, &len);
	else
		result = setsockopt(sockets[call->socket], call->level, call->option, call->octets, len);
	error = result < 0 ? errno : 0;
	printf("%s %d %d socket %u len %u promised %d\t%d %d %u %016llx\n", call->get ? "get" : "set", call->level,
	       call->option, call->socket, call->len, promised, error, result, len,
	       (unsigned long long)octets_hash(call->octets));
}

static int run(uint64_t seed, unsigned long calls)
{
	static struct call call;
	int sockets[SOCKETS];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one); /* some options name the CPU */
	random_state = seed;
	for (unsigned long i = 0; i < calls; i++) {
		if (i % (SOCKETS * CALLS_PER_SOCKET) == 0) {
			if (i)
				sockets_close(sockets);
			sockets_open(sockets);
		}
		call_make(&call);
		call_run(&call, sockets);
	}
	sockets_close(sockets);
	return fflush(stdout) ? 1 : 0;
}

struct option {
	char kind[4];
	int level, number;
};

static struct option unstable[UNSTABLE_MAX];
static unsigned int unstable_count;

static bool is_unstable(const struct option *option)
{
	for (unsigned int i = 0; i < unstable_count; i++)
		if (!memcmp(&unstable[i], option, sizeof(*option)))
			return true;
	return false;
}

static bool option_of(const char *line, struct option *option)
{
	memset(option, 0, sizeof(*option));
	return sscanf(line, "%3s %d %d", option->kind, &option->level, &option->number) == 3;
}

/* The next line of each run; false at the end. All must be the same call. */
static bool lines_read(FILE **runs, char lines[4][LINE_LEN], struct option *option)
{
	for (int i = 0; i < 4; i++) {
		if (!fgets(lines[i], LINE_LEN, runs[i]))
			return false;
		if (strcspn(lines[i], "\t") != strcspn(lines[0], "\t") ||
		    strncmp(lines[i], lines[0], strcspn(lines[0], "\t")) || !option_of(lines[i], option)) {
			printf("not the same call: %s%s", lines[0], lines[i]);
			exit(1);
		}
	}
	return true;
}

static void unstable_note(const struct option *option)
{
	if (is_unstable(option))
		return;
	if (unstable_count == UNSTABLE_MAX) {
		puts("hardly any option gives the same twice");
		exit(1);
	}
	printf("left out, not the same twice: %s level %d option %d\n", option->kind, option->level, option->number);
	unstable[unstable_count++] = *option;
}

/* Without the hook the kernel knows no such level. */
static bool ours_is_right(const char *outside, const char *inside)
{
	const char *promise = strstr(inside, "promised ");
	int promised = promise ? atoi(promise + 9) : -1, error = atoi(strchr(inside, '\t') + 1);
	int without = atoi(strchr(outside, '\t') + 1);

	if (promised < 0)
		return strcmp(outside, inside) == 0;
	return (without == ENOPROTOOPT || without == EOPNOTSUPP) && promised == error;
}

/* A context that was set takes of the socket's option memory, and SO_MEMINFO says how much is taken. */
static bool shows_our_memory(const struct option *option)
{
	return option->kind[0] == 'g' && option->level == SOL_SOCKET && option->number == SO_MEMINFO;
}

static int compare(char **paths)
{
	unsigned long compared = 0, wrong = 0, ours = 0;
	char lines[4][LINE_LEN];
	struct option option;
	FILE *runs[4];

	for (int i = 0; i < 4; i++)
		must(!(runs[i] = fopen(paths[i], "r")) ? -1 : 0, paths[i]);
	while (lines_read(runs, lines, &option))
		if (strcmp(lines[0], lines[1]) || strcmp(lines[2], lines[3]))
			unstable_note(&option);
	for (int i = 0; i < 4; i++)
		rewind(runs[i]);
	while (lines_read(runs, lines, &option)) {
		bool right = strcmp(lines[0], lines[2]) == 0;

		if (is_unstable(&option) || shows_our_memory(&option))
			continue;
		if (option.level == SOL_HOPSPAN)
			right = ours_is_right(lines[0], lines[2]), ours++;
		else
			compared++;
		if (!right && wrong++ < 20)
			printf("without: %swith:    %s", lines[0], lines[2]);
	}
	printf("%lu calls compared, %lu of our own, %lu wrong\n", compared, ours, wrong);
	return wrong || !compared || !ours;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "run"))
		return run(strtoull(argv[2], NULL, 0), strtoul(argv[3], NULL, 0));
	if (argc == 6 && !strcmp(argv[1], "compare"))
		return compare(argv + 2);
	fprintf(stderr, "api_fuzz run SEED CALLS | compare OUTSIDE OUTSIDE INSIDE INSIDE\n");
	return 2;
}
