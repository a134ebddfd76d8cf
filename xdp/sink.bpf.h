/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a sink does to a packet, the same for XDP and tc: finds the context, records the packet, takes out what is ours.
 *
 * The includer has `config` and says what a packet is to it, all offsets from the IPv6 header: SINK_CONTEXT, the type
 * of the program's argument, packet_ip6(), packet_end(), packet_len(), packet_load(), packet_store(), packet_shrink().
 */
#ifndef HOPSPAN_XDP_SINK_BPF_H
#define HOPSPAN_XDP_SINK_BPF_H

#include "tc/plane.bpf.h"
#include "tc/sink.h"
#include "wire/cut.h"
#include "wire/encap.h"

_Static_assert(ENCAP_LEN_MAX <= SINK_HEADER_LEN, "the largest header that a host inserts");
_Static_assert(OUTCOME_COUNT <= 0xff, "struct sink_meta");

PLANE_COUNTERS(sink)
PLANE_FIND(SINK_CONTEXT)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SINK_RING_LEN);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

/* What came with a packet. */
struct sink_found {
	struct context context;
	__u16 header_len;
	__u16 last, first; /* the options that are ours, 0: none; `last` is the one further back */
	bool others;	   /* there are other options */
	bool ends;	   /* a measurement copy */
};

/* False: nothing of ours; `outcome` says what it is. */
static __always_inline bool sink_find(struct SINK_CONTEXT *packet, struct sink_found *sink, enum outcome *outcome)
{
	__u8 *ip6 = packet_ip6(packet), *end = packet_end(packet);
	enum encap_carrier carrier;
	struct ioam6_found found;
	__u16 identifier;

	if (!plane_find(packet, ip6, end, &found, outcome))
		return false;
	*outcome = found.option ? OUTCOME_no_context : OUTCOME_other_options;
	if (!encap_find_context(ip6, end, &found, config.plain, &sink->context, &carrier))
		return false;
	identifier = carrier == ENCAP_SNAPSHOT ? 0 : found.identifier;
	sink->header_len = found.header_len;
	sink->last = found.option > identifier ? found.option : identifier;
	sink->first = found.option > identifier ? identifier : found.option;
	sink->others = found.others || found.identifier != identifier;
	sink->ends =
	    (found.option && found.trace.flags & IOAM6_FLAG_ACTIVE) || sink->context.attribution & CONTEXT_SHADOW;
	*outcome = sink->ends ? OUTCOME_active_ended : sink->others ? OUTCOME_foreign_option : OUTCOME_recorded;
	return true;
}

/*
 * Wakes the reader when an eighth is full, and then again for every 64th of it: waking takes longer than all else here.
 * The reader looks by itself ten times a second. Of processors that write at once a few may wake it, or none.
 */
static __always_inline __u64 record_wakeup(void)
{
	__u64 written;

	if (bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) <= SINK_RING_LEN / 8)
		return BPF_RB_NO_WAKEUP;
	written = bpf_ringbuf_query(&records, BPF_RB_PROD_POS) % (SINK_RING_LEN / 64);
	return written < 4 * sizeof(struct sink_record) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline bool record_put(struct SINK_CONTEXT *packet, __u32 ifindex)
{
	__u32 len = packet_len(packet);
	struct sink_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record)
		return false;
	record->time_tai_ns = clock_tai_ns();
	record->ifindex = ifindex;
	if (len > SINK_PACKET_LEN)
		len = SINK_PACKET_LEN;
	record->packet_len = len;
	len--;
	asm volatile("" : "+r"(len)); /* 6.1 loses the bound of a length that is compared before it changes */
	len &= 511;
	asm volatile("" : "+r"(len));
	if (len >= SINK_PACKET_LEN || !packet_load(packet, 0, record->packet, len + 1)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return false;
	}
	bpf_ringbuf_submit(record, record_wakeup());
	return true;
}

/* What the IPv6 header says once `len` octets behind it are gone: payload length, next header, hop limit. */
struct sink_fields {
	__u8 octets[4];
};

