/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* OTLP/HTTP requests: settings of the environment -> libcurl -> what the endpoint answered. */
#include "post.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "environment.h"
#include "gzip.h"
#include "otlp_json.h"
#include "protobuf.h"
#include "version.h"

enum { TIMEOUT_MS = 10000, ANSWER_MAX = 65536 };

#define OTLP_TYPE "application/x-protobuf"
#define JSON_TYPE "application/json"

struct post {
	const char *signal; /* as the environment has it */
	const ProtobufCMessageDescriptor *request;
	CURL *curl;
	struct curl_slist *headers;
	bool gzip, json;
	bool (*abort)(void *arg);
	void *arg;
	char error[CURL_ERROR_SIZE];
	uint8_t body[ANSWER_MAX]; /* of the answer; more is ignored */
	size_t body_len;
};

static const char *setting(const struct post *post, const char *name)
{
	return environment_otlp(post->signal, name);
}

static void setting_ignored(const struct post *post, const char *name, const char *why)
{
	fprintf(stderr, "export: OTEL_EXPORTER_OTLP_%s \"%s\" ignored: %s\n", name, setting(post, name), why);
}

/* Of one request. The batch processor's limit is of an export with all its attempts; here spans stay in the store. */
static long timeout_ms(const struct post *post)
{
	long ms = environment_number("OTEL_EXPORTER_OTLP_TIMEOUT", setting(post, "TIMEOUT"), 1, TIMEOUT_MS);
	long export_ms =
	    environment_number("OTEL_BSP_EXPORT_TIMEOUT", environment_get("OTEL_BSP_EXPORT_TIMEOUT"), 1, ms);

	return export_ms < ms ? export_ms : ms;
}

static bool gzip_wanted(const struct post *post)
{
	const char *text = setting(post, "COMPRESSION");

	if (text && strcmp(text, "gzip") == 0)
		return true;
	if (text && strcmp(text, "none") != 0)
		setting_ignored(post, "COMPRESSION", "gzip or none");
	return false;
}

static bool json_wanted(const struct post *post)
{
	const char *text = setting(post, "PROTOCOL");

	if (text && strcmp(text, "http/json") == 0)
		return true;
	if (text && strcmp(text, "http/protobuf") != 0)
		setting_ignored(post, "PROTOCOL", "http/protobuf or http/json");
	return false;
}

static void header_add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (longer)
		*headers = longer;
}

/* A line break in a value would be a header of its own. */
static bool pair_add(const char *key, const char *value, void *headers)
{
	char *line = NULL;

	if (strpbrk(key, ": \r\n") || strpbrk(value, "\r\n") ||
	    asprintf(&line, *value ? "%s: %s" : "%s;%s", key, value) < 0)
		return false;
	header_add(headers, line);
	free(line);
	return true;
}

static void headers_set(struct post *post)
{
	const char *text = setting(post, "HEADERS");

	header_add(&post->headers, post->json ? "Content-Type: " JSON_TYPE : "Content-Type: " OTLP_TYPE);
	header_add(&post->headers, "Expect:"); /* no round trip ahead of a body: what refuses it says so soon enough */
	if (post->gzip)
		header_add(&post->headers, "Content-Encoding: gzip");
	if (text && !environment_pairs(text, pair_add, &post->headers)) /* not the value, which may be a secret */
		fprintf(stderr, "export: OTEL_EXPORTER_OTLP_HEADERS: what is not key=value was ignored\n");
}

static size_t body_take(char *data, size_t size, size_t count, void *arg)
{
	struct post *post = arg;
	size_t room = sizeof(post->body) - post->body_len, len = size * count < room ? size * count : room;

	memcpy(post->body + post->body_len, data, len);
	post->body_len += len;
	return size * count;
}

static int progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
	struct post *post = arg;

	(void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
	return post->abort && post->abort(post->arg);
}

/* One that cannot be read would fail with every request. */
static int file_set(const struct post *post, CURLoption option, const char *name)
{
	const char *file = setting(post, name);

	if (!file)
		return 0;
	if (access(file, R_OK)) {
		fprintf(stderr, "export: OTEL_EXPORTER_OTLP_%s %s: %s\n", name, file, strerror(errno));
		return -EINVAL;
	}
	curl_easy_setopt(post->curl, option, file);
	return 0;
}

static int files_set(const struct post *post)
{
	int error = file_set(post, CURLOPT_CAINFO, "CERTIFICATE");

	if (!error)
		error = file_set(post, CURLOPT_SSLCERT, "CLIENT_CERTIFICATE");
	return error ? error : file_set(post, CURLOPT_SSLKEY, "CLIENT_KEY");
}

static void curl_set(struct post *post, const char *url)
{
	CURL *curl = post->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "OTel-OTLP-Exporter-C/" HOPSPAN_VERSION);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms(post));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 524288L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
}

static bool url_good(const char *url)
{
	CURLU *parsed = curl_url();
	char *scheme = NULL;
	bool good = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	curl_free(scheme);
	curl_url_cleanup(parsed);
	return good;
}

static void curl_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int post_make(const char *url, const char *signal, const ProtobufCMessageDescriptor *request,
		     bool (*abort)(void *arg), void *arg, struct post **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct post *post;

	pthread_once(&once, curl_init);
	if (!url_good(url)) {
		fprintf(stderr, "export %s: not a URL like http://127.0.0.1:4318\n", url);
		return -EINVAL;
	}
	post = calloc(1, sizeof(*post));
	if (!post || !(post->curl = curl_easy_init())) {
		free(post);
		fprintf(stderr, "export %s: out of memory\n", url);
		return -ENOMEM;
	}
	post->signal = signal;
	post->request = request;
	post->abort = abort;
	post->arg = arg;
	post->gzip = gzip_wanted(post);
	post->json = json_wanted(post);
	headers_set(post);
	curl_set(post, url);
	if (files_set(post)) {
		post_free(post);
		return -EINVAL;
	}
	*out = post;
	return 0;
}

