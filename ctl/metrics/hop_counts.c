/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records -> histograms per node and interface. */
#include "hop_counts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "spans/table.h"

enum { SERIES_MAX = 1024, NAME_SIZE = 64, KINDS = 2, HOP_BOUNDS_MAX = 24 };

/* Delays in seconds from 1.024 us to 2.1 s, queues in octets from none to 8 MiB. */
static const struct kind {
	enum metric metric;
	double first;
	unsigned int bounds;
	bool zero; /* a bound of 0 before the first */
} kinds[KINDS] = { { METRIC_node_delay_seconds, 1.024e-6, 22, false }, { METRIC_node_queue_bytes, 1024, 15, true } };

struct histogram {
	uint64_t count[HOP_BOUNDS_MAX + 1];
	double sum;
	struct text_exemplar exemplars[HOP_BOUNDS_MAX + 1];
};

/* To find a series again without its names. */
struct series_place {
	const struct node *node;
	uint32_t egress_if, reserved; /* 0 */
};

struct series {
	struct table_entry entry;
	struct series_place place; /* node NULL: in no table */
	char node[NAME_SIZE], interface[NAME_SIZE];
	struct histogram histograms[KINDS];
};

struct hop_counts {
	pthread_mutex_t lock;
	struct series *series[SERIES_MAX];
	unsigned int count;
	struct table places;
};

static double bound(const struct kind *kind, unsigned int i)
{
	if (kind->zero && i == 0)
		return 0;
	return kind->first * (double)(1ULL << (i - kind->zero));
}

struct hop_counts *hop_counts_new(void)
{
	struct hop_counts *hops = calloc(1, sizeof(*hops));

	if (hops)
		pthread_mutex_init(&hops->lock, NULL);
	return hops;
}

void hop_counts_free(struct hop_counts *hops)
{
	for (unsigned int i = 0; hops && i < hops->count; i++)
		free(hops->series[i]);
	if (hops)
		table_free(&hops->places);
	free(hops);
}

/* A list that is read again has other nodes of the same names: those go on where the old ones were. */
static struct series *series_named(struct hop_counts *hops, const char *node, const char *interface)
{
	for (unsigned int i = 0; i < hops->count; i++)
		if (strcmp(hops->series[i]->node, node) == 0 && strcmp(hops->series[i]->interface, interface) == 0)
			return hops->series[i];
	return NULL;
}

static struct series *series_new(struct hop_counts *hops, const char *node, const char *interface)
{
	struct series *series = hops->count < SERIES_MAX ? calloc(1, sizeof(*series)) : NULL;

	if (!series)
		return NULL;
	snprintf(series->node, sizeof(series->node), "%.63s", node);
	snprintf(series->interface, sizeof(series->interface), "%.63s", interface);
	return hops->series[hops->count++] = series;
}

static bool same_place(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct series, entry)->place, key, sizeof(struct series_place)) == 0;
}

static void series_leave(struct hop_counts *hops, struct series *series)
{
	if (series->place.node)
		table_remove(&hops->places, &series->entry);
	series->place.node = NULL;
}

static struct series *series_find(struct hop_counts *hops, const struct node *node, uint32_t egress_if,
				  struct nodes *nodes)
{
	const struct series_place place = { .node = node, .egress_if = egress_if };
	uint64_t hash = hash_key(&place, sizeof(place));
	struct series *series = table_item(table_find(&hops->places, hash, same_place, &place), struct series, entry);
	const char *interface;

	if (series && strncmp(series->node, node->name, NAME_SIZE - 1) == 0)
		return series;
	if (series)
		series_leave(hops, series);
	interface = nodes_interface(nodes, node, egress_if);
	series = series_named(hops, node->name, interface);
	if (!series)
		series = series_new(hops, node->name, interface);
	if (!series)
		return NULL;
	series_leave(hops, series);
	series->place = place;
	table_add(&hops->places, &series->entry, hash);
	return series;
}

static void value_add(struct series *series, unsigned int which, double value, const struct record *record)
{
	struct histogram *histogram = &series->histograms[which];
	const struct kind *kind = &kinds[which];
	unsigned int i = 0;

	while (i < kind->bounds && value > bound(kind, i))
		i++;
	histogram->count[i]++;
	histogram->sum += value;
	if (!record->has_context || !(record->context.flags & CONTEXT_FLAG_SAMPLED))
		return;
	histogram->exemplars[i].value = value;
	histogram->exemplars[i].time_unix_ns = record->time_unix_ns;
	memcpy(histogram->exemplars[i].trace_id, record->context.trace_id, sizeof(record->context.trace_id));
	memcpy(histogram->exemplars[i].span_id, record->context.span_id, sizeof(record->context.span_id));
}

static void hop_add(struct hop_counts *hops, const struct record *record, unsigned int i, struct nodes *nodes)
{
	const struct ioam6_node *hop = &record->hops[i];
	bool delay = hop->delay_ns != IOAM6_NONE32 && !(hop->delay_ns & IOAM6_DELAY_OVERFLOW);
	const struct node *node = record_node(record, i, nodes);
	bool queue = hop->queue != IOAM6_NONE32 && node->queue == NODE_QUEUE_BYTES;
	uint32_t egress_if = hop->egress_if != 0xffff ? hop->egress_if : hop->egress_if_wide;
	struct series *series;

	if (egress_if == IOAM6_NONE32 || (!delay && !queue))
		return;
	series = series_find(hops, node, egress_if, nodes);
	if (series && delay)
		value_add(series, 0, (double)hop->delay_ns / 1e9, record);
	if (series && queue)
		value_add(series, 1, hop->queue, record);
}

void hop_counts_add(struct hop_counts *hops, const struct record *record, struct nodes *nodes)
{
	pthread_mutex_lock(&hops->lock);
	for (unsigned int i = 0; i < record->hop_count; i++)
		hop_add(hops, record, i, nodes);
	pthread_mutex_unlock(&hops->lock);
}

static void series_write(const struct text *text, const struct series *series, unsigned int which)
{
	const struct histogram *counted = &series->histograms[which];
	const struct kind *kind = &kinds[which];
	double bounds[HOP_BOUNDS_MAX];
	uint64_t below[HOP_BOUNDS_MAX], values = 0;
	struct text_histogram histogram = { bounds, below, kind->bounds, 0, counted->sum, counted->exemplars };

	for (unsigned int i = 0; i < kind->bounds; i++) {
		values += counted->count[i];
		bounds[i] = bound(kind, i);
		below[i] = values;
	}
	histogram.values = values + counted->count[kind->bounds];
	if (histogram.values)
		text_histogram(text, kind->metric, &histogram, "node", series->node, "interface", series->interface,
			       NULL);
}

void hop_counts_write(struct hop_counts *hops, const struct text *text)
{
	if (hops)
		pthread_mutex_lock(&hops->lock);
	for (unsigned int which = 0; which < KINDS; which++) {
		text_family(text, kinds[which].metric);
		for (unsigned int i = 0; hops && i < hops->count; i++)
			series_write(text, hops->series[i], which);
	}
	if (hops)
		pthread_mutex_unlock(&hops->lock);
}
