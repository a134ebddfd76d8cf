/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A record as a JSON object: keys in one order, "not available" is a key that is not there. */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>

#include "decode.h"
#include "wire/encap.h"

static void set_address(json_t *object, const char *key, const struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, address, text, sizeof(text));
	json_object_set_new(object, key, json_string(text));
}

static void set_hex(json_t *object, const char *key, const uint8_t *octets, size_t len)
{
	char text[2 * CONTEXT_TRACE_ID_LEN + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", octets[i]);
	json_object_set_new(object, key, json_string(text));
}

static void set_integer(json_t *object, const char *key, bool available, int64_t value)
{
	if (available)
		json_object_set_new(object, key, json_integer(value));
}

static void set_transport(json_t *object, const struct record *record)
{
	bool ports = record->transport == NEXT_HEADER_TCP || record->transport == NEXT_HEADER_UDP;
	char number[4];
	const char *name = number;

	snprintf(number, sizeof(number), "%u", record->transport);
	if (record->transport == NEXT_HEADER_TCP)
		name = "tcp";
	else if (record->transport == NEXT_HEADER_UDP)
		name = "udp";
	else if (record->transport == NEXT_HEADER_ICMPV6)
		name = "icmpv6";
	json_object_set_new(object, "transport", json_string(name));
	set_integer(object, "source_port", ports, record->source_port);
	set_integer(object, "destination_port", ports, record->destination_port);
}

static void set_context(json_t *object, const struct context *context, enum encap_carrier carrier)
{
	static const char *const carriers[ENCAP_CARRIERS] = {
		[ENCAP_SNAPSHOT] = "snapshot",
		[ENCAP_GENERIC_CONTEXT] = "generic-context",
		[ENCAP_GENERIC] = "generic",
	};

	set_hex(object, "trace_id", context->trace_id, sizeof(context->trace_id));
	set_hex(object, "span_id", context->span_id, sizeof(context->span_id));
	json_object_set_new(object, "flags", json_integer(context->flags));
	json_object_set_new(object, "carrier", json_string(carriers[carrier]));
}

/* `id` and `wide`: does the trace type have the field, and the node's value in it? */
static void set_node(json_t *object, const struct record *record, const struct ioam6_node *hop)
{
	bool id = record->type & IOAM6_HOP_AND_ID && hop->id != NODE_ID_NONE;
	bool wide = record->type & IOAM6_HOP_AND_ID_WIDE && hop->id_wide != NODE_ID_WIDE_NONE;
	bool any = record->type & (IOAM6_HOP_AND_ID | IOAM6_HOP_AND_ID_WIDE);
	char text[24];

	/* 255 is a hop limit, but in a field that is all ones it is none */
	set_integer(object, "hop_limit", any && (id || wide || hop->hop_limit != 0xff), hop->hop_limit);
	set_integer(object, "node", id, hop->id);
	if (wide) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)hop->id_wide);
		json_object_set_new(object, "node_wide", json_string(text));
	}
}

static void set_interface(json_t *object, const char *key, uint16_t interface, uint32_t wide)
{
	if (interface != 0xffff)
		json_object_set_new(object, key, json_integer(interface));
	else
		set_integer(object, key, wide != IOAM6_NONE32, wide);
}

static void set_delay(json_t *object, uint32_t delay_ns)
{
	bool overflow = delay_ns & IOAM6_DELAY_OVERFLOW;

	if (delay_ns == IOAM6_NONE32)
		return;
	json_object_set_new(object, "delay_ns", json_integer(overflow ? IOAM6_DELAY_OVERFLOW : delay_ns));
	if (overflow)
		json_object_set_new(object, "delay_overflow", json_true());
}

static json_t *hop_json(const struct record *record, unsigned int i, struct nodes *nodes)
{
	const struct ioam6_node *hop = &record->hops[i];
	const struct node *node = record_node(record, i, nodes);
	json_t *object = json_object();

	set_node(object, record, hop);
	set_interface(object, "ingress_if", hop->ingress_if, hop->ingress_if_wide);
	set_interface(object, "egress_if", hop->egress_if, hop->egress_if_wide);
	set_integer(object, "time_unix_ns", record->hop_unix_ns[i] != INT64_MIN, record->hop_unix_ns[i]);
	set_delay(object, hop->delay_ns);
	set_integer(object, node->queue == NODE_QUEUE_BYTES ? "queue_bytes" : "queue_raw", hop->queue != IOAM6_NONE32,
		    hop->queue);
	return object;
}

static void set_trace(json_t *object, const struct record *record)
{
	json_object_set_new(object, "namespace", json_integer(record->namespace));
	json_object_set_new(object, "overflow", json_boolean(record->overflow));
	json_object_set_new(object, "room_left", json_integer(record->room_left));
}

json_t *record_json(const struct record *record, struct nodes *nodes)
{
	json_t *object = json_object(), *hops = json_array();

	json_object_set_new(object, "time_unix_ns", json_integer(record->time_unix_ns));
	set_address(object, "source", &record->source);
	set_address(object, "destination", &record->destination);
	set_transport(object, record);
	if (record->has_context)
		set_context(object, &record->context, record->carrier);
	if (record->hop_count)
		set_trace(object, record);
	if (record->active || (record->has_context && record->context.attribution & CONTEXT_SHADOW))
		json_object_set_new(object, "shadow", json_true());
	if (record->has_context)
		json_object_set_new(object, "direction",
				    json_string(context_is_reply(&record->context) ? "reply" : "request"));
	for (unsigned int i = 0; i < record->hop_count; i++)
		json_array_append_new(hops, hop_json(record, i, nodes));
	json_object_set_new(object, "hops", hops);
	return object;
}
