/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A trace, its verdict, and rows of the list as JSON. */
#include "trace_json.h"

#include <math.h>
#include <string.h>

#include "tree.h"

static const char hopspan_prefix[] = "hopspan.";

static json_t *hex_json(const uint8_t *id, size_t len)
{
	char hex[2 * TRACE_ID_LEN + 1];

	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", id[i]);
	return json_string(hex);
}

/* Names come from applications: what is not UTF-8 becomes question marks. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	if (json)
		return json;
	char *copy = strdup(text);

	for (char *c = copy; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	json = json_string(copy ? copy : "");
	free(copy);
	return json;
}

static json_t *attr_json(const struct span_attr *attr)
{
	json_t *list;

	switch (attr->type) {
	case ATTR_INT:
		return json_integer(attr->integer);
	case ATTR_BOOL:
		return json_boolean(attr->boolean);
	case ATTR_DOUBLE:
		return isfinite(attr->real) ? json_real(attr->real) : json_null();
	case ATTR_STRINGS:
		list = json_array();
		for (size_t i = 0; i < attr->strings.count; i++)
			json_array_append_new(list, text_json(attr->strings.list[i]));
		return list;
	case ATTR_STRING:
		break;
	}
	return text_json(attr->string);
}

static const char *kind_name(const struct span *span)
{
	static const char *const names[] = { "unspecified", "internal", "server", "client", "producer", "consumer" };
	const char *kind = span_is_network(span, NULL) ? attr_get_string(&span->attrs, "hopspan.kind", NULL) : NULL;

	if (kind)
		return kind;
	return (unsigned int)span->kind < sizeof(names) / sizeof(names[0]) ? names[span->kind] : names[0];
}

/* An attribute never takes the place of a key that stands for something else. */
static void set_attrs(json_t *json, const struct span *span)
{
	size_t prefix = strlen(hopspan_prefix);

	for (size_t i = 0; i < span->attrs.count; i++) {
		const struct span_attr *attr = &span->attrs.list[i];
		const char *key = attr->key;

		if (strncmp(key, hopspan_prefix, prefix) == 0)
			key += prefix;
		if (!json_object_get(json, key))
			json_object_set_new(json, key, attr_json(attr));
	}
}

static json_t *span_json(const struct span *span)
{
	static const uint8_t none[SPAN_ID_LEN];
	json_t *json = json_object();

	json_object_set_new(json, "span_id", hex_json(span->id, SPAN_ID_LEN));
	if (memcmp(span->parent_id, none, SPAN_ID_LEN) != 0)
		json_object_set_new(json, "parent_span_id", hex_json(span->parent_id, SPAN_ID_LEN));
	json_object_set_new(json, "service", text_json(span->service));
	json_object_set_new(json, "name", text_json(span->name));
	json_object_set_new(json, "kind", text_json(kind_name(span)));
	json_object_set_new(json, "start_unix_ns", json_integer(span->start_unix_ns));
	json_object_set_new(json, "duration_ns", json_integer(span_duration(span)));
	if (span_usual(span) >= 0)
		json_object_set_new(json, "usual_ns", json_integer(span_usual(span)));
	set_attrs(json, span);
	return json;
}

static void set_known(json_t *json, const char *key, int64_t value)
{
	if (value >= 0)
		json_object_set_new(json, key, json_integer(value));
}

static void set_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, text_json(text));
}

static json_t *verdict_json(const struct verdict *verdict)
{
	json_t *json = json_object();

	set_text(json, "reason", verdict->reason);
	set_text(json, "text", verdict->text);
	set_text(json, "node", verdict->node);
	set_text(json, "egress_if", verdict->egress_if);
	set_known(json, "time_ns", verdict->time_ns);
	set_known(json, "of_ns", verdict->of_ns);
	if (verdict->of)
		json_object_set_new(json, "of_span_id", hex_json(verdict->of->id, SPAN_ID_LEN));
	set_known(json, "queue_bytes", verdict->queue_bytes);
	set_known(json, "usual_ns", verdict->usual_ns);
	set_known(json, "usual_packets", verdict->usual_packets);
	if (verdict->times_usual > 0)
		json_object_set_new(json, "times_usual", json_real(round(verdict->times_usual * 10) / 10));
	set_text(json, "wait", verdict->wait);
	return json;
}

json_t *trace_json(struct span_list *spans, const struct verdict *verdict)
{
	json_t *json = json_object(), *list = json_array();
	struct tree tree;

	tree_build(spans, &tree);
	if (tree.count)
		json_object_set_new(json, "trace_id", hex_json(tree.nodes[0].span->trace_id, TRACE_ID_LEN));
	json_object_set_new(json, "start_unix_ns", json_integer(tree.start_unix_ns));
	json_object_set_new(json, "duration_ns", json_integer(tree.duration_ns));
	json_object_set_new(json, "verdict", verdict_json(verdict));
	for (size_t i = 0; i < tree.count; i++)
		json_array_append_new(list, span_json(tree.nodes[i].span));
	json_object_set_new(json, "spans", list);
	return json;
}

json_t *trace_row_json(const struct store_trace *trace)
{
	json_t *json = json_object();

	json_object_set_new(json, "trace_id", hex_json(trace->trace_id, TRACE_ID_LEN));
	json_object_set_new(json, "start_unix_ns", json_integer(trace->start_unix_ns));
	json_object_set_new(json, "duration_ns", json_integer(trace->duration_ns));
	json_object_set_new(json, "service", text_json(trace->service));
	json_object_set_new(json, "name", text_json(trace->name));
	json_object_set_new(json, "network_ns", json_integer(trace->network_ns));
	if (trace->queue_bytes >= 0)
		json_object_set_new(json, "queue_bytes", json_integer(trace->queue_bytes));
	if (!trace->worst[0])
		return json;
	json_object_set_new(json, "worst", text_json(trace->worst));
	json_object_set_new(json, "worst_ns", json_integer(trace->worst_ns));
	if (trace->worst_usual_ns > 0)
		json_object_set_new(json, "worst_usual_ns", json_integer(trace->worst_usual_ns));
	return json;
}

void trace_json_print(FILE *file, const json_t *json)
{
	json_dumpf(json, file, JSON_COMPACT | JSON_REAL_PRECISION(17));
	fputc('\n', file);
}
