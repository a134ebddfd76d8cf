/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How malloc() takes and gives back memory. */
#include "memory.h"

#include <malloc.h>

enum { KEPT = 16 << 20 };

void memory_keep(void)
{
	mallopt(M_TOP_PAD, KEPT);
	mallopt(M_TRIM_THRESHOLD, 2 * KEPT);
	mallopt(M_MMAP_THRESHOLD, 2 * KEPT);
}