/* False: BIG TCP. Which length would be the new one, only the kernel knows. */
static __always_inline bool fields_set(const __u8 *ip6, __u32 len, __u8 next_header, struct sink_fields *fields)
{
	__u32 payload_len = be16_load(ip6 + IPV6_PAYLOAD_LEN_AT);

	be16_store(fields->octets, payload_len - len);
	fields->octets[2] = next_header;
	fields->octets[3] = ip6[IPV6_HOP_LIMIT_AT];
	return payload_len;
}

static __always_inline bool packet_shrink(struct SINK_CONTEXT *packet, __u32 len, const struct sink_fields *fields);

/* Takes the whole hop-by-hop header out. */
static __always_inline bool header_strip(struct SINK_CONTEXT *packet, __u32 header_len)
{
	__u8 *ip6 = packet_ip6(packet);
	struct sink_fields fields;

	if (ip6 + IPV6_LEN + 1 > packet_end(packet) || !fields_set(ip6, header_len, ip6[IPV6_LEN], &fields))
		return false;
	return packet_shrink(packet, header_len, &fields);
}

/* The part of a header before what is cut out of it, which moves, and the padding behind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[512 + 8]);
} sink_front SEC(".maps");

static __always_inline void padding_put(__u8 *front, __u32 at, __u32 padding)
{
	for (__u32 i = 0; i < HBH_PADDING_MAX; i++)
		if (i < padding)
			front[at + i] = 0;
	if (padding >= OPTION_HEADER_LEN) {
		front[at] = OPTION_PADN;
		front[at + 1] = padding - OPTION_HEADER_LEN;
	}
}

/* Rare packets come here: global functions, so that the verifier looks at each once. */
__attribute__((noinline)) int option_cut_find(struct SINK_CONTEXT *packet, __u32 option, struct cut *cut)
{
	__u8 *ip6 = packet_ip6(packet), *end = packet_end(packet);

	return cut && ip6 + IPV6_LEN <= end && ip6[IPV6_NEXT_HEADER_AT] == NEXT_HEADER_HOP_BY_HOP &&
	       cut_find(ip6, end, option, cut);
}

/*
 * Takes one option out of a header that stays. Returns whether it could; after the packet has shrunk nothing fails, as
 * its headers are linear and its own.
 */
__attribute__((noinline)) int option_cut(struct SINK_CONTEXT *packet, __u32 option)
{
	__u32 key = 0, before, padding;
	__u8 *front = bpf_map_lookup_elem(&sink_front, &key), *ip6;
	struct sink_fields fields;
	struct cut cut = { 0 };

	if (!front || !option_cut_find(packet, option, &cut))
		return false;
	ip6 = packet_ip6(packet);
	if (ip6 + IPV6_LEN > packet_end(packet) || !fields_set(ip6, cut_len(&cut), NEXT_HEADER_HOP_BY_HOP, &fields))
		return false;
	padding = cut_padding(&cut);
	before = cut.at - IPV6_LEN - 1;
	asm volatile("" : "+r"(before)); /* as in record_put() */
	before &= 511;
	asm volatile("" : "+r"(before));
	if (before >= SINK_HEADER_LEN || !packet_load(packet, IPV6_LEN, front, before + 1))
		return false;
	front[1] -= cut_len(&cut) / 8;
	padding_put(front, before + 1, padding);
	return packet_shrink(packet, cut_len(&cut), &fields) &&
	       packet_store(packet, IPV6_LEN, front, before + 1 + padding);
}

/* Takes what is ours out of a packet that goes on. */
static __always_inline bool sink_strip(struct SINK_CONTEXT *packet, const struct sink_found *sink)
{
	if (!sink->others)
		return header_strip(packet, sink->header_len);
	return option_cut(packet, sink->last) && (!sink->first || option_cut(packet, sink->first));
}

/* Records and strips; returns what to count. */
static __always_inline enum outcome sink_take(struct SINK_CONTEXT *packet, const struct sink_found *sink,
					      enum outcome outcome, __u32 ifindex)
{
	bool recorded = record_put(packet, ifindex);

	if (!sink->ends && !sink_strip(packet, sink))
		return OUTCOME_strip_failed;
	return recorded ? outcome : OUTCOME_ring_full;
}

#endif