int post_new(const char *url, bool (*abort)(void *arg), void *arg, struct post **post)
{
	return post_make(url, "TRACES", &otlp__export_trace_service_request__descriptor, abort, arg, post);
}

int post_new_metrics(const char *url, struct post **post)
{
	return post_make(url, "METRICS", &otlp__export_metrics_service_request__descriptor, NULL, NULL, post);
}

void post_free(struct post *post)
{
	if (!post)
		return;
	curl_easy_cleanup(post->curl);
	curl_slist_free_all(post->headers);
	free(post);
}

/* Text from outside that goes to a terminal: one line, no control characters. */
static void error_set(struct post_answer *answer, const char *text, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len && text[i] && text[i] != '\n' && kept + 1 < sizeof(answer->error); i++)
		answer->error[kept++] = iscntrl((unsigned char)text[i]) ? '?' : text[i];
	answer->error[kept] = 0;
}

static bool type_is(const char *type, const char *expected)
{
	return type && strncasecmp(type, expected, strlen(expected)) == 0;
}

/* The body of an answer as a message, in protobuf or JSON; NULL: it is none. */
static ProtobufCMessage *body_read(const struct post *post, const char *type,
				   const ProtobufCMessageDescriptor *descriptor)
{
	char why[OTLP_JSON_WHY_SIZE];
	ProtobufCMessage *message = NULL;
	uint8_t *protobuf = NULL;
	const uint8_t *octets = post->body;
	size_t len = post->body_len;

	if (type_is(type, JSON_TYPE)) {
		if (otlp_json_read(descriptor, (const char *)post->body, post->body_len, &protobuf, &len, why))
			return NULL;
		octets = protobuf;
	} else if (!type_is(type, OTLP_TYPE)) {
		return NULL;
	}
	if (protobuf_check(descriptor, octets, len))
		message = protobuf_c_message_unpack(descriptor, NULL, len, octets);
	free(protobuf);
	return message;
}

static void partial_read(const struct post *post, const char *type, struct post_answer *answer)
{
	ProtobufCMessage *message = body_read(post, type, &otlp__export_trace_service_response__descriptor);
	const Otlp__ExportTraceServiceResponse *response = (Otlp__ExportTraceServiceResponse *)message;

	if (response && response->partial_success) {
		const Otlp__ExportTracePartialSuccess *partial = response->partial_success;

		answer->rejected_spans = partial->rejected_spans > 0 ? (uint64_t)partial->rejected_spans : 0;
		error_set(answer, partial->error_message, strlen(partial->error_message));
	}
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* google.rpc.Status, or what a proxy on the way says as text. */
static void refusal_read(const struct post *post, const char *type, struct post_answer *answer)
{
	ProtobufCMessage *message = body_read(post, type, &otlp__rpc_status__descriptor);
	const Otlp__RpcStatus *status = (Otlp__RpcStatus *)message;

	if (status && status->message[0])
		error_set(answer, status->message, strlen(status->message));
	else if (!type_is(type, OTLP_TYPE))
		error_set(answer, (const char *)post->body, post->body_len);
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

static void answer_read(struct post *post, struct post_answer *answer)
{
	curl_off_t retry_after_s = 0;
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
	curl_easy_getinfo(post->curl, CURLINFO_CONTENT_TYPE, &type);
	answer->status = (int)status;
	answer->retry_after_s = retry_after_s;
	if (status / 100 == 2)
		partial_read(post, type, answer);
	else
		refusal_read(post, type, answer);
}

/* What is sent for the spans; NULL: no memory, or they are none. */
static uint8_t *body_json(const struct post *post, const uint8_t *otlp, size_t len, size_t *json_len)
{
	ProtobufCMessage *request = protobuf_c_message_unpack(post->request, NULL, len, otlp);
	char *json = NULL;
	FILE *out = request ? open_memstream(&json, json_len) : NULL;

	if (out) {
		otlp_json_write(out, request);
		fclose(out);
	}
	if (request)
		protobuf_c_message_free_unpacked(request, NULL);
	return (uint8_t *)json;
}

static void body_send(struct post *post, const uint8_t *body, size_t len, struct post_answer *answer)
{
	CURLcode code;

	post->body_len = 0;
	post->error[0] = 0;
	curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(post->curl);
	if (code == CURLE_OK) {
		answer_read(post, answer);
	} else {
		const char *why = post->error[0] ? post->error : curl_easy_strerror(code);

		error_set(answer, why, strlen(why));
	}
}

void post_send(struct post *post, const uint8_t *otlp, size_t len, struct post_answer *answer)
{
	uint8_t *json = NULL, *gzip = NULL;
	const uint8_t *body = otlp;

	*answer = (struct post_answer){ 0 };
	if (post->json)
		body = json = body_json(post, otlp, len, &len);
	if (!body || (post->gzip && gzip_compress(body, len, &gzip, &len)))
		error_set(answer, "out of memory", strlen("out of memory"));
	else
		body_send(post, gzip ? gzip : body, len, answer);
	free(json);
	free(gzip);
}

bool post_again(const struct post_answer *answer)
{
	switch (answer->status) {
	case 0:
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}
