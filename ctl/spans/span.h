/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A span as the collector makes it, as applications send it, and as `trace show` reads it back: OTLP's, in memory.
 *
 * Ids are octets in W3C order. Times are ns since the Unix epoch. Strings belong to the list's arena.
 */
#ifndef HOPSPAN_SPAN_H
#define HOPSPAN_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum { TRACE_ID_LEN = 16, SPAN_ID_LEN = 8 };

/* Span.kind and Span.flags of OTLP (opentelemetry-proto, trace.proto). */
enum span_kind { SPAN_UNSPECIFIED, SPAN_INTERNAL, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER };
enum span_status { SPAN_STATUS_UNSET, SPAN_STATUS_OK, SPAN_STATUS_ERROR };
enum { SPAN_FLAG_HAS_IS_REMOTE = 0x100, SPAN_FLAG_IS_REMOTE = 0x200 };

enum attr_type { ATTR_STRING, ATTR_INT, ATTR_BOOL, ATTR_DOUBLE, ATTR_STRINGS };

struct span_attr {
	const char *key;
	enum attr_type type;
	uint32_t key_len; /* 0: not known, see strlen(3) */
	union {
		const char *string;
		int64_t integer;
		bool boolean;
		double real;
		struct {
			const char **list;
			size_t count;
		} strings;
	};
};

struct span_attrs {
	struct span_attr *list;
	size_t count, capacity;
};

struct span_event {
	const char *name;
	int64_t time_unix_ns;
	struct span_attrs attrs;
};

struct span {
	uint8_t trace_id[TRACE_ID_LEN];
	uint8_t id[SPAN_ID_LEN];
	uint8_t parent_id[SPAN_ID_LEN]; /* zero: a root */
	uint32_t flags;
	enum span_kind kind;
	enum span_status status;
	const char *status_message; /* NULL: none */
	const char *name;
	const char *service; /* resource attribute service.name; "" if none */
	const char *scope;   /* instrumentation scope's name; "hopspan" is the collector's own */
	int64_t start_unix_ns, end_unix_ns;
	struct span_attrs attrs;
	struct span_event *events;
	size_t event_count;
};

struct span_list {
	struct span *spans;
	size_t count, capacity;
	struct arena arena;
};

/* A new, zeroed span at the end. Earlier pointers into `spans` are no longer valid. */
struct span *span_list_add(struct span_list *list);
void span_list_free(struct span_list *list);

/* Room for so many, to be called where their number is known; there is more when there are more. */
void attrs_reserve(struct arena *arena, struct span_attrs *attrs, size_t capacity);

void attr_string(struct arena *arena, struct span_attrs *attrs, const char *key, const char *value);
void attr_int(struct arena *arena, struct span_attrs *attrs, const char *key, int64_t value);
void attr_bool(struct arena *arena, struct span_attrs *attrs, const char *key, bool value);
void attr_double(struct arena *arena, struct span_attrs *attrs, const char *key, double value);
/* The list is kept, not copied. */
void attr_strings(struct arena *arena, struct span_attrs *attrs, const char *key, const char **list, size_t count);

/* NULL where there is none. */
const struct span_attr *attr_find(const struct span_attrs *attrs, const char *key);
const char *attr_get_string(const struct span_attrs *attrs, const char *key, const char *otherwise);
int64_t attr_get_int(const struct span_attrs *attrs, const char *key, int64_t otherwise);

#endif
