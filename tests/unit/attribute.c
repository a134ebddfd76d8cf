/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* docs/attributes.md says what ctl/spans/attribute.h says. With HOPSPAN_WRITE=1 it is written anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spans/attribute.h"

static const char page[] = "docs/attributes.md";

static const char *type_name(enum attr_type type)
{
	static const char *const names[] = {
		[ATTR_STRING] = "string", [ATTR_INT] = "int",	       [ATTR_BOOL] = "bool",
		[ATTR_DOUBLE] = "double", [ATTR_STRINGS] = "string[]",
	};

	return names[type];
}

static void print_page(FILE *file)
{
	fprintf(file,
		"# Attributes of network spans\n\n"
		"Made from `ctl/spans/attribute.h`. What the spans are, and how the numbers come about: "
		"[spans.md](spans.md).\nKinds are values of `hopspan.kind`; `sender` is the first span behind the "
		"sending host's stamp.\nTimes are ns, By is octets. An attribute of which nothing is known is "
		"absent.\n\n"
		"| attribute | type | unit | on | meaning |\n|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < ATTRIBUTE_COUNT; i++)
		fprintf(file, "| `%s` | %s | %s | %s | %s |\n", attributes[i].key, type_name(attributes[i].type),
			attributes[i].unit, attributes[i].on, attributes[i].meaning);
}

static void test_page(void **state)
{
	char *wanted = NULL, found[32768] = "";
	size_t wanted_len = 0;
	FILE *file = open_memstream(&wanted, &wanted_len);

	(void)state;
	assert_non_null(file);
	print_page(file);
	fclose(file);
	file = fopen(page, getenv("HOPSPAN_WRITE") ? "w+" : "r");
	assert_non_null(file);
	if (getenv("HOPSPAN_WRITE")) {
		fputs(wanted, file);
		rewind(file);
	}
	assert_true(fread(found, 1, sizeof(found) - 1, file) > 0);
	fclose(file);
	assert_string_equal(found, wanted);
	free(wanted);
}

static void test_keys_differ(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ATTRIBUTE_COUNT; i++)
		for (unsigned int other = 0; other < i; other++)
			assert_string_not_equal(attributes[i].key, attributes[other].key);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_page), cmocka_unit_test(test_keys_differ) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
