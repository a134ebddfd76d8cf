/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* OTLP bytes, from anywhere, -> spans. Nothing in them is trusted. */
#include "otlp.h"

#include <errno.h>
#include <string.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "protobuf.h"
#include "rejected.h"

size_t utf8_len(const char *text)
{
	const uint8_t *t = (const uint8_t *)text;
	uint32_t code;
	size_t len;

	if (t[0] < 0x80)
		return t[0] != 0;
	len = t[0] >= 0xf0 ? 4 : t[0] >= 0xe0 ? 3 : 2;
	if (t[0] < 0xc2 || t[0] > 0xf4)
		return 0;
	code = t[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((t[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (t[i] & 0x3f);
	}
	/* too long a form, surrogates, beyond Unicode */
	if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return len;
}

void utf8_mend(char *text)
{
	while (*text) {
		size_t len = utf8_len(text);

		if (len == 0)
			*text = '?';
		text += len ? len : 1;
	}
}

/* A copy that is UTF-8. */
static const char *text_decode(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	utf8_mend(copy);
	return copy;
}

/* False: not an array of strings alone. */
static bool strings_decode(struct arena *arena, const Otlp__ArrayValue *array, struct span_attrs *attrs,
			   const char *key)
{
	const char **list;

	for (size_t i = 0; i < array->n_values; i++)
		if (array->values[i]->value_case != OTLP__ANY_VALUE__VALUE_STRING_VALUE)
			return false;
	list = arena_alloc(arena, array->n_values * sizeof(*list));
	for (size_t i = 0; i < array->n_values; i++)
		list[i] = text_decode(arena, array->values[i]->string_value);
	attr_strings(arena, attrs, text_decode(arena, key), list, array->n_values);
	return true;
}

static void attr_decode(struct arena *arena, const Otlp__KeyValue *pair, struct span_attrs *attrs)
{
	const Otlp__AnyValue *any = pair->value;

	if (!any)
		return;
	switch (any->value_case) {
	case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
		attr_string(arena, attrs, text_decode(arena, pair->key), text_decode(arena, any->string_value));
		break;
	case OTLP__ANY_VALUE__VALUE_INT_VALUE:
		attr_int(arena, attrs, text_decode(arena, pair->key), any->int_value);
		break;
	case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
		attr_bool(arena, attrs, text_decode(arena, pair->key), any->bool_value);
		break;
	case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
		attr_double(arena, attrs, text_decode(arena, pair->key), any->double_value);
		break;
	case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
		strings_decode(arena, any->array_value, attrs, pair->key);
		break;
	default:
		break;
	}
}

static void attrs_decode(struct arena *arena, Otlp__KeyValue **list, size_t count, struct span_attrs *attrs)
{
	for (size_t i = 0; i < count; i++)
		attr_decode(arena, list[i], attrs);
}

/* False: they name nothing. A root has no parent's id, or a zero one. */
static bool ids_decode(const Otlp__Span *in, struct span *span)
{
	if (reject_of(&in->trace_id, &in->span_id, &in->parent_span_id) != REJECT_NONE)
		return false;
	memcpy(span->trace_id, in->trace_id.data, TRACE_ID_LEN);
	memcpy(span->id, in->span_id.data, SPAN_ID_LEN);
	if (in->parent_span_id.len)
		memcpy(span->parent_id, in->parent_span_id.data, SPAN_ID_LEN);
	return true;
}

/* Times beyond what an int64_t holds (the year 2262) are cut, so that the difference of any two is good. */
static int64_t time_decode(uint64_t unix_ns)
{
	return unix_ns > INT64_MAX ? INT64_MAX : (int64_t)unix_ns;
}

static void status_decode(struct arena *arena, const Otlp__Status *status, struct span *span)
{
	if (!status)
		return;
	if (status->code == SPAN_STATUS_OK || status->code == SPAN_STATUS_ERROR)
		span->status = status->code;
	if (status->message[0])
		span->status_message = text_decode(arena, status->message);
}

static void events_decode(struct arena *arena, const Otlp__Span *in, struct span *span)
{
	span->event_count = in->n_events;
	span->events = arena_alloc(arena, in->n_events * sizeof(*span->events));
	for (size_t i = 0; i < in->n_events; i++) {
		const Otlp__Span__Event *event = in->events[i];

		span->events[i].name = text_decode(arena, event->name);
		span->events[i].time_unix_ns = time_decode(event->time_unix_nano);
		attrs_decode(arena, event->attributes, event->n_attributes, &span->events[i].attrs);
	}
}

static bool span_decode(struct span_list *spans, const Otlp__Span *in, const char *service, const char *scope)
{
	struct arena *arena = &spans->arena;
	struct span *span = span_list_add(spans);

	if (!ids_decode(in, span))
		return false;
	span->flags = in->flags;
	span->kind = in->kind >= SPAN_UNSPECIFIED && in->kind <= SPAN_CONSUMER ? in->kind : SPAN_UNSPECIFIED;
	span->name = text_decode(arena, in->name);
	span->service = service;
	span->scope = scope;
	span->start_unix_ns = time_decode(in->start_time_unix_nano);
	span->end_unix_ns = time_decode(in->end_time_unix_nano);
	attrs_decode(arena, in->attributes, in->n_attributes, &span->attrs);
	events_decode(arena, in, span);
	status_decode(arena, in->status, span);
	return true;
}

static const char *service_decode(struct arena *arena, const Otlp__Resource *resource)
{
	struct span_attrs attrs = { 0 };

	if (resource)
		attrs_decode(arena, resource->attributes, resource->n_attributes, &attrs);
	return attr_get_string(&attrs, "service.name", "");
}

static bool resource_decode(struct span_list *spans, const Otlp__ResourceSpans *in)
{
	const char *service = service_decode(&spans->arena, in->resource);

	for (size_t i = 0; i < in->n_scope_spans; i++) {
		const Otlp__ScopeSpans *scope_spans = in->scope_spans[i];
		const char *scope = scope_spans->scope ? scope_spans->scope->name : "";

		scope = text_decode(&spans->arena, scope);
		for (size_t k = 0; k < scope_spans->n_spans; k++)
			if (!span_decode(spans, scope_spans->spans[k], service, scope))
				return false;
	}
	return true;
}

/* protobuf-c's many small pieces live as long as the decoding: one arena has them, which is several times quicker. */
static void *piece_alloc(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

static void piece_free(void *arena, void *piece)
{
	(void)arena, (void)piece;
}

int otlp_decode(const uint8_t *otlp, size_t len, struct span_list *spans)
{
	struct arena pieces = { 0 };
	ProtobufCAllocator allocator = { piece_alloc, piece_free, &pieces };
	Otlp__ExportTraceServiceRequest *request = NULL;
	size_t before = spans->count;
	int error = -EBADMSG;

	if (protobuf_check(&otlp__export_trace_service_request__descriptor, otlp, len))
		request = otlp__export_trace_service_request__unpack(&allocator, len, otlp);
	if (request)
		error = 0;
	for (size_t i = 0; !error && i < request->n_resource_spans; i++)
		error = resource_decode(spans, request->resource_spans[i]) ? 0 : -EINVAL;
	arena_free(&pieces);
	if (error)
		spans->count = before;
	return error;
}
