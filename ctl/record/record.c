/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An IPv6 packet's octets -> a record. All offsets are wire/'s; here are the order of hops and the meaning of times.
 */
#include "record.h"

#include <string.h>

#include "leap.h"
#include "wire/encap.h"

static const int64_t second_ns = 1000000000;
static const int64_t ntp_epoch_to_unix_s = 2208988800; /* 1900 to 1970 */
static const int64_t seconds_wrap = 1LL << 32;

/* Our own namespace's trace if the packet has one, else the first of any. */
static enum outcome trace_find(uint8_t *ip6, const uint8_t *end, struct ioam6_found *found)
{
	enum outcome why;

	if (!ioam6_find(ip6, end, CONTEXT_NAMESPACE, found, &why))
		return why;
	if (!found->option && !ioam6_find(ip6, end, IOAM6_NAMESPACE_ANY, found, &why))
		return why;
	return OUTCOME_recorded;
}

/* The used part of the data lists the last hop first; hops[] the sender first. */
static enum outcome hops_read(const uint8_t *data, const struct ioam6_found *found, struct record *record)
{
	uint32_t at = found->trace.remaining_words * IOAM6_WORD, len = found->data_words * IOAM6_WORD;
	unsigned int count = 0;

	for (uint32_t octets; at < len; at += octets) {
		octets = node_read(data, at, len, found->trace.type, &record->hops[count]);
		if (!octets)
			return OUTCOME_bad_node_data;
		count++;
	}
	for (unsigned int i = 0; i < count / 2; i++) {
		struct ioam6_node hop = record->hops[i];

		record->hops[i] = record->hops[count - 1 - i];
		record->hops[count - 1 - i] = hop;
	}
	record->hop_count = count;
	return OUTCOME_recorded;
}

static void trace_read(const struct ioam6_found *found, struct record *record)
{
	const struct ioam6_trace *trace = &found->trace;
	uint32_t words = ioam6_node_words(trace->type);

	record->namespace = trace->namespace;
	record->type = trace->type;
	record->overflow = trace->flags & IOAM6_FLAG_OVERFLOW;
	record->active = trace->flags & IOAM6_FLAG_ACTIVE;
	record->room_left = words ? trace->remaining_words / words : 0;
}

static void addresses_read(uint8_t *ip6, const uint8_t *end, const struct ioam6_found *found, struct record *record)
{
	const uint8_t *transport = bytes_at(ip6, end, IPV6_LEN + found->header_len, 4);

	record->packet = ip6;
	record->packet_len = transport ? IPV6_LEN + found->header_len + 4U : (size_t)(end - ip6);
	memcpy(&record->source, ip6 + IPV6_SOURCE_AT, sizeof(record->source));
	memcpy(&record->destination, ip6 + IPV6_DESTINATION_AT, sizeof(record->destination));
	record->hop_limit = ip6[IPV6_HOP_LIMIT_AT];
	record->transport = ip6[IPV6_LEN]; /* the hop-by-hop header's next header */
	if (transport && (record->transport == NEXT_HEADER_TCP || record->transport == NEXT_HEADER_UDP)) {
		record->source_port = be16_load(transport);
		record->destination_port = be16_load(transport + 2);
	}
}

/* Its hops stay as they are: there are none. */
static void record_empty(struct record *record)
{
	const size_t kept = offsetof(struct record, packet);

	memset((uint8_t *)record + kept, 0, offsetof(struct record, hops) - kept);
}

enum outcome record_decode(const uint8_t *packet, size_t len, struct record *record)
{
	uint8_t *ip6 = (uint8_t *)packet; /* wire/ walks a packet that may be written to; nothing here writes */
	struct ioam6_found found;
	enum outcome outcome;
	uint32_t payload_len;

