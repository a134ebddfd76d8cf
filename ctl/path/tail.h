/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Exact tail probabilities, for comparing two kinds of packets by what became of them. docs/paths.md has the formulas.
 */
#ifndef HOPSPAN_PATH_TAIL_H
#define HOPSPAN_PATH_TAIL_H

#include <stdint.h>

/*
 * Of `all` packets `marked` are of one kind and `lost` were lost. If loss does not look at the kind: how probable is
 * it that `marked_lost` or more of the lost ones are of that kind? (Fisher's exact test, one-sided.)
 */
double tail_hypergeometric(uint64_t all, uint64_t marked, uint64_t lost, uint64_t marked_lost);

/* How probable are `heads` or more in `tosses` of a fair coin? */
double tail_fair_coin(unsigned int tosses, unsigned int heads);

#endif
