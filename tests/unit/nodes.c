/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* nodes.yaml: what is read, what is refused and where, and nodes that no file lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complaint.h"
#include "record/nodes.h"

static char path[] = "/tmp/hopspan-nodes-XXXXXX";

static int setup(void **state)
{
	int file = mkstemp(path);

	(void)state;
	close(file);
	return file < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* nodes_read() of a file with this text; what it prints goes to `errors`, without the file's name. */
static int read_text(const char *text, struct nodes **nodes, char errors[256])
{
	FILE *file = fopen(path, "w");
	struct complaint complaint;
	int error;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	complaint_begin(&complaint);
	error = nodes_read(path, nodes);
	complaint_end(&complaint, path, errors);
	return error;
}

static struct nodes *good(const char *text)
{
	struct nodes *nodes = NULL;
	char errors[256];

	assert_int_equal(read_text(text, &nodes, errors), 0);
	assert_string_equal(errors, "");
	assert_non_null(nodes);
	return nodes;
}

static void bad(const char *text, const char *wanted)
{
	struct nodes *nodes = NULL;
	char errors[256];

	assert_int_equal(read_text(text, &nodes, errors), -EINVAL);
	assert_string_equal(errors, wanted);
	assert_null(nodes);
}

static void test_every_key(void **state)
{
	struct nodes *nodes = good("- node: 2\n"
				   "  name: r1\n"
				   "  role: router\n"
				   "  dataplane: dpdk\n"
				   "  time: posix\n"
				   "  delay: after-queue\n"
				   "  queue: packets\n"
				   "  interfaces: {3: eth1, 0x10: \"port 2\", 70000: wide}\n"
				   "- {node_wide: 0x11223344556677, name: big, role: host, dataplane: tc, time: ntp,\n"
				   "   delay: none, queue: unknown}\n");
	const struct node *r1 = nodes_find(nodes, 2, 0), *big = nodes_find(nodes, 0x11223344556677, 1);

	(void)state;
	assert_string_equal(r1->name, "r1");
	assert_int_equal(r1->role, NODE_ROUTER);
	assert_int_equal(r1->dataplane, NODE_DPDK);
	assert_int_equal(r1->time, NODE_POSIX);
	assert_int_equal(r1->delay, NODE_AFTER_QUEUE);
	assert_int_equal(r1->queue, NODE_QUEUE_PACKETS);
	assert_string_equal(nodes_interface(nodes, r1, 3), "eth1");
	assert_string_equal(nodes_interface(nodes, r1, 16), "port 2");
	assert_string_equal(nodes_interface(nodes, r1, 70000), "wide");
	assert_string_equal(nodes_interface(nodes, r1, 4), "if 4");
	assert_string_equal(big->name, "big");
	assert_int_equal(big->role, NODE_HOST);
	assert_int_equal(big->dataplane, NODE_TC);
	assert_int_equal(big->time, NODE_NTP);
	assert_int_equal(big->delay, NODE_NO_DELAY);
	assert_int_equal(big->queue, NODE_QUEUE_UNKNOWN);
	assert_string_equal(nodes_interface(nodes, big, 3), "if 3");
	nodes_free(nodes);
}

static void check_defaults(const struct node *node, const char *name)
{
	assert_string_equal(node->name, name);
	assert_int_equal(node->role, NODE_ROLE_UNKNOWN);
	assert_int_equal(node->dataplane, NODE_OTHER);
	assert_int_equal(node->time, NODE_PTP);
	assert_int_equal(node->delay, NODE_BEFORE_QUEUE);
	assert_int_equal(node->queue, NODE_QUEUE_BYTES);
	assert_int_equal(node->interface_count, 0);
}

static void test_defaults(void **state)
{
	struct nodes *nodes = good("- node: 7\n");
	const struct node *unlisted;

	(void)state;
	check_defaults(nodes_find(nodes, 7, 0), "node 7");
	unlisted = nodes_find(nodes, 4711, 0);
	check_defaults(unlisted, "node 4711");
	assert_ptr_equal(nodes_find(nodes, 4711, 0), unlisted);
	assert_ptr_not_equal(nodes_find(nodes, 4711, 1), unlisted);
	check_defaults(nodes_find(nodes, 0xffffffffffff, 1), "node 281474976710655");
	check_defaults(nodes_find(nodes, NODE_ID_NONE, 0), "node ?");
	check_defaults(nodes_find(nodes, NODE_ID_WIDE_NONE, 1), "node ?");
	nodes_free(nodes);
}

static void test_no_nodes(void **state)
{
	struct nodes *nodes;

	(void)state;
	nodes_free(good(""));
	nodes_free(good("# nothing yet\n"));
	nodes_free(good("[]\n"));
	assert_int_equal(nodes_read(NULL, &nodes), 0);
	check_defaults(nodes_find(nodes, 1, 0), "node 1");
	nodes_free(nodes);
	nodes_free(NULL);
}

static void test_missing_file(void **state)
{
	struct nodes *nodes = NULL;

	(void)state;
	assert_int_equal(nodes_read("/nonexistent/nodes.yaml", &nodes), -ENOENT);
	assert_int_equal(nodes_read("/tmp", &nodes), -EISDIR);
	assert_null(nodes);
}

static void test_errors_name_the_place(void **state)
{
	(void)state;
	bad("- node: 1\n  nmae: a\n", ":2:3: no such key: \"nmae\"");
	bad("- {node: 1}\n- {node: 2, name: a, name: b}\n", ":2:22: name stands twice in this node");
	bad("- {node: 1}\n- {node: 2}\n- {node: 0x1, name: again}\n", ":3:3: node 1 is there already");
	bad("- {node_wide: 5}\n- {node_wide: 5}\n", ":2:3: node_wide 5 is there already");
	bad("- {name: a}\n", ":1:3: each node has either node or node_wide");
	bad("- {node: 1, node_wide: 2}\n", ":1:3: each node has either node or node_wide");
	bad("- {node: 16777215}\n", ":1:10: node: a number from 0 to 16777214, not \"16777215\"");
	bad("- {node: -1}\n", ":1:10: node: a number from 0 to 16777214, not \"-1\"");
	bad("- {node: 1x}\n", ":1:10: node: a number from 0 to 16777214, not \"1x\"");
	bad("- {node: 0x}\n", ":1:10: node: a number from 0 to 16777214, not \"0x\"");
	bad("- {node: [1]}\n", ":1:10: node: a number from 0 to 16777214, not \"...\"");
	bad("- {node: 99999999999999999999}\n",
	    ":1:10: node: a number from 0 to 16777214, not \"99999999999999999999\"");
	bad("- {node: 1, time: utc}\n", ":1:19: time: ptp | ntp | posix, not \"utc\"");
	bad("- {node: 1, role: }\n", ":1:19: role: host | router, not \"\"");
	bad("- {node: 1, name: \"a\\eb\"}\n", ":1:19: name: a name without control characters is expected");
	bad("- {node: 1, name: \"\"}\n", ":1:19: name: a name without control characters is expected");
	bad("- {node: 1, interfaces: [eth0]}\n", ":1:25: interfaces: {ID: NAME, ...} is expected");
	bad("- {node: 1, interfaces: {eth0: 3}}\n", ":1:26: interface: a number from 0 to 4294967294, not \"eth0\"");
	bad("- {node: 1, interfaces: {3: a, 3: b}}\n", ":1:32: interface 3 is there already");
	bad("node: 1\n", ":1:1: a list of nodes is expected: - {node: N, name: NAME, ...}");
	bad("- 5\n", ":1:3: a node is expected: {node: N, name: NAME, ...}");
	bad("- {node: 1\n- {", ":2:3: did not find expected ',' or '}'");
	bad("- node: \xff\n", ": octet 8: invalid leading UTF-8 octet");
}

/* Packets of a stranger may name any id: memory stays bounded, and the listed nodes known. */
static void test_many_unlisted(void **state)
{
	struct nodes *nodes = good("- {node: 3, name: r1, interfaces: {1: eth1}}\n");
	const struct node *r1 = nodes_find(nodes, 3, 0);

	(void)state;
	for (uint32_t id = 0; id < 200000; id++) {
		assert_non_null(nodes_find(nodes, (uint64_t)id << 20, 1));
		assert_non_null(nodes_interface(nodes, r1, id + 2));
	}
	assert_string_equal(nodes_find(nodes, 199999ULL << 20, 1)->name, "node ?");
	assert_string_equal(nodes_find(nodes, 5, 0)->name, "node ?");
	assert_string_equal(nodes_find(nodes, 1ULL << 20, 1)->name, "node 1048576");
	assert_string_equal(nodes_find(nodes, 3, 0)->name, "r1");
	assert_string_equal(nodes_interface(nodes, r1, 1), "eth1");
	assert_string_equal(nodes_interface(nodes, r1, 100), "if 100");
	assert_string_equal(nodes_interface(nodes, r1, 150000), "if ?");
	nodes_free(nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_no_nodes),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_errors_name_the_place),
		cmocka_unit_test(test_many_unlisted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
