/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the collector makes of a path's entry: what is counted, when it is idle, when it is probed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "path/prefixes.h"
#include "path/watched.h"

static const uint64_t S = 1000000000;

static void test_idle_and_wanted(void **state)
{
	struct watched watched = { .path = { .state = PATH_PROVED, .asked_ns = 5000 * S } };

	(void)state;
	assert_false(watched_is_idle(&watched, 5000 * S - 1)); /* asked for while the clock was read */
	assert_false(watched_is_idle(&watched, 5000 * S + WATCHED_IDLE_NS));
	assert_true(watched_is_idle(&watched, 5000 * S + WATCHED_IDLE_NS + 1));
	watched.path.state = PATH_DOUBTED;
	assert_false(watched_is_idle(&watched, 5000 * S + WATCHED_IDLE_NS + 1));
	assert_true(watched_wants_probe(&watched, 5000 * S - 1));
	assert_true(watched_wants_probe(&watched, 5000 * S + WATCHED_WANTED_NS - 1));
	assert_false(watched_wants_probe(&watched, 5000 * S + WATCHED_WANTED_NS));
	watched.backoff.next_ns = 5001 * S;
	assert_false(watched_wants_probe(&watched, 5001 * S - 1));
	assert_true(watched_wants_probe(&watched, 5001 * S));
	watched.is_probed = true;
	assert_false(watched_wants_probe(&watched, 5001 * S));
}

/* A path in use is looked after: what never confirms anything more often. */
static void test_probed_again(void **state)
{
	struct watched watched = { .path = { .state = PATH_TRYING }, .probed_ns = 5000 * S };

	(void)state;
	watched.path.asked_ns = 5060 * S;
	assert_false(watched_wants_probe(&watched, 5000 * S + WATCHED_TRYING_NS - 1));
	assert_true(watched_wants_probe(&watched, 5000 * S + WATCHED_TRYING_NS));
	watched.path.state = PATH_PROVED;
	assert_false(watched_wants_probe(&watched, 5000 * S + WATCHED_TRYING_NS));
	watched.path.asked_ns = 5600 * S;
	assert_false(watched_wants_probe(&watched, 5000 * S + WATCHED_PROVED_NS - 1));
	assert_true(watched_wants_probe(&watched, 5000 * S + WATCHED_PROVED_NS));
	watched.path.asked_ns = 5500 * S; /* not in use */
	assert_false(watched_wants_probe(&watched, 5000 * S + WATCHED_PROVED_NS));
}

/* States before, and after each verdict: unclear, passes, blocked, unanswered. */
static void test_probed(void **state)
{
	static const enum path_state after[][4] = {
		[PATH_UNKNOWN] = { PATH_UNKNOWN, PATH_TRYING, PATH_REFUSED, PATH_UNKNOWN },
		[PATH_TRYING] = { PATH_TRYING, PATH_TRYING, PATH_REFUSED, PATH_TRYING },
		[PATH_PROVED] = { PATH_PROVED, PATH_PROVED, PATH_REFUSED, PATH_PROVED },
		[PATH_DOUBTED] = { PATH_DOUBTED, PATH_TRYING, PATH_REFUSED, PATH_DOUBTED },
		[PATH_REFUSED] = { PATH_REFUSED, PATH_TRYING, PATH_REFUSED, PATH_REFUSED },
	};
	const struct probe_counts counts = { .sent = { { 10, 10 }, { 10, 10 } }, .came = { { 10, 10 }, { 0, 0 } } };
	struct tell silent = { .while_ns = 5000 * S, .lines = TELL_LINES };

	(void)state;
	for (int before = PATH_UNKNOWN; before <= PATH_REFUSED; before++)
		for (int verdict = PROBE_UNCLEAR; verdict <= PROBE_UNANSWERED; verdict++) {
			struct watched watched = { .path = { .state = before }, .is_probed = true };
			bool waits = verdict != PROBE_PASSES && after[before][verdict] != PATH_TRYING &&
				     after[before][verdict] != PATH_PROVED;

			assert_int_equal(watched_probed(&watched, verdict, &counts, &silent, 5000 * S),
					 after[before][verdict]);
			assert_false(watched.is_probed);
			assert_int_equal(watched.probed_ns, 5000 * S);
			assert_int_equal(watched.backoff.next_ns, waits ? 5010 * S : 0);
		}
}

