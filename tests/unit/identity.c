/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* node.yaml: which ids a device's programs get, what is refused and where, which file is read. */
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
#include "plane/identity.h"

static char path[] = "/tmp/hopspan-node-XXXXXX";

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

static void write_text(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* What identity_read() prints goes to `errors`, without the file's name. */
static int read_text(const char *text, struct identity **identity, char errors[256])
{
	struct complaint complaint;
	int error;

	write_text(text);
	complaint_begin(&complaint);
	error = identity_read(path, identity);
	complaint_end(&complaint, path, errors);
	return error;
}

static struct identity *good(const char *text)
{
	struct identity *identity = NULL;
	char errors[256];

	assert_int_equal(read_text(text, &identity, errors), 0);
	assert_string_equal(errors, "");
	assert_non_null(identity);
	return identity;
}

static void bad(const char *text, const char *wanted)
{
	struct identity *identity = NULL;
	char errors[256];

	assert_int_equal(read_text(text, &identity, errors), -EINVAL);
	assert_string_equal(errors, wanted);
	assert_null(identity);
}

static void check_node(const struct identity *identity, uint32_t id, uint64_t id_wide, uint16_t namespace)
{
	struct plane_node self = { .link_len = 14, .kfuncs = 1 };

	identity_fill(identity, "eth0", 2, &self);
	assert_int_equal(self.id, id);
	assert_true(self.id_wide == id_wide);
	assert_int_equal(self.namespace, namespace);
	assert_int_equal(self.link_len, 14);
	assert_int_equal(self.kfuncs, 1);
}

static void check_interface(const struct identity *identity, const char *device, int ifindex, uint16_t id,
			    uint32_t id_wide)
{
	struct plane_node self = { 0 };

	identity_fill(identity, device, ifindex, &self);
	assert_int_equal(self.interface, id);
	assert_int_equal(self.interface_wide, id_wide);
}

static void test_every_key(void **state)
{
	struct identity *identity = good("node_id: 4711\n"
					 "node_id_wide: 0x11223344556677\n"
					 "interfaces:\n"
					 "  eth0: {id: 7, id_wide: 70000}\n"
					 "  eth1: {id: 0xffff}\n"
					 "  eth2: {id_wide: 0xffffffff}\n"
					 "  eth3: {}\n"
					 "  eth4:\n"
					 "  eth5: {id: 0, id_wide: 0}\n"
					 "namespaces: {123: {time: ptp}}\n");

	(void)state;
	check_node(identity, 4711, 0x11223344556677, 123);
	check_interface(identity, "eth0", 3, 7, 70000);
	check_interface(identity, "eth1", 3, 0xffff, 3);
	check_interface(identity, "eth2", 3, 3, 0xffffffff);
	check_interface(identity, "eth3", 3, 3, 3);
	check_interface(identity, "eth4", 3, 3, 3);
	check_interface(identity, "eth5", 3, 0, 0);
	check_interface(identity, "eth", 3, 3, 3);
	identity_free(identity);
}

static void check_defaults(struct identity *identity)
{
	check_node(identity, 0xffffff, 0xffffffffffffff, 0x6873);
	check_interface(identity, "eth0", 1, 1, 1);
	identity_free(identity);
}

static void test_defaults(void **state)
{
	(void)state;
	check_defaults(good(""));
	check_defaults(good("# nothing yet\n"));
	check_defaults(good("{}\n"));
	check_defaults(good("node_id: 0xffffff\nnode_id_wide: 0xffffffffffffff\ninterfaces:\nnamespaces:\n"));
	check_defaults(good("namespaces: {}\ninterfaces: {}\n"));
	check_defaults(good("namespaces: {0x6873: {}}\n"));
	check_defaults(good("namespaces:\n  0x6873:\n"));
	identity_free(NULL);
}

static void test_large_ifindex(void **state)
{
	struct identity *identity = good("interfaces: {eth1: {id: 9}}\n");

	(void)state;
	check_interface(identity, "eth0", 65534, 65534, 65534);
	check_interface(identity, "eth0", 65535, 0xffff, 65535);
	check_interface(identity, "eth0", 65537, 0xffff, 65537);
	check_interface(identity, "eth1", 65537, 9, 65537);
	identity_free(identity);
}

static void test_errors_name_the_place(void **state)
{
	(void)state;
	bad("node_id: 1\nnodeid: 2\n", ":2:1: no such key: \"nodeid\"");
	bad("node_id: 1\nnode_id: 2\n", ":2:1: node_id stands twice in this file");
	bad("node_id: 0x1000000\n", ":1:10: node_id: a number from 0 to 16777215, not \"0x1000000\"");
	bad("node_id: r1\n", ":1:10: node_id: a number from 0 to 16777215, not \"r1\"");
	bad("node_id:\n", ":1:9: node_id: a number from 0 to 16777215, not \"\"");
	bad("node_id_wide: 0x100000000000000\n",
	    ":1:15: node_id_wide: a number from 0 to 72057594037927935, not \"0x100000000000000\"");
	bad("- node_id: 1\n", ":1:1: node_id: N, interfaces: {...}, ... is expected");
	bad("interfaces: [eth0]\n", ":1:13: interfaces: {DEV: {id: N, id_wide: N}, ...} is expected");
	bad("interfaces: {eth0: 3}\n", ":1:20: {id: N, id_wide: N} is expected");
	bad("interfaces: {eth0: {id: 65536}}\n", ":1:25: id: a number from 0 to 65535, not \"65536\"");
	bad("interfaces: {eth0: {id_wide: 0x100000000}}\n",
	    ":1:30: id_wide: a number from 0 to 4294967295, not \"0x100000000\"");
	bad("interfaces: {eth0: {ifindex: 3}}\n", ":1:21: no such key: \"ifindex\"");
	bad("interfaces: {eth0: {id: 3, id: 4}}\n", ":1:28: id stands twice in this interface");
	bad("interfaces:\n  eth0: {}\n  eth0: {id: 1}\n", ":3:3: eth0 stands twice in interfaces");
	bad("interfaces: {a-name-too-long-: {id: 1}}\n",
	    ":1:14: interfaces: no device can be called \"a-name-too-long-\"");
	bad("interfaces: {\"\": {id: 1}}\n", ":1:14: interfaces: no device can be called \"\"");
	bad("interfaces: {[eth0]: {id: 1}}\n", ":1:14: interfaces: no device can be called \"...\"");
	bad("namespaces: 0x6873\n", ":1:13: namespaces: {NUMBER: {time: ptp}, ...} is expected");
	bad("namespaces: {65536: {}}\n", ":1:14: namespace: a number from 0 to 65535, not \"65536\"");
	bad("namespaces: {1: {clock: ptp}}\n", ":1:18: no such key: \"clock\"");
	bad("namespaces: {1: {time: utc}}\n", ":1:24: time: ptp | ntp | posix, not \"utc\"");
	bad("node_id: 1\n---\nnode_id: 2\n", ":3:1: a second document: only one is read");
	bad("node_id: {\n", ":2:1: did not find expected node content");
	bad("node_id: 1\n---\nnode_id: {\n", ":4:1: did not find expected node content");
	bad("node_id: \xff\n", ": octet 9: invalid leading UTF-8 octet");
}

static void check_namespace(const struct identity *identity, uint32_t place, const struct ioam6_namespace *wanted)
{
	const struct ioam6_namespaces *namespaces = identity_namespaces(identity);

	assert_int_equal(ioam6_namespace_place(namespaces, wanted->id), place);
	assert_memory_equal(ioam6_namespace_at(namespaces, place), wanted, sizeof(*wanted));
}

static void test_namespaces(void **state)
{
	static const struct ioam6_namespace own = { .data_wide = 9, .data = ~0U, .schema_id = 0xffffff, .id = 0x6873 };
	static const struct ioam6_namespace first = {
		.data_wide = ~0ULL,
		.data = 0x01020304,
		.schema_id = 0x0a0b0c,
		.id = 0,
		.time = IOAM6_TIME_NTP,
		.schema_words = 2,
		.schema = { 0x00, 0xff, 0x1e, 0x80, 0x5a },
	};
	static const struct ioam6_namespace last = {
		.data_wide = ~0ULL, .data = 0, .schema_id = 0, .id = 0xffff, .time = IOAM6_TIME_POSIX
	};
	struct identity *identity = good("namespaces:\n"
					 "  0: {time: ntp, data: 0x01020304, schema_id: 0x0a0b0c, schema: 00ff1E805a}\n"
					 "  0x6873: {data_wide: 9}\n"
					 "  0xffff: {time: posix, data: 0, schema_id: 0}\n");

	(void)state;
	check_node(identity, 0xffffff, 0xffffffffffffff, 0x6873);
	assert_int_equal(identity_namespaces(identity)->count, 3);
	check_namespace(identity, 1, &own);
	check_namespace(identity, 2, &first);
	check_namespace(identity, 3, &last);
	assert_int_equal(ioam6_namespace_place(identity_namespaces(identity), 1), 0);
	identity_free(identity);

	/* Without our own, a host stamps in the first. */
	identity = good("namespaces: {7: {time: posix}, 3: {}}\n");
	check_node(identity, 0xffffff, 0xffffffffffffff, 7);
	assert_int_equal(ioam6_namespace_place(identity_namespaces(identity), 3), 2);
	assert_int_equal(ioam6_namespace_place(identity_namespaces(identity), 0x6873), 0);
	identity_free(identity);
}

static void test_namespaces_refused(void **state)
{
	char text[1024] = "namespaces: {";

	(void)state;
	bad("namespaces:\n  1: {}\n  0x1: {}\n", ":3:3: 1 stands twice in namespaces");
	bad("namespaces: {1: {data: 4294967296}}\n", ":1:24: data: a number from 0 to 4294967295, not \"4294967296\"");
	bad("namespaces: {1: {schema_id: 0x1000000}}\n",
	    ":1:29: schema_id: a number from 0 to 16777215, not \"0x1000000\"");
	bad("namespaces: {1: {schema: 00}}\n", ":1:17: schema: it needs a schema_id");
	bad("namespaces: {1: {schema_id: 1, schema: 0x00}}\n", ":1:40: schema: hex digits, two an octet, not \"0x00\"");
	bad("namespaces: {1: {schema_id: 1, schema: 123}}\n", ":1:40: schema: hex digits, two an octet, not \"123\"");
	for (int i = 1; i <= 17; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d: {}", i > 1 ? ",\n" : "", i);
	strcat(text, "}\n");
	bad(text, ":17:1: namespaces: more than 16");
	snprintf(text, sizeof(text), "namespaces: {1: {schema_id: 1, schema: %0482d}}\n", 0);
	bad(text, ":1:40: schema: more than 240 octets fit in no trace");
}

static void test_clock_offset(void **state)
{
	struct identity *identity = good("clock_offset: -5000000\n");

	(void)state;
	assert_true(identity_clock_offset(identity) == -5000000);
	identity_free(identity);
	identity = good("");
	assert_true(identity_clock_offset(identity) == 0);
	identity_free(identity);
	bad("clock_offset: 5ms\n", ":1:15: clock_offset: ns, as an integer between -10^18 and 10^18, not \"5ms\"");
	bad("clock_offset: 1000000000000000001\n",
	    ":1:15: clock_offset: ns, as an integer between -10^18 and 10^18, not \"1000000000000000001\"");
	bad("clock_offset: []\n", ":1:15: clock_offset: ns, as an integer between -10^18 and 10^18, not \"...\"");
}

static void test_which_file(void **state)
{
	struct identity *identity = NULL;

	(void)state;
	write_text("node_id: 5\n");
	setenv("HOPSPAN_NODE_YAML", path, 1);
	assert_int_equal(identity_read(NULL, &identity), 0);
	check_node(identity, 5, 0xffffffffffffff, 0x6873);
	identity_free(identity);

	/* A file that was asked for must be there, the usual one need not. */
	identity = NULL;
	setenv("HOPSPAN_NODE_YAML", "/nonexistent/node.yaml", 1);
	assert_int_equal(identity_read(NULL, &identity), -ENOENT);
	assert_int_equal(identity_read("/nonexistent/node.yaml", &identity), -ENOENT);
	assert_int_equal(identity_read("/tmp", &identity), -EISDIR);
	assert_null(identity);
	unsetenv("HOPSPAN_NODE_YAML");
	if (access("/etc/hopspan/node.yaml", F_OK)) {
		assert_int_equal(identity_read(NULL, &identity), 0);
		check_defaults(identity);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key),     cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_large_ifindex), cmocka_unit_test(test_errors_name_the_place),
		cmocka_unit_test(test_namespaces),    cmocka_unit_test(test_namespaces_refused),
		cmocka_unit_test(test_clock_offset),  cmocka_unit_test(test_which_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
