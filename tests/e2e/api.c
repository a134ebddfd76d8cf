/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The socket option as the public header documents it, from the side of a program that knows that header alone.
 *
 *	api inside			every call and every error, in a cgroup that has the option
 *	api full			set on sockets that may have no memory for options
 *	api outside			the same calls where it is not at work: the kernel's own answers
 *	api serve PORT			says of each request what HOPSPAN_RECEIVED gives before and after it
 *	api request ADDRESS PORT	requests whose context was set at different moments of a connection
 *
 * Exit 1 after a line per call whose result is not the expected one.
 */
#include <errno.h>
#include <fcntl.h>
#include <hopspan.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MPTCP 262

static int failures;
static bool inside;
static int absent_get = ENOPROTOOPT; /* the kernel's own answer to getsockopt, another for IPv4 */

static struct hopspan_context context_make(uint8_t last)
{
	struct hopspan_context context = { .version = HOPSPAN_CONTEXT_VERSION, .flags = 1 };

	memset(context.trace_id, 0x7c, sizeof(context.trace_id));
	memset(context.span_id, 0xb1, sizeof(context.span_id));
	context.span_id[7] = last;
	return context;
}

static int socket_make(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd < 0 && errno != EPROTONOSUPPORT && errno != ESOCKTNOSUPPORT && errno != EPERM && errno != EACCES) {
		perror("socket");
		exit(1);
	}
	return fd;
}

/* What the system call gave: 0 or its errno. */
static int error_of(int result)
{
	return result ? errno : 0;
}

static void expect(const char *what, int expected, int seen)
{
	if (expected == seen)
		return;
	printf("%s: expected %s, saw %s\n", what, expected ? strerrorname_np(expected) : "success",
	       seen ? strerrorname_np(seen) : "success");
	failures++;
}

static int context_set(int fd, const void *context, socklen_t len)
{
	return error_of(setsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, context, len));
}

static int context_get(int fd, int option, struct hopspan_context *context)
{
	socklen_t len = sizeof(*context);
	int error = error_of(getsockopt(fd, SOL_HOPSPAN, option, context, &len));

	return !error && len != sizeof(*context) ? EBADMSG : error;
}

/* On a socket that takes the option; elsewhere the kernel says that it knows none. */
static void expect_set(const char *what, int expected, int fd, const struct hopspan_context *context, socklen_t len)
{
	expect(what, inside ? expected : ENOPROTOOPT, context_set(fd, context, len));
}

static void expect_get(const char *what, int fd, const struct hopspan_context *expected)
{
	struct hopspan_context seen;

	memset(&seen, 0xee, sizeof(seen));
	expect(what, inside ? 0 : absent_get, context_get(fd, HOPSPAN_CONTEXT, &seen));
	if (inside && memcmp(&seen, expected, sizeof(seen))) {
		printf("%s: not the expected context\n", what);
		failures++;
	}
}

static void round_trip(int fd)
{
	const struct hopspan_context none = { .version = HOPSPAN_CONTEXT_VERSION };
	struct hopspan_context first = context_make(1), second = context_make(2), seen;

	second.flags = 0;
	expect_get("get before set", fd, &none);
	expect("received before anything", inside ? ENODATA : absent_get, context_get(fd, HOPSPAN_RECEIVED, &seen));
	expect_set("set", 0, fd, &first, sizeof(first));
	expect_get("get after set", fd, &first);
	expect_set("set a second time", 0, fd, &second, sizeof(second));
	expect_get("get after the second set", fd, &second);
	expect_set("clear", 0, fd, &none, sizeof(none));
	expect_get("get after clear", fd, &none);
	expect_set("clear twice", 0, fd, &none, sizeof(none));
	expect("received is not to be set", ENOPROTOOPT,
	       error_of(setsockopt(fd, SOL_HOPSPAN, HOPSPAN_RECEIVED, &first, sizeof(first))));
}

