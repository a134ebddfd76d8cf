/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers with units, as words of commands: "30ms", "7d", "4G".
 */
#ifndef HOPSPAN_QUANTITY_H
#define HOPSPAN_QUANTITY_H

#include <stdint.h>

/* A decimal number and ns, us, ms, s, m (minutes), h or d, to ns. -EINVAL: it is none, negative, or too large. */
int quantity_time(const char *text, int64_t *ns);

/* A decimal number and nothing, k, M, G, T (of 1000) or Ki, Mi, Gi, Ti (of 1024), to octets. -EINVAL: as above. */
int quantity_octets(const char *text, uint64_t *octets);

#endif
