/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The table of transfers: records join one, quiet ones end. transfer_draw.c makes spans of them. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "transfer_table.h"

#define MS_NS 1000000LL

void *transfer_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		err(1, "out of memory");
	return memory;
}

int transfers_new(struct nodes *nodes, struct store *store, struct transfers **transfers)
{
	struct transfers *new = transfer_alloc(sizeof(*new));
	int error;

	new->tables.nodes = nodes;
	new->store = store;
	new->passed_end = &new->passed;
	new->path = transfer_alloc(PATH_SIZE_MAX);
	new->ended = transfer_alloc(TRANSFERS_ENDED_MAX * sizeof(struct transfer *));
	error = store ? baselines_load(&new->tables.baselines, store) : 0;
	if (error < 0) {
		transfers_free(new);
		return error;
	}
	*transfers = new;
	return 0;
}

static void path_free(struct transfers *transfers, struct path *path)
{
	if (!path)
		return;
	free((void *)path->packet);
	spares_give(&transfers->spares, path, path_size(path));
}

struct transfer *transfer_make(struct transfers *transfers)
{
	struct transfer *transfer = spares_take(&transfers->spares, sizeof(*transfer));

	*transfer = (struct transfer){ .packets = 0 };
	return transfer;
}

void transfer_free(struct transfers *transfers, struct transfer *transfer)
{
	for (unsigned int i = 0; i < SHOWN_COUNT; i++)
		path_free(transfers, transfer->shown[i]);
	spares_give(&transfers->spares, transfer, sizeof(*transfer));
}

void transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return;
	while (transfers->open.oldest) {
		struct transfer *transfer = table_item(transfers->open.oldest, struct transfer, entry);

		table_remove(&transfers->open, &transfer->entry);
		transfer_free(transfers, transfer);
	}
	for (unsigned int i = 0; i < transfers->ended_count; i++)
		transfer_free(transfers, transfers->ended[i]);
	while (transfers->passed) {
		struct transfer *next = transfers->passed->next;

		transfer_free(transfers, transfers->passed);
		transfers->passed = next;
	}
	table_free(&transfers->open);
	losses_free(&transfers->losses);
	closed_free(&transfers->passed_closed);
	closed_free(&transfers->closed);
	edges_free(&transfers->tables.edges);
	clocks_free(&transfers->tables.clocks);
	ends_free(&transfers->tables.ends);
	baselines_free(&transfers->tables.baselines);
	parents_free(&transfers->parents);
	spares_free(&transfers->spares);
	free(transfers->tables.receiver);
	free(transfers->ended);
	free(transfers->path);
	free(transfers);
}

void transfers_set_receiver(struct transfers *transfers, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		err(1, "out of memory");
	free(transfers->tables.receiver);
	transfers->tables.receiver = copy;
}

void transfers_set_show(struct transfers *transfers, const struct transfers_show *show)
{
	transfers->show = *show;
}

int transfers_save(struct transfers *transfers)
{
	return transfers->store ? baselines_save(&transfers->tables.baselines, transfers->store) : 0;
}

void transfers_count(const struct transfers *transfers, struct transfer_counts *counts)
{
	*counts = transfers->counts;
}

struct flow flow_of(const struct record *record)
{
	struct flow flow = {
		.source = record->source,
		.destination = record->destination,
		.source_port = record->source_port,
		.destination_port = record->destination_port,
		.transport = record->transport,
		.reply = context_is_reply(&record->context),
	};

	memcpy(flow.trace_id, record->context.trace_id, TRACE_ID_LEN);
	memcpy(flow.parent_id, record->context.span_id, SPAN_ID_LEN);
	return flow;
}

uint64_t flow_hash(const struct flow *flow)
{
	return hash_key(flow, sizeof(*flow));
}

static bool same_flow(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct transfer, entry)->flow, key, sizeof(struct flow)) == 0;
}

bool record_is_traced(const struct record *record)
{
	static const uint8_t zero[TRACE_ID_LEN];
	const struct context *context = &record->context;

	return record->has_context && record->hop_count && context->flags & CONTEXT_FLAG_SAMPLED &&
	       memcmp(context->trace_id, zero, TRACE_ID_LEN) != 0 && memcmp(context->span_id, zero, SPAN_ID_LEN) != 0;
}

static bool is_quiet(const struct transfer *transfer, int64_t now_unix_ns)
{
	return now_unix_ns - transfer->last_record_unix_ns >= TRANSFER_QUIET_MS * MS_NS;
}

