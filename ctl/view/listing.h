/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The newest traces as text, a line each. */
#ifndef HOPSPAN_LISTING_H
#define HOPSPAN_LISTING_H

#include "out.h"
#include "store/store.h"

void listing_print(const struct out *out, const struct store_trace *traces, size_t count);

#endif
