/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asks DPDK's telemetry sockets, version 2: who connects is greeted, then each command is answered, a JSON object in a
 * packet of its own.
 */
#include "dpdk.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

#define RUNTIME_DEFAULT "/var/run/dpdk"
#define OWN_NAME "hopspan-dpdk-"

enum { FORWARDERS_MAX = 64, ANSWER_MAX = 1 << 16, PATIENCE_MS = 1000, RETRY_MS = 10 };

/* The first one is what only our forwarders know. */
static const struct {
	const char *command, *key;
} questions[] = {
	{ "/hopspan/counters", "counters" },
	{ "/hopspan/clock", "clock" },
	{ "/hopspan/router", "router" },
};

enum { QUESTIONS = sizeof(questions) / sizeof(*questions) };

struct forwarder {
	struct sockaddr_un address;
	int fd;	      /* -1: not connected yet, or no more */
	int answered; /* questions, the greeting before them; -1: not even that */
	bool over;    /* answered all, failed, or not one of ours */
	json_t *object;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void forwarder_end(struct forwarder *forwarder)
{
	if (forwarder->fd >= 0)
		close(forwarder->fd);
	forwarder->fd = -1;
	forwarder->over = true;
}

/* Whatever it has said is not shown. */
static void forwarder_forget(struct forwarder *forwarder)
{
	json_decref(forwarder->object);
	forwarder->object = NULL;
	forwarder_end(forwarder);
}

static void forwarder_fail(struct forwarder *forwarder, const char *error)
{
	json_object_set_new(forwarder->object, "error", json_string(error));
	forwarder_end(forwarder);
}

/* Nobody listens: somebody else's leftovers are none of our business. */
static void forwarder_refused(struct forwarder *forwarder)
{
	const char *name = json_string_value(json_object_get(forwarder->object, "name"));

	if (strncmp(name, OWN_NAME, strlen(OWN_NAME)) == 0)
		forwarder_fail(forwarder, "does not run, but has left its runtime directory; the next one removes it");
	else
		forwarder_forget(forwarder);
}

/* Tried again while its queue of those who want to connect is full. */
static void forwarder_connect(struct forwarder *forwarder)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&forwarder->address, sizeof(forwarder->address)) == 0) {
		forwarder->fd = fd;
		return;
	}
	if (errno == ECONNREFUSED || errno == ENOENT)
		forwarder_refused(forwarder);
	else if (errno != EAGAIN)
		forwarder_fail(forwarder, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void forwarder_ask(struct forwarder *forwarder)
{
	const char *command;

	if (forwarder->answered == QUESTIONS) {
		forwarder_end(forwarder);
		return;
	}
	command = questions[forwarder->answered].command;
	if (send(forwarder->fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		forwarder_fail(forwarder, strerror(errno));
}

static void greeting_take(struct forwarder *forwarder, const json_t *said)
{
	json_object_set(forwarder->object, "pid", json_object_get(said, "pid"));
	json_object_set(forwarder->object, "dpdk", json_object_get(said, "version"));
}

/* DPDK's telemetry nests no lists: each port is a dictionary among the counters. Those that are 0 are left out. */
static void counters_take(json_t *object, json_t *counters)
{
	json_t *ports = json_array(), *counter;
	const char *name;
	void *next;

	json_object_foreach_safe (counters, next, name, counter) {
		if (json_is_object(counter))
			json_array_append(ports, counter);
		if (!json_is_integer(counter) || !json_integer_value(counter))
			json_object_del(counters, name);
	}
	json_object_set_new(object, "ports", ports);
}

/* False: the first question means nothing to it. */
static bool answer_take(struct forwarder *forwarder, const json_t *said)
{
	json_t *answer = json_object_get(said, questions[forwarder->answered].command);

	if (json_is_null(answer) && forwarder->answered == 0)
		return false;
	if (answer && !json_is_null(answer))
		json_object_set(forwarder->object, questions[forwarder->answered].key, answer);
	if (forwarder->answered == 0)
		counters_take(forwarder->object, answer);
	return true;
}

static void forwarder_hear(struct forwarder *forwarder)
{
	static char text[ANSWER_MAX];
	ssize_t len = recv(forwarder->fd, text, sizeof(text), 0);
	json_t *said = len > 0 ? json_loadb(text, (size_t)len, 0, NULL) : NULL;

	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0)
		forwarder_fail(forwarder, "ended the connection: has it other telemetry clients that hang?");
	else if (!said)
		forwarder_fail(forwarder, "gave an answer that is no JSON");
	else if (forwarder->answered < 0)
		greeting_take(forwarder, said);
	else if (!answer_take(forwarder, said))
		forwarder_forget(forwarder);
	json_decref(said);
	if (forwarder->over)
		return;
	forwarder->answered++;
	forwarder_ask(forwarder);
}

/* How many are not over yet; `fds` are theirs, by place. */
static unsigned int forwarders_wait(struct forwarder *list, unsigned int count, struct pollfd *fds, int *wait_ms)
{
	unsigned int open = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!list[i].over && list[i].fd < 0)
			forwarder_connect(&list[i]);
		fds[i] = (struct pollfd){ .fd = list[i].fd, .events = POLLIN };
		open += !list[i].over;
		if (!list[i].over && list[i].fd < 0)
			*wait_ms = *wait_ms < RETRY_MS ? *wait_ms : RETRY_MS;
	}
	return open;
}

