/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Prometheus' text format 0.0.4, and OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec): all
 * metrics by name, and how their samples are written. A family's samples follow it, before the next family.
 *
 * In OpenMetrics a counter's family has no "_total", only its samples have, there are units and exemplars, and the end
 * is told from a page that was cut.
 */
#ifndef HOPSPAN_METRICS_TEXT_H
#define HOPSPAN_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "spans/span.h"

enum text_format { TEXT_PROMETHEUS, TEXT_OPENMETRICS };

struct text {
	FILE *out;
	enum text_format format;
};

/* The content type. */
const char *text_type(enum text_format format);

/* METRIC(name, type, help): the name goes without "hopspan_". docs/metrics.md has the same, with the labels. */
#define METRIC_LIST(METRIC)                                                                                        \
	METRIC(build_info, gauge, "The running version; always 1.")                                                \
	/* what the kernel's programs count, with and without a collector */                                       \
	METRIC(device_info, gauge, "Devices that `up` has named, also while they are gone; always 1.")             \
	METRIC(packets_total, counter, "Packets, by what became of them.")                                         \
	METRIC(wait_seconds, histogram, "Waits of stamped packets in a router's queues, where they are measured.") \
	METRIC(contexts_total, counter, "Contexts set on sockets, by what became of them.")                        \
	METRIC(paths, gauge, "Destinations whose paths have to prove themselves, by state.")                       \
	/* DPDK forwarders */                                                                                      \
	METRIC(forwarder_up, gauge, "DPDK forwarders of this machine: 1, or 0 while one does not answer.")         \
	METRIC(forwarder_packets_total, counter, "Packets of DPDK forwarders, by what became of them.")            \
	METRIC(forwarder_port_packets_total, counter, "Packets that came by a port of theirs, and that left.")     \
	METRIC(forwarder_port_bytes_total, counter, "The octets of these frames, without FCS.")                    \
	METRIC(forwarder_port_lost_total, counter,                                                                 \
	       "Packets that a port had no room to receive, or took and could not send.")                          \
	METRIC(forwarder_queue_bytes, gauge, "Octets that wait for a port.")                                       \
	METRIC(forwarder_clock_error_nanoseconds, gauge, "What its clock may be off from the system's, at most.")  \
	METRIC(forwarder_clock_steps_total, counter, "Times that the system's clock was set under it.")            \
	/* what packets brought */                                                                                 \
	METRIC(node_delay_seconds, histogram, "Delays that nodes wrote into stamped packets, as they came.")       \
	METRIC(node_queue_bytes, histogram, "Queues that nodes wrote into stamped packets, as they came.")         \
	/* the watch over paths */                                                                                 \
	METRIC(path_changes_total, counter, "Changes of a path's state that the collector made or saw.")           \
	METRIC(path_probes_total, counter, "Probes of paths, by result.")                                          \
	METRIC(paths_worse_total, counter, "Times that stamped segments to a prefix fared clearly worse.")         \
	/* records to spans */                                                                                     \
	METRIC(sinks, gauge, "Network namespaces whose sink is read.")                                             \
	METRIC(records_total, counter, "Stamped packets that sinks recorded and that were read.")                  \
	METRIC(records_undecoded_total, counter, "Records that could not be read.")                                \
	METRIC(source_records_total, counter, "Stamped packets read from files and taps.")                         \
	METRIC(source_malformed_total, counter, "Packets of files and taps whose option could not be read.")       \
	METRIC(source_lost_total, counter, "Packets that a tap had no room for.")                                  \
	METRIC(records_unused_total, counter, "Records read that are in no transfer, by reason.")                  \
	METRIC(repeats_total, counter, "Segments of traced bytes that hosts here had to send again.")              \
	METRIC(passed_packets_total, counter, "Stamped packets of transfers that other collectors passed on.")     \
	METRIC(passed_malformed_total, counter, "Spans passed on as transfers that are none.")                     \
	METRIC(transfers_total, counter, "Transfers that are over.")                                               \
	METRIC(transfers_early_total, counter, "Transfers closed early because too many were open.")               \
	METRIC(network_spans_total, counter, "Network spans made.")                                                \
	METRIC(network_spans_lost_total, counter, "Of them, those that could not be stored.")                      \
	/* applications' spans */                                                                                  \
	METRIC(otlp_requests_total, counter, "OTLP requests of applications answered.")                            \
	METRIC(otlp_requests_bad_total, counter, "Of them, those refused as wrong.")                               \
	METRIC(otlp_store_errors_total, counter, "Of them, those refused because the store failed.")               \
	METRIC(application_spans_total, counter, "Spans of applications taken.")                                   \
	METRIC(application_spans_rejected_total, counter, "Spans of applications whose ids are none, by reason.")  \
	/* store and export */                                                                                     \
	METRIC(store_bytes, gauge, "Size of the store's files.")                                                   \
	METRIC(store_expired_spans_total, counter, "Spans deleted for the store's limits of age and size.")        \
	METRIC(store_expired_unsent_total, counter, "Of them, those that not every endpoint has been sent.")       \
	METRIC(store_unkept_spans_total, counter, "Spans sent on, but not kept, because the disk was full.")       \
	METRIC(export_batches_total, counter, "Batches of spans that the endpoint answered finally, by result.")   \
	METRIC(export_spans_total, counter, "Spans that the endpoint has taken.")                                  \
	METRIC(export_spans_rejected_total, counter, "Spans that the endpoint did not take.")                      \
	METRIC(export_batches_dropped_total, counter, "Batches that left the store before they could be sent.")    \
	METRIC(export_retries_total, counter, "Attempts to send a batch that have to be repeated.")                \
	METRIC(export_failing, gauge, "1 while the last attempt to send a batch has failed, else 0.")              \
	METRIC(export_queue_batches, gauge, "Batches in the store that are yet to be sent.")

#define METRIC_ENUM(name, type, help) METRIC_##name,
enum metric { METRIC_LIST(METRIC_ENUM) METRIC_COUNT };

/* "hopspan_..." and its help and type as it is written. METRIC_COUNT: there is none of that name. */
const char *text_name(enum metric metric);
const char *text_help(enum metric metric);
enum metric text_find(const char *name, size_t len);

/* HELP and TYPE. */
void text_family(const struct text *text, enum metric metric);

/* One sample; the labels are pairs of name and value, and NULL at the end. */
__attribute__((sentinel)) void text_sample(const struct text *text, enum metric metric, uint64_t value, ...);

/* A value that was counted, and the trace it is from. */
struct text_exemplar {
	double value;
	int64_t time_unix_ns; /* 0: none */
	uint8_t trace_id[TRACE_ID_LEN], span_id[SPAN_ID_LEN];
};

/* What a histogram's samples say: of `count` bounds each, how many values are below it. */
struct text_histogram {
	const double *bounds;
	const uint64_t *below;
	unsigned int count;
	uint64_t values;
	double sum;
	const struct text_exemplar *exemplars; /* one for each bound, and one for the values beyond; NULL: none */
};

/* The samples of one histogram; labels as above. */
__attribute__((sentinel)) void text_histogram(const struct text *text, enum metric metric,
					      const struct text_histogram *histogram, ...);

/* All is said. */
void text_end(const struct text *text);

/* A label's value: backslash, quote and line feed escaped, and "?" for each octet that is not UTF-8. */
void text_escape(FILE *out, const char *value);

#endif
