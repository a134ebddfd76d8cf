/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * OTLP/HTTP in: one thread of libmicrohttpd that reads a request, checks it and puts its bytes into the store before
 * it answers, so that what was answered with 200 is kept. Spans that cannot be are told of in the answer.
 */
#include "receive.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "gzip.h"
#include "listen.h"
#include "otlp.h"
#include "otlp_json.h"
#include "store/store.h"

enum {
	DISCARD_MAX = 4 * RECEIVE_BODY_MAX, /* of a refused body, so that the client gets to read why */
	BODY_FIRST = 16384,
	JSON_ESCAPED_MAX = 6, /* octets of one that is escaped: \u001f */
};

#define OTLP_TYPE "application/x-protobuf"
#define JSON_TYPE "application/json"
#define RETRY_AFTER_S "1"

struct receive {
	struct MHD_Daemon *daemon;
	struct store *store; /* of the daemon's thread */
	struct receive_look look;
	uint16_t port;
	bool store_failing; /* was said */
	_Atomic uint64_t requests, spans, bad_requests, store_errors, rejected[REJECT_COUNT];
};

/* One request while it comes in. `status` is 0 until there is something to refuse. It is answered in its encoding. */
struct request {
	bool json;
	uint8_t *body;
	size_t len, size, received;
	unsigned int status;
	uint64_t rejected_spans;
	char why[REJECTED_WHY_SIZE]; /* it, or some of its spans, was refused */
};

static void refuse(struct request *request, unsigned int status, const char *why)
{
	request->status = status;
	snprintf(request->why, sizeof(request->why), "%s", why);
	free(request->body);
	request->body = NULL;
	request->len = request->size = 0;
}

/* The code of google.rpc.Status that goes with an HTTP status. */
static int rpc_code(unsigned int status)
{
	enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, RESOURCE_EXHAUSTED = 8, UNIMPLEMENTED = 12, UNAVAILABLE = 14 };

	switch (status) {
	case MHD_HTTP_NOT_FOUND:
		return NOT_FOUND;
	case MHD_HTTP_METHOD_NOT_ALLOWED:
		return UNIMPLEMENTED;
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return RESOURCE_EXHAUSTED;
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		return UNAVAILABLE;
	default:
		return INVALID_ARGUMENT;
	}
}

static enum MHD_Result answer_send(struct MHD_Connection *connection, const struct request *request,
				   unsigned int status, const uint8_t *body, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result queued;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->json ? JSON_TYPE : OTLP_TYPE);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER_S);
	queued = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return queued;
}

/* In the request's encoding. */
static size_t message_write(const struct request *request, const ProtobufCMessage *message, uint8_t *body, size_t size)
{
	FILE *out;

	if (!request->json)
		return protobuf_c_message_pack(message, body);
	out = fmemopen(body, size, "w");
	if (!out)
		return 0;
	otlp_json_write(out, message);
	fclose(out);
	return strlen((char *)body);
}

static size_t refusal_write(struct request *request, uint8_t *body, size_t size)
{
	Otlp__RpcStatus status = OTLP__RPC_STATUS__INIT;

	status.code = rpc_code(request->status);
	status.message = request->why;
	return message_write(request, &status.base, body, size);
}

/* Without partial success it has no octets at all, and in JSON no names. */
static size_t success_write(struct request *request, uint8_t *body, size_t size)
{
	Otlp__ExportTraceServiceResponse response = OTLP__EXPORT_TRACE_SERVICE_RESPONSE__INIT;
	Otlp__ExportTracePartialSuccess partial = OTLP__EXPORT_TRACE_PARTIAL_SUCCESS__INIT;

	partial.rejected_spans = (int64_t)request->rejected_spans;
	partial.error_message = request->why;
	if (request->rejected_spans)
		response.partial_success = &partial;
	return message_write(request, &response.base, body, size);
}

static enum MHD_Result answer(struct receive *receive, struct MHD_Connection *connection, struct request *request)
{
	uint8_t body[JSON_ESCAPED_MAX * sizeof(request->why) + 128];
	size_t len;

	atomic_fetch_add(&receive->requests, 1);
	if (request->status && request->status != MHD_HTTP_SERVICE_UNAVAILABLE)
		atomic_fetch_add(&receive->bad_requests, 1);
	len = (request->status ? refusal_write : success_write)(request, body, sizeof(body));
	return answer_send(connection, request, request->status ? request->status : MHD_HTTP_OK, body, len);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	return value ? value : "";
}

