/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lines -> metrics and their data points. */
#include "page_otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/otlp/otlp.pb-c.h"
#include "otlp/octets.h"
#include "text.h"
#include "version.h"

enum { LABELS_MAX = 8, BUCKETS_MAX = 64, CUMULATIVE = 2 };

struct label {
	char *name, *value;
};

struct line {
	char *name;
	struct label labels[LABELS_MAX];
	unsigned int label_count;
	const char *le; /* a bucket's bound; NULL: none */
	const char *value;
};

/* The request while it is built; all in one arena. */
struct build {
	struct arena arena;
	int64_t start_unix_ns, now_unix_ns;
	Otlp__ScopeMetrics scope;
	Otlp__Metric *metric;		 /* the one that samples are of */
	Otlp__HistogramDataPoint *point; /* whose buckets come */
};

/* One more at the end of a list of pointers, which doubles. */
static void list_add(struct arena *arena, void *list_at, size_t *count, void *item)
{
	void **list, ***at = list_at;

	if ((*count & (*count - 1)) == 0) {
		list = arena_alloc(arena, (*count ? 2 * *count : 1) * sizeof(*list));
		if (*count)
			memcpy(list, *at, *count * sizeof(*list));
		*at = list;
	}
	(*at)[(*count)++] = item;
}

static Otlp__KeyValue *pair_new(struct arena *arena, char *key, char *text)
{
	Otlp__KeyValue *pair = arena_alloc(arena, sizeof(*pair));

	otlp__key_value__init(pair);
	pair->key = key;
	pair->value = arena_alloc(arena, sizeof(*pair->value));
	otlp__any_value__init(pair->value);
	pair->value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
	pair->value->string_value = text;
	return pair;
}

/* Up to the closing quote, its escapes undone in place; NULL: there is none. */
static char *quoted_read(char *at)
{
	char *to = at;

	for (; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			*to++ = *++at == 'n' ? '\n' : *at;
		else
			*to++ = *at;
	}
	if (!*at)
		return NULL;
	*to = 0;
	return at + 1;
}

static char *labels_read(char *at, struct line *line)
{
	while (*at && *at != '}') {
		char *name = at, *equals = strchr(at, '=');

		if (!equals || equals[1] != '"' || line->label_count == LABELS_MAX)
			return NULL;
		*equals = 0;
		at = quoted_read(equals + 2);
		if (!at)
			return NULL;
		if (strcmp(name, "le") == 0)
			line->le = equals + 2;
		else
			line->labels[line->label_count++] = (struct label){ name, equals + 2 };
		at += *at == ',';
	}
	return *at ? at + 1 : NULL;
}

/* "name{label="value",...} value", and whatever follows */
static bool line_read(char *text, struct line *line)
{
	char *at = text + strcspn(text, "{ ");

	*line = (struct line){ .name = text };
	if (*at == '{') {
		*at = 0;
		at = labels_read(at + 1, line);
	}
	if (!at || *at != ' ')
		return false;
	*at = 0;
	line->value = at + 1;
	return true;
}

/* By the name of a family, which a counter has without its "_total". */
static void metric_begin(struct build *build, const char *family, const char *type)
{
	struct arena *arena = &build->arena;
	Otlp__Metric *metric = arena_alloc(arena, sizeof(*metric));
	char *name = arena_printf(arena, "%s%s", family, strcmp(type, "counter") == 0 ? "_total" : "");
	enum metric which = text_find(name, strlen(name));

	otlp__metric__init(metric);
	metric->name = name;
	metric->description = which < METRIC_COUNT ? (char *)text_help(which) : metric->description;
	metric->unit = strstr(name, "_seconds") ? "s" : strstr(name, "_bytes") ? "By" : "1";
	if (strcmp(type, "counter") == 0) {
		metric->sum = arena_alloc(arena, sizeof(*metric->sum));
		otlp__sum__init(metric->sum);
		metric->sum->aggregation_temporality = CUMULATIVE;
		metric->sum->is_monotonic = true;
	} else if (strcmp(type, "histogram") == 0) {
		metric->histogram = arena_alloc(arena, sizeof(*metric->histogram));
		otlp__histogram__init(metric->histogram);
		metric->histogram->aggregation_temporality = CUMULATIVE;
	} else {
		metric->gauge = arena_alloc(arena, sizeof(*metric->gauge));
		otlp__gauge__init(metric->gauge);
	}
	build->metric = metric;
	build->point = NULL;
	list_add(arena, &build->scope.metrics, &build->scope.n_metrics, metric);
}

