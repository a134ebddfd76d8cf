/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Text put together from pieces. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spans/phrase.h"

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = { 0, 7, 10, 999, 1000, UINT32_MAX, UINT64_MAX };
	struct arena arena = { 0 };
	char printed[32];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (unsigned int decimals = 0; decimals < 5; decimals++) {
			uint64_t one = (uint64_t[]){ 1, 10, 100, 1000, 10000 }[decimals];
			int len = snprintf(printed, sizeof(printed), "%" PRIu64, numbers[i] / one);
			struct phrase phrase;

			if (decimals)
				snprintf(printed + len, sizeof(printed) - (size_t)len, ".%0*" PRIu64, (int)decimals,
					 numbers[i] % one);
			phrase_begin(&phrase, &arena);
			phrase_add_number(&phrase, numbers[i], decimals);
			assert_string_equal(phrase_end(&phrase), printed);
		}
	arena_free(&arena);
}

/* Longer than its own room, by small pieces and by large ones. */
static void test_long(void **state)
{
	char piece[2000] = { 0 }, all[9000] = { 0 };
	struct arena arena = { 0 };
	struct phrase phrase;

	(void)state;
	phrase_begin(&phrase, &arena);
	assert_string_equal(phrase_end(&phrase), "");
	for (size_t len = 1; len < sizeof(piece); len *= 2) {
		memset(piece, 'a' + (int)(len % 7), len);
		phrase_add(&phrase, piece, " -> ", "?");
		strcat(strcat(all, piece), " -> ?");
		assert_string_equal(phrase_end(&phrase), all);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
