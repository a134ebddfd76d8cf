/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sorts a request's spans by their ids, as octets: the good ones stay as they came. */
#include "rejected.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"
#include "octets.h"
#include "otlp.h"
#include "protobuf.h"

enum { NAMED_MAX = 3, NAME_LEN = 40, ID_LEN = 16 }; /* spans in the text, and octets of each in it */
enum { WHICH_SIZE = REJECTED_WHY_SIZE - 128 };	    /* of the text, without how many they are */

static const struct {
	const char *name, *why;
} rejects[] = {
#define REJECT_ROW(name, why) { #name, why },
	REJECT_LIST(REJECT_ROW)
};

const char *reject_name(enum reject reject)
{
	return rejects[reject].name;
}

static bool is_zero(const ProtobufCBinaryData *id)
{
	for (size_t i = 0; i < id->len; i++)
		if (id->data[i])
			return false;
	return true;
}

enum reject reject_of(const ProtobufCBinaryData *trace_id, const ProtobufCBinaryData *span_id,
		      const ProtobufCBinaryData *parent_span_id)
{
	if (trace_id->len != TRACE_ID_LEN)
		return REJECT_trace_id_length;
	if (is_zero(trace_id))
		return REJECT_trace_id_zero;
	if (span_id->len != SPAN_ID_LEN)
		return REJECT_span_id_length;
	if (is_zero(span_id))
		return REJECT_span_id_zero;
	if (parent_span_id->len != SPAN_ID_LEN && parent_span_id->len != 0) /* a root's may be zero, too */
		return REJECT_parent_span_id_length;
	return REJECT_NONE;
}

/* A span's fields that are looked at; of one that comes twice the last counts. */
struct fields {
	ProtobufCBinaryData trace_id, span_id, parent_span_id, name;
};

static struct fields fields_read(const uint8_t *span, size_t len)
{
	struct protobuf_bytes rest = { span, span + len };
	struct protobuf_field field;
	struct fields fields = { 0 };
	ProtobufCBinaryData *const known[] = {
		[1] = &fields.trace_id,
		[2] = &fields.span_id,
		[4] = &fields.parent_span_id,
		[5] = &fields.name,
	};

	while (rest.at < rest.end && protobuf_next(&rest, &field))
		if (field.number < sizeof(known) / sizeof(*known) && known[field.number])
			*known[field.number] = (ProtobufCBinaryData){ (size_t)(field.content.end - field.content.at),
								      (uint8_t *)field.content.at };
	return fields;
}

static void id_write(FILE *out, const char *name, const ProtobufCBinaryData *id)
{
	fprintf(out, "%s %s", name, id->len ? "" : "none");
	octets_write_hex(out, id->data, id->len < ID_LEN ? id->len : ID_LEN);
	fputs(id->len > ID_LEN ? "..." : "", out);
}

/* Adds a span to those that the text names: "GET /" (trace_id 0af7..., span_id none): span_id has not 8 octets */
static void which_add(FILE *out, const struct rejected *rejected, const struct fields *fields, enum reject reject)
{
	int len = fields->name.len < NAME_LEN ? (int)fields->name.len : NAME_LEN;

	if (rejected->spans > NAMED_MAX)
		return;
	fprintf(out, "%s\"%.*s\" (", rejected->spans > 1 ? "; " : "", len, len ? (const char *)fields->name.data : "");
	id_write(out, "trace_id", &fields->trace_id);
	id_write(out, ", span_id", &fields->span_id);
	if (reject == REJECT_parent_span_id_length)
		id_write(out, ", parent_span_id", &fields->parent_span_id);
	fprintf(out, "): %s", rejects[reject].why);
}

struct sort {
	struct rejected *rejected;
	uint64_t spans;
	FILE *which;
};

static bool is_good(const uint8_t *span, size_t len, void *arg)
{
	struct sort *sort = arg;
	struct fields fields = fields_read(span, len);
	enum reject reject = reject_of(&fields.trace_id, &fields.span_id, &fields.parent_span_id);

	sort->spans++;
	if (reject == REJECT_NONE)
		return true;
	sort->rejected->spans++;
	sort->rejected->reasons[reject]++;
	which_add(sort->which, sort->rejected, &fields, reject);
	return false;
}

/* Names are the sender's: what is no text in them, or would move a terminal's cursor, is not said. */
static void why_write(const struct sort *sort, const char *which)
{
	struct rejected *rejected = sort->rejected;
	int len = snprintf(rejected->why, sizeof(rejected->why), "%llu of %llu spans rejected: %s",
			   (unsigned long long)rejected->spans, (unsigned long long)sort->spans, which);

	if (rejected->spans > NAMED_MAX && len < (int)sizeof(rejected->why))
		snprintf(rejected->why + len, sizeof(rejected->why) - (size_t)len, "; and %llu more",
			 (unsigned long long)rejected->spans - NAMED_MAX);
	utf8_mend(rejected->why);
	for (char *at = rejected->why; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

static int request_sort(const uint8_t *otlp, size_t len, struct rejected *rejected, uint8_t **kept, size_t *kept_len)
{
	char which[WHICH_SIZE] = "";
	struct sort sort = { .rejected = rejected, .which = fmemopen(which, sizeof(which) - 1, "w") };
	int error;

	if (!sort.which)
		return -ENOMEM;
	error = otlp_pick(otlp, len, &(struct otlp_pick){ is_good, &sort }, kept, kept_len);
	fclose(sort.which);
	why_write(&sort, which);
	return error;
}

int otlp_decode_good(const uint8_t *otlp, size_t len, struct span_list *spans, struct rejected *rejected,
		     uint8_t **kept, size_t *kept_len)
{
	int error = otlp_decode(otlp, len, spans);

	*rejected = (struct rejected){ 0 };
	*kept = NULL;
	if (error != -EINVAL)
		return error;
	error = request_sort(otlp, len, rejected, kept, kept_len);
	if (!error)
		error = otlp_decode(*kept, *kept_len, spans);
	if (error) {
		free(*kept);
		*kept = NULL;
	}
	return error;
}