/* A refused call leaves what was set before. */
static void wrong_sizes(int fd)
{
	static struct hopspan_context many[4096 / sizeof(struct hopspan_context) + 1];
	static const socklen_t large[] = { 33, 64, 4096 };
	struct hopspan_context kept = context_make(3);
	char what[64];

	many[0] = context_make(4);
	expect_set("set", 0, fd, &kept, sizeof(kept));
	for (socklen_t len = 0; len < sizeof(kept); len++) {
		socklen_t room = len;

		snprintf(what, sizeof(what), "set of %u octets", len);
		expect_set(what, EINVAL, fd, many, len);
		snprintf(what, sizeof(what), "get of %u octets", len);
		expect(what, inside ? EINVAL : absent_get,
		       error_of(getsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, many + 1, &room)));
		room = len;
		snprintf(what, sizeof(what), "received of %u octets", len);
		expect(what, inside ? EINVAL : absent_get,
		       error_of(getsockopt(fd, SOL_HOPSPAN, HOPSPAN_RECEIVED, many + 1, &room)));
	}
	for (int i = 0; i < 3; i++) {
		socklen_t room = large[i];

		snprintf(what, sizeof(what), "set of %u octets", large[i]);
		expect_set(what, EINVAL, fd, many, large[i]);
		snprintf(what, sizeof(what), "get of %u octets", large[i]);
		expect(what, inside ? 0 : absent_get,
		       error_of(getsockopt(fd, SOL_HOPSPAN, HOPSPAN_CONTEXT, many + 1, &room)));
		expect("length of what get gave", inside ? sizeof(kept) : large[i], room);
	}
	expect_get("get after wrong sizes", fd, &kept);
}

static void wrong_values(int fd)
{
	struct hopspan_context kept = context_make(5), wrong;

	expect_set("set", 0, fd, &kept, sizeof(kept));
	for (int version = 0; version < 256; version++) {
		wrong = context_make(6);
		wrong.version = version;
		if (version != HOPSPAN_CONTEXT_VERSION)
			expect_set("set of another version", EINVAL, fd, &wrong, sizeof(wrong));
	}
	for (unsigned int i = 0; i < sizeof(wrong.reserved); i++) {
		wrong = context_make(6);
		wrong.reserved[i] = 1 << i;
		expect_set("set with a reserved octet", EINVAL, fd, &wrong, sizeof(wrong));
	}
	wrong = context_make(6);
	memset(wrong.span_id, 0, sizeof(wrong.span_id));
	expect_set("set without span id", EINVAL, fd, &wrong, sizeof(wrong));
	wrong = context_make(6);
	memset(wrong.trace_id, 0, sizeof(wrong.trace_id));
	expect_set("set without trace id", EINVAL, fd, &wrong, sizeof(wrong));
	expect_get("get after wrong values", fd, &kept);
	expect("set from nowhere", inside ? EFAULT : ENOPROTOOPT, context_set(fd, (void *)8, sizeof(wrong)));
	expect("set of a negative size", EINVAL, context_set(fd, &wrong, -1));
}

/* A listening socket is refused, and what it had before goes to none of its connections. */
static void listening(int family)
{
	const struct hopspan_context none = { .version = HOPSPAN_CONTEXT_VERSION };
	struct hopspan_context context = context_make(7);
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd = socket_make(family, SOCK_STREAM, 0), client = socket_make(family, SOCK_STREAM, 0), accepted;

	expect_set("set before listen", 0, fd, &context, sizeof(context));
	expect("listen", 0, error_of(listen(fd, 1)));
	expect_set("set on a listening socket", EINVAL, fd, &context, sizeof(context));
	expect_set("clear on a listening socket", EINVAL, fd, &none, sizeof(none));
	getsockname(fd, (struct sockaddr *)&address, &len);
	expect("connect", 0, error_of(connect(client, (struct sockaddr *)&address, len)));
	accepted = accept(fd, NULL, NULL);
	expect_get("get on an accepted socket", accepted, &none);
	round_trip(accepted);
	expect_set("set on a connected socket", 0, client, &context, sizeof(context));
	if (write(client, "request", 7) != 7 || read(accepted, &address, sizeof(address)) != 7 ||
	    memcmp(&address, "request", 7)) {
		puts("bytes do not arrive as they were written");
		failures++;
	}
	close(accepted);
	close(client);
	close(fd);
}