static void forwarders_ask(struct forwarder *list, unsigned int count)
{
	struct pollfd fds[FORWARDERS_MAX];
	int64_t until_ms = now_ms() + PATIENCE_MS;
	int wait_ms;

	while ((wait_ms = (int)(until_ms - now_ms())) > 0 && forwarders_wait(list, count, fds, &wait_ms)) {
		if (poll(fds, count, wait_ms) <= 0)
			continue;
		for (unsigned int i = 0; i < count; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				forwarder_hear(&list[i]);
	}
	for (unsigned int i = 0; i < count; i++)
		if (!list[i].over)
			forwarder_fail(&list[i], "does not answer");
}

/* Has the directory a telemetry socket? */
static bool forwarder_find(struct forwarder *forwarder, const char *runtime, const char *name)
{
	struct sockaddr_un *address = &forwarder->address;
	int len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s/dpdk_telemetry.v2", runtime, name);

	if (len >= (int)sizeof(address->sun_path) || access(address->sun_path, F_OK))
		return false;
	address->sun_family = AF_UNIX;
	forwarder->fd = forwarder->answered = -1;
	forwarder->object = json_pack("{s:s}", "name", name);
	return true;
}

static unsigned int forwarders_find(struct forwarder *list)
{
	const char *runtime = getenv("HOPSPAN_DPDK_RUNTIME");
	unsigned int count = 0;
	struct dirent *entry;
	DIR *folder;

	if (!runtime || !*runtime)
		runtime = RUNTIME_DEFAULT;
	folder = opendir(runtime);
	if (!folder)
		return 0;
	while (count < FORWARDERS_MAX && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && forwarder_find(&list[count], runtime, entry->d_name))
			count++;
	closedir(folder);
	return count;
}

json_t *dpdk_json(void)
{
	struct forwarder *list = calloc(FORWARDERS_MAX, sizeof(*list));
	unsigned int count = list ? forwarders_find(list) : 0;
	json_t *array = json_array();

	if (count)
		forwarders_ask(list, count);
	for (unsigned int i = 0; i < count; i++)
		if (list[i].object)
			json_array_append_new(array, list[i].object);
	free(list);
	return array;
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static void ports_print(const json_t *ports)
{
	const json_t *port;
	size_t i;

	printf("  %-15s %-5s %12s %12s %10s %10s %12s %10s\n", "port", "state", "rx packets", "tx packets", "missed",
	       "refused", "queue octets", "drops");
	json_array_foreach (ports, i, port)
		printf("  %-15s %-5s %12lld %12lld %10lld %10lld %12lld %10lld\n", text_of(port, "name"),
		       text_of(port, "state"), number_of(port, "rx_packets"), number_of(port, "tx_packets"),
		       number_of(port, "rx_missed"), number_of(port, "tx_refused"), number_of(port, "queue_octets"),
		       number_of(port, "queue_drops"));
}

static void counts_print(const json_t *counters)
{
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		long long count = number_of(counters, outcome_name(i));

		if (count)
			printf("  %-10s %12lld  %s\n", "dpdk", count, outcome_text(i));
	}
}

static void forwarder_print(const json_t *forwarder)
{
	const json_t *error = json_object_get(forwarder, "error"), *clock = json_object_get(forwarder, "clock"),
		     *router = json_object_get(forwarder, "router");

	if (error) {
		printf("forwarder %s %s\n", text_of(forwarder, "name"), json_string_value(error));
		return;
	}
	printf("forwarder %s, pid %lld, %s", text_of(forwarder, "name"), number_of(forwarder, "pid"),
	       text_of(forwarder, "dpdk"));
	if (clock)
		printf(", clock within %lld ns", number_of(clock, "error_ns"));
	if (router)
		printf(", router: %lld routes, %lld neighbours", number_of(router, "routes"),
		       number_of(router, "neighbours"));
	putchar('\n');
	ports_print(json_object_get(forwarder, "ports"));
	counts_print(json_object_get(forwarder, "counters"));
}

void dpdk_print(const json_t *forwarders)
{
	const json_t *forwarder;
	size_t i;

	json_array_foreach (forwarders, i, forwarder)
		forwarder_print(forwarder);
}