static void number_add(struct build *build, const struct line *line)
{
	Otlp__NumberDataPoint *point = arena_alloc(&build->arena, sizeof(*point));

	otlp__number_data_point__init(point);
	point->start_time_unix_nano = build->metric->sum ? (uint64_t)build->start_unix_ns : 0;
	point->time_unix_nano = (uint64_t)build->now_unix_ns;
	point->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
	point->as_int = (int64_t)strtoull(line->value, NULL, 10);
	for (unsigned int i = 0; i < line->label_count; i++)
		list_add(&build->arena, &point->attributes, &point->n_attributes,
			 pair_new(&build->arena, line->labels[i].name, line->labels[i].value));
	if (build->metric->sum)
		list_add(&build->arena, &build->metric->sum->data_points, &build->metric->sum->n_data_points, point);
	else
		list_add(&build->arena, &build->metric->gauge->data_points, &build->metric->gauge->n_data_points,
			 point);
}

static void octets_set(struct arena *arena, ProtobufCBinaryData *octets, const char *hex)
{
	octets->data = arena_alloc(arena, strlen(hex) / 2);
	if (!octets_read_hex(hex, strlen(hex), octets->data, &octets->len))
		octets->len = 0;
}

/* "1795183331.482000000" */
static uint64_t time_read(const char *text)
{
	char *end;
	uint64_t seconds = strtoull(text, &end, 10);

	return seconds * 1000000000 + (*end == '.' ? strtoull(end + 1, NULL, 10) : 0);
}

/* What follows a bucket's value: " # {trace_id="...",span_id="..."} value time" */
static bool exemplar_add(struct build *build, const char *value)
{
	char *text = strchr(value, '#'), *time;
	struct line line;
	Otlp__Exemplar *exemplar;

	if (!text)
		return true;
	if (text[1] != ' ' || !line_read(text + 2, &line) || line.label_count != 2)
		return false;
	exemplar = arena_alloc(&build->arena, sizeof(*exemplar));
	otlp__exemplar__init(exemplar);
	exemplar->as_double = strtod(line.value, &time);
	exemplar->time_unix_nano = time_read(time);
	octets_set(&build->arena, &exemplar->trace_id, line.labels[0].value);
	octets_set(&build->arena, &exemplar->span_id, line.labels[1].value);
	list_add(&build->arena, &build->point->exemplars, &build->point->n_exemplars, exemplar);
	return true;
}

static void histogram_begin(struct build *build, const struct line *line)
{
	Otlp__HistogramDataPoint *point = arena_alloc(&build->arena, sizeof(*point));

	otlp__histogram_data_point__init(point);
	build->point = point;
	point->start_time_unix_nano = (uint64_t)build->start_unix_ns;
	point->time_unix_nano = (uint64_t)build->now_unix_ns;
	point->bucket_counts = arena_alloc(&build->arena, BUCKETS_MAX * sizeof(*point->bucket_counts));
	point->explicit_bounds = arena_alloc(&build->arena, BUCKETS_MAX * sizeof(*point->explicit_bounds));
	for (unsigned int i = 0; i < line->label_count; i++)
		list_add(&build->arena, &point->attributes, &point->n_attributes,
			 pair_new(&build->arena, line->labels[i].name, line->labels[i].value));
	list_add(&build->arena, &build->metric->histogram->data_points, &build->metric->histogram->n_data_points,
		 point);
}

