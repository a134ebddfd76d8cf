/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The table of transfers: records join one, quiet ones end and are drawn.
 *
 *	record -> open -> (quiet: drawn at once | too many, or overdue: ended, drawn at the next close) -> closed
 */
#include "transfer.h"

#include <errno.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "closed.h"
#include "draw.h"
#include "path.h"
#include "table.h"

#define MS_NS 1000000LL

enum { SEEN_PACKETS = 8 }; /* fingerprints kept to tell duplicates, which come close together */

struct transfer {
	struct table_entry entry;
	struct flow flow;
	struct path *slowest;
	struct baseline *usual;
	int64_t last_record_unix_ns; /* by the collector's clock */
	int64_t sent_unix_ns;	     /* the first one's stamp */
	int64_t start_unix_ns, end_unix_ns;
	int64_t min_ns, max_ns, sum_ns;
	uint64_t packets;
	uint64_t seen[SEEN_PACKETS];
	uint8_t w3c_flags;
};

struct transfers {
	struct path_tables tables;
	struct parents parents;
	struct store *store;
	struct table open;
	struct closed closed;
	struct transfer **ended; /* TRANSFERS_ENDED_MAX */
	unsigned int ended_count;
	struct transfer_counts counts;
	struct record record; /* the one being added, with its times */
	struct path *path;    /* PATH_SIZE_MAX */
};

static void *must_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		err(1, "out of memory");
	return memory;
}

int transfers_new(struct nodes *nodes, struct store *store, struct transfers **transfers)
{
	struct transfers *new = must_alloc(sizeof(*new));
	int error;

	new->tables.nodes = nodes;
	new->store = store;
	new->path = must_alloc(PATH_SIZE_MAX);
	new->ended = must_alloc(TRANSFERS_ENDED_MAX * sizeof(struct transfer *));
	error = store ? baselines_load(&new->tables.baselines, store) : 0;
	if (error < 0) {
		transfers_free(new);
		return error;
	}
	*transfers = new;
	return 0;
}

static void transfer_free(struct transfer *transfer)
{
	free(transfer->slowest);
	free(transfer);
}

void transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return;
	while (transfers->open.oldest) {
		struct transfer *transfer = table_item(transfers->open.oldest, struct transfer, entry);

		table_remove(&transfers->open, &transfer->entry);
		transfer_free(transfer);
	}
	for (unsigned int i = 0; i < transfers->ended_count; i++)
		transfer_free(transfers->ended[i]);
	table_free(&transfers->open);
	closed_free(&transfers->closed);
	edges_free(&transfers->tables.edges);
	clocks_free(&transfers->tables.clocks);
	baselines_free(&transfers->tables.baselines);
	parents_free(&transfers->parents);
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

int transfers_save(struct transfers *transfers)
{
	return transfers->store ? baselines_save(&transfers->tables.baselines, transfers->store) : 0;
}

void transfers_count(const struct transfers *transfers, struct transfer_counts *counts)
{
	*counts = transfers->counts;
}

static struct flow flow_of(const struct record *record)
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

static uint64_t flow_hash(const struct flow *flow)
{
	return hash_end(hash_bytes(HASH_START, flow, sizeof(*flow)));
}

static bool same_flow(const struct table_entry *entry, const void *key)
{
	return memcmp(&table_item(entry, const struct transfer, entry)->flow, key, sizeof(struct flow)) == 0;
}

/* Ids of zeros name nothing, an unsampled parent will never be in the backend, and without hops there is no time. */
static bool is_traced(const struct record *record)
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

static struct baseline *usual_find(struct transfers *transfers, const struct record *record)
{
	char key[USUAL_KEY_SIZE];

