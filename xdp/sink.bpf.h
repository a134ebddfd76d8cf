/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a sink does to a packet, the same for XDP and tc: finds the context, records the packet, takes out what is ours.
 *
 * The includer has `config` and says what a packet is to it: packet.bpf.h of tc or XDP.
 */
#ifndef HOPSPAN_XDP_SINK_BPF_H
#define HOPSPAN_XDP_SINK_BPF_H

#include "tc/plane.bpf.h"
#include "tc/records.bpf.h"
#include "strip.bpf.h"
#include "tc/sink.h"
#include "wire/encap.h"

_Static_assert(ENCAP_LEN_MAX <= SINK_HEADER_LEN, "the largest header that a host inserts");
_Static_assert(OUTCOME_COUNT <= 0xff, "struct sink_meta");

PLANE_COUNTERS(sink)
PLANE_FIND(PACKET_CONTEXT)

/* What came with a packet. */
struct sink_found {
	struct context context;
	__u16 header_len;
	__u16 last, first; /* the options that are ours, 0: none; `last` is the one further back */
	bool others;	   /* there are other options */
	bool ends;	   /* a measurement copy */
};

/* False: nothing of ours; `outcome` says what it is. */
static __always_inline bool sink_find(struct PACKET_CONTEXT *packet, struct sink_found *sink, enum outcome *outcome)
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

static __always_inline bool record_put(struct PACKET_CONTEXT *packet, __u32 ifindex)
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

/* Takes what is ours out of a packet that goes on. */
static __always_inline bool sink_strip(struct PACKET_CONTEXT *packet, const struct sink_found *sink)
{
	if (!sink->others)
		return header_strip(packet, sink->header_len);
	return option_cut(packet, sink->last) && (!sink->first || option_cut(packet, sink->first));
}

/* Records and strips; returns what to count. */
static __always_inline enum outcome sink_take(struct PACKET_CONTEXT *packet, const struct sink_found *sink,
					      enum outcome outcome, __u32 ifindex)
{
	bool recorded = record_put(packet, ifindex);

	if (!sink->ends && !sink_strip(packet, sink))
		return OUTCOME_strip_failed;
	return recorded ? outcome : OUTCOME_ring_full;
}

#endif
