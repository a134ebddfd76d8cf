/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything that can happen to a packet, in one list: each way out of each dataplane program counts one of these.
 *
 * OUTCOME(name, text): `name` is the counter's name everywhere (JSON key, metric, DPDK statistic), `text` what a
 * person reads. Names may be added at the end of their group; none is ever renamed.
 */
#ifndef HOPSPAN_WIRE_OUTCOME_H
#define HOPSPAN_WIRE_OUTCOME_H

#define OUTCOME_LIST(OUTCOME)                                                                                     \
	/* untouched: nothing for us in the packet */                                                             \
	OUTCOME(pass, "no option, not ours to touch")                                                             \
	OUTCOME(other_options, "options, but no trace in our namespace")                                          \
	/* sending host */                                                                                        \
	OUTCOME(stamped_in_place, "stamped in place")                                                             \
	OUTCOME(stamped_clone, "stamped as a clone")                                                              \
	OUTCOME(stamped_shadow, "a shadow stamped and sent before its packet")                                    \
	OUTCOME(bare_no_context, "bare: socket without a context")                                                \
	OUTCOME(bare_range_done, "bare: these bytes' context has had its packet")                                 \
	OUTCOME(bare_no_data, "bare: carries no data")                                                            \
	OUTCOME(bare_protocol, "bare: not the socket's own TCP or UDP packet")                                    \
	OUTCOME(bare_extension, "bare: already has an extension header")                                          \
	OUTCOME(bare_big_tcp, "bare: BIG TCP")                                                                    \
	OUTCOME(bare_sequence, "bare: sequence not the socket's (tunnel, NAT, other host)")                       \
	OUTCOME(bare_retransmission, "bare: retransmission or late")                                              \
	OUTCOME(bare_prefix, "bare: destination not proved")                                                      \
	OUTCOME(bare_off, "bare: destination switched off")                                                       \
	OUTCOME(bare_late, "bare: datagram that waited, or that another process sent")                            \
	OUTCOME(bare_budget, "bare: more than the host's budget of stamped packets")                              \
	OUTCOME(bare_bulk_budget, "bare: more than the host's budget of shadows beside offloaded data")           \
	OUTCOME(bare_gso, "bare: segmentation offload")                                                           \
	OUTCOME(bare_mtu, "bare: would exceed the MTU")                                                           \
	OUTCOME(bare_headroom, "bare: no headroom and no clone allowed")                                          \
	OUTCOME(bare_shadow_limit, "bare: two shadows without SACK are enough for one acknowledgement")           \
	OUTCOME(bare_clone_failed, "bare: the kernel could not clone")                                            \
	OUTCOME(range_opened, "a context set")                                                                    \
	OUTCOME(range_replaced, "a context replaced before any byte of it was sent stamped")                      \
	OUTCOME(range_forgotten, "a context forgotten: too many in flight on its socket")                         \
	OUTCOME(option_refused, "a context refused: the call was wrong")                                          \
	OUTCOME(option_no_memory, "a context refused: no memory for it")                                          \
	OUTCOME(range_unstamped, "a context whose bytes all went without it")                                     \
	OUTCOME(replies_ambiguous, "reply left bare: more than one request in flight")                            \
	OUTCOME(repeat_recorded, "bytes of a context sent again, recorded")                                       \
	/* router */                                                                                              \
	OUTCOME(appended, "node data written")                                                                    \
	OUTCOME(completed, "departure written")                                                                   \
	OUTCOME(slot_lost, "slot of this node not found at departure")                                            \
	OUTCOME(no_room, "no room left, overflow set")                                                            \
	OUTCOME(overflowed, "overflow was set already")                                                           \
	OUTCOME(no_metadata, "device refused metadata; departure finds the slot by node id")                      \
	OUTCOME(xdp_arrived, "node data was written by XDP already")                                              \
	OUTCOME(wait_measured, "wait in the queue measured")                                                      \
	OUTCOME(no_departure, "no departure from here in the trace, so no wait")                                  \
	OUTCOME(forwarded_xdp, "forwarded by XDP")                                                                \
	OUTCOME(kernel_off, "left to the kernel: forwarding is off there")                                        \
	OUTCOME(kernel_rules, "left to the kernel: netfilter, IPsec or a bridge has its say")                     \
	OUTCOME(kernel_frame, "left to the kernel: frame for another, or not whole by itself")                    \
	OUTCOME(kernel_header, "left to the kernel: fragment, option or protocol to look into")                   \
	OUTCOME(kernel_address, "left to the kernel: multicast, link-local or no address to forward")             \
	OUTCOME(kernel_hop_limit, "left to the kernel: hop limit ends")                                           \
	OUTCOME(kernel_too_big, "left to the kernel: exceeds the MTU")                                            \
	OUTCOME(kernel_route, "left to the kernel: own address, no route, or no plain one")                       \
	OUTCOME(kernel_neighbour, "left to the kernel: neighbour's address not known")                            \
	OUTCOME(kernel_device, "left to the kernel: packets do not leave from here by that device")               \
	OUTCOME(kernel_protocol, "left to the kernel: not IPv6")                                                  \
	OUTCOME(kernel_turn, "left to the kernel, now and then: it keeps neighbours known")                       \
	/* receiving host */                                                                                      \
	OUTCOME(recorded, "recorded and stripped")                                                                \
	OUTCOME(active_ended, "measurement copy ended")                                                           \
	OUTCOME(no_context, "option without a trace context, left alone")                                         \
	OUTCOME(foreign_option, "recorded and stripped of ours; other options stay")                              \
	OUTCOME(strip_failed, "not stripped: refused by the kernel, or no payload length")                        \
	OUTCOME(ring_full, "not recorded, else as usual: ring buffer full")                                       \
	OUTCOME(reply_learnt, "context kept for the reply")                                                       \
	OUTCOME(reply_no_socket, "no socket to tell the context that came")                                       \
	OUTCOME(received_no_memory, "no memory to keep the context that came")                                    \
	OUTCOME(xdp_took, "of those, taken by XDP before tc")                                                     \
	OUTCOME(xdp_refused, "left to tc: the device refused XDP metadata")                                       \
	/* border, beside active_ended */                                                                         \
	OUTCOME(stripped, "options taken out")                                                                    \
	OUTCOME(blanked, "options overwritten, as they could not be taken out")                                   \
	OUTCOME(allowed, "options that may cross")                                                                \
	OUTCOME(drop_options, "dropped: carries options that may not cross")                                      \
	OUTCOME(drop_unstripped, "dropped: options could neither be taken out nor overwritten")                   \
	/* malformed: passes unchanged, never written to */                                                       \
	OUTCOME(bad_truncated, "malformed: packet ends inside a header")                                          \
	OUTCOME(bad_option_len, "malformed: option reaches beyond its header")                                    \
	OUTCOME(bad_padding, "malformed: padding too long or not zero")                                           \
	OUTCOME(bad_option_count, "malformed: too many options")                                                  \
	OUTCOME(bad_alignment, "malformed: IOAM option not at a multiple of 4")                                   \
	OUTCOME(bad_trace_len, "malformed: trace option shorter than its header or not in words")                 \
	OUTCOME(bad_node_len, "malformed: NodeLen does not match the trace type")                                 \
	OUTCOME(bad_remaining_len, "malformed: RemainingLen beyond the option")                                   \
	OUTCOME(bad_node_data, "malformed: node data does not end where the option does")                         \
	/* DPDK forwarder */                                                                                      \
	OUTCOME(forwarded, "forwarded")                                                                           \
	OUTCOME(drop_queue_full, "dropped: egress queue full, by octets")                                         \
	OUTCOME(drop_port_down, "dropped: port down or gone, or it took no more at the end")                      \
	OUTCOME(drop_too_long, "dropped: longer than the egress port's MTU, segmentation offload at its sender?") \
	OUTCOME(drop_queue_packets, "dropped: egress queue full, by packets")                                     \
	OUTCOME(from_kernel, "sent by the kernel by a port's twin")                                               \
	OUTCOME(drop_twin, "dropped: the kernel takes no more, or a port's twin is down")

#define OUTCOME_ENUM(name, text) OUTCOME_##name,
enum outcome { OUTCOME_LIST(OUTCOME_ENUM) OUTCOME_COUNT };

#endif
