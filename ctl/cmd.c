/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The table of commands, and how each says that its words are wrong. */
#include "cmd.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>

const struct command commands[] = {
	{ "host", "up", cmd_host_up, "dev DEV... [proved PREFIX]... [WORDS]",
	  "stamp and sink: a host whose requests are traced",
	  "  dev DEV         the device of that traffic; repeatable\n"
	  "  proved PREFIX   the paths to this IPv6 prefix are known to carry the option;\n"
	  "                  repeatable, ::/0 for all\n"
	  "  probe PREFIX    they are to be tried first, by the collector; until then\n"
	  "                  copies of TCP headers are stamped, no packet (::/0, if not\n"
	  "                  said otherwise)\n"
	  "  off PREFIX      nothing is stamped to there\n"
	  "All prefixes named are stamped as these words say, which are also the defaults\n"
	  "of node.yaml's destinations. Without a prefix there and here, those of the last\n"
	  "`up` stay, changed by the words.\n"
	  "  way WAY         auto, in-place (only what the headroom allows), clone, or\n"
	  "                  shadow (a copy of the TCP header before the packet)\n"
	  "  carrier WHAT    how ids travel: in the trace's opaque snapshot (snapshot), or\n"
	  "                  in an identifier option with a context type (generic) or\n"
	  "                  without (generic-id: known only to hosts that use it, too)\n"
	  "  trace TYPE      what each node writes: 24 bits of RFC 9197 in hex (0xda0000),\n"
	  "                  or none: ids alone, in an identifier option\n"
	  "  hops N          room for N nodes behind this host (4)\n"
	  "  first N         stamp the first N packets of a request (1)\n"
	  "  every M         and then one in M (0: no more)\n"
	  "  replies on|off  carry a request's context back in its answer (on)\n"
	  "All of this host:\n"
	  "  budget N        stamped packets a second, against floods (100000; 0: no limit)\n"
	  "  bulk-budget N   of these, shadows beside offloaded packets, so that bulk data\n"
	  "                  keeps its pace (1000; 0: no limit)\n"
	  "  via WAY         where stamped packets are met: xdp (before they merge), tc, or\n"
	  "                  auto: xdp where the driver has it, tc else and on veth\n"
	  "  side own|peer   peer: DEV is the host's side of a pod's veth, and the pod's\n"
	  "                  packets are stamped as they come in, in place or not at all\n"
	  "  order WAY       first or last of the programs at tc (clsact: first; tcx: last)\n"
	  "  lower-mtu on|off  lower the MTU of routes to proved prefixes by the header, so\n"
	  "                  that full-size packets have room for it, too (off)\n"
	  "  cgroup PATH     the socket option for this part of cgroup2 ($HOPSPAN_CGROUP,\n"
	  "                  else all of it)\n"
	  "  node-id N       24 bits, in place of node.yaml's\n"
	  "  clock-offset N  ns that this node's clock is off, in place of node.yaml's (0)\n"
	  "A second `up` with the same words changes nothing.\n" },
	{ "host", "down", cmd_host_down, "[dev DEV]...", "undo `host up`, on all its devices or those named", NULL },
	{ "host", "show", cmd_host_show, "[dev DEV]...", "devices, settings and counters of this host", NULL },
	{ "router", "up", cmd_router_up, "[kernel] dev DEV... [WORDS]",
	  "transit: write arrival, stay and queue of packets",
	  "  dev DEV     a device of the router; repeatable, all that packets come in or\n"
	  "              go out by\n"
	  "  via WAY     where packets are met: xdp, tc, or auto: xdp where the driver has\n"
	  "              it, but not on veth, where it costs bulk traffic a factor of 5\n"
	  "  forward WHO kernel, or xdp: XDP itself sends on what it is certain of, out by\n"
	  "              devices that have this word, too; all else is the kernel's as\n"
	  "              ever. Such packets pass by tc and qdiscs (docs/fast-path.md)\n"
	  "  order WAY   first or last of the programs at tc (clsact: first; tcx: last)\n"
	  "  node-id N   24 bits, in place of node.yaml's\n"
	  "  clock-offset N  ns that this node's clock is off, in place of node.yaml's (0)\n"
	  "  wait WHAT   measured: how long stamped packets wait in the devices' queues is\n"
	  "              kept in histograms, for `router show` and metrics (off)\n"
	  "  kernel      the first word: no programs of ours, but the kernel's own IOAM,\n"
	  "              fed with the ids and namespaces of node.yaml, on its interfaces\n"
	  "              where no device is named\n"
	  "The delay written is the node's work, before the egress queue; the kernel itself\n"
	  "writes none. A second `up` with another node.yaml changes what is written.\n" },
	{ "router", "down", cmd_router_down, "[dev DEV]...", "undo `router up`, on all its devices or those named",
	  NULL },
	{ "router", "show", cmd_router_show, "[dev DEV]...", "devices, settings and counters of this router", NULL },
	{ "border", "up", cmd_border_up, "dev DEV... [in|out ACTION [PREFIX]]... [via WAY]",
	  "what of our options may come in and go out by a device",
	  "  dev DEV              a device that leads out of the domain; repeatable\n"
	  "  in ACTION [PREFIX]   for packets that come in, from this IPv6 prefix\n"
	  "  out ACTION [PREFIX]  for packets that go out, to it\n"
	  "                       repeatable; the longest prefix decides. Without a prefix\n"
	  "                       for all others: strip, if not said otherwise\n"
	  "Actions:\n"
	  "  strip                options of ours are taken out: IOAM in the namespaces of\n"
	  "                       node.yaml, identifiers\n"
	  "  strip-ioam           and IOAM in any other namespace\n"
	  "  drop                 packets that carry any of those end\n"
	  "  allow                they pass as they are\n"
	  "Copies of packets for measurement (Active, shadows) end in any case. The words\n"
	  "of a second `up` take the place of the first's; no packet passes in between.\n"
	  "  via WAY              where what comes in is met first: xdp, tc, or auto: xdp\n"
	  "                       where the driver has it, but not on veth\n" },
	{ "border", "down", cmd_border_down, "[dev DEV]...", "undo `border up`, on all its devices or those named",
	  NULL },
	{ "border", "show", cmd_border_show, "[dev DEV]...", "devices, rules and counters of this border", NULL },
	{ "collect", NULL, cmd_collect, "[WORDS]", "make spans of what the sinks record; take applications' spans",
	  "  otlp URL       send all spans on to this OTLP/HTTP endpoint; repeatable\n"
	  "                 ($OTEL_EXPORTER_OTLP_ENDPOINT and its kin)\n"
	  "  file FILE      and append them to this file, lines of OTLP's JSON as the\n"
	  "                 OpenTelemetry Collector writes them; - is stdout; repeatable\n"
	  "  kafka BROKERS  and to these Kafka brokers, HOST:PORT,HOST:PORT...\n"
	  "  topic NAME     of Kafka, for OTLP in protobuf (jaeger-spans)\n"
	  "  property KEY=VALUE  one of librdkafka's, for what else Kafka needs; repeatable\n"
	  "  properties FILE     the same, one a line, as for passwords\n"
	  "  central URL    or pass them on to the `hopspan collect` there, which sees all\n"
	  "                 hosts and both directions, and alone sends to a backend\n"
	  "  hops WHICH     show links and routers of all transfers, of slow ones (over\n"
	  "                 twice their usual), or of none\n"
	  "  packets LIST   of a transfer of several: slowest,first,last (slowest)\n"
	  "  listen ADDR    take OTLP/HTTP here (127.0.0.1:4319); repeatable. NETNS/ADDR is\n"
	  "                 an address in a network namespace of `ip netns`\n"
	  "  store FILE     keep spans here ($HOPSPAN_STORE, /var/lib/hopspan/store.db)\n"
	  "  age TIME       and no longer than this, once they are sent (7d; 0: for ever)\n"
	  "  size OCTETS    and no more than this, sent or not (4G; 0: no limit)\n"
	  "  nodes FILE     names and kinds of nodes (/etc/hopspan/nodes.yaml)\n"
	  "  tap DEV        also what comes in by this device, by libpcap, where nothing of\n"
	  "                 ours may be loaded; repeatable, NETNS/DEV as above\n"
	  "  read FILE      a run that is over instead of this machine's: a capture (pcap,\n"
	  "                 pcapng) taken where packets arrive, or spans as lines of OTLP's\n"
	  "                 JSON; - is stdin; repeatable, in the order of their times. Ends\n"
	  "                 when all is stored and sent\n"
	  "  metrics ADDR   /metrics for Prometheus and /health here (127.0.0.1:9419);\n"
	  "                 off: nowhere\n"
	  "  push URL       send the same to this OTLP/HTTP endpoint, each minute\n"
	  "                 ($OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)\n"
	  "Reads the sinks of all network namespaces of this machine. Ends on SIGINT or\n"
	  "SIGTERM, when all is stored.\n" },
	{ "status", NULL, cmd_status, "", "every counter, everything attached, in all network namespaces",
	  "  And the DPDK forwarders of this machine, each asked by its telemetry socket in\n"
	  "  $HOPSPAN_DPDK_RUNTIME (/var/run/dpdk); one that does not answer in a second is\n"
	  "  named. docs/dpdk.md says what is counted.\n" },
	{ "trace", "list", cmd_trace_list, "[WORDS]", "the newest traces, a line each",
	  "  Times are UTC, durations ms; \"slow at\" is the place furthest above its usual.\n"
	  "  limit N     at most N traces (20)\n"
	  "  since TIME  that began then or later: so long ago (15m, 2h, 3d), or UTC\n"
	  "              (2026-11-20T14:02:11Z); until TIME: then or before\n"
	  "  longer TIME that took so long (30ms, 1.5s) or longer; shorter TIME: or less\n"
	  "  service NAME  with a span of this service\n"
	  "  node NAME   whose packets this node wrote into\n"
	  "  queue N     that met a queue of N octets (10000, 64k) or more: at NODE, if one\n"
	  "              is named, else anywhere\n"
	  "  store FILE  the collector's store ($HOPSPAN_STORE, /var/lib/hopspan/store.db)\n" },
	{ "trace", "show", cmd_trace_show, "ID [-a] [store FILE]",
	  "one trace as a waterfall of all its spans, with a verdict",
	  "  ID          a trace id, or any beginning of one that no other trace shares\n"
	  "  -a          every row: nothing folded (as without a terminal)\n"
	  "  store FILE  the collector's store ($HOPSPAN_STORE, /var/lib/hopspan/store.db)\n" },
	{ "decode", NULL, cmd_decode, "FILE.pcap | -i DEV [nodes FILE]",
	  "one JSON line per stamped packet of a capture",
	  "  FILE.pcap   a capture (pcap, pcapng) of Ethernet, Linux cooked, nflog or raw\n"
	  "              IPv6 packets; - for stdin\n"
	  "  -i DEV      what comes in by this device, until SIGINT; NETNS/DEV: in a\n"
	  "              network namespace of `ip netns`\n"
	  "  nodes FILE  nodes.yaml: each node's time format and queue unit (unknown\n"
	  "              nodes: PTP, bytes)\n" },
};

const unsigned int command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_of(int (*run)(const struct options *options, int argc, char **argv))
{
	for (unsigned int i = 0; i < command_count; i++)
		if (commands[i].run == run)
			return &commands[i];
	abort(); /* callers are the table's own functions */
}

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
