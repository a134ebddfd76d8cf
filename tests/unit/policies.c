/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Destinations: what node.yaml may say of them, what words and file make together, and how it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complaint.h"
#include "plane/identity.h"
#include "plane/policies.h"

static char path[] = "/tmp/hopspan-policies-XXXXXX";

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

/* What identity_read() prints of this text goes to `errors`, without the file's name. */
static int read_text(const char *text, struct identity **identity, char errors[COMPLAINT_SIZE])
{
	struct complaint complaint;
	FILE *file = fopen(path, "w");
	int error;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	complaint_begin(&complaint);
	error = identity_read(path, identity);
	complaint_end(&complaint, path, errors);
	return error;
}

static void bad(const char *text, const char *wanted)
{
	struct identity *identity = NULL;
	char errors[COMPLAINT_SIZE];

	assert_int_equal(read_text(text, &identity, errors), -EINVAL);
	assert_string_equal(errors, wanted);
	assert_null(identity);
}

/* "KEY VALUE ..." */
static struct policy policy_from(const char *words)
{
	struct policy policy = { 0 };
	char copy[256], *word, *rest = copy;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) && *word) {
		enum policy_key key = 0;

		while (strcmp(policy_keys[key], word) != 0)
			assert_true(++key < POLICY_KEYS);
		assert_null(policy_parse(&policy, key, strsep(&rest, " ")));
	}
	return policy;
}

/* "proved PREFIX off PREFIX ..." */
static unsigned int named_from(const char *words, struct destination *named)
{
	char copy[256], *word, *rest = copy;
	unsigned int count = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " ")) && *word) {
		named[count] = (struct destination){ 0 };
		assert_null(policy_parse(&named[count].policy, POLICY_PATH, word));
		assert_true(policy_prefix_parse(strsep(&rest, " "), &named[count].prefix));
		count++;
	}
	return count;
}

/* Makes `policies` of words, named prefixes and a file's text; what is printed goes to `errors`. */
static int make(struct policies *policies, const char *words, const char *prefixes, const char *text,
		char errors[COMPLAINT_SIZE])
{
	struct identity *identity = NULL;
	struct policy policy = policy_from(words);
	struct destination named[8];
	struct complaint complaint;
	unsigned int count = named_from(prefixes, named);
	int error;

	assert_int_equal(read_text(text, &identity, errors), 0);
	complaint_begin(&complaint);
	error = policies_make(policies, &policy, named, count, identity_destinations(identity), "up");
	complaint_end(&complaint, path, errors);
	identity_free(identity);
	return error;
}

/* The policies as lines of "PREFIX KEY VALUE ...", keys with these defaults left out. */
static void shown(const struct policies *policies, char *text, size_t size)
{
	static const char *const usual[] = { "auto", "snapshot", "0xda0000", "on" };
	json_t *list = policies_json(policies), *row, *value;
	const char *key;
	size_t i;

	*text = '\0';
	json_array_foreach (list, i, row) {
		snprintf(text + strlen(text), size - strlen(text), "%s",
			 json_string_value(json_object_get(row, "prefix")));
		json_object_foreach (row, key, value) {
			bool left_out = strcmp(key, "prefix") == 0;

			for (int j = 0; j < 4; j++)
				left_out |= json_is_string(value) && strcmp(json_string_value(value), usual[j]) == 0;
			if (json_is_integer(value))
				left_out = json_integer_value(value) == (strcmp(key, "hops") == 0    ? 4
									 : strcmp(key, "first") == 0 ? 1
												     : 0);
			if (left_out)
				continue;
			if (json_is_integer(value))
				snprintf(text + strlen(text), size - strlen(text), " %s %d", key,
					 (int)json_integer_value(value));
			else
				snprintf(text + strlen(text), size - strlen(text), " %s %s", key,
					 json_string_value(value));
		}
		strncat(text, "\n", size - strlen(text) - 1);
	}
	json_decref(list);
}

static void made(const char *words, const char *prefixes, const char *text, const char *wanted)
{
	struct policies *policies = calloc(1, sizeof(*policies));
	char errors[COMPLAINT_SIZE], seen[2048];

	assert_int_equal(make(policies, words, prefixes, text, errors), 0);
	assert_string_equal(errors, "");
	shown(policies, seen, sizeof(seen));
	assert_string_equal(seen, wanted);
	free(policies);
}

static void refused(const char *words, const char *prefixes, const char *text, const char *wanted)
{
	struct policies *policies = calloc(1, sizeof(*policies));
	char errors[COMPLAINT_SIZE];

	assert_int_equal(make(policies, words, prefixes, text, errors), -EINVAL);
	assert_string_equal(errors, wanted);
	free(policies);
}

