/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* hopspan trace list | show: from the store to the terminal, or as JSON. */
#include <ctype.h>
#include <errno.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "listing.h"
#include "search.h"
#include "store/store.h"
#include "trace_json.h"
#include "spans/usual.h"
#include "verdict.h"
#include "waterfall.h"

enum { LIST_DEFAULT = 20, LIKE_MAX = 5, LIKE_SEARCHED = 10000 };

struct words {
	const char *store, *id;
	struct store_search search;
	bool all;
};

/* The words of both commands; `show` has ID and -a, `list` has those of search.h. */
static int words_read(const struct command *command, bool show, int argc, char **argv, struct words *words)
{
	*words = (struct words){ .store = store_path(), .search.limit = LIST_DEFAULT };
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		bool store = strcmp(word, "store") == 0, search = !show && search_knows(word);

		if ((store || search) && i + 1 == argc)
			return misuse(command, "%s: its value is missing", word);
		if (store) {
			words->store = argv[++i];
		} else if (search) {
			if (search_word(command, word, argv[++i], &words->search))
				return EXIT_MISUSE;
		} else if (show && strcmp(word, "-a") == 0) {
			words->all = true;
		} else if (show && !words->id) {
			words->id = word;
		} else {
			return misuse(command, "no word \"%s\"", word);
		}
	}
	return 0;
}

static int open_store(const char *path, struct store **store)
{
	int error = store_open(path, false, store);

	if (error == -ENOENT)
		fprintf(stderr, "hopspan trace: no store at %s: is `hopspan collect` running?\n", path);
	else if (error)
		fprintf(stderr, "hopspan trace: %s: %s\n", path, store_error(NULL));
	return error ? EXIT_FAILED : 0;
}

static int store_failed(const struct words *words, const struct store *store)
{
	fprintf(stderr, "hopspan trace: %s: %s\n", words->store, store_error(store));
	return EXIT_FAILED;
}

/* ---- list ---- */

struct rows {
	struct store_trace *traces;
	size_t count;
};

static int row_keep(const struct store_trace *trace, void *arg)
{
	struct rows *rows = arg;

	if ((rows->count & (rows->count - 1)) == 0) {
		rows->traces = reallocarray(rows->traces, rows->count ? 2 * rows->count : 1, sizeof(*trace));
		if (!rows->traces)
			err(EXIT_FAILED, "out of memory");
	}
	rows->traces[rows->count++] = *trace;
	return 0;
}

static void rows_print(const struct options *options, const struct rows *rows)
{
	struct out out;

	if (options->json) {
		json_t *list = json_array();

		for (size_t i = 0; i < rows->count; i++)
			json_array_append_new(list, trace_row_json(&rows->traces[i]));
		trace_json_print(stdout, list);
		json_decref(list);
		return;
	}
	out_open(&out, stdout, options->color);
	listing_print(&out, rows->traces, rows->count);
}

int cmd_trace_list(const struct options *options, int argc, char **argv)
{
	struct rows rows = { 0 };
	struct store *store;
	struct words words;
	int error = words_read(command_of(cmd_trace_list), false, argc, argv, &words);

	if (!error)
		error = open_store(words.store, &store);
	if (error)
		return error;
	if (store_list(store, &words.search, row_keep, &rows) < 0)
		error = store_failed(&words, store);
	else
		rows_print(options, &rows);
	free(rows.traces);
	store_close(store);
	return error;
}

/* ---- show ---- */

static int id_check(const char *id)
{
	const struct command *command = command_of(cmd_trace_show);

	if (!id)
		return misuse(command, "ID is missing");
	for (const char *c = id; *c; c++)
		if (!isxdigit((unsigned char)*c))
			return misuse(command, "\"%s\" is not hex", id);
	if (!*id || strlen(id) > 2 * TRACE_ID_LEN)
		return misuse(command, "\"%s\" is not the beginning of a trace id: 1 to 32 hex digits", id);
	return 0;
}

struct like {
	const char *prefix;
	int shown;
};

static int like_print(const struct store_trace *trace, void *arg)
{
	struct like *like = arg;
	char id[2 * TRACE_ID_LEN + 1];

	for (int i = 0; i < TRACE_ID_LEN; i++)
		sprintf(id + 2 * i, "%02x", trace->trace_id[i]);
	if (strncasecmp(id, like->prefix, strlen(like->prefix)) != 0)
		return 0;
	if (like->shown++ == LIKE_MAX) {
		fputs("  ...\n", stderr);
		return 1;
	}
	struct arena arena = { 0 };
	struct out out;

	out_open(&out, stderr, COLOR_NEVER);
	fprintf(stderr, "  %s  %s\n", id, out_fit(&out, &arena, trace->name, 60));
	arena_free(&arena);
	return 0;
}

static int find_trace(struct store *store, const struct words *words, uint8_t trace_id[TRACE_ID_LEN])
{
	struct like like = { .prefix = words->id };
	int found = store_find_trace(store, words->id, trace_id);

	if (found < 0)
		return store_failed(words, store);
	if (found == 1)
		return 0;
	if (found == 0) {
		fprintf(stderr, "hopspan trace: no trace begins with \"%s\"\n", words->id);
		return EXIT_FAILED;
	}
	fprintf(stderr, "hopspan trace: several traces begin with \"%s\":\n", words->id);
	store_list(store, &(struct store_search){ .limit = LIKE_SEARCHED }, like_print, &like);
	return EXIT_FAILED;
}

/* How many packets the named place's usual stands on. */
static void count_usual(struct store *store, struct verdict *verdict)
{
	char key[USUAL_KEY_SIZE];
	struct usual usual;
	size_t len;

	if (!verdict->at || verdict->usual_ns < 0 || !usual_key(verdict->at, key))
		return;
	if (store_get_usual(store, key, &usual, sizeof(usual), &len) == 1 && len == sizeof(usual))
		verdict->usual_packets = (int64_t)usual_packets(&usual);
}

static void show(const struct options *options, const struct words *words, struct store *store, struct span_list *spans)
{
	struct verdict verdict;
	struct out out;

	verdict_find(spans, &verdict);
	if (options->json) {
		count_usual(store, &verdict);
		json_t *json = trace_json(spans, &verdict);

		trace_json_print(stdout, json);
		json_decref(json);
		return;
	}
	out_open(&out, stdout, options->color);
	waterfall_print(&out, spans, &verdict, out.terminal && !words->all);
}

int cmd_trace_show(const struct options *options, int argc, char **argv)
{
	struct span_list spans = { 0 };
	uint8_t trace_id[TRACE_ID_LEN];
	struct store *store;
	struct words words;
	int error = words_read(command_of(cmd_trace_show), true, argc, argv, &words);

	if (!error)
		error = id_check(words.id);
	if (!error)
		error = open_store(words.store, &store);
	if (error)
		return error;
	error = find_trace(store, &words, trace_id);
	if (!error && store_load_trace(store, trace_id, &spans) < 0)
		error = store_failed(&words, store);
	if (!error)
		show(options, &words, store, &spans);
	span_list_free(&spans);
	store_close(store);
	return error;
}
