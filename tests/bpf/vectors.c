/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The BPF programs that the command carries, run by the kernel on every vector and on random mutations of them.
 *
 * All of it in a mount and a network namespace of its own, with a BPF file system that ends with the process.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "tests.h"
#include "trial.h"

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdp_transit),
		cmocka_unit_test(test_xdp_transit_without_link_layer),
		cmocka_unit_test(test_tc_transit),
		cmocka_unit_test(test_transit_other_ethertype),
		cmocka_unit_test(test_transit_vlan_tags),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_namespaces_change),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_tc_depart),
		cmocka_unit_test(test_tc_depart_own_packets),
		cmocka_unit_test(test_tc_sink),
		cmocka_unit_test(test_xdp_sink),
		cmocka_unit_test(test_sink_no_payload_len),
		cmocka_unit_test(test_sink_ring_full),
		cmocka_unit_test(test_sink_other_options),
		cmocka_unit_test(test_border_vectors),
		cmocka_unit_test(test_border_headers),
		cmocka_unit_test(test_border_long_header),
		cmocka_unit_test(test_border_prefixes),
		cmocka_unit_test(test_border_tags),
		cmocka_unit_test(test_forward_any),
		cmocka_unit_test(test_forward_frames),
		cmocka_unit_test(test_forward_reasons),
	};

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(1, "own namespaces");
	if (mount("bpf", TRIAL_FOLDER, "bpf", 0, "mode=0700"))
		err(1, "%s", TRIAL_FOLDER);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