/* Out of the open ones; the caller draws it or keeps it in `ended`. */
static void transfer_end(struct transfers *transfers, struct transfer *transfer)
{
	table_remove(&transfers->open, &transfer->entry);
	closed_remember(&transfers->closed, transfer->entry.hash, transfer->last_record_unix_ns);
}

/* False: no room to keep it until it is drawn. */
static bool transfer_end_early(struct transfers *transfers, struct transfer *transfer)
{
	if (transfers->ended_count == TRANSFERS_ENDED_MAX)
		return false;
	transfer_end(transfers, transfer);
	transfers->ended[transfers->ended_count++] = transfer;
	return true;
}

struct baseline *transfer_usual(struct transfers *transfers, const struct record *record)
{
	struct ends *ends = ends_find(&transfers->tables.ends, &record->source, &record->destination);

	return ends_usual(ends, &transfers->tables.baselines, context_is_reply(&record->context));
}

static struct transfer *transfer_new(struct transfers *transfers, const struct flow *flow, uint64_t hash,
				     struct baseline *usual)
{
	struct transfer *transfer;

	if (transfers->open.count == TRANSFERS_OPEN_MAX) {
		if (!transfer_end_early(transfers, table_item(transfers->open.oldest, struct transfer, entry)))
			return NULL;
		transfers->counts.early_closes++;
	}
	transfer = transfer_make(transfers);
	transfer->flow = *flow;
	transfer->w3c_flags = transfers->record.context.flags;
	transfer->usual = usual;
	table_add(&transfers->open, &transfer->entry, hash);
	return transfer;
}

/* Equally slow ones: the earlier, so that the order of records makes no difference. */
static bool is_slower(const struct path *path, const struct path *than)
{
	int64_t path_ns = path->end_unix_ns - path->start_unix_ns, than_ns = than->end_unix_ns - than->start_unix_ns;

	if (path_ns != than_ns)
		return path_ns > than_ns;
	if (path->start_unix_ns != than->start_unix_ns)
		return path->start_unix_ns < than->start_unix_ns;
	return path->fingerprint < than->fingerprint;
}

static const uint8_t *packet_copy(const struct path *path)
{
	uint8_t *packet = malloc(path->packet_len + 1);

	if (!packet)
		err(1, "out of memory");
	return memcpy(packet, path->packet, path->packet_len);
}

void path_keep(struct transfers *transfers, struct path **kept, const struct path *path)
{
	path_free(transfers, *kept);
	*kept = spares_take(&transfers->spares, path_size(path));
	memcpy(*kept, path, path_size(path));
	(*kept)->packet = transfers->show.pass_on ? packet_copy(path) : NULL;
}

static void keep_shown(struct transfers *transfers, struct transfer *transfer, const struct path *path)
{
	const struct transfers_show *show = &transfers->show;
	struct path **shown = transfer->shown;

	if (!shown[SHOWN_SLOWEST] || is_slower(path, shown[SHOWN_SLOWEST]))
		path_keep(transfers, &shown[SHOWN_SLOWEST], path);
	if ((show->first || show->pass_on) &&
	    (!shown[SHOWN_FIRST] || path->start_unix_ns < shown[SHOWN_FIRST]->start_unix_ns))
		path_keep(transfers, &shown[SHOWN_FIRST], path);
	if ((show->last || show->pass_on) && (!shown[SHOWN_LAST] || path->end_unix_ns > shown[SHOWN_LAST]->end_unix_ns))
		path_keep(transfers, &shown[SHOWN_LAST], path);
}

static void transfer_join(struct transfers *transfers, struct transfer *transfer, const struct path *path,
			  int64_t seen_unix_ns)
{
	int64_t way_ns = path->end_unix_ns - path->start_unix_ns;
	bool first = transfer->packets == 0;

	if (first || path->sent_unix_ns < transfer->sent_unix_ns)
		transfer->sent_unix_ns = path->sent_unix_ns;
	if (first || path->start_unix_ns < transfer->start_unix_ns)
		transfer->start_unix_ns = path->start_unix_ns;
	if (first || path->end_unix_ns > transfer->end_unix_ns)
		transfer->end_unix_ns = path->end_unix_ns;
	if (first || way_ns < transfer->min_ns)
		transfer->min_ns = way_ns;
	if (first || way_ns > transfer->max_ns)
		transfer->max_ns = way_ns;
	if (first || seen_unix_ns > transfer->last_record_unix_ns)
		transfer->last_record_unix_ns = seen_unix_ns;
	transfer->sum_ns += way_ns;
	transfer->seen[transfer->packets++ % SEEN_PACKETS] = path->fingerprint;
	keep_shown(transfers, transfer, path);
}