static void test_words_alone(void **state)
{
	(void)state;
	made("", "", "", "::/0 path probe\n");
	made("", "proved ::/0", "", "::/0 path proved\n");
	made("", "off ::/0 proved fd00::/8", "", "fd00::/8 path proved\n::/0 path off\n");
	made("", "proved fd00::1234/16 probe fd00::1", "",
	     "fd00::1/128 path probe\nfd00::/16 path proved\n::/0 path probe\n");
	made("way shadow carrier generic-id trace none hops 0 first 3 every 100 replies off", "proved fd00::/8", "",
	     "fd00::/8 path proved way shadow carrier generic-id trace none hops 0 first 3 every 100 replies off\n"
	     "::/0 path probe way shadow carrier generic-id trace none hops 0 first 3 every 100 replies off\n");
}

static void test_file_alone(void **state)
{
	(void)state;
	made("", "", "destinations:\n", "::/0 path probe\n");
	made("", "", "destinations: {}\n", "::/0 path probe\n");
	made("", "", "destinations: {fd00::/8: {}}\n", "fd00::/8 path probe\n::/0 path probe\n");
	made("", "", "destinations:\n  fd00::/8:\n  ::/0: {path: off}\n", "fd00::/8 path probe\n::/0 path off\n");
	made("", "",
	     "destinations:\n"
	     "  fd00::/8: {path: proved, way: in-place, carrier: generic, trace: 0x800000, hops: 15, first: 65535,\n"
	     "    every: 65535, replies: off}\n"
	     "  fd01::/16: {trace: FFF002}\n",
	     "fd01::/16 path probe trace 0xfff000 hops 2\n"
	     "fd00::/8 path proved way in-place carrier generic trace 0x800000 hops 15 first 65535 every 65535 "
	     "replies off\n"
	     "::/0 path probe\n");
}

static void test_words_and_file(void **state)
{
	const char *text = "destinations:\n"
			   "  fd00::/16: {path: proved, carrier: generic, hops: 6}\n"
			   "  fd01::/16: {way: clone}\n";

	(void)state;
	/* Defaults of the file. */
	made("way shadow first 2", "", text,
	     "fd00::/16 path proved way shadow carrier generic hops 6 first 2\n"
	     "fd01::/16 path probe way clone first 2\n"
	     "::/0 path probe way shadow first 2\n");
	/* Over the file where they name the same prefix; what they leave out stays the file's. */
	made("way shadow hops 3", "off fd00::/16 proved fd01::/16", text,
	     "fd00::/16 path off way shadow carrier generic hops 3\n"
	     "fd01::/16 path proved way shadow hops 3\n"
	     "::/0 path probe way shadow hops 3\n");
}

/* `up` without any prefix keeps those that are there. */
static void test_those_there(void **state)
{
	struct policies *policies = calloc(1, sizeof(*policies));
	char errors[COMPLAINT_SIZE], seen[1024];

	(void)state;
	assert_int_equal(make(policies, "way clone hops 2", "proved fd00::/8", "", errors), 0);
	assert_int_equal(make(policies, "carrier generic", "", "", errors), 0);
	shown(policies, seen, sizeof(seen));
	assert_string_equal(seen, "fd00::/8 path proved way clone carrier generic hops 2\n"
				  "::/0 path probe way clone carrier generic hops 2\n");
	assert_int_equal(make(policies, "", "", "destinations: {fd01::/16: {}}\n", errors), 0);
	shown(policies, seen, sizeof(seen));
	assert_string_equal(seen, "fd01::/16 path probe\n::/0 path probe\n");
	assert_true(policies_reply(policies));
	assert_false(policies_have_plain(policies));
	assert_int_equal(make(policies, "carrier generic-id replies off", "", "", errors), 0);
	assert_false(policies_reply(policies));
	assert_true(policies_have_plain(policies));
	assert_int_equal(make(policies, "trace none", "", "", errors), 0);
	assert_int_equal(make(policies, "carrier snapshot", "", "", errors), -EINVAL);
	free(policies);
}

static void test_what_does_not_fit(void **state)
{
	(void)state;
	refused("trace none", "", "",
		"up: ::/0: trace none: a snapshot is part of the trace: carrier generic, generic-id");
	refused("trace fff000 hops 3", "proved fd00::/8", "",
		"up: fd00::/8: hops 3: a header of this carrier and trace has room for 2");
	refused("", "", "destinations:\n  fd00::/8: {trace: none}\n",
		":2:3: trace none: a snapshot is part of the trace: carrier generic, generic-id");
	made("carrier generic", "", "destinations:\n  fd00::/8: {trace: none}\n",
	     "fd00::/8 path probe carrier generic trace none hops 0\n::/0 path probe carrier generic\n");
	refused("hops 8", "", "destinations:\n  fd00::/8: {}\n  fd00::/9: {trace: fff000}\n",
		":3:3: hops 8: a header of this carrier and trace has room for 2");
	refused("", "", "destinations:\n  fd00::/9: {carrier: generic, trace: none, hops: 1}\n",
		":2:3: hops 1: a header of this carrier and trace has room for 0");
}

