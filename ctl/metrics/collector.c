/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the collector says of itself. */
#include <jansson.h>
#include <stddef.h>

#include "hop_counts.h"
#include "otlp/export.h"
#include "otlp/otlp.h"
#include "pages.h"
#include "path/path_counts.h"
#include "path/path_map.h"
#include "path/watch.h"
#include "store/store.h"
#include "text.h"
#include "version.h"

/* A family of one sample without labels. */
static void single_write(const struct text *text, enum metric metric, uint64_t value)
{
	text_family(text, metric);
	text_sample(text, metric, value, NULL);
}

/* A family of a sample per value of one label. */
static void labelled_write(const struct text *text, enum metric metric, const char *label, unsigned int count,
			   const char *const *names, const uint64_t *values)
{
	text_family(text, metric);
	for (unsigned int i = 0; i < count; i++)
		text_sample(text, metric, values[i], label, names[i], NULL);
}

static void path_counts_write(const struct text *text, const struct watch *watch)
{
	static const char *const verdicts[] = { [PROBE_UNCLEAR] = "unclear",
						[PROBE_PASSES] = "passes",
						[PROBE_BLOCKED] = "blocked",
						[PROBE_UNANSWERED] = "unanswered" };
	const struct path_counts *counts = watch ? watch_counts(watch) : NULL;

	text_family(text, METRIC_path_changes_total);
	for (uint32_t i = 0; counts && i <= PATH_REFUSED; i++)
		text_sample(text, METRIC_path_changes_total, counts->changes[i], "to", path_state_name(i), NULL);
	text_family(text, METRIC_path_probes_total);
	for (uint32_t i = 0; counts && i <= PROBE_UNANSWERED; i++)
		text_sample(text, METRIC_path_probes_total, counts->probes[i], "result", verdicts[i], NULL);
	if (counts)
		text_sample(text, METRIC_path_probes_total, counts->not_probed, "result", "not_sent", NULL);
	text_family(text, METRIC_paths_worse_total);
	if (counts)
		text_sample(text, METRIC_paths_worse_total, counts->worse, NULL);
}

static void records_write(const struct text *text, const struct collect_counts *counts)
{
	static const char *const reasons[] = { "late", "duplicate", "untraced", "untimed", "dropped" };
	const struct transfer_counts *transfers = &counts->transfers;
	const uint64_t unused[] = { transfers->late_records, transfers->duplicate_records, transfers->untraced_records,
				    transfers->untimed_records, transfers->dropped_records };

	single_write(text, METRIC_sinks, counts->sinks);
	single_write(text, METRIC_records_total, counts->records.records);
	single_write(text, METRIC_records_undecoded_total, counts->records.undecoded);
	single_write(text, METRIC_source_records_total, counts->sources.records);
	single_write(text, METRIC_source_malformed_total, counts->sources.malformed);
	single_write(text, METRIC_source_lost_total, counts->sources.lost);
	labelled_write(text, METRIC_records_unused_total, "reason", 5, reasons, unused);
	single_write(text, METRIC_repeats_total, counts->records.repeats);
	single_write(text, METRIC_passed_packets_total, transfers->passed_records);
	single_write(text, METRIC_passed_malformed_total, counts->passed.bad_spans);
	single_write(text, METRIC_transfers_total, transfers->transfers);
	single_write(text, METRIC_transfers_early_total, transfers->early_closes);
	single_write(text, METRIC_network_spans_total, counts->spans);
	single_write(text, METRIC_network_spans_lost_total, counts->lost_spans);
}

static void receive_write(const struct text *text, const struct receive_counts *counts)
{
	single_write(text, METRIC_otlp_requests_total, counts->requests);
	single_write(text, METRIC_otlp_requests_bad_total, counts->bad_requests);
	single_write(text, METRIC_otlp_store_errors_total, counts->store_errors);
	single_write(text, METRIC_application_spans_total, counts->spans);
	text_family(text, METRIC_application_spans_rejected_total);
	for (int i = 0; i < REJECT_COUNT; i++)
		text_sample(text, METRIC_application_spans_rejected_total, counts->rejected[i], "reason",
			    reject_name(i), NULL);
}

/* A family of a sample per endpoint: what is at `offset` of its counts. */
static void export_counts_write(const struct text *text, enum metric metric, const struct pages *pages, size_t offset)
{
	text_family(text, metric);
	for (unsigned int i = 0; i < pages->export_count; i++) {
		struct export_counts counts;

		export_counts(pages->exports[i], &counts);
		text_sample(text, metric, *(const uint64_t *)((const char *)&counts + offset), "endpoint",
			    export_name(pages->exports[i]), NULL);
	}
}