static void expect_news(const struct judge_counts *news, uint64_t stamped, uint64_t stamped_repeated, uint64_t segments,
			uint64_t repeated)
{
	assert_int_equal(news->stamped, stamped);
	assert_int_equal(news->stamped_repeated, stamped_repeated);
	assert_int_equal(news->segments, segments);
	assert_int_equal(news->repeated, repeated);
}

/* From the first proof on, through doubt, and anew when the kernel forgot the path. */
static void test_counts(void **state)
{
	struct group group = { 0 };
	struct watched watched = { .group = &group };
	struct path path = { .state = PATH_UNKNOWN, .segments = 100, .repeated = 50 };
	struct tell silent = { .while_ns = 1 * S, .lines = TELL_LINES };

	(void)state;
	watched_see(&watched, &path, &silent, 1 * S);
	path.state = PATH_PROVED;
	path.segments = 110;
	path.stamped = 1;
	path.since_ns = 2 * S;
	watched_see(&watched, &path, &silent, 2 * S);
	expect_news(&group.news, 0, 0, 0, 0);
	path.segments = 130;
	path.stamped = 11;
	watched_see(&watched, &path, &silent, 3 * S);
	expect_news(&group.news, 10, 0, 20, 0);
	path.state = PATH_DOUBTED;
	path.stamped_repeated = 1;
	path.repeated = 52;
	watched_see(&watched, &path, &silent, 4 * S);
	expect_news(&group.news, 10, 1, 20, 2);
	assert_int_equal(watched.backoff.next_ns, 4 * S); /* the first doubt: at once */
	path = (struct path){ .state = PATH_UNKNOWN, .segments = 5, .stamped = 2 };
	watched_see(&watched, &path, &silent, 5 * S);
	expect_news(&group.news, 12, 1, 25, 2);
}

static void expect_group(const struct policies *policies, uint8_t last, uint32_t len)
{
	uint8_t address[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xff };
	struct stamp_prefix group;

	address[15] = last;
	group = prefixes_group(policies, address);
	assert_int_equal(group.prefix_len, len);
	address[15] = len == 128 ? last : len > 120 ? last & (uint8_t)(0xff00 >> (len - 120)) : 0;
	assert_memory_equal(group.address, address, sizeof(address));
}

/* The longest match, whatever the order, and no wider than a /64. */
static void test_groups(void **state)
{
	static struct policies policies = {
		.prefixes = { { 125, { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x1f } },
			      { 0, { 0xff } },
			      { 128, { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x19 } },
			      { 48, { 0x20, 0x01, 0x0d, 0xb8 } } },
		.policies = { { .hops = 1 }, { .hops = 2 }, { .hops = 3 }, { .hops = 4 } },
		.count = 4,
	};
	const uint8_t elsewhere[16] = { 0xfd }, in_48[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 7 };
	struct stamp_prefix found;

	(void)state;
	expect_group(&policies, 0x19, 128);
	expect_group(&policies, 0x1a, 125);
	expect_group(&policies, 0x18, 125);
	expect_group(&policies, 0x17, 64);
	assert_int_equal(prefixes_find(&policies, elsewhere, &found)->hops, 2);
	assert_int_equal(prefixes_find(&policies, in_48, &found)->hops, 4);
	policies.count = 1;
	assert_null(prefixes_find(&policies, elsewhere, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_and_wanted), cmocka_unit_test(test_probed_again),
		cmocka_unit_test(test_probed),		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
