/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The commands on a real store: what they print, where, and how they end. */
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "cmd.h"
#include "example.h"
#include "view/listing.h"
#include "otlp/otlp.h"
#include "store/store.h"
#include "spans/usual.h"

enum { USUAL_PACKETS = 4120, OUTPUT_SIZE = 1 << 16 };

struct folder {
	char path[64], store[96], out[96], err[96];
};

/* What a command left on stdout and stderr. */
struct output {
	int status;
	char out[OUTPUT_SIZE], err[OUTPUT_SIZE];
};

static void store_service(struct store *store, const struct span_list *spans, const char *service)
{
	struct span_attrs resource = { 0 };
	struct span_list some = { 0 };
	uint8_t *otlp;
	size_t len;

	for (size_t i = 0; i < spans->count; i++)
		if (strcmp(spans->spans[i].service, service) == 0)
			*span_list_add(&some) = spans->spans[i];
	if (!some.count)
		return;
	attr_string(&some.arena, &resource, "service.name", service);
	assert_int_equal(otlp_encode(&some, &resource, "0", &otlp, &len), 0);
	assert_int_equal(store_add(store, otlp, len, &some), 0);
	free(otlp);
	span_list_free(&some);
}

static void store_trace_spans(struct store *store, struct span_list *spans)
{
	store_service(store, spans, "network");
	store_service(store, spans, "cart");
	store_service(store, spans, "shop");
	span_list_free(spans);
}

static void store_fill(struct store *store)
{
	struct span_list spans = { 0 };
	struct usual usual = { .halved_unix_ns = EXAMPLE_START_UNIX_NS };
	char key[USUAL_KEY_SIZE];

	example_trace(&spans);
	for (size_t i = 0; i < spans.count; i++)
		if (spans.spans[i].id[SPAN_ID_LEN - 1] == EXAMPLE_R1)
			assert_true(usual_key(&spans.spans[i], key));
		else if (spans.spans[i].id[SPAN_ID_LEN - 1] == EXAMPLE_REQUEST) {
			example_text(&spans, &spans.spans[i], "hopspan.worst", "r1 eth1");
			attr_int(&spans.arena, &spans.spans[i].attrs, "hopspan.worst_ns", 39800000);
		}
	store_trace_spans(store, &spans);
	for (int i = 0; i < USUAL_PACKETS; i++)
		usual_add(&usual, 190000, EXAMPLE_START_UNIX_NS);
	assert_int_equal(store_save_usual(store, key, &usual, sizeof(usual)), 0);

	/* Of the same day and id beginning, earlier. */
	struct span *span = example_span(&spans, 1, 0, "shop", "GET /checkout", -1000000, -996950);

	span->trace_id[TRACE_ID_LEN - 1] = 0x19;
	store_trace_spans(store, &spans);
}

static int folder_make(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	struct store *store;

	strcpy(folder->path, "/tmp/hopspan-trace-XXXXXX");
	if (!mkdtemp(folder->path))
		return -1;
	snprintf(folder->store, sizeof(folder->store), "%s/store.db", folder->path);
	snprintf(folder->out, sizeof(folder->out), "%s/out", folder->path);
	snprintf(folder->err, sizeof(folder->err), "%s/err", folder->path);
	assert_int_equal(store_open(folder->store, true, &store), 0);
	store_fill(store);
	store_close(store);
	setenv("HOPSPAN_STORE", folder->store, 1);
	setenv("LC_ALL", "C", 1);
	*state = folder;
	return 0;
}

static int folder_remove(void **state)
{
	struct folder *folder = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder->path);
	free(folder);
	return system(command);
}

/* Lets `file` be a file while `run` runs. Returns what it was. */
static int redirect(FILE *file, const char *path)
{
	int kept, to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	fflush(file);
	kept = dup(fileno(file));
	dup2(to, fileno(file));
	close(to);
	return kept;
}

static void restore(FILE *file, int kept, const char *path, char *text)
{
	FILE *written;
	size_t len;

	fflush(file);
	dup2(kept, fileno(file));
	close(kept);
	written = fopen(path, "r");
	len = fread(text, 1, OUTPUT_SIZE - 1, written);
	text[len] = '\0';
	fclose(written);
}

/* `words` parted by spaces. */
static void run(const struct folder *folder, int (*command)(const struct options *options, int argc, char **argv),
		bool json, const char *words, struct output *output)
{
	const struct options options = { .json = json };
	char *copy = strdup(words), *argv[16], *rest = copy, *word;
	int argc = 0, out, err;

	while ((word = strsep(&rest, " ")) && *word)
		argv[argc++] = word;
	argv[argc] = NULL;
	out = redirect(stdout, folder->out);
	err = redirect(stderr, folder->err);
	output->status = command(&options, argc, argv);
	restore(stdout, out, folder->out, output->out);
	restore(stderr, err, folder->err, output->err);
	free(copy);
}

