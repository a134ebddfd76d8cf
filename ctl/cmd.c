/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The table of commands, and how each says that its words are wrong. */
#include "cmd.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

const struct command commands[] = {
	{ "trace", "list", cmd_trace_list, "[limit N] [store FILE]", "the newest traces, a line each",
	  "  Times are UTC, durations ms; \"slow at\" is the place furthest above its usual.\n"
	  "  limit N     at most N traces (20)\n"
	  "  store FILE  the collector's store ($HOPSPAN_STORE, /var/lib/hopspan/store.db)\n" },
	{ "trace", "show", cmd_trace_show, "ID [-a] [store FILE]",
	  "one trace as a waterfall, application and network spans together, with a verdict",
	  "  ID          a trace id, or any beginning of one that no other trace shares\n"
	  "  -a          every row: nothing folded (as without a terminal)\n"
	  "  store FILE  the collector's store ($HOPSPAN_STORE, /var/lib/hopspan/store.db)\n" },
	{ "decode", NULL, cmd_decode, "FILE.pcap [nodes FILE]", "one JSON line per stamped packet of a capture",
	  "  FILE.pcap   a capture (pcap, pcapng) of Ethernet, Linux cooked, nflog or raw\n"
	  "              IPv6 packets; - for stdin\n"
	  "  nodes FILE  nodes.yaml: each node's time format and queue unit (unknown\n"
	  "              nodes: PTP, bytes)\n" },
};

const unsigned int command_count = sizeof(commands) / sizeof(commands[0]);

int misuse(const struct command *command, const char *format, ...)
{
	const char *verb = command->verb;
	va_list args;

	fprintf(stderr, "hopspan %s%s%s: ", command->object, verb ? " " : "", verb ? verb : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see hopspan %s%s%s --help)\n", command->object, verb ? " " : "", verb ? verb : "");
	return EXIT_MISUSE;
}
