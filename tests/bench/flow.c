/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One thread sends, one reads (and answers) until the end of the stream. */
#include "flow.h"

#include <err.h>
#include <errno.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MESSAGE_LEN_MAX = 65536, TIMES_MAX = 1 << 20 };

const struct flow_load flow_loads[] = {
	[FLOW_BULK] = { "bulk", 65536, 1, false, false },
	[FLOW_SEGMENTS] = { "segments", 1000, 1, true, false },
	[FLOW_MIXED] = { "mixed", 1000, 4, true, false },
	[FLOW_REQUESTS] = { "requests", 200, 1, false, true },
	[FLOW_MEGABYTES] = { "megabytes", 65536, 16, false, false },
};

struct reader {
	const struct flow_load *load;
	int socket;
	uint64_t octets;
	double ended_ns;
};

static void *reader_run(void *data)
{
	static __thread char octets[MESSAGE_LEN_MAX];
	struct reader *reader = data;
	ssize_t len;

	for (;;) {
		len = recv(reader->socket, octets, reader->load->answered ? reader->load->message_len : sizeof(octets),
			   reader->load->answered ? MSG_WAITALL : 0);
		if (len < 0)
			err(1, "recv");
		if (len == 0)
			break;
		reader->octets += len;
		if (reader->load->answered && send(reader->socket, octets, len, MSG_NOSIGNAL) != len)
			err(1, "answer");
	}
	reader->ended_ns = now_ns();
	return NULL;
}

static struct tcp_info tcp_info(int socket)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len))
		err(1, "TCP_INFO");
	return info;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void times_sum(double *times, uint64_t count, struct flow_result *result)
{
	qsort(times, count, sizeof(*times), compare);
	result->p50_ns = times[count / 2];
	result->p99_ns = times[count * 99 / 100];
}

/* Time counts from before the context is set. */
static void message_send(const struct flow_load *load, int socket, bool context, uint32_t number, double *time_ns)
{
	static char message[MESSAGE_LEN_MAX];
	double begin_ns = load->answered ? now_ns() : 0;
	size_t sent = 0;
	ssize_t len;

	if (context)
		pair_context(socket, number);
	while (sent < load->message_len) {
		len = send(socket, message + sent, load->message_len - sent, load->apart ? MSG_EOR : 0);
		if (len < 0)
			err(1, "send");
		sent += len;
	}
	if (!load->answered)
		return;
	if (recv(socket, message, load->message_len, MSG_WAITALL) != (ssize_t)load->message_len)
		err(1, "no answer");
	*time_ns = now_ns() - begin_ns;
}

static void messages_send(const struct flow_load *load, const struct pair *pair, bool contexts, double end_ns,
			  struct flow_result *result)
{
	double *times = load->answered ? calloc(TIMES_MAX, sizeof(*times)) : NULL, unused;

	if (load->answered && !times)
		err(1, "times");
	while (now_ns() < end_ns && (!times || result->messages < TIMES_MAX)) {
		message_send(load, pair->client, contexts && result->messages % load->per_context == 0,
			     result->messages, times ? &times[result->messages] : &unused);
		result->messages++;
	}
	if (times && result->messages)
		times_sum(times, result->messages, result);
	free(times);
}

static double processor_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return spent.tv_sec * 1e9 + spent.tv_nsec;
}

void flow_run(const struct flow_load *load, const struct pair *pair, bool contexts, double send_ns,
	      struct flow_result *result)
{
	struct reader reader = { .load = load, .socket = pair->server };
	double begin_ns = now_ns(), begin_processor_ns = processor_ns();
	struct tcp_info info;
	pthread_t thread;

	*result = (struct flow_result){ 0 };
	errno = pthread_create(&thread, NULL, reader_run, &reader);
	if (errno)
		err(1, "thread");
	messages_send(load, pair, contexts, begin_ns + send_ns, result);
	shutdown(pair->client, SHUT_WR);
	errno = pthread_join(thread, NULL);
	if (errno)
		err(1, "thread");
	if (reader.octets != result->messages * load->message_len)
		errx(1, "%s: %lu octets arrived", load->name, reader.octets);
	result->octets = reader.octets;
	result->ns = reader.ended_ns - begin_ns;
	result->processor_ns = processor_ns() - begin_processor_ns;
	info = tcp_info(pair->server);
	result->segments_received = info.tcpi_data_segs_in;
	result->out_of_order = info.tcpi_rcv_ooopack;
	result->retransmitted = tcp_info(pair->client).tcpi_total_retrans;
}