static void test_show(void **state)
{
	struct output output;

	run(*state, cmd_trace_show, false, "7C0DE2a4f19b3305d1a2b7e90c4f6618", &output);
	assert_int_equal(output.status, EXIT_DONE);
	assert_string_equal(output.err, "");
	assert_memory_equal(output.out, "GET /checkout  53.100 ms  2026-11-20 14:02:11.482 UTC  trace 7c0de2a4f19b3305",
			    70);
	assert_non_null(strstr(output.out, "              r1 eth1             ~39.800   0.190  57.9 kB   #####"));
	assert_non_null(
	    strstr(output.out, "\n39.8 of 48.2 ms in r1, waiting in the queue of eth1 (57.9 kB); 210 times"));
	assert_null(strstr(output.out, "(-a)")); /* no terminal: nothing folded, no colours */
	assert_null(strchr(output.out, '\033'));
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static json_int_t int_of(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void test_show_json(void **state)
{
	struct output output;
	json_t *json, *verdict, *span, *found = NULL;
	size_t i;

	run(*state, cmd_trace_show, true, "7c0de2a4f19b3305d1a2b7e90c4f6618", &output);
	assert_int_equal(output.status, EXIT_DONE);
	json = json_loads(output.out, 0, NULL);
	assert_non_null(json);
	assert_string_equal(text_of(json, "trace_id"), "7c0de2a4f19b3305d1a2b7e90c4f6618");
	assert_int_equal(int_of(json, "start_unix_ns"), EXAMPLE_START_UNIX_NS);
	assert_int_equal(int_of(json, "duration_ns"), 53100000);
	verdict = json_object_get(json, "verdict");
	assert_string_equal(text_of(verdict, "reason"), "queue");
	assert_string_equal(text_of(verdict, "node"), "r1");
	assert_string_equal(text_of(verdict, "egress_if"), "eth1");
	assert_string_equal(text_of(verdict, "wait"), "estimated");
	assert_string_equal(text_of(verdict, "of_span_id"), "0000000000000002");
	assert_int_equal(int_of(verdict, "time_ns"), 39800000);
	assert_int_equal(int_of(verdict, "of_ns"), 48200000);
	assert_int_equal(int_of(verdict, "queue_bytes"), 57916);
	assert_int_equal(int_of(verdict, "usual_ns"), 190000);
	assert_int_equal(int_of(verdict, "usual_packets"), USUAL_PACKETS);
	assert_true(json_real_value(json_object_get(verdict, "times_usual")) == 209.5);
	assert_int_equal(json_array_size(json_object_get(json, "spans")), 18);
	json_array_foreach (json_object_get(json, "spans"), i, span)
		if (strcmp(text_of(span, "span_id"), "000000000000000c") == 0)
			found = span;
	assert_non_null(found);
	assert_string_equal(text_of(found, "parent_span_id"), "000000000000000a");
	assert_string_equal(text_of(found, "service"), "network");
	assert_string_equal(text_of(found, "name"), "r1 eth1");
	assert_string_equal(text_of(found, "kind"), "node");
	assert_string_equal(text_of(found, "dataplane"), "xdp");
	assert_int_equal(int_of(found, "start_unix_ns"), EXAMPLE_START_UNIX_NS + 2200000);
	assert_int_equal(int_of(found, "duration_ns"), 39800000);
	assert_int_equal(int_of(found, "usual_ns"), 190000);
	assert_int_equal(int_of(found, "wait_ns"), 39794000);
	json_decref(json);
}

static void test_list(void **state)
{
	struct output output;

	run(*state, cmd_trace_list, false, "", &output);
	assert_int_equal(output.status, EXIT_DONE);
	assert_string_equal(output.out,
			    "time      trace         service  request              ms  network  slow at\n"
			    "14:02:11  7c0de2a4f19b  shop     GET /checkout    53.100   40.871  r1 eth1 210 x\n"
			    "14:02:10  7c0de2a4f19b  shop     GET /checkout     3.050    0.000  -\n");
	run(*state, cmd_trace_list, false, "limit 1", &output);
	assert_null(strstr(output.out, "14:02:10"));
	assert_non_null(strstr(output.out, "14:02:11"));
}

static void test_list_json(void **state)
{
	struct output output;
	json_t *json, *row;

	run(*state, cmd_trace_list, true, "", &output);
	json = json_loads(output.out, 0, NULL);
	assert_int_equal(json_array_size(json), 2);
	row = json_array_get(json, 0);
	assert_string_equal(text_of(row, "trace_id"), "7c0de2a4f19b3305d1a2b7e90c4f6618");
	assert_string_equal(text_of(row, "service"), "shop");
	assert_string_equal(text_of(row, "name"), "GET /checkout");
	assert_string_equal(text_of(row, "worst"), "r1 eth1");
	assert_int_equal(int_of(row, "duration_ns"), 53100000);
	assert_int_equal(int_of(row, "network_ns"), 40871000);
	assert_int_equal(int_of(row, "worst_ns"), 39800000);
	assert_int_equal(int_of(row, "worst_usual_ns"), 190000);
	assert_null(json_object_get(json_array_get(json, 1), "worst"));
	json_decref(json);
}

static void test_lost_and_nameless_rows(void **state)
{
	struct store_trace traces[3] = {
		{ .trace_id = { 0xbc, 0xa0, 0x84, 0x40, 0x44, 0x80 },
		  .start_unix_ns = EXAMPLE_START_UNIX_NS,
		  .duration_ns = 208400000,
		  .network_ns = 204560000,
		  .service = "shop",
		  .name = "GET",
		  .worst = "packet lost",
		  .worst_ns = 204100000 },
		{ .start_unix_ns = EXAMPLE_START_UNIX_NS },
		{ .start_unix_ns = 0 },
	};
	char *text = NULL;
	size_t len;
	struct out out = { .file = open_memstream(&text, &len), .width = 100 };

	(void)state;
	memset(traces[2].name, 'x', sizeof(traces[2].name) - 1);
	listing_print(&out, traces, 2);
	fflush(out.file);
	assert_non_null(
	    strstr(text, "14:02:11  bca084404480  shop     GET             208.400  204.560  packet lost\n"));
	assert_non_null(strstr(text, "14:02:11  000000000000  -        -                 0.000    0.000  -\n"));
	listing_print(&out, traces, 3); /* of several days */
	fclose(out.file);
	assert_non_null(strstr(text, "2026-11-20 14:02:11  bca084404480  shop"));
	assert_non_null(strstr(text, "xx.. "));
	free(text);
}

static void test_errors(void **state)
{
	static const struct {
		int (*command)(const struct options *options, int argc, char **argv);
		const char *words;
		int status;
		const char *err;
	} cases[] = {
		{ cmd_trace_show, "abc store /nowhere/store.db", EXIT_FAILED,
		  "hopspan trace: no store at /nowhere/store.db: is `hopspan collect` running?\n" },
		{ cmd_trace_list, "store /nowhere/store.db", EXIT_FAILED,
		  "hopspan trace: no store at /nowhere/store.db: is `hopspan collect` running?\n" },
		{ cmd_trace_show, "0bad", EXIT_FAILED, "hopspan trace: no trace begins with \"0bad\"\n" },
		{ cmd_trace_show, "7c0de2a4", EXIT_FAILED,
		  "hopspan trace: several traces begin with \"7c0de2a4\":\n"
		  "  7c0de2a4f19b3305d1a2b7e90c4f6618  GET /checkout\n"
		  "  7c0de2a4f19b3305d1a2b7e90c4f6619  GET /checkout\n" },
		{ cmd_trace_show, "", EXIT_MISUSE,
		  "hopspan trace show: ID is missing (see hopspan trace show --help)\n" },
		{ cmd_trace_show, "7c0dx", EXIT_MISUSE,
		  "hopspan trace show: \"7c0dx\" is not hex (see hopspan trace show --help)\n" },
		{ cmd_trace_show, "-b", EXIT_MISUSE,
		  "hopspan trace show: \"-b\" is not hex (see hopspan trace show --help)\n" },
		{ cmd_trace_show, "7c 0d", EXIT_MISUSE,
		  "hopspan trace show: no word \"0d\" (see hopspan trace show --help)\n" },
		{ cmd_trace_show, "7c0de2a4f19b3305d1a2b7e90c4f66180", EXIT_MISUSE,
		  "hopspan trace show: \"7c0de2a4f19b3305d1a2b7e90c4f66180\" is not the beginning of a trace id: "
		  "1 to 32 hex digits (see hopspan trace show --help)\n" },
		{ cmd_trace_list, "limit", EXIT_MISUSE,
		  "hopspan trace list: limit: its value is missing (see hopspan trace list --help)\n" },
		{ cmd_trace_list, "limit 0", EXIT_MISUSE,
		  "hopspan trace list: limit \"0\" is not a number from 1 to 100000 (see hopspan trace list "
		  "--help)\n" },
		{ cmd_trace_list, "store", EXIT_MISUSE,
		  "hopspan trace list: store: its value is missing (see hopspan trace list --help)\n" },
		{ cmd_trace_list, "-a", EXIT_MISUSE,
		  "hopspan trace list: no word \"-a\" (see hopspan trace list --help)\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct output output;

		run(*state, cases[i].command, false, cases[i].words, &output);
		assert_string_equal(output.err, cases[i].err);
		assert_int_equal(output.status, cases[i].status);
		assert_string_equal(output.out, "");
	}
}

/* Not a store at all. */
static void test_other_file(void **state)
{
	const struct folder *folder = *state;
	struct output output;
	char words[128];
	FILE *other = fopen(folder->out, "w");

	fputs("this is no database, and long enough to be sure of that", other);
	fclose(other);
	snprintf(words, sizeof(words), "%s/other", folder->path);
	assert_int_equal(rename(folder->out, words), 0);
	snprintf(words, sizeof(words), "store %s/other", folder->path);
	run(folder, cmd_trace_list, false, words, &output);
	assert_int_equal(output.status, EXIT_FAILED);
	assert_memory_equal(output.err, "hopspan trace: /tmp/", 20);
	assert_string_equal(output.out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_json),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_json),
		cmocka_unit_test(test_lost_and_nameless_rows),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_other_file),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
