/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Number and unit, and nothing else. */
#include "quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double of;
};

static int quantity(const char *text, const struct unit *units, unsigned int count, double *value)
{
	char *end;
	double number;

	if (!isdigit((unsigned char)*text)) /* strtod() takes more than is meant here */
		return -EINVAL;
	number = strtod(text, &end);
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(end, units[i].name) == 0 && number * units[i].of < 0x1p63) {
			*value = number * units[i].of;
			return 0;
		}
	return -EINVAL;
}

int quantity_time(const char *text, int64_t *ns)
{
	static const struct unit units[] = { { "ns", 1 },   { "us", 1e3 },   { "ms", 1e6 },   { "s", 1e9 },
					     { "m", 6e10 }, { "h", 3600e9 }, { "d", 86400e9 } };
	double value;
	int error = quantity(text, units, sizeof(units) / sizeof(units[0]), &value);

	if (!error)
		*ns = (int64_t)value;
	return error;
}

int quantity_octets(const char *text, uint64_t *octets)
{
	static const struct unit units[] = { { "", 1 },	       { "k", 1e3 },	 { "M", 1e6 },
					     { "G", 1e9 },     { "T", 1e12 },	 { "Ki", 0x1p10 },
					     { "Mi", 0x1p20 }, { "Gi", 0x1p30 }, { "Ti", 0x1p40 } };
	double value;
	int error = quantity(text, units, sizeof(units) / sizeof(units[0]), &value);

	if (!error)
		*octets = (uint64_t)value;
	return error;
}
