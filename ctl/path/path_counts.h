/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the watch over paths has done and seen since it began, in all namespaces. Its thread counts, any may read. */
#ifndef HOPSPAN_PATH_PATH_COUNTS_H
#define HOPSPAN_PATH_PATH_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "tc/path.h"
#include "weigh.h"

struct path_counts {
	_Atomic uint64_t changes[PATH_REFUSED + 1];    /* to each state */
	_Atomic uint64_t probes[PROBE_UNANSWERED + 1]; /* by verdict */
	_Atomic uint64_t not_probed;		       /* it could not be sent */
	_Atomic uint64_t worse;			       /* verdicts of the judge against stamped segments */
};

#endif