static bool was_seen(const struct transfer *transfer, uint64_t fingerprint)
{
	for (unsigned int i = 0; i < SEEN_PACKETS && i < transfer->packets; i++)
		if (transfer->seen[i] == fingerprint)
			return true;
	return false;
}

/* A record's hops that are used, not all 61. */
static void record_copy(struct record *copy, const struct record *record)
{
	memcpy(copy, record, offsetof(struct record, hops));
	memcpy(copy->hops, record->hops, record->hop_count * sizeof(record->hops[0]));
	if (!copy->seen_unix_ns)
		copy->seen_unix_ns = copy->time_unix_ns;
}

/* The packet counts for its flow's usual; then it joins a transfer unless its own is closed. */
static void add_path(struct transfers *transfers, struct transfer *transfer, const struct flow *flow, uint64_t hash)
{
	const struct path *path = transfers->path;
	int64_t seen_unix_ns = transfers->record.seen_unix_ns;
	struct baseline *usual = transfer ? transfer->usual : transfer_usual(transfers, &transfers->record);

	baseline_add(usual, path->end_unix_ns - path->start_unix_ns, seen_unix_ns);
	if (transfer && is_quiet(transfer, seen_unix_ns) && transfer_end_early(transfers, transfer))
		transfer = NULL;
	if (!transfer && closed_is_late(&transfers->closed, hash, seen_unix_ns)) {
		transfers->counts.late_records++;
		return;
	}
	if (!transfer)
		transfer = transfer_new(transfers, flow, hash, usual);
	if (!transfer) {
		transfers->counts.dropped_records++;
		return;
	}
	transfer_join(transfers, transfer, path, seen_unix_ns);
	table_touch(&transfers->open, &transfer->entry);
}

static void add_traced(struct transfers *transfers, const struct record *record)
{
	struct flow flow = flow_of(record);
	uint64_t hash = flow_hash(&flow), fingerprint = path_fingerprint(record);
	struct table_entry *entry = table_find(&transfers->open, hash, same_flow, &flow);
	struct transfer *transfer = table_item(entry, struct transfer, entry);

	if (transfer && was_seen(transfer, fingerprint)) {
		transfers->counts.duplicate_records++;
		return;
	}
	if (!path_build(transfers->path, record, &transfers->tables)) {
		transfers->counts.untimed_records++;
		return;
	}
	transfers->path->fingerprint = fingerprint;
	add_path(transfers, transfer, &flow, hash);
}

void transfers_take_record(struct transfers *transfers, const struct record *record)
{
	record_copy(&transfers->record, record);
	record_times(&transfers->record, transfers->tables.nodes);
}

void transfers_add(struct transfers *transfers, const struct record *record)
{
	const struct record *copy = &transfers->record;

	transfers->counts.records++;
	transfers_take_record(transfers, record);
	if (record_is_traced(copy)) {
		add_traced(transfers, copy);
		return;
	}
	transfers->counts.untraced_records++;
	path_build(transfers->path, copy, &transfers->tables);
}

void transfers_add_repeat(struct transfers *transfers, const struct repeat *repeat)
{
	losses_add(&transfers->losses, repeat);
}

/* Oldest first, as far as there is room. */
static void ended_draw(struct transfers *transfers, size_t most, struct span_list *spans)
{
	unsigned int drawn = 0;

	while (drawn < transfers->ended_count && spans->count < most)
		transfer_draw(transfers, transfers->ended[drawn++], spans);
	transfers->ended_count -= drawn;
	memmove(transfers->ended, transfers->ended + drawn, transfers->ended_count * sizeof(transfers->ended[0]));
}

static void open_close(struct transfers *transfers, int64_t now_unix_ns, bool all, size_t most, struct span_list *spans)
{
	while (transfers->open.oldest && spans->count < most) {
		struct transfer *transfer = table_item(transfers->open.oldest, struct transfer, entry);

		if (!all && !is_quiet(transfer, now_unix_ns))
			break;
		transfer_end(transfers, transfer);
		transfer_draw(transfers, transfer, spans);
	}
}

bool transfers_close(struct transfers *transfers, int64_t now_unix_ns, bool all, size_t most, struct span_list *spans)
{
	ended_draw(transfers, most, spans);
	passed_close(transfers, now_unix_ns, all, most, spans);
	losses_close(&transfers->losses, &transfers->tables, now_unix_ns, all, spans);
	open_close(transfers, now_unix_ns, all, most, spans);
	closed_expire(&transfers->closed, now_unix_ns);
	closed_expire(&transfers->passed_closed, now_unix_ns);
	return spans->count >= most;
}
