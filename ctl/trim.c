/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "trim.h"

#include <ctype.h>
#include <string.h>

char *trimmed(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = 0;
	return text;
}
