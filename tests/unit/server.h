/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* An HTTP server that answers as a test says, on loopback. Include after cmocka.h. */
#ifndef HOPSPAN_UNIT_SERVER_H
#define HOPSPAN_UNIT_SERVER_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "doors.h"
#include "otlp/listen.h"

enum { ANSWERS_MAX = 8 };

/* A server that answers as told, the last answer for ever, and keeps what it was sent. */
struct answer {
	unsigned int status;
	const char *retry_after;
	const uint8_t *body;
	size_t len;
};

struct server {
	struct MHD_Daemon *daemon;
	uint16_t port;
	struct answer answers[ANSWERS_MAX];
	pthread_mutex_t lock;
	int answer_count, requests;
	uint8_t body[ANSWERS_MAX][BODY_SIZE];
	size_t len[ANSWERS_MAX];
	char agent[64], type[64], encoding[64], token[64];
};

static inline void header_keep(struct MHD_Connection *connection, const char *name, char value[64])
{
	const char *found = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	snprintf(value, 64, "%s", found ? found : "");
}

static inline enum MHD_Result server_answer(struct server *server, struct MHD_Connection *connection)
{
	int i = server->requests < server->answer_count ? server->requests : server->answer_count - 1;
	const struct answer *answer = &server->answers[i];
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(answer->len, (void *)answer->body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result queued;

	MHD_add_response_header(response, "Content-Type", "application/x-protobuf");
	if (answer->retry_after)
		MHD_add_response_header(response, "Retry-After", answer->retry_after);
	queued = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	server->requests++;
	return queued;
}

static inline enum MHD_Result server_handle(void *arg, struct MHD_Connection *connection, const char *path,
					    const char *method, const char *version, const char *data, size_t *len,
					    void **state)
{
	static char begun;
	struct server *server = arg;
	int slot = server->requests % ANSWERS_MAX;
	enum MHD_Result result = MHD_YES;

	(void)path, (void)method, (void)version;
	pthread_mutex_lock(&server->lock);
	if (!*state) {
		*state = &begun;
		server->len[slot] = 0;
		header_keep(connection, "User-Agent", server->agent);
		header_keep(connection, "Content-Type", server->type);
		header_keep(connection, "Content-Encoding", server->encoding);
		header_keep(connection, "X-Token", server->token);
	} else if (*len) {
		if (server->len[slot] + *len <= BODY_SIZE)
			memcpy(server->body[slot] + server->len[slot], data, *len);
		server->len[slot] += *len;
		*len = 0;
	} else {
		result = server_answer(server, connection);
	}
	pthread_mutex_unlock(&server->lock);
	return result;
}

static inline void server_start(struct server *server, char url[URL_SIZE])
{
	int fd;

	assert_int_equal(listen_open("listen", "127.0.0.1:0", &fd, &server->port), 0);
	pthread_mutex_init(&server->lock, NULL);
	server->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, server_handle, server,
					  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
	assert_non_null(server->daemon);
	snprintf(url, URL_SIZE, "http://127.0.0.1:%u/v1/traces", server->port);
}

#endif
