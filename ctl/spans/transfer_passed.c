/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Transfers that collectors on other hosts passed on: their packets as they came, drawn by what is known here. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "transfer_table.h"

#define MS_NS 1000000LL

/* A host's clock that is no further away is as good as ours; else packets are taken to have come as they are told of.
 */
#define CLOCK_NEAR_NS (5000 * MS_NS)

enum { PACKET_LEN_MAX = 2048 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "ARRIVAL-NS OCTETS" */
static bool packet_read(const char *text, uint8_t packet[PACKET_LEN_MAX], size_t *len, int64_t *arrival_unix_ns)
{
	char *end;

	*arrival_unix_ns = strtoll(text, &end, 10);
	if (end == text || *end++ != ' ')
		return false;
	for (*len = 0; *end; end += 2) {
		int high = hex_digit(end[0]), low = high < 0 ? -1 : hex_digit(end[1]);

		if (low < 0 || *len == PACKET_LEN_MAX)
			return false;
		packet[(*len)++] = (uint8_t)(high << 4 | low);
	}
	return *arrival_unix_ns > 0;
}

/* Into transfers->record and ->path: a packet as it came, counted like one of our own sinks. */
static bool packet_take(struct transfers *transfers, const char *text, int64_t now_unix_ns)
{
	struct path *path = transfers->path;
	uint8_t packet[PACKET_LEN_MAX];
	struct record record = { .hop_count = 0 };
	int64_t arrival_unix_ns;
	size_t len;

	if (!packet_read(text, packet, &len, &arrival_unix_ns))
		return false;
	record.time_unix_ns = arrival_unix_ns;
	record.seen_unix_ns = llabs(now_unix_ns - arrival_unix_ns) < CLOCK_NEAR_NS ? arrival_unix_ns : now_unix_ns;
	if (record_decode(packet, len, &record) != OUTCOME_recorded)
		return false;
	transfers_take_record(transfers, &record);
	if (!record_is_traced(&transfers->record) || !path_build(path, &transfers->record, &transfers->tables))
		return false;
	path->fingerprint = path_fingerprint(&transfers->record);
	return true;
}

/* The slowest packet, and of several the first and the last. */
static bool packets_take(struct transfers *transfers, struct transfer *transfer, const struct span_attr *records,
			 int64_t now_unix_ns)
{
	size_t count = records->strings.count;

	if (count != 1 && count != SHOWN_COUNT)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!packet_take(transfers, records->strings.list[i], now_unix_ns))
			return false;
		if (i == 0) {
			transfer->flow = flow_of(&transfers->record);
			transfer->w3c_flags = transfers->record.context.flags;
			transfer->usual = transfer_usual(transfers, &transfers->record);
			transfer->last_record_unix_ns = transfers->record.seen_unix_ns;
		}
		path_keep(transfers, &transfer->shown[i], transfers->path);
	}
	return true;
}

static int64_t figure(const struct span *span, enum attribute_index which)
{
	return attr_get_int(&span->attrs, attributes[which].key, 0);
}

/* The figures are of the way by the other collector's clocks: all differ from ours by as much as the slowest's. */
static void figures_take(struct transfer *transfer, const struct span *span)
{
	const struct path *slowest = transfer->shown[SHOWN_SLOWEST], *first = transfer->shown[SHOWN_FIRST],
			  *last = transfer->shown[SHOWN_LAST];
	int64_t max_ns = slowest->end_unix_ns - slowest->start_unix_ns, longer_ns = max_ns - figure(span, AT_max_ns);

	transfer->packets = figure(span, AT_packets) > 0 ? (uint64_t)figure(span, AT_packets) : 1;
	transfer->sent_unix_ns = slowest->sent_unix_ns;
	if (first && first->sent_unix_ns < slowest->sent_unix_ns)
		transfer->sent_unix_ns = first->sent_unix_ns;
	transfer->start_unix_ns = first ? first->start_unix_ns : slowest->start_unix_ns;
	transfer->end_unix_ns = last ? last->end_unix_ns : slowest->end_unix_ns;
	transfer->max_ns = max_ns;
	transfer->min_ns = figure(span, AT_min_ns) + longer_ns;
	transfer->sum_ns = (figure(span, AT_mean_ns) + longer_ns) * (int64_t)transfer->packets;
}

/* Sent again by the other collector because our answer was lost. */
static bool is_again(struct transfers *transfers, const struct transfer *transfer, int64_t now_unix_ns)
{
	uint64_t hash = hash_bytes(flow_hash(&transfer->flow), &transfer->sent_unix_ns, sizeof(transfer->sent_unix_ns));

	hash = hash_end(hash);
	if (closed_is_late(&transfers->passed_closed, hash, now_unix_ns))
		return true;
	closed_remember(&transfers->passed_closed, hash, now_unix_ns);
	return false;
}

int transfers_add_passed(struct transfers *transfers, const struct span *span, int64_t number, int64_t now_unix_ns)
{
	const struct span_attr *records = attr_find(&span->attrs, attributes[AT_records].key);
	struct transfer *transfer;

	if (!records || records->type != ATTR_STRINGS)
		return -EBADMSG;
	transfers->passed_number = number;
	transfer = transfer_make(transfers);
	if (!packets_take(transfers, transfer, records, now_unix_ns)) {
		transfer_free(transfers, transfer);
		return -EBADMSG;
	}
	figures_take(transfer, span);
	if (is_again(transfers, transfer, now_unix_ns)) {
		transfers->counts.duplicate_records++;
		transfer_free(transfers, transfer);
		return 0;
	}
	transfers->counts.passed_records += transfer->packets;
	baseline_add(transfer->usual, transfer->max_ns, transfer->last_record_unix_ns);
	transfer->due_unix_ns = now_unix_ns + PASSED_HOLD_MS * MS_NS;
	transfer->number = number;
	*transfers->passed_end = transfer;
	transfers->passed_end = &transfer->next;
	return 0;
}

/* Links and hops are not taken over: they hold what the clocks there were off. */
void transfers_add_usual(struct transfers *transfers, const struct span *span)
{
	int64_t usual_ns = figure(span, AT_usual_ns);
	char key[USUAL_KEY_SIZE];

	if (usual_ns > 0 && usual_key(span, key) && strncmp(key, "stay ", 5) == 0)
		baselines_give(&transfers->tables.baselines, key, usual_ns);
}

void passed_close(struct transfers *transfers, int64_t now_unix_ns, bool all, size_t most, struct span_list *spans)
{
	while (transfers->passed && spans->count < most && (all || transfers->passed->due_unix_ns <= now_unix_ns)) {
		struct transfer *transfer = transfers->passed;

		transfers->passed = transfer->next;
		if (!transfers->passed)
			transfers->passed_end = &transfers->passed;
		transfer_draw(transfers, transfer, spans);
	}
}

int64_t transfers_passed(const struct transfers *transfers)
{
	return transfers->passed ? transfers->passed->number - 1 : transfers->passed_number;
}