	usual_key_transfer(&record->source, &record->destination,
			   context_is_reply(&record->context) ? "reply" : "request", key);
	return baselines_find(&transfers->tables.baselines, key);
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
	transfer = must_alloc(sizeof(*transfer));
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

static void keep_slowest(struct transfer *transfer, const struct path *path)
{
	if (transfer->slowest && !is_slower(path, transfer->slowest))
		return;
	free(transfer->slowest);
	transfer->slowest = must_alloc(path_size(path));
	memcpy(transfer->slowest, path, path_size(path));
}

static void transfer_join(struct transfer *transfer, const struct path *path, int64_t seen_unix_ns)
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
	keep_slowest(transfer, path);
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
	struct baseline *usual = transfer ? transfer->usual : usual_find(transfers, &transfers->record);

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
	transfer_join(transfer, path, seen_unix_ns);
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

void transfers_add(struct transfers *transfers, const struct record *record)
{
	struct record *copy = &transfers->record;

	transfers->counts.records++;
	record_copy(copy, record);
	record_times(copy, transfers->tables.nodes);
	if (is_traced(copy)) {
		add_traced(transfers, copy);
		return;
	}
	transfers->counts.untraced_records++;
	path_build(transfers->path, copy, &transfers->tables);
}

/* The parent span tells the second, if it has come or when it comes. */
static void transfer_meet_parent(struct transfers *transfers, const struct transfer *transfer)
{
	const struct flow *flow = &transfer->flow;
	int64_t start_unix_ns, end_unix_ns;
	struct sending sending;

	if (path_sending(transfer->slowest, &sending) &&
	    parents_add_sending(&transfers->parents, flow->trace_id, flow->parent_id, &sending, &start_unix_ns,
				&end_unix_ns))
		sending_learn(&sending, &transfers->tables.clocks, start_unix_ns, end_unix_ns);
}

void transfers_add_parent(struct transfers *transfers, const struct span *span)
{
	struct sending sending;

	if (parents_add_span(&transfers->parents, span->trace_id, span->id, span->start_unix_ns, span->end_unix_ns,
			     &sending))
		sending_learn(&sending, &transfers->tables.clocks, span->start_unix_ns, span->end_unix_ns);
}

static int64_t at_least(int64_t value_ns, int64_t least_ns)
{
	return value_ns < least_ns ? least_ns : value_ns;
}

/* Draws the slowest packet by what is known of the clocks now; the others' times move with it. */
static void transfer_place(struct transfers *transfers, struct transfer *transfer)
{
	struct path *path = transfer->slowest;
	int64_t start_shift_ns = -path->start_unix_ns, end_shift_ns = -path->end_unix_ns, longer_ns;

	transfer_meet_parent(transfers, transfer);
	path_place(path, &transfers->tables.clocks, transfer->last_record_unix_ns);
	start_shift_ns += path->start_unix_ns;
	end_shift_ns += path->end_unix_ns;
	longer_ns = end_shift_ns - start_shift_ns;
	transfer->start_unix_ns = -at_least(-transfer->start_unix_ns - start_shift_ns, -path->start_unix_ns);
	transfer->end_unix_ns = at_least(transfer->end_unix_ns + end_shift_ns, path->end_unix_ns);
	transfer->max_ns = path->end_unix_ns - path->start_unix_ns;
	transfer->min_ns = at_least(transfer->min_ns + longer_ns, 0);
	if (transfer->min_ns > transfer->max_ns)
		transfer->min_ns = transfer->max_ns;
	transfer->sum_ns = at_least(transfer->sum_ns + longer_ns * (int64_t)transfer->packets,
				    transfer->min_ns * (int64_t)transfer->packets);
}

static void transfer_draw(struct transfers *transfers, struct transfer *transfer, struct span_list *spans)
{
	struct drawing drawing;

	transfer_place(transfers, transfer);
	drawing = (struct drawing){
		.flow = &transfer->flow,
		.path = transfer->slowest,
		.sent_unix_ns = transfer->sent_unix_ns,
		.usual = transfer->usual,
		.w3c_flags = transfer->w3c_flags,
		.start_unix_ns = transfer->start_unix_ns,
		.end_unix_ns = transfer->end_unix_ns,
		.packets = transfer->packets,
		.min_ns = transfer->min_ns,
		.mean_ns = transfer->sum_ns / (int64_t)transfer->packets,
		.max_ns = transfer->max_ns,
	};

	draw_transfer(spans, &drawing);
	transfers->counts.transfers++;
	transfer_free(transfer);
}

void transfers_close(struct transfers *transfers, int64_t now_unix_ns, bool all, struct span_list *spans)
{
	for (unsigned int i = 0; i < transfers->ended_count; i++)
		transfer_draw(transfers, transfers->ended[i], spans);
	transfers->ended_count = 0;
	while (transfers->open.oldest) {
		struct transfer *transfer = table_item(transfers->open.oldest, struct transfer, entry);

		if (!all && !is_quiet(transfer, now_unix_ns))
			break;
		transfer_end(transfers, transfer);
		transfer_draw(transfers, transfer, spans);
	}
	closed_expire(&transfers->closed, now_unix_ns);
}