static void export_batches_write(const struct text *text, const struct pages *pages)
{
	text_family(text, METRIC_export_batches_total);
	for (unsigned int i = 0; i < pages->export_count; i++) {
		const char *name = export_name(pages->exports[i]);
		struct export_counts counts;

		export_counts(pages->exports[i], &counts);
		text_sample(text, METRIC_export_batches_total, counts.batches, "endpoint", name, "result", "delivered",
			    NULL);
		text_sample(text, METRIC_export_batches_total, counts.rejected_batches, "endpoint", name, "result",
			    "rejected", NULL);
	}
}

static void export_state_write(const struct text *text, const struct pages *pages)
{
	text_family(text, METRIC_export_failing);
	for (unsigned int i = 0; i < pages->export_count; i++) {
		char error[EXPORT_ERROR_SIZE];

		export_error(pages->exports[i], error);
		text_sample(text, METRIC_export_failing, error[0] != 0, "endpoint", export_name(pages->exports[i]),
			    NULL);
	}
	text_family(text, METRIC_export_queue_batches);
	for (unsigned int i = 0; i < pages->export_count; i++) {
		uint64_t waiting;

		if (store_queue(pages->store, export_key(pages->exports[i]), &waiting) == 0)
			text_sample(text, METRIC_export_queue_batches, waiting, "endpoint",
				    export_name(pages->exports[i]), NULL);
	}
}

static void exports_write(const struct text *text, const struct pages *pages)
{
	export_batches_write(text, pages);
	export_counts_write(text, METRIC_export_spans_total, pages, offsetof(struct export_counts, spans));
	export_counts_write(text, METRIC_export_spans_rejected_total, pages,
			    offsetof(struct export_counts, rejected_spans));
	export_counts_write(text, METRIC_export_batches_dropped_total, pages,
			    offsetof(struct export_counts, dropped_batches));
	export_counts_write(text, METRIC_export_retries_total, pages, offsetof(struct export_counts, retries));
	export_state_write(text, pages);
}

void pages_collector(const struct text *text, const struct pages *pages)
{
	text_family(text, METRIC_build_info);
	text_sample(text, METRIC_build_info, 1, "version", HOPSPAN_VERSION, NULL);
	hop_counts_write(pages->hops, text);
	path_counts_write(text, pages->watch);
	records_write(text, &pages->counts);
	receive_write(text, &pages->counts.in);
	single_write(text, METRIC_store_bytes, store_bytes(pages->store));
	single_write(text, METRIC_store_expired_spans_total, pages->counts.dropped.spans);
	single_write(text, METRIC_store_expired_unsent_total, pages->counts.dropped.unsent_spans);
	single_write(text, METRIC_store_unkept_spans_total, store_unkept_spans(pages->store));
	exports_write(text, pages);
}

void pages_metrics(const struct text *text, const struct pages *pages)
{
	pages_kernel(text);
	pages_forwarders(text);
	pages_collector(text, pages);
	text_end(text);
}

/* {"ok": true} or, unless it is empty, {"ok": false, "error": "..."}. Some of it may be the endpoint's words. */
static json_t *state_json(const char *error)
{
	char text[EXPORT_ERROR_SIZE];

	if (!*error)
		return json_pack("{s:b}", "ok", 1);
	snprintf(text, sizeof(text), "%s", error);
	utf8_mend(text);
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

/* Of several, one that fails. */
static json_t *exports_json(const struct pages *pages)
{
	char error[EXPORT_ERROR_SIZE] = "";

	for (unsigned int i = 0; !error[0] && i < pages->export_count; i++)
		export_error(pages->exports[i], error);
	return state_json(error);
}

bool pages_health(FILE *out, const struct pages *pages)
{
	bool writable = store_check(pages->store) == 0;
	json_t *object = json_pack("{s:s, s:i, s:o}", "version", HOPSPAN_VERSION, "sinks", (int)pages->counts.sinks,
				   "store", state_json(writable ? "" : store_error(pages->store)));

	if (pages->export_count)
		json_object_set_new(object, "export", exports_json(pages));
	json_dumpf(object, out, 0);
	fputc('\n', out);
	json_decref(object);
	return writable;
}
