/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Cutting a request between spans: request -> resources -> scopes -> spans, and again for each piece. */
#include "cut.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protobuf.h"
#include "spans/arena.h"

/* Field numbers of the proto: request.resource_spans, resource_spans.scope_spans, scope_spans.spans. */
enum { RESOURCES = 1, SCOPES = 2, SPANS = 2 };

enum { PREFIX_MAX = 1 + 10 }; /* key and length of a message */

/* What a resource or a scope says beside the spans in it: all its other fields. */
struct header {
	uint8_t *octets;
	size_t len;
};

struct scope {
	struct header header;
	size_t resource;
};

struct piece_span {
	struct protobuf_bytes whole;
	size_t scope;
};

struct cut {
	const struct otlp_pick *pick; /* NULL: all spans */
	struct arena arena;	      /* of the headers */
	struct header *resources;
	struct scope *scopes;
	struct piece_span *spans;
	size_t resource_count, scope_count, span_count;
};

static size_t bytes_len(struct protobuf_bytes bytes)
{
	return (size_t)(bytes.end - bytes.at);
}

/* Room for one more of `size` octets behind `count`, doubling; NULL: no memory, and `list` is as it was. */
static void *list_grow(void *list, size_t count, size_t size)
{
	if (count & (count - 1))
		return list;
	return reallocarray(list, count ? 2 * count : 1, size);
}

/* All fields but those of number `inner`. */
static bool header_read(struct cut *cut, struct protobuf_bytes message, uint32_t inner, struct header *header)
{
	struct protobuf_bytes rest = message;
	struct protobuf_field field;
	size_t inner_len = 0;

	while (rest.at < rest.end) {
		if (!protobuf_next(&rest, &field))
			return false;
		inner_len += field.number == inner ? bytes_len(field.whole) : 0;
	}
	header->len = 0;
	header->octets = arena_alloc(&cut->arena, bytes_len(message) - inner_len);
	for (rest = message; rest.at < rest.end && protobuf_next(&rest, &field);) {
		if (field.number == inner)
			continue;
		memcpy(header->octets + header->len, field.whole.at, bytes_len(field.whole));
		header->len += bytes_len(field.whole);
	}
	return true;
}

/* Feeds the content of each field of number `inner` to `each`. */
static int inner_read(struct cut *cut, struct protobuf_bytes message, uint32_t inner,
		      int (*each)(struct cut *cut, const struct protobuf_field *field))
{
	struct protobuf_field field;
	int error = 0;

	while (!error && message.at < message.end) {
		if (!protobuf_next(&message, &field) || (field.number == inner && !field.length_delimited))
			return -EBADMSG;
		if (field.number == inner)
			error = each(cut, &field);
	}
	return error;
}

