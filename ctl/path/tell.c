/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Writes lines about paths to stderr, within a limit. */
#include "tell.h"

#include <stdarg.h>
#include <stdio.h>

void tell_rest(struct tell *tell, uint64_t now_ns)
{
	if (now_ns - tell->while_ns < TELL_WHILE_NS)
		return;
	if (tell->lines > TELL_LINES)
		fprintf(stderr, "hopspan collect: %u more changes of paths (hopspan status shows all)\n",
			tell->lines - TELL_LINES);
	*tell = (struct tell){ .while_ns = now_ns };
}

void tell(struct tell *tell, uint64_t now_ns, const char *format, ...)
{
	char line[256];
	va_list words;

	tell_rest(tell, now_ns);
	if (++tell->lines > TELL_LINES)
		return;
	va_start(words, format);
	vsnprintf(line, sizeof(line), format, words);
	va_end(words);
	fprintf(stderr, "hopspan collect: %s\n", line);
}