/* Prometheus counts what is at or below a bound, OTLP what is between two. */
static bool bucket_add(struct build *build, const struct line *line)
{
	Otlp__HistogramDataPoint *point = build->point;
	uint64_t count = strtoull(line->value, NULL, 10), below = 0;

	if (point->n_bucket_counts == BUCKETS_MAX)
		return false;
	for (size_t i = 0; i < point->n_bucket_counts; i++)
		below += point->bucket_counts[i];
	point->bucket_counts[point->n_bucket_counts++] = count - below;
	if (strcmp(line->le, "+Inf") != 0)
		point->explicit_bounds[point->n_explicit_bounds++] = strtod(line->le, NULL);
	return exemplar_add(build, line->value);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Buckets, the sum and then the count, which ends the point. */
static bool histogram_add(struct build *build, const struct line *line)
{
	if (!build->point)
		histogram_begin(build, line);
	if (line->le)
		return bucket_add(build, line);
	if (ends_with(line->name, "_sum")) {
		build->point->sum = strtod(line->value, NULL);
	} else {
		build->point->count = strtoull(line->value, NULL, 10);
		build->point = NULL;
	}
	return true;
}

/* Comments tell which metric follows. */
static bool text_take(struct build *build, char *text)
{
	struct line line;

	if (strncmp(text, "# TYPE ", 7) == 0) {
		char *type = strchr(text + 7, ' ');

		if (!type)
			return false;
		*type = 0;
		metric_begin(build, text + 7, type + 1);
		return true;
	}
	if (*text == '#')
		return true;
	if (!build->metric || !line_read(text, &line))
		return false;
	if (build->metric->histogram)
		return histogram_add(build, &line);
	number_add(build, &line);
	return true;
}

static int request_pack(struct build *build, const struct span_attrs *attrs, uint8_t **otlp, size_t *len)
{
	Otlp__ExportMetricsServiceRequest request = OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
	Otlp__ResourceMetrics metrics = OTLP__RESOURCE_METRICS__INIT, *metrics_list = &metrics;
	Otlp__InstrumentationScope scope = OTLP__INSTRUMENTATION_SCOPE__INIT;
	Otlp__ScopeMetrics *scope_list = &build->scope;
	Otlp__Resource resource = OTLP__RESOURCE__INIT;

	for (size_t i = 0; i < attrs->count; i++)
		if (attrs->list[i].type == ATTR_STRING)
			list_add(&build->arena, &resource.attributes, &resource.n_attributes,
				 pair_new(&build->arena, (char *)attrs->list[i].key, (char *)attrs->list[i].string));
	scope.name = (char *)"hopspan";
	scope.version = (char *)HOPSPAN_VERSION;
	build->scope.scope = &scope;
	metrics.resource = &resource;
	metrics.n_scope_metrics = 1;
	metrics.scope_metrics = &scope_list;
	request.n_resource_metrics = 1;
	request.resource_metrics = &metrics_list;
	*otlp = malloc(otlp__export_metrics_service_request__get_packed_size(&request));
	if (!*otlp)
		return -ENOMEM;
	*len = otlp__export_metrics_service_request__pack(&request, *otlp);
	return 0;
}

int page_otlp(char *page, const struct span_attrs *resource, int64_t start_unix_ns, int64_t now_unix_ns, uint8_t **otlp,
	      size_t *len)
{
	struct build build = { .start_unix_ns = start_unix_ns, .now_unix_ns = now_unix_ns };
	char *rest = page, *text;
	int error = 0;

	otlp__scope_metrics__init(&build.scope);
	while (!error && (text = strsep(&rest, "\n")))
		if (*text && !text_take(&build, text))
			error = -EBADMSG;
	if (!error)
		error = request_pack(&build, resource, otlp, len);
	arena_free(&build.arena);
	return error;
}