/* Without parameters: "application/x-protobuf; charset=..." */
static bool type_is(const char *type, const char *expected)
{
	size_t len = strcspn(type, "; \t");

	return len == strlen(expected) && strncasecmp(type, expected, len) == 0;
}

static bool encoding_is_gzip(struct MHD_Connection *connection)
{
	return strcasecmp(header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING), "gzip") == 0;
}

/* What the head alone tells. */
static void head_check(struct MHD_Connection *connection, const char *path, const char *method, struct request *request)
{
	const char *encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);
	const char *type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);

	request->json = type_is(type, JSON_TYPE);
	if (strcmp(path, "/v1/traces") != 0)
		refuse(request, MHD_HTTP_NOT_FOUND, "traces are taken at /v1/traces");
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "traces are taken by POST");
	else if (!request->json && !type_is(type, OTLP_TYPE))
		refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		       "content type is neither " OTLP_TYPE " nor " JSON_TYPE
		       " (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)");
	else if (*encoding && strcasecmp(encoding, "identity") != 0 && strcasecmp(encoding, "gzip") != 0)
		refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "content encoding is neither gzip nor identity");
}

/* A client that waits for "100 Continue", or would send too much, is told at once; others when they have sent. */
static enum MHD_Result head_take(struct receive *receive, struct MHD_Connection *connection, const char *path,
				 const char *method, void **state)
{
	struct request *request = calloc(1, sizeof(*request));
	uint64_t announced = strtoull(header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH), NULL, 10);

	*state = request;
	if (!request)
		return MHD_NO;
	head_check(connection, path, method, request);
	if (!request->status && announced > RECEIVE_BODY_MAX)
		refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "more than 16 MiB");
	if (request->status && (announced > DISCARD_MAX || *header(connection, MHD_HTTP_HEADER_EXPECT)))
		return answer(receive, connection, request);
	return MHD_YES;
}

static enum MHD_Result body_take(struct request *request, const char *data, size_t len)
{
	request->received += len;
	if (request->received > DISCARD_MAX)
		return MHD_NO;
	if (!request->status && request->received > RECEIVE_BODY_MAX)
		refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "more than 16 MiB");
	if (request->status)
		return MHD_YES;
	if (request->size < request->len + len) {
		size_t size = request->size ? request->size : BODY_FIRST;
		uint8_t *larger;

		while (size < request->len + len)
			size *= 2;
		larger = realloc(request->body, size);
		if (!larger)
			return MHD_NO;
		request->body = larger;
		request->size = size;
	}
	memcpy(request->body + request->len, data, len);
	request->len += len;
	return MHD_YES;
}

/* Takes `body`. */
static void body_replace(struct request *request, uint8_t *body, size_t len)
{
	free(request->body);
	request->body = body;
	request->len = request->size = len;
}

static void body_expand(struct request *request)
{
	uint8_t *plain;
	size_t len;
	int error = gzip_expand(request->body, request->len, RECEIVE_BODY_MAX, &plain, &len);

	if (error == -EFBIG) {
		refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, "more than 16 MiB once expanded");
	} else if (error == -ENOMEM) {
		refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
	} else if (error) {
		refuse(request, MHD_HTTP_BAD_REQUEST, "the body is not gzip");
	} else {
		body_replace(request, plain, len);
	}
}

/* From here on it is protobuf. */
static void body_from_json(struct request *request)
{
	char why[OTLP_JSON_WHY_SIZE], text[OTLP_JSON_WHY_SIZE + 32];
	uint8_t *protobuf;
	size_t len;
	int error = otlp_json_read(&otlp__export_trace_service_request__descriptor, (const char *)request->body,
				   request->len, &protobuf, &len, why);

	if (error == -ENOMEM) {
		refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
	} else if (error) {
		snprintf(text, sizeof(text), "not OTLP's JSON: %s", why);
		refuse(request, MHD_HTTP_BAD_REQUEST, text);
	} else {
		body_replace(request, protobuf, len);
	}
}

