/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The tests, for main(). */
#ifndef HOPSPAN_TESTS_TESTS_H
#define HOPSPAN_TESTS_TESTS_H

void test_xdp_transit(void **state);
void test_xdp_transit_without_link_layer(void **state);
void test_tc_transit(void **state);
void test_transit_other_ethertype(void **state);
void test_transit_vlan_tags(void **state);
void test_namespaces(void **state);
void test_namespaces_change(void **state);
void test_slots(void **state);
void test_tc_depart(void **state);
void test_tc_depart_own_packets(void **state);
void test_tc_sink(void **state);
void test_xdp_sink(void **state);
void test_sink_no_payload_len(void **state);
void test_sink_ring_full(void **state);
void test_sink_other_options(void **state);
void test_border_vectors(void **state);
void test_border_headers(void **state);
void test_border_long_header(void **state);
void test_border_prefixes(void **state);
void test_border_tags(void **state);
void test_forward_any(void **state);
void test_forward_reasons(void **state);
void test_forward_frames(void **state);

#endif
