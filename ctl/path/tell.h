/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lines of the collector's log about paths: never more than a few in a while, however many destinations there are. */
#ifndef HOPSPAN_PATH_TELL_H
#define HOPSPAN_PATH_TELL_H

#include <stdint.h>

enum { TELL_LINES = 20 };
#define TELL_WHILE_NS 10000000000ULL

struct tell {
	uint64_t while_ns;  /* when this one began */
	unsigned int lines; /* wanted in it */
};

__attribute__((format(printf, 3, 4))) void tell(struct tell *tell, uint64_t now_ns, const char *format, ...);

/* Says how many were left out, once the while is over. */
void tell_rest(struct tell *tell, uint64_t now_ns);

#endif