static void works_on(int family, int type)
{
	int fd = socket_make(family, type, 0);

	absent_get = family == AF_INET ? EOPNOTSUPP : ENOPROTOOPT;
	round_trip(fd);
	wrong_sizes(fd);
	wrong_values(fd);
	close(fd);
	if (type == SOCK_STREAM)
		listening(family);
}

/* Outside it is for the kernel to say why; that it refuses is all that is asked for. */
static void expect_refused(const char *name, const char *call, int error)
{
	if (inside || !error)
		expect(name, EOPNOTSUPP, error);
	else
		printf("# %s, %s: %s\n", name, call, strerrorname_np(error));
}

/* Neither TCP nor UDP: refused, and every other option works as ever. */
static void refused_on(const char *name, int family, int type, int protocol)
{
	struct hopspan_context context = context_make(8), seen;
	int fd = socket_make(family, type, protocol), size = 65536, kind = 0;
	socklen_t len = sizeof(kind);

	if (fd < 0) {
		printf("# no %s socket: %s\n", name, strerror(errno));
		return;
	}
	expect_refused(name, "set", context_set(fd, &context, sizeof(context)));
	expect_refused(name, "set of 1 octet", context_set(fd, &context, 1));
	expect_refused(name, "get", context_get(fd, HOPSPAN_CONTEXT, &seen));
	expect_refused(name, "get of what was received", context_get(fd, HOPSPAN_RECEIVED, &seen));
	expect(name, 0, error_of(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size))));
	expect(name, 0, error_of(getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len)));
	expect(name, 0, kind == type && len == sizeof(kind) ? 0 : EBADMSG);
	close(fd);
}

static int contract(void)
{
	works_on(AF_INET6, SOCK_STREAM);
	works_on(AF_INET6, SOCK_DGRAM);
	works_on(AF_INET, SOCK_STREAM);
	works_on(AF_INET, SOCK_DGRAM);
	refused_on("MPTCP", AF_INET6, SOCK_STREAM, MPTCP);
	refused_on("SCTP", AF_INET6, SOCK_STREAM, IPPROTO_SCTP);
	refused_on("UDP-Lite", AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE);
	refused_on("AF_UNIX stream", AF_UNIX, SOCK_STREAM, 0);
	refused_on("AF_UNIX datagram", AF_UNIX, SOCK_DGRAM, 0);
	refused_on("netlink", AF_NETLINK, SOCK_RAW, 0);
	refused_on("AF_PACKET", AF_PACKET, SOCK_RAW, 0);
	refused_on("raw TCP", AF_INET6, SOCK_RAW, IPPROTO_TCP);
	refused_on("raw UDP", AF_INET, SOCK_RAW, IPPROTO_UDP);
	return failures > 0;
}

static int no_memory(void)
{
	const struct hopspan_context none = { .version = HOPSPAN_CONTEXT_VERSION };
	struct hopspan_context context = context_make(9);
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

	inside = true;
	for (int i = 0; i < 2; i++) {
		int fd = socket_make(AF_INET6, types[i], 0);

		expect_set("set without memory", ENOMEM, fd, &context, sizeof(context));
		expect_get("get after set without memory", fd, &none);
		close(fd);
	}
	return failures > 0;
}

static uint64_t mono_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* From 32 octets on the context comes, from 40 on the time too, and nothing is written behind what the length says. */
static const char *received_wrong(int fd, const struct hopspan_received *whole)
{
	uint8_t octets[64];

	for (socklen_t room = sizeof(whole->context); room <= sizeof(octets); room++) {
		socklen_t len = room, wanted = room < sizeof(*whole) ? sizeof(whole->context) : sizeof(*whole);

		memset(octets, 0xee, sizeof(octets));
		if (getsockopt(fd, SOL_HOPSPAN, HOPSPAN_RECEIVED, octets, &len))
			return strerrorname_np(errno);
		if (len != wanted || memcmp(octets, whole, len))
			return "not-what-it-was";
		while (len < sizeof(octets))
			if (octets[len++] != 0xee)
				return "too-much-written";
	}
	return NULL;
}