static void test_errors_name_the_place(void **state)
{
	(void)state;
	bad("destinations: [fd00::/8]\n", ":1:15: destinations: {PREFIX: {path: proved, ...}} is expected");
	bad("destinations: {10.0.0.0/8: {}}\n", ":1:16: destinations: \"10.0.0.0/8\" is not an IPv6 prefix");
	bad("destinations: {fd00::/129: {}}\n", ":1:16: destinations: \"fd00::/129\" is not an IPv6 prefix");
	bad("destinations: {fd00::/: {}}\n", ":1:16: destinations: \"fd00::/\" is not an IPv6 prefix");
	bad("destinations: {fd00::/-1: {}}\n", ":1:16: destinations: \"fd00::/-1\" is not an IPv6 prefix");
	bad("destinations: {[1]: {}}\n", ":1:16: destinations: \"...\" is not an IPv6 prefix");
	bad("destinations:\n  fd00::/8: {}\n  fd00::1/8: {}\n", ":3:3: fd00::1/8 stands twice in destinations");
	bad("destinations: {fd00::/8: proved}\n", ":1:26: {path: proved, way: auto, ...} is expected");
	bad("destinations: {fd00::/8: {trust: proved}}\n", ":1:27: no such key: \"trust\"");
	bad("destinations: {fd00::/8: {way: auto, way: auto}}\n", ":1:38: way stands twice in this destination");
	bad("destinations: {fd00::/8: {path: on}}\n", ":1:33: path: it is one of proved, probe, off, not \"on\"");
	bad("destinations: {fd00::/8: {way: slow}}\n",
	    ":1:32: way: it is one of auto, in-place, clone, shadow, not \"slow\"");
	bad("destinations: {fd00::/8: {carrier: generic-context}}\n",
	    ":1:36: carrier: it is one of snapshot, generic, generic-id, not \"generic-context\"");
	bad("destinations: {fd00::/8: {hops: 16}}\n", ":1:33: hops: a number from 0 to 15, not \"16\"");
	bad("destinations: {fd00::/8: {first: 0}}\n", ":1:34: first: a number from 1 to 65535, not \"0\"");
	bad("destinations: {fd00::/8: {every: -1}}\n", ":1:34: every: a number from 0 to 65535, not \"-1\"");
	bad("destinations: {fd00::/8: {every: 65536}}\n", ":1:34: every: a number from 0 to 65535, not \"65536\"");
	bad("destinations: {fd00::/8: {replies: [on]}}\n", ":1:36: replies: it is one of on, off, not \"...\"");
}

static void test_trace_types(void **state)
{
	const char *const wrong[] = { "0",	 "0x2", "0x800008", "0x800004", "0x000800", "0x1",    "0x800001",
				      "1000000", "",	"all",	    "-1",	"0xx8",	    " 800000" };
	struct policy policy = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_string_equal(policy_parse(&policy, POLICY_TRACE, wrong[i]),
				    "none, or 24 bits in hex without bits 12 to 21 and 23");
	assert_int_equal(policy.given, 0);
	assert_null(policy_parse(&policy, POLICY_TRACE, "0xfff002"));
	assert_int_equal(policy.values[POLICY_TRACE], 0xfff000);
	assert_null(policy_parse(&policy, POLICY_TRACE, "001000"));
	assert_int_equal(policy.values[POLICY_TRACE], 0x1000);
	assert_null(policy_parse(&policy, POLICY_TRACE, "none"));
	assert_int_equal(policy.values[POLICY_TRACE], 0);
}

static void test_reply_ports(void **state)
{
	struct identity *identity = NULL;
	char errors[COMPLAINT_SIZE];
	const uint16_t *ports;
	unsigned int count;

	(void)state;
	assert_int_equal(read_text("replies: {off_ports: [80, 0x1f90, 65535]}\n", &identity, errors), 0);
	ports = identity_reply_off(identity, &count);
	assert_int_equal(count, 3);
	assert_int_equal(ports[0], 80);
	assert_int_equal(ports[1], 8080);
	assert_int_equal(ports[2], 65535);
	identity_free(identity);
	assert_int_equal(read_text("replies:\n  off_ports:\n", &identity, errors), 0);
	identity_reply_off(identity, &count);
	assert_int_equal(count, 0);
	identity_free(identity);
	identity = NULL;
	bad("replies: off\n", ":1:10: replies: {off_ports: [PORT, ...]} is expected");
	bad("replies: {off_ports: 80}\n", ":1:22: off_ports: [PORT, ...] is expected");
	bad("replies: {off_ports: [0]}\n", ":1:23: off_ports: 0 is no port");
	bad("replies: {off_ports: [65536]}\n", ":1:23: off_ports: a number from 0 to 65535, not \"65536\"");
	bad("replies: {off_ports: [80, 80]}\n", ":1:27: 80 stands twice in off_ports");
	bad("replies: {ports: [80]}\n", ":1:11: no such key: \"ports\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_alone),	  cmocka_unit_test(test_file_alone),
		cmocka_unit_test(test_words_and_file),	  cmocka_unit_test(test_those_there),
		cmocka_unit_test(test_what_does_not_fit), cmocka_unit_test(test_errors_name_the_place),
		cmocka_unit_test(test_trace_types),	  cmocka_unit_test(test_reply_ports),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
