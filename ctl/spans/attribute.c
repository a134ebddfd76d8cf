/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The list of attributes as a table. */
#include "attribute.h"

#define X(word, key, type, unit, on, meaning) [AT_##word] = { key, sizeof(key) - 1, ATTR_##type, unit, on, meaning },
const struct attribute attributes[ATTRIBUTE_COUNT] = { ATTRIBUTE_LIST(X) };
#undef X
