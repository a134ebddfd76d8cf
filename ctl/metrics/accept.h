/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which of two formats a scraper wants its page in. */
#ifndef HOPSPAN_METRICS_ACCEPT_H
#define HOPSPAN_METRICS_ACCEPT_H

#include "text.h"

/*
 * By the value of its header "Accept" (RFC 9110, section 12.5.1), or NULL: OpenMetrics if it is named, in version 1.0.0
 * or in none, and not behind text/plain in quality; else the older one, whatever was asked for.
 */
enum text_format accept_format(const char *accept);

#endif
