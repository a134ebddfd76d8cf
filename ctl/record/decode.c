/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* hopspan decode: capture -> records -> a JSON line each. */
#include "decode.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "cmd.h"

struct words {
	const char *file, *device, *nodes;
};

static int words_read(int argc, char **argv, struct words *words)
{
	bool live = argc >= 1 && strcmp(argv[0], "-i") == 0;

	if (argc < 1 + live)
		return misuse(command_of(cmd_decode), live ? "-i: DEV is missing" : "FILE.pcap is missing");
	*(live ? &words->device : &words->file) = argv[live];
	for (int i = 1 + live; i < argc; i += 2) {
		if (strcmp(argv[i], "nodes") != 0)
			return misuse(command_of(cmd_decode), "no word \"%s\"", argv[i]);
		if (i + 1 == argc)
			return misuse(command_of(cmd_decode), "nodes: FILE is missing");
		words->nodes = argv[i + 1];
	}
	return 0;
}

static void record_print(const struct record *record, struct nodes *nodes)
{
	json_t *json = record_json(record, nodes);

	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

static void malformed_print(const char *name, const uint64_t *counts)
{
#define OUTCOME_NAME(name, text) #name,
	static const char *const names[] = { OUTCOME_LIST(OUTCOME_NAME) };
	const char *before = "malformed packets: ";

	for (unsigned int i = 0; i < OUTCOME_COUNT; i++) {
		if (strncmp(names[i], "bad_", 4) != 0 || !counts[i])
			continue;
		if (*before == 'm')
			fprintf(stderr, "%s: ", name);
		fprintf(stderr, "%s%llu %s", before, (unsigned long long)counts[i], names[i]);
		before = ", ";
	}
	if (*before != 'm')
		fputc('\n', stderr);
}

/* Until the next packet of a live device can be read; what was printed is seen by then. */
static void live_wait(struct capture *capture)
{
	struct pollfd wait = { .fd = capture_fd(capture), .events = POLLIN };

	fflush(stdout);
	poll(&wait, 1, -1);
}

static int capture_print(struct capture *capture, const char *name, struct nodes *nodes)
{
	struct record record;
	int got;

	while ((got = capture_next(capture, &record)) >= 0 && !ferror(stdout)) {
		if (got == 0) {
			live_wait(capture);
			continue;
		}
		record_times(&record, nodes);
		record_print(&record, nodes);
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "standard output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	malformed_print(name, capture_outcomes(capture));
	return got == -ENODATA ? EXIT_DONE : EXIT_FAILED;
}

static int words_open(const struct words *words, struct capture **capture)
{
	FILE *file;

	if (words->device)
		return capture_open_live(words->device, capture);
	file = strcmp(words->file, "-") == 0 ? stdin : fopen(words->file, "re");
	if (file)
		return capture_open_file(file, words->file, capture);
	fprintf(stderr, "%s: %s\n", words->file, strerror(errno));
	return -EIO;
}

int cmd_decode(const struct options *options, int argc, char **argv)
{
	struct words words = { 0 };
	struct capture *capture;
	struct nodes *nodes;
	int status = words_read(argc, argv, &words);

	(void)options; /* it is JSON in any case */
	if (status)
		return status;
	if (nodes_read(words.nodes, &nodes))
		return EXIT_FAILED;
	status = EXIT_FAILED;
	if (words_open(&words, &capture) == 0) {
		status = capture_print(capture, words.file ? words.file : words.device, nodes);
		capture_close(capture);
	}
	nodes_free(nodes);
	return status;
}
