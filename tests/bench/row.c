/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Medians and quartiles of paired differences. */
#include "row.h"

#include <err.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

struct quartiles {
	double low, median, high;
};

void series_init(struct series *series, const char *name, unsigned int rounds)
{
	series->name = name;
	series->values = calloc(rounds, sizeof(*series->values));
	if (!series->values)
		err(1, "%s", name);
}

void series_free(struct series *series)
{
	free(series->values);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Of two values of a round, as the row tells them. */
static double difference(const struct row *row, double value, double base)
{
	if (row->times)
		return value / base;
	return row->percent ? 100 * (value / base - 1) : value - base;
}

/* Of a, or of a and b. */
static struct quartiles quartiles(const struct row *row, const struct series *a, const struct series *b,
				  unsigned int rounds)
{
	double *sorted = calloc(rounds, sizeof(*sorted));
	struct quartiles result;

	if (!sorted)
		err(1, "quartiles");
	for (unsigned int i = 0; i < rounds; i++)
		sorted[i] = b ? difference(row, a->values[i], b->values[i]) : a->values[i];
	qsort(sorted, rounds, sizeof(*sorted), compare);
	result.low = sorted[rounds / 4];
	result.median = (sorted[(rounds - 1) / 2] + sorted[rounds / 2]) / 2;
	result.high = sorted[rounds - 1 - rounds / 4];
	free(sorted);
	return result;
}

static json_t *quartiles_json(struct quartiles q)
{
	return json_pack("[fff]", round(q.low * 100) / 100, round(q.median * 100) / 100, round(q.high * 100) / 100);
}

void row_print(const struct row *row, unsigned int rounds)
{
	json_t *object = json_pack("{ss ss ss so so so si sf ss}", "what", row->what, "base", row->base->name, "unit",
				   row->times	  ? "x"
				   : row->percent ? "%"
						  : "ns",
				   "more", quartiles_json(quartiles(row, row->series, row->base, rounds)), "base_value",
				   quartiles_json(quartiles(row, row->base, NULL, rounds)), "noise",
				   quartiles_json(quartiles(row, row->same[1], row->same[0], rounds)), "rounds",
				   (int)rounds, "packets", row->packets, "proof", row->proof);

	if (!object)
		errx(1, "%s: out of memory", row->what);
	if (row->target > 0)
		json_object_set_new(object, "target", json_real(row->target));
	json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(8));
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}
