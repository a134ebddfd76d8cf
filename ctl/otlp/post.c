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

#include "ctl/otlp/otlp.pb-c.h"
#include "gzip.h"
#include "protobuf.h"
#include "version.h"

enum { TIMEOUT_MS = 10000, ANSWER_MAX = 65536, SETTING_NAME_SIZE = 64 };

struct post {
	CURL *curl;
	struct curl_slist *headers;
	bool gzip;
	bool (*abort)(void *arg);
	void *arg;
	char error[CURL_ERROR_SIZE];
	uint8_t body[ANSWER_MAX]; /* of the answer; more is ignored */
	size_t body_len;
};

const char *post_setting(const char *name)
{
	char key[SETTING_NAME_SIZE];
	const char *value;

	snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_TRACES_%s", name);
	value = getenv(key);
	if (value && *value)
		return value;
	snprintf(key, sizeof(key), "OTEL_EXPORTER_OTLP_%s", name);
	value = getenv(key);
	return value && *value ? value : NULL;
}

static void setting_ignored(const char *name, const char *why)
{
	fprintf(stderr, "export: OTEL_EXPORTER_OTLP_%s \"%s\" ignored: %s\n", name, post_setting(name), why);
}

static long timeout_ms(void)
{
	const char *text = post_setting("TIMEOUT");
	char *end;
	long ms;

	if (!text)
		return TIMEOUT_MS;
	errno = 0;
	ms = strtol(text, &end, 10);
	if (*end || errno || ms <= 0) {
		setting_ignored("TIMEOUT", "not a number of milliseconds");
		return TIMEOUT_MS;
	}
	return ms;
}

static bool gzip_wanted(void)
{
	const char *text = post_setting("COMPRESSION");

	if (text && strcmp(text, "gzip") == 0)
		return true;
	if (text && strcmp(text, "none") != 0)
		setting_ignored("COMPRESSION", "gzip or none");
	return false;
}

static char *trimmed(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = 0;
	return text;
}

static void header_add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (longer)
		*headers = longer;
}

/* One "key=value" of the list; values are percent-encoded. A line break in one would be a header of its own. */
static bool pair_add(CURL *curl, struct curl_slist **headers, char *pair)
{
	char *equals = strchr(pair, '='), *key = trimmed(pair), *value, *line = NULL;
	int len;

	if (!equals)
		return *key == 0;
	*equals = 0;
	key = trimmed(pair);
	value = curl_easy_unescape(curl, trimmed(equals + 1), 0, &len);
	if (!value || !*key || strpbrk(key, ": \r\n") || strpbrk(value, "\r\n") || strlen(value) != (size_t)len ||
	    asprintf(&line, len ? "%s: %s" : "%s;%s", key, value) < 0)
		line = NULL;
	curl_free(value);
	if (!line)
		return false;
	header_add(headers, line);
	free(line);
	return true;
}

static void headers_set(CURL *curl, struct curl_slist **headers)
{
	const char *text = post_setting("HEADERS");
	char *copy = text ? strdup(text) : NULL, *rest = copy, *pair;
	bool good = true;

	while (rest && (pair = strsep(&rest, ",")))
		good = pair_add(curl, headers, pair) && good;
	if (!good) /* not the value, which may be a secret */
		fprintf(stderr, "export: OTEL_EXPORTER_OTLP_HEADERS: what is not key=value was ignored\n");
	free(copy);
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

static void file_set(CURL *curl, CURLoption option, const char *name)
{
	const char *file = post_setting(name);

	if (file)
		curl_easy_setopt(curl, option, file);
}

static void curl_set(struct post *post, const char *url)
{
	CURL *curl = post->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "OTel-OTLP-Exporter-C/" HOPSPAN_VERSION);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms());
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
	file_set(curl, CURLOPT_CAINFO, "CERTIFICATE");
	file_set(curl, CURLOPT_SSLCERT, "CLIENT_CERTIFICATE");
	file_set(curl, CURLOPT_SSLKEY, "CLIENT_KEY");
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

int post_new(const char *url, bool (*abort)(void *arg), void *arg, struct post **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *protocol = post_setting("PROTOCOL");
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
	if (protocol && strcmp(protocol, "http/protobuf") != 0)
		setting_ignored("PROTOCOL", "http/protobuf is the only one");
	post->abort = abort;
	post->arg = arg;
	post->gzip = gzip_wanted();
	header_add(&post->headers, "Content-Type: application/x-protobuf");
	if (post->gzip)
		header_add(&post->headers, "Content-Encoding: gzip");
	headers_set(post->curl, &post->headers);
	curl_set(post, url);
	*out = post;
	return 0;
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

static void partial_read(const struct post *post, struct post_answer *answer)
{
	Otlp__ExportTraceServiceResponse *response = NULL;

	if (protobuf_check(&otlp__export_trace_service_response__descriptor, post->body, post->body_len))
		response = otlp__export_trace_service_response__unpack(NULL, post->body_len, post->body);
	if (response && response->partial_success) {
		const Otlp__ExportTracePartialSuccess *partial = response->partial_success;

		answer->rejected_spans = partial->rejected_spans > 0 ? (uint64_t)partial->rejected_spans : 0;
		error_set(answer, partial->error_message, strlen(partial->error_message));
	}
	if (response)
		otlp__export_trace_service_response__free_unpacked(response, NULL);
}

/* google.rpc.Status, or what a proxy on the way says as text. */
static void refusal_read(const struct post *post, const char *type, struct post_answer *answer)
{
	bool protobuf = type && strncasecmp(type, "application/x-protobuf", strlen("application/x-protobuf")) == 0;
	Otlp__RpcStatus *status = NULL;

	if (protobuf && protobuf_check(&otlp__rpc_status__descriptor, post->body, post->body_len))
		status = otlp__rpc_status__unpack(NULL, post->body_len, post->body);
	if (status)
		error_set(answer, status->message, strlen(status->message));
	else if (!protobuf)
		error_set(answer, (const char *)post->body, post->body_len);
	if (status)
		otlp__rpc_status__free_unpacked(status, NULL);
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
		partial_read(post, answer);
	else
		refusal_read(post, type, answer);
}

void post_send(struct post *post, const uint8_t *otlp, size_t len, struct post_answer *answer)
{
	uint8_t *gzip = NULL;
	size_t gzip_len = 0;
	CURLcode code;

	*answer = (struct post_answer){ 0 };
	if (post->gzip && gzip_compress(otlp, len, &gzip, &gzip_len)) {
		error_set(answer, "out of memory", strlen("out of memory"));
		return;
	}
	post->body_len = 0;
	post->error[0] = 0;
	curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(gzip ? gzip_len : len));
	curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, gzip ? gzip : otlp);
	code = curl_easy_perform(post->curl);
	if (code == CURLE_OK) {
		answer_read(post, answer);
	} else {
		const char *why = post->error[0] ? post->error : curl_easy_strerror(code);

		error_set(answer, why, strlen(why));
	}
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