/* Came it after `since_ns` and before now? */
static void received_print(int fd, uint64_t since_ns)
{
	struct hopspan_received whole;
	struct hopspan_context seen;
	socklen_t len = sizeof(whole);
	int error = context_get(fd, HOPSPAN_RECEIVED, &seen);
	const char *wrong;

	if (error) {
		printf(" %s", strerrorname_np(error));
		return;
	}
	if (getsockopt(fd, SOL_HOPSPAN, HOPSPAN_RECEIVED, &whole, &len) || len != sizeof(whole) ||
	    memcmp(&whole.context, &seen, sizeof(seen)))
		printf(" not-whole");
	else if (whole.time_ns < since_ns || whole.time_ns > mono_ns())
		printf(" not-then");
	wrong = received_wrong(fd, &whole);
	if (wrong)
		printf(" %s", wrong);
	printf(" %u/%u/", seen.version, seen.flags);
	for (unsigned int i = 0; i < sizeof(seen.trace_id); i++)
		printf("%02x", seen.trace_id[i]);
	putchar('/');
	for (unsigned int i = 0; i < sizeof(seen.span_id); i++)
		printf("%02x", seen.span_id[i]);
}

/* A line per connection: RECEIVED before the greeting that the client waits for, and after each octet of the client's.
 */
static int serve(const char *port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	int listener = socket_make(AF_INET6, SOCK_STREAM, 0), fd;
	uint64_t since_ns;
	char octet;

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
		return perror("serve"), 1;
	setlinebuf(stdout);
	puts("listens");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		since_ns = mono_ns();
		printf("received");
		received_print(fd, since_ns);
		while (write(fd, "g", 1) == 1 && read(fd, &octet, 1) == 1)
			received_print(fd, since_ns);
		putchar('\n');
		close(fd);
	}
	return 0;
}

static void exchange(int fd)
{
	char octet;

	expect("read", 0, error_of(read(fd, &octet, 1) != 1));
	expect("write", 0, error_of(write(fd, "r", 1) != 1));
}

enum moment { MOMENT_NEVER, MOMENT_BEFORE, MOMENT_CONNECTING, MOMENT_AFTER, MOMENT_TWICE, MOMENT_LAST };

/* One connection: a request under the context that was set at the moment, then one more after the context is cleared.
 */
static void request(const struct addrinfo *to, enum moment moment)
{
	const struct hopspan_context none = { .version = HOPSPAN_CONTEXT_VERSION };
	struct hopspan_context early = context_make(0xee), context = context_make(moment);
	int fd = socket_make(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	if (moment == MOMENT_TWICE)
		expect_set("set too early", 0, fd, &early, sizeof(early));
	if (moment == MOMENT_BEFORE)
		expect_set("set before connect", 0, fd, &context, sizeof(context));
	expect("connect", EINPROGRESS, error_of(connect(fd, to->ai_addr, to->ai_addrlen)));
	if (moment == MOMENT_CONNECTING)
		expect_set("set while connecting", 0, fd, &context, sizeof(context));
	poll(&writable, 1, -1);
	fcntl(fd, F_SETFL, 0);
	if (moment == MOMENT_AFTER || moment == MOMENT_TWICE)
		expect_set("set after connect", 0, fd, &context, sizeof(context));
	exchange(fd);
	expect_set("clear", 0, fd, &none, sizeof(none));
	exchange(fd);
	close(fd);
}

/* IPv6, IPv4, or IPv4 of an IPv6 socket (::ffff:). */
static int requests(const char *address, const char *port)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *to;

	if (getaddrinfo(address, port, &hints, &to))
		return fprintf(stderr, "%s %s: no address\n", address, port), 2;
	inside = true;
	for (enum moment moment = MOMENT_NEVER; moment < MOMENT_LAST; moment++)
		request(to, moment);
	freeaddrinfo(to);
	return failures > 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "inside") || !strcmp(argv[1], "outside"))) {
		inside = argv[1][0] == 'i';
		return contract();
	}
	if (argc == 2 && !strcmp(argv[1], "full"))
		return no_memory();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "request"))
		return requests(argv[2], argv[3]);
	fprintf(stderr, "api inside | outside | full | serve PORT | request ADDRESS PORT\n");
	return 2;
}
