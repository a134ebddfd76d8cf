/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The hash table against a plain array, with hashes that meet often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spans/table.h"

enum { ITEMS = 1000, STEPS = 200000 };

struct item {
	struct table_entry entry;
	int key;
	bool in;
};

static bool same_item(const struct table_entry *entry, const void *key)
{
	return table_item(entry, const struct item, entry)->key == *(const int *)key;
}

/* Of all kinds: the same for several keys, neighbours, at the table's end, far apart. */
static uint64_t hash_of(int key)
{
	static const uint64_t starts[] = { 0, 250, UINT64_MAX - 5, 1ULL << 40 };

	return starts[key % 4] + (uint64_t)(key / 4 % 40);
}

static struct item *find(const struct table *table, int key)
{
	return table_item(table_find(table, hash_of(key), same_item, &key), struct item, entry);
}

static void toggle(struct table *table, struct item *item)
{
	if (item->in)
		table_remove(table, &item->entry);
	else
		table_add(table, &item->entry, hash_of(item->key));
	item->in = !item->in;
}

static void assert_all(const struct table *table, struct item items[ITEMS])
{
	size_t count = 0;

	for (int key = 0; key < ITEMS; key++)
		assert_ptr_equal(find(table, key), items[key].in ? &items[key] : NULL);
	for (struct table_entry *entry = table->oldest; entry; entry = entry->newer)
		count++;
	assert_int_equal(count, table->count);
}

static void test_random(void **state)
{
	static struct item items[ITEMS];
	struct table table = { 0 };

	(void)state;
	srandom(1);
	assert_null(find(&table, 1));
	for (int key = 0; key < ITEMS; key++)
		items[key].key = key;
	for (int step = 0; step < STEPS; step++) {
		int key = (int)(random() % (step / (STEPS / 4) % 2 ? ITEMS : 60));

		toggle(&table, &items[key]);
		assert_ptr_equal(find(&table, key), items[key].in ? &items[key] : NULL);
		if (step % 1000 == 0)
			assert_all(&table, items);
	}
	table_free(&table);
}

static void test_order(void **state)
{
	struct item items[3] = { { .key = 0 }, { .key = 1 }, { .key = 2 } };
	struct table table = { 0 };

	(void)state;
	for (int key = 0; key < 3; key++)
		toggle(&table, &items[key]);
	table_touch(&table, &items[0].entry);
	assert_ptr_equal(table.oldest, &items[1].entry);
	assert_ptr_equal(table.newest, &items[0].entry);
	table_remove(&table, &items[2].entry);
	assert_ptr_equal(table.oldest->newer, &items[0].entry);
	assert_ptr_equal(table.newest->older, &items[1].entry);
	table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