/* What is answered with 200 is kept, by whoever took it. */
static int batch_keep(struct receive *receive, const struct request *request, const struct span_list *spans)
{
	int taken = 0;

	if (!spans->count)
		return 0;
	if (receive->look.look)
		taken = receive->look.look(spans, request->body, request->len, receive->look.arg);
	return taken ? (taken < 0 ? taken : 0) : store_add(receive->store, request->body, request->len, spans);
}

/* The good spans, which are then all that the body has. Without any it is no partial success, but a bad request. */
static void body_decode(struct request *request, struct span_list *spans, struct rejected *rejected)
{
	uint8_t *kept;
	size_t kept_len;
	int error = otlp_decode_good(request->body, request->len, spans, rejected, &kept, &kept_len);

	if (error == -ENOMEM) {
		refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
	} else if (error) {
		refuse(request, MHD_HTTP_BAD_REQUEST, "the body is not an ExportTraceServiceRequest");
	} else if (kept) {
		body_replace(request, kept, kept_len);
		request->rejected_spans = rejected->spans;
		memcpy(request->why, rejected->why, sizeof(request->why));
		if (!spans->count)
			refuse(request, MHD_HTTP_BAD_REQUEST, rejected->why);
	}
}

static void body_keep(struct receive *receive, struct request *request, const struct span_list *spans)
{
	if (batch_keep(receive, request, spans)) {
		if (!receive->store_failing)
			fprintf(stderr, "receive: spans refused for now, store: %s\n", store_error(receive->store));
		receive->store_failing = true;
		atomic_fetch_add(&receive->store_errors, 1);
		refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, store_error(receive->store));
	} else {
		receive->store_failing = false;
		atomic_fetch_add(&receive->spans, spans->count);
	}
}

/* What will be sent again is counted then. */
static void body_store(struct receive *receive, struct request *request)
{
	struct span_list spans = { 0 };
	struct rejected rejected;

	body_decode(request, &spans, &rejected);
	if (!request->status)
		body_keep(receive, request, &spans);
	for (int i = 0; i < REJECT_COUNT && request->status != MHD_HTTP_SERVICE_UNAVAILABLE; i++)
		atomic_fetch_add(&receive->rejected[i], rejected.reasons[i]);
	span_list_free(&spans);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
			      const char *version, const char *data, size_t *len, void **state)
{
	struct receive *receive = arg;
	struct request *request = *state;
	size_t part = *len;

	(void)version;
	if (!request)
		return head_take(receive, connection, path, method, state);
	*len = 0;
	if (part)
		return body_take(request, data, part);
	if (!request->status && encoding_is_gzip(connection))
		body_expand(request);
	if (!request->status && request->json)
		body_from_json(request);
	if (!request->status)
		body_store(receive, request);
	return answer(receive, connection, request);
}

static void request_end(void *arg, struct MHD_Connection *connection, void **state,
			enum MHD_RequestTerminationCode code)
{
	struct request *request = *state;

	(void)arg, (void)connection, (void)code;
	if (request)
		free(request->body);
	free(request);
	*state = NULL;
}

int receive_start(const char *address, const char *store_path, const struct receive_look *look, struct receive **out)
{
	struct receive *receive = calloc(1, sizeof(*receive));
	int error;

	if (!receive)
		return -ENOMEM;
	if (look)
		receive->look = *look;
	error = store_open(store_path, true, &receive->store);
	if (error)
		fprintf(stderr, "store %s: %s\n", store_path, store_error(NULL));
	else
		error = listen_serve("listen", address, handle, request_end, receive, &receive->daemon, &receive->port);
	if (error) {
		receive_stop(receive);
		return error;
	}
	*out = receive;
	return 0;
}

uint16_t receive_port(const struct receive *receive)
{
	return receive->port;
}

void receive_counts(const struct receive *receive, struct receive_counts *counts)
{
	counts->requests = atomic_load(&receive->requests);
	counts->spans = atomic_load(&receive->spans);
	counts->bad_requests = atomic_load(&receive->bad_requests);
	counts->store_errors = atomic_load(&receive->store_errors);
	for (int i = 0; i < REJECT_COUNT; i++)
		counts->rejected[i] = atomic_load(&receive->rejected[i]);
}

void receive_stop(struct receive *receive)
{
	if (!receive)
		return;
	if (receive->daemon)
		MHD_stop_daemon(receive->daemon);
	store_close(receive->store);
	free(receive);
}