static int span_add(struct cut *cut, const struct protobuf_field *field)
{
	struct piece_span *spans;

	if (cut->pick && !cut->pick->is_in(field->content.at, bytes_len(field->content), cut->pick->arg))
		return 0;
	spans = list_grow(cut->spans, cut->span_count, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	cut->spans = spans;
	spans[cut->span_count++] = (struct piece_span){ field->whole, cut->scope_count - 1 };
	return 0;
}

static int scope_add(struct cut *cut, const struct protobuf_field *field)
{
	struct scope *scopes = list_grow(cut->scopes, cut->scope_count, sizeof(*scopes));

	if (!scopes)
		return -ENOMEM;
	cut->scopes = scopes;
	scopes[cut->scope_count].resource = cut->resource_count - 1;
	if (!header_read(cut, field->content, SPANS, &scopes[cut->scope_count++].header))
		return -EBADMSG;
	return inner_read(cut, field->content, SPANS, span_add);
}

static int resource_add(struct cut *cut, const struct protobuf_field *field)
{
	struct header *resources = list_grow(cut->resources, cut->resource_count, sizeof(*resources));

	if (!resources)
		return -ENOMEM;
	cut->resources = resources;
	if (!header_read(cut, field->content, SCOPES, &resources[cut->resource_count++]))
		return -EBADMSG;
	return inner_read(cut, field->content, SCOPES, scope_add);
}

/* At most what span `i` adds to a piece that begins with span `first`. */
static size_t span_cost(const struct cut *cut, size_t first, size_t i)
{
	const struct scope *scope = &cut->scopes[cut->spans[i].scope];
	const struct scope *before = i > first ? &cut->scopes[cut->spans[i - 1].scope] : NULL;
	size_t cost = bytes_len(cut->spans[i].whole);

	if (scope != before)
		cost += PREFIX_MAX + scope->header.len;
	if (!before || scope->resource != before->resource)
		cost += PREFIX_MAX + cut->resources[scope->resource].len;
	return cost;
}

/* A piece is written from its end, so that the length of each message is known when it is due. */
static void put(uint8_t **at, const uint8_t *octets, size_t len)
{
	*at -= len;
	memcpy(*at, octets, len);
}

/* The rest of a message whose content begins at `*at` and goes to `end`. */
static void put_message(uint8_t **at, const uint8_t *end, const struct header *header, unsigned int number)
{
	uint8_t prefix[PREFIX_MAX] = { (uint8_t)(number << 3 | 2) };
	size_t prefix_len = 1, len;

	put(at, header->octets, header->len);
	for (len = (size_t)(end - *at); len >= 0x80; len >>= 7)
		prefix[prefix_len++] = (uint8_t)(len | 0x80);
	prefix[prefix_len++] = (uint8_t)len;
	put(at, prefix, prefix_len);
}

/* Spans `first` to `last - 1`, before `end`: where they begin. */
static uint8_t *piece_put(const struct cut *cut, size_t first, size_t last, uint8_t *end)
{
	uint8_t *at = end, *scope_end = end, *resource_end = end;

	while (last-- > first) {
		const struct scope *scope = &cut->scopes[cut->spans[last].scope];
		const struct scope *next = last > first ? &cut->scopes[cut->spans[last - 1].scope] : NULL;

		put(&at, cut->spans[last].whole.at, bytes_len(cut->spans[last].whole));
		if (scope == next)
			continue;
		put_message(&at, scope_end, &scope->header, SCOPES);
		scope_end = at;
		if (next && scope->resource == next->resource)
			continue;
		put_message(&at, resource_end, &cut->resources[scope->resource], RESOURCES);
		scope_end = resource_end = at;
	}
	return at;
}

/* The same as a request of at most `size` octets, malloc'ed. */
static int piece_make(const struct cut *cut, size_t first, size_t last, size_t size, uint8_t **otlp, size_t *len)
{
	uint8_t *octets = malloc(size + 1), *at;

	if (!octets)
		return -ENOMEM;
	at = piece_put(cut, first, last, octets + size);
	*len = size - (size_t)(at - octets);
	memmove(octets, at, *len);
	*otlp = octets;
	return 0;
}

static int pieces_give(const struct cut *cut, size_t max, uint64_t spans_max,
		       int (*piece)(uint8_t *otlp, size_t len, void *arg), void *arg, uint64_t *too_large)
{
	uint8_t *otlp;
	size_t len;
	int answer = 0;

	for (size_t first = 0, last; !answer && first < cut->span_count; first = last) {
		size_t size = span_cost(cut, first, first);

		if (size > max) {
			(*too_large)++;
			last = first + 1;
			continue;
		}
		for (last = first + 1; last < cut->span_count && last - first < spans_max; last++) {
			size_t cost = span_cost(cut, first, last);

			if (cost > max - size)
				break;
			size += cost;
		}
		answer = piece_make(cut, first, last, size, &otlp, &len);
		if (!answer)
			answer = piece(otlp, len, arg);
	}
	return answer;
}

static int cut_read(struct cut *cut, const uint8_t *otlp, size_t len)
{
	return inner_read(cut, (struct protobuf_bytes){ otlp, otlp + len }, RESOURCES, resource_add);
}

static void cut_free(struct cut *cut)
{
	arena_free(&cut->arena);
	free(cut->resources);
	free(cut->scopes);
	free(cut->spans);
}

int otlp_cut_spans(const uint8_t *otlp, size_t len, size_t max, uint64_t spans_max,
		   int (*piece)(uint8_t *otlp, size_t len, void *arg), void *arg, uint64_t *too_large)
{
	struct cut cut = { 0 };
	int answer = cut_read(&cut, otlp, len);

	*too_large = 0;
	if (!answer)
		answer = pieces_give(&cut, max, spans_max, piece, arg, too_large);
	cut_free(&cut);
	return answer;
}

int otlp_cut(const uint8_t *otlp, size_t len, size_t max, int (*piece)(uint8_t *otlp, size_t len, void *arg), void *arg,
	     uint64_t *too_large)
{
	return otlp_cut_spans(otlp, len, max, UINT64_MAX, piece, arg, too_large);
}

int otlp_pick(const uint8_t *otlp, size_t len, const struct otlp_pick *pick, uint8_t **out, size_t *out_len)
{
	struct cut cut = { .pick = pick };
	int error = cut_read(&cut, otlp, len);
	size_t size = 0;

	for (size_t i = 0; i < cut.span_count; i++)
		size += span_cost(&cut, 0, i);
	if (!error)
		error = piece_make(&cut, 0, cut.span_count, size, out, out_len);
	cut_free(&cut);
	return error;
}

/* The fields of number numbers[0] in those of numbers[1] ... in the message. */
static uint64_t fields_count(struct protobuf_bytes message, const uint32_t *numbers, unsigned int depth)
{
	struct protobuf_field field;
	uint64_t count = 0;

	while (message.at < message.end && protobuf_next(&message, &field))
		if (field.number == *numbers)
			count += depth > 1 ? fields_count(field.content, numbers + 1, depth - 1) : 1;
	return count;
}

uint64_t otlp_span_count(const uint8_t *otlp, size_t len)
{
	static const uint32_t path[] = { RESOURCES, SCOPES, SPANS };

	return len ? fields_count((struct protobuf_bytes){ otlp, otlp + len }, path, 3) : 0;
}
