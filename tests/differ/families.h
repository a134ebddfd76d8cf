/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef HOPSPAN_DIFFER_FAMILIES_H
#define HOPSPAN_DIFFER_FAMILIES_H

#include "packet.h"

/* malformed.c: every way to be malformed, and what only just is not. */
void malformed_add(struct packets *packets, uint64_t *random);

#endif