	if (len == 0 || !ipv6_is(ip6))
		return OUTCOME_pass;
	if (len < IPV6_LEN)
		return OUTCOME_bad_truncated;
	if (ip6[IPV6_NEXT_HEADER_AT] != NEXT_HEADER_HOP_BY_HOP)
		return OUTCOME_pass;
	payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);
	if (payload_len && IPV6_LEN + payload_len < len) /* the frame's padding is not the packet's; 0: BIG TCP */
		len = IPV6_LEN + payload_len;
	outcome = trace_find(ip6, ip6 + len, &found);
	if (outcome != OUTCOME_recorded)
		return outcome;
	record_empty(record);
	addresses_read(ip6, ip6 + len, &found, record);
	record->has_context = encap_find_context(ip6, ip6 + len, &found, true, &record->context, &record->carrier);
	if (found.option) {
		trace_read(&found, record);
		outcome = hops_read(ip6 + found.option + IOAM6_DATA_AT, &found, record);
	}
	if (!record->hop_count && !record->has_context)
		return outcome == OUTCOME_recorded ? OUTCOME_pass : outcome;
	for (unsigned int i = 0; i < record->hop_count; i++)
		record->hop_unix_ns[i] = INT64_MIN;
	return outcome;
}

const struct node *record_node(const struct record *record, unsigned int hop, struct nodes *nodes)
{
	const struct ioam6_node *node = &record->hops[hop];
	bool narrow = record->type & IOAM6_HOP_AND_ID && node->id != NODE_ID_NONE;

	if (!narrow && record->type & IOAM6_HOP_AND_ID_WIDE)
		return nodes_find(nodes, node->id_wide, true);
	return nodes_find(nodes, node->id & NODE_ID_NONE, false);
}

/* The stamp's fraction in ns; less than 0: none, or none of this format. */
static int64_t fraction_ns(enum node_time format, uint32_t fraction)
{
	int64_t ns = fraction;

	if (fraction == IOAM6_NONE32)
		return -1;
	if (format == NODE_NTP)
		return (ns * second_ns) >> 32;
	if (format == NODE_POSIX)
		ns *= 1000;
	return ns < second_ns ? ns : -1;
}

/* The stamp's whole seconds as Unix seconds. They are 32 bits that wrap: the ones nearest to `near_s`. */
static int64_t seconds_unix(enum node_time format, uint32_t seconds, int64_t near_s)
{
	int64_t unix_s = seconds, wraps;

	if (format == NODE_PTP)
		near_s += leap_seconds(near_s);
	if (format == NODE_NTP)
		unix_s -= ntp_epoch_to_unix_s;
	wraps = near_s - unix_s + seconds_wrap / 2;
	unix_s += (wraps / seconds_wrap - (wraps % seconds_wrap < 0)) * seconds_wrap;
	return format == NODE_PTP ? unix_s - leap_seconds(unix_s - leap_seconds(unix_s)) : unix_s;
}

/* The time with this fraction of a second that lies from 0.75 s before `near_ns` to 0.25 s after it. */
static int64_t fraction_place(int64_t ns, int64_t near_ns)
{
	int64_t after = (ns - near_ns) % second_ns;

	if (after < 0)
		after += second_ns;
	return near_ns + (after > second_ns / 4 ? after - second_ns : after);
}

void record_times(struct record *record, struct nodes *nodes)
{
	int64_t near_ns = record->time_unix_ns;

	for (unsigned int i = record->hop_count; i-- > 0;) {
		const struct ioam6_node *hop = &record->hops[i];
		enum node_time format = record_node(record, i, nodes)->time;
		int64_t ns = fraction_ns(format, hop->fraction);

		record->hop_unix_ns[i] = INT64_MIN;
		if (ns < 0)
			continue;
		if (hop->seconds != IOAM6_NONE32)
			near_ns = seconds_unix(format, hop->seconds, near_ns / second_ns) * second_ns + ns;
		else
			near_ns = fraction_place(ns, near_ns);
		record->hop_unix_ns[i] = near_ns;
	}
}
