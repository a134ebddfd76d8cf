/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Spans -> the bytes that leave for a backend, and are kept in the store. The other way: otlp_decode.c. */
#include "otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/otlp/otlp.pb-c.h"

/* protobuf-c's messages have no const, but packing only reads them. */
static char *unconst(const char *text)
{
	return (char *)text;
}

static Otlp__AnyValue *any_string(struct arena *arena, const char *text)
{
	Otlp__AnyValue *any = arena_alloc(arena, sizeof(*any));

	otlp__any_value__init(any);
	any->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	any->string_value = unconst(text);
	return any;
}

static Otlp__ArrayValue *array_build(struct arena *arena, const char **list, size_t count)
{
	Otlp__ArrayValue *array = arena_alloc(arena, sizeof(*array));

	otlp__array_value__init(array);
	array->n_values = count;
	array->values = arena_alloc(arena, count * sizeof(*array->values));
	for (size_t i = 0; i < count; i++)
		array->values[i] = any_string(arena, list[i]);
	return array;
}

static void value_build(struct arena *arena, const struct span_attr *attr, Otlp__AnyValue *any)
{
	switch (attr->type) {
	case ATTR_STRING:
		any->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
		any->string_value = unconst(attr->string);
		break;
	case ATTR_INT:
		any->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
		any->int_value = attr->integer;
		break;
	case ATTR_BOOL:
		any->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
		any->bool_value = attr->boolean;
		break;
	case ATTR_DOUBLE:
		any->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
		any->double_value = attr->real;
		break;
	case ATTR_STRINGS:
		any->value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
		any->array_value = array_build(arena, attr->strings.list, attr->strings.count);
		break;
	}
}

static Otlp__KeyValue **attrs_build(struct arena *arena, const struct span_attrs *attrs)
{
	Otlp__KeyValue **list = arena_alloc(arena, attrs->count * sizeof(*list));

	for (size_t i = 0; i < attrs->count; i++) {
		Otlp__KeyValue *pair = arena_alloc(arena, sizeof(*pair));

		otlp__key_value__init(pair);
		pair->key = unconst(attrs->list[i].key);
		pair->value = arena_alloc(arena, sizeof(*pair->value));
		otlp__any_value__init(pair->value);
		value_build(arena, &attrs->list[i], pair->value);
		list[i] = pair;
	}
	return list;
}

static Otlp__Span__Event *event_build(struct arena *arena, const struct span_event *event)
{
	Otlp__Span__Event *out = arena_alloc(arena, sizeof(*out));

	otlp__span__event__init(out);
	out->time_unix_nano = (uint64_t)event->time_unix_ns;
	out->name = unconst(event->name);
	out->n_attributes = event->attrs.count;
	out->attributes = attrs_build(arena, &event->attrs);
	return out;
}

static Otlp__Status *status_build(struct arena *arena, const struct span *span)
{
	Otlp__Status *status;

	if (span->status == SPAN_STATUS_UNSET && !span->status_message)
		return NULL;
	status = arena_alloc(arena, sizeof(*status));
	otlp__status__init(status);
	status->code = span->status;
	if (span->status_message)
		status->message = unconst(span->status_message);
	return status;
}

static ProtobufCBinaryData id_build(const uint8_t *id, size_t len)
{
	return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)id };
}

static Otlp__Span *span_build(struct arena *arena, const struct span *span)
{
	static const uint8_t root[SPAN_ID_LEN];
	Otlp__Span *out = arena_alloc(arena, sizeof(*out));

	otlp__span__init(out);
	out->trace_id = id_build(span->trace_id, TRACE_ID_LEN);
	out->span_id = id_build(span->id, SPAN_ID_LEN);
	if (memcmp(span->parent_id, root, SPAN_ID_LEN) != 0)
		out->parent_span_id = id_build(span->parent_id, SPAN_ID_LEN);
	out->flags = span->flags;
	out->name = unconst(span->name);
	out->kind = span->kind;
	out->start_time_unix_nano = (uint64_t)span->start_unix_ns;
	out->end_time_unix_nano = (uint64_t)span->end_unix_ns;
	out->n_attributes = span->attrs.count;
	out->attributes = attrs_build(arena, &span->attrs);
	out->n_events = span->event_count;
	out->events = arena_alloc(arena, span->event_count * sizeof(*out->events));
	for (size_t i = 0; i < span->event_count; i++)
		out->events[i] = event_build(arena, &span->events[i]);
	out->status = status_build(arena, span);
	return out;
}

static Otlp__ScopeSpans *scope_build(struct arena *arena, const struct span_list *spans, const char *version)
{
	Otlp__ScopeSpans *scope_spans = arena_alloc(arena, sizeof(*scope_spans));
	Otlp__InstrumentationScope *scope = arena_alloc(arena, sizeof(*scope));

	otlp__instrumentation_scope__init(scope);
	scope->name = unconst("hopspan");
	scope->version = unconst(version);
	otlp__scope_spans__init(scope_spans);
	scope_spans->scope = scope;
	scope_spans->n_spans = spans->count;
	scope_spans->spans = arena_alloc(arena, spans->count * sizeof(*scope_spans->spans));
	for (size_t i = 0; i < spans->count; i++)
		scope_spans->spans[i] = span_build(arena, &spans->spans[i]);
	return scope_spans;
}

int otlp_encode(const struct span_list *spans, const struct span_attrs *resource, const char *version, uint8_t **otlp,
		size_t *len)
{
	Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
	Otlp__ResourceSpans resource_spans = OTLP__RESOURCE_SPANS__INIT, *resources = &resource_spans;
	Otlp__Resource out = OTLP__RESOURCE__INIT;
	struct arena arena = { 0 };
	Otlp__ScopeSpans *scope = scope_build(&arena, spans, version);
	uint8_t *bytes;
	size_t size;

	out.n_attributes = resource->count;
	out.attributes = attrs_build(&arena, resource);
	resource_spans.resource = &out;
	resource_spans.n_scope_spans = 1;
	resource_spans.scope_spans = &scope;
	request.n_resource_spans = 1;
	request.resource_spans = &resources;
	size = otlp__export_trace_service_request__get_packed_size(&request);
	bytes = malloc(size);
	if (bytes)
		*len = otlp__export_trace_service_request__pack(&request, bytes);
	arena_free(&arena);
	if (!bytes)
		return -ENOMEM;
	*otlp = bytes;
	return 0;
}
