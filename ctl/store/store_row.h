/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A trace's row in the store: what `trace list` shows of it. Only store*.c include this.
 */
#ifndef HOPSPAN_STORE_ROW_H
#define HOPSPAN_STORE_ROW_H

#include "store.h"

/* Brings the row up to date with `count` more spans of one trace, within the caller's transaction. */
int store_row_update(struct store *store, const struct span **spans, size_t count);

#endif
