/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* An OTLP/HTTP backend that takes everything and keeps nothing. Prints "listens PORT"; on SIGTERM the octets it got. */
#include <err.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t octets, requests;

static enum MHD_Result take(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
			    const char *version, const char *data, size_t *len, void **state)
{
	static char begun;
	struct MHD_Response *response;
	enum MHD_Result queued;

	(void)arg, (void)path, (void)method, (void)version, (void)data;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	if (*len) {
		octets += *len;
		*len = 0;
		return MHD_YES;
	}
	requests++;
	response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/x-protobuf");
	queued = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return queued;
}

int main(void)
{
	struct MHD_Daemon *daemon;
	sigset_t stop;
	int signal;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, take, NULL, MHD_OPTION_END);
	if (!daemon)
		errx(1, "no server");
	printf("listens %d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	sigwait(&stop, &signal);
	MHD_stop_daemon(daemon);
	printf("%" PRIu64 " octets in %" PRIu64 " requests\n", octets, requests);
	return 0;
}
